"""Reads profiles and secrets from their files, and turns them into the text of these files. Writes nothing itself."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.adapters.files import access, writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core.profile import profile as model
from nbssh.core.profile.declared import Secret
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from nbssh.adapters.laptop.paths import Paths
    from nbssh.core.profile.profile import Profile

_HEADER = """\
# nbssh profile '{name}': edit it by hand, then run: nbssh apply {name}
# No secret belongs here. Everything about it: nbssh show {name}; remove it with: nbssh remove {name}
"""
PROFILE_BYTES = 1 << 20  # more is no profile
_LAPTOP_BYTES = 1000
# the 32 parts of a dotted key; one begins where no word goes on, which keeps the search linear
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{31}}")
# Where tomllib says it; from Python 3.14 on its error has attributes, too.
_TOML_PLACE = re.compile(r"\(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")
_SPELLED = re.compile(rb"\\|[0-9]_[0-9]|0[xob]")  # how TOML can hide the digits of a number
_COMMENTS = {"server": "found on the host by the last online add or apply; not meant to be edited"}  # of tables


class NoProfileError(NbsshError):
    """There is no such profile."""


def names(paths: Paths) -> list[str]:
    """Return the names of all profiles, sorted; other files in the folder are none of ours.

    A folder that cannot be listed is an error: otherwise there would seem to be no profile.
    """
    try:
        found = [name[:-5] for name in os.listdir(paths.profiles_dir) if name.endswith(".toml")]  # noqa: PTH208  faster
    except FileNotFoundError:
        return []
    except OSError as error:
        raise access.explained("list", paths.profiles_dir, error) from None
    return sorted(name for name in found if model.NAME.match(name))


def read(paths: Paths, name: str) -> Profile:
    """Return one profile, whatever other profiles there are. Whatever is wrong with its file names the file."""
    path = paths.profile(name)
    shown = paths.shown(path)
    try:
        data = writer.read(path, limit=PROFILE_BYTES)
    except NbsshError as error:
        raise NbsshError(f"{shown}: {error.message}", error.hint) from None
    if data is None:
        if path.is_symlink():
            raise NbsshError(
                f"{shown} is a symbolic link to a file that is not there", f"look at it: {SYSTEM.to_look(path)}"
            )
        raise NoProfileError(f"there is no profile '{name}'")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NbsshError(f"{shown}:{line}: this is not UTF-8", "save the file as UTF-8") from None
    return parse(text, shown)


def may_say(paths: Paths, name: str, numbers: Iterable[int]) -> bool:
    """Tell whether a profile's file may say one of these numbers: where not, it need not be parsed to know."""
    try:
        data = writer.read(paths.profile(name), limit=PROFILE_BYTES) or b""
    except NbsshError:
        return True
    return not data.isascii() or bool(_SPELLED.search(data)) or any(b"%d" % number in data for number in numbers)


def destination_of_unreadable(paths: Paths, name: str) -> str:
    """Return the destination in a profile's file that cannot be read as a profile, as far as it says one."""
    try:
        text = (writer.read(paths.profile(name), limit=PROFILE_BYTES) or b"").decode("utf-8", "replace")
    except NbsshError:
        return ""
    said = re.search(r"""(?m)^[ \t]*destination[ \t]*=[ \t]*["']([^"'\s]{1,300})["']""", text)
    return said[1] if said and said[1].isprintable() else ""


def parse(text: str, source: str) -> Profile:
    """Return the profile in TOML `text`."""
    if found := _DEEP_KEY.search(text):  # the parser takes a gigabyte for each thousand of such a key's parts
        line = text.count("\n", 0, found.start()) + 1
        raise NbsshError(f"{source}:{line}: a key of so many parts is no profile's", "correct the TOML there")
    try:
        return model.from_dict(tomllib.loads(text), source, text)
    except (ValueError, RecursionError, OverflowError) as error:
        said = printable(str(error), 200)
        where = _TOML_PLACE.search(said) if source.endswith(".toml") else None  # a text that is edited has no file yet
        at = f":{where[1] or text.rstrip().count(chr(10)) + 1}" if where else ""
        raise NbsshError(f"{source}{at}: {said[:1].lower()}{said[1:]}", "correct the TOML there") from None


def text_of(name: str, profile: Profile, old: str | None = None) -> str:
    """Return the TOML of `profile`; comments and order of `old`, the file as it is, are kept."""
    wanted: dict[str, Any] = msgspec.to_builtins(profile)
    if old is not None and _parsed(old) == wanted:
        return old

    import tomlkit  # noqa: PLC0415  only a change needs it
    from tomlkit.items import Table  # noqa: PLC0415

    document = tomlkit.parse(old) if old is not None else tomlkit.parse(_HEADER.format(name=name))
    everything = msgspec.structs.asdict(profile)
    for key in [key for key in document if key not in wanted]:
        if key not in everything or document[key] != everything[key]:  # a default that was written down stays
            del document[key]
    tables = {key: value for key, value in wanted.items() if isinstance(value, dict)}
    for key, value in wanted.items():
        if key not in tables and (key not in document or document[key] != value):
            _put_before_tables(document, key, value)
    for key, value in tables.items():
        present = document.get(key)
        if not isinstance(present, Table) or present.unwrap() != value:
            table = tomlkit.table()
            if key in _COMMENTS:
                table.comment(_COMMENTS[key])
            table.update(value)
            document[key] = table
    text = tomlkit.dumps(document)
    # an editor may have given the file other line ends: new lines get the same
    return re.sub(r"\r?\n", "\r\n", text) if old is not None and "\r\n" in old else text


def shown_text(profile: Profile, hidden: Callable[[str], str]) -> str:
    """Return the TOML of `profile` for somebody else to read: `hidden` is what each of its words becomes."""
    import tomlkit  # noqa: PLC0415  as above

    def of(value: Any) -> Any:  # noqa: ANN401  whatever TOML can say
        if isinstance(value, dict):
            return {key: of(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [of(inner) for inner in value]
        return hidden(value) if isinstance(value, str) else value

    return tomlkit.dumps(of(msgspec.to_builtins(profile)))


def line(key: str, value: object) -> str:
    """Return the line of a profile that says so."""
    import tomlkit  # noqa: PLC0415  as above

    return tomlkit.dumps({key: value}).rstrip("\n")


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _put_before_tables(document: Any, key: str, value: object) -> None:  # noqa: ANN401  tomlkit's container
    """Set a top-level key; a new one must stand before the first table, or it would belong to that table."""
    from tomlkit.items import Table  # noqa: PLC0415  only a change needs it

    tables = [] if key in document else [name for name, item in document.items() if isinstance(item, Table)]
    held = [(name, document.pop(name)) for name in tables]
    document[key] = value
    for name, table in held:
        document[name] = table


_new: dict[Path, str] = {}


def laptop_id(paths: Paths) -> str:
    """Return what this laptop is called on its hosts; before the first file is written, what it will be called."""
    path = paths.laptop
    try:
        data = writer.read(path, limit=_LAPTOP_BYTES)
    except NbsshError as error:
        raise NbsshError(f"{paths.shown(path)}: {error.message}", error.hint) from None
    if data is None:
        import secrets  # noqa: PLC0415  once in the life of a laptop

        return _new.setdefault(path, secrets.token_hex(8))
    text = data.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        raise NbsshError(
            f"{paths.shown(path)} holds something else than 16 hexadecimal digits",
            "remove it, and make a new one: nbssh apply",
        )
    return text


def load_secret(paths: Paths, name: str) -> Secret:
    """Return one profile's secret, an empty one if there is none."""
    path = paths.secret(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secret)
    except FileNotFoundError:
        return Secret()
    except (OSError, msgspec.DecodeError) as error:
        raise NbsshError(
            f"{paths.shown(path)}: cannot be read: {error}", f"make a new one: nbssh passwd {name}"
        ) from None


def secret_text(secret: Secret) -> str:
    """Return the content of a secrets file."""
    import json  # noqa: PLC0415  only for what is written

    return json.dumps(msgspec.to_builtins(secret), indent=1, sort_keys=True) + "\n"
