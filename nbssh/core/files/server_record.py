"""What the files of a profile on its host say that its laptops share. Pure; nothing that is read is trusted.

A file that was edited or damaged says nothing: it is for the user to decide what becomes of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nbssh.core.files import server_files
from nbssh.core.files.change import is_edited
from nbssh.core.files.program import cksum
from nbssh.core.profile.shared import Shared
from nbssh.core.server.values import is_token

if TYPE_CHECKING:
    from collections.abc import Mapping

_HASH = re.compile(r"[\x21-\x7e]{1,1000}\Z")


class Record(NamedTuple):
    """What lies on a host of one profile.

    `shared`: None where no file says it. `secret`: password hash and token; both empty if no file says them. `newer`:
    a newer nbssh wrote it in a form that this one can read but not write. `damaged`: its file says nothing any more.
    """

    shared: Shared | None = None
    secret: tuple[str, str] = ("", "")
    newer: bool = False
    damaged: bool = False
    sum: str = ""

    def over(self, mine: Shared) -> Shared | None:
        """Return what is there, with `mine` where no file says it; None where no file says anything."""
        if self.shared is None and not any(self.secret):
            return None
        return msgspec.structs.replace(self.shared or mine, hash=self.secret[0], token=self.secret[1])


class _Line(msgspec.Struct, frozen=True):
    """The line `shared` of a profile's parameters."""

    declared: dict[str, Any] = {}
    found: dict[str, Any] = {}


def read(files: Mapping[str, tuple[bytes, int]], data: str) -> Record:
    """Return what `files`, contents by path, say of the profile whose folder is `data`."""
    settings = files.get(server_files.settings_path(data), (None, 0))[0]
    secret = _secret(files, data)
    if settings is None:
        return Record(secret=secret)
    lines = dict(line.split(" ", 1) for line in settings.decode("utf-8", "replace").split("\n") if " " in line)
    form = lines.get("format", "")
    newer = form.isascii() and form.isdigit() and len(form) < 10 and int(form) > server_files.FORMAT  # noqa: PLR2004
    if is_edited(settings) is not False:
        return Record(secret=secret, damaged=True, sum=summed(settings))
    try:
        line = msgspec.json.decode(lines["shared"], type=_Line) if "shared" in lines else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Record(secret=secret, newer=newer, damaged=True, sum=summed(settings))
    shared = Shared(line.declared, line.found) if line else None
    return Record(shared, secret, newer=newer, sum=summed(settings))


def is_newer(files: Mapping[str, tuple[bytes, int]], data: str) -> bool:
    """Tell whether a newer nbssh wrote what lies there."""
    return read(files, data).newer


def summed(content: bytes) -> str:
    """Return what cksum(1) says of a file on its stdin."""
    return f"{cksum(content)} {len(content)}"


def _secret(files: Mapping[str, tuple[bytes, int]], data: str) -> tuple[str, str]:
    path = f"{data}/config/jupyter_server_config.json"
    content = files.get(path, (b"", 0))[0]
    lists = [files[name][0] for name in (server_files.settings_path(data), f"{data}/manifest") if name in files]
    lists = [text for text in lists if is_edited(text) is False]
    if server_files.is_unlisted(path, content, data, lists):
        return "", ""
    try:
        said = msgspec.json.decode(content, type=dict[str, dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "", ""
    hashed = said.get("PasswordIdentityProvider", {}).get("hashed_password")
    token = said.get("IdentityProvider", {}).get("token")
    return (
        hashed if isinstance(hashed, str) and _HASH.match(hashed) else "",
        token if isinstance(token, str) and is_token(token) else "",
    )
