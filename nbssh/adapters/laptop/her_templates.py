"""Reads the templates of the user's own, and whose text they were made from. Writes nothing itself."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import inspection, writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core.files.overlay import Source
from nbssh.core.files.render import original, templates_dir
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbssh.adapters.files.inspection import Entry
    from nbssh.adapters.laptop.paths import Paths

BYTES = 1 << 20
_OTHERS_WRITE = 0o022
# the repository's, rendered for a release and not for a user
_OF_A_RELEASE = ("completions/", "man/", "profile.schema.json")


def names() -> list[str]:
    """Return the names of the package's templates that a user may have one of her own for."""
    root = templates_dir()
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in found if "__pycache__" not in name and not name.startswith(_OF_A_RELEASE))


def read(paths: Paths) -> tuple[Source, ...]:
    """Return the user's own templates, by name.

    Raises NbsshError where others may write them, as ssh refuses such a config, or where one cannot be read.
    """
    folder = paths.templates_dir
    if not inspection.entry(folder):
        return ()
    return tuple(_source(paths, name) for name in [*names(), *_own_apps(folder)] if _is_there(paths, folder, name))


def is_app(name: str) -> bool:
    """Tell whether a template describes an app; those may be the user's own alone."""
    return bool(re.fullmatch(r"apps/[a-z][a-z0-9_-]{0,31}\.toml", name))


def _own_apps(folder: Path) -> list[str]:
    """Return the names of the apps in her folder that the package does not describe."""
    found = (f"apps/{path.name}" for path in sorted((folder / "apps").glob("*.toml")))
    return [name for name in found if is_app(name) and name not in names()]


def _is_there(paths: Paths, folder: Path, name: str) -> bool:
    """Tell whether she has this one; refuse it where others may write it, or a folder on the way."""
    path = folder
    for part in ("", *name.split("/")):
        path = path / part
        entry = inspection.entry(path)
        if entry is None:
            return False
        refuse_others(paths, entry)
    return True


def refuse_others(paths: Paths, entry: Entry) -> None:
    """Raise where somebody else may write a file or folder: what it says is run, here and on the hosts."""
    shown = paths.shown(entry.path)
    if not entry.ours:
        raise NbsshError(f"{shown} belongs to somebody else, so no template is taken from there", "remove or chown it")
    if entry.mode & _OTHERS_WRITE:
        raise NbsshError(
            f"{shown} has mode {entry.mode:04o}: others may write it, so no template is taken from there",
            f"look at what is in it, then: chmod go-w {shown}",
        )
    if others := paths.system.others_listed(str(entry.path), folder=entry.kind == "folder"):
        raise NbsshError(f"{shown}: {others[0]}, so no template is taken from there", others[1])


def _source(paths: Paths, name: str) -> Source:
    path = paths.templates_dir / name
    shown = paths.shown(path)
    data = writer.read(path, limit=BYTES)
    if data is None:
        raise NbsshError(
            f"{shown} is a symbolic link to a file that is not there", f"look at it: {SYSTEM.to_look(path)}"
        )
    try:
        return Source(name, shown, data.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NbsshError(f"{shown}:{line}: this is not UTF-8", "save the file as UTF-8") from None


def strangers(paths: Paths) -> list[Path]:
    """Return the files in her folder that are no template of the package, and so do nothing."""
    known = {paths.templates_dir / name for name in [*names(), *_own_apps(paths.templates_dir)]} | {paths.ejected}
    return sorted(path for path in _files(paths.templates_dir) if path not in known)


def _files(folder: Path) -> Iterator[Path]:
    for entry in inspection.entries(folder):
        if entry.kind == "folder":
            yield from () if entry.path.is_symlink() else _files(entry.path)
        else:
            yield entry.path


def ejected(paths: Paths) -> dict[str, str]:
    """Return name -> checksum of the package's text that hers was made from, as far as it is known."""
    data = writer.read(paths.ejected, limit=BYTES)
    try:
        found = msgspec.json.decode(data or b"{}", type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NbsshError(
            f"{paths.shown(paths.ejected)}: {printable(str(error), 200)}", "remove it: it is bookkeeping alone"
        ) from None
    return {name: value for name, value in found.items() if re.fullmatch(r"[0-9a-f]{64}", value)}


def ejected_text(found: dict[str, str]) -> str:
    """Return the content of that file."""
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def checksum(name: str) -> str:
    """Return the checksum of the package's text of today."""
    return hashlib.sha256(original(name).encode()).hexdigest()
