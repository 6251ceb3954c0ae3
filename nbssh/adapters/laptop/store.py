"""Reads profiles and secrets from their files, and turns them into the text of these files. Writes nothing itself."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.core.profile import profile as model
from nbssh.core.profile.declared import Secret
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.adapters.laptop.paths import Paths
    from nbssh.core.profile.profile import Profile

_HEADER = """\
# nbssh profile '{name}': edit it by hand, then run: nbssh apply {name}
# No secret belongs here. Everything about it: nbssh show {name}; remove it with: nbssh remove {name}
"""
_TABLES = ("scheduler", "server")
_SERVER_COMMENT = "found on the server by the last online add or apply; not meant to be edited"


def names(paths: Paths) -> list[str]:
    """Return the names of all profiles, sorted; other files in the folder are none of ours."""
    try:
        found = [entry.stem for entry in paths.profiles_dir.iterdir() if entry.suffix == ".toml"]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if model.NAME.match(name))


def refuse_twins(paths: Paths, wanted: list[str]) -> None:
    """Raise where a name differs from another's only in case: many file systems have one file for both."""
    by_lower: dict[str, list[str]] = {}
    for name in names(paths):
        by_lower.setdefault(name.lower(), []).append(name)
    for name in wanted or [name for twins in by_lower.values() for name in twins]:
        twins = by_lower.get(name.lower(), [])
        if name in twins and len(twins) > 1:
            raise NbsshError(
                f"the profiles {' and '.join(map(repr, twins))} differ only in case",
                f"give one of their files in {paths.shown(paths.profiles_dir)} another name",
            )
        if twins and name not in twins:
            raise NbsshError(f"there is no profile '{name}'", f"did you mean '{twins[0]}'?")


def load(paths: Paths, name: str) -> Profile:
    """Return one profile; a wrong name, a torn file and an unknown key are errors that name the file."""
    model.check_name(name)
    refuse_twins(paths, [name])
    return peek(paths, name)


def peek(paths: Paths, name: str) -> Profile:
    """Do as `load`, but look at no other profile: for loops over all of them, and to take one of two twins away."""
    model.check_name(name)
    path = paths.profile(name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _no_such(paths, name) from None
    except (OSError, UnicodeDecodeError) as error:
        raise NbsshError(f"{paths.shown(path)}: cannot be read: {error}", "mend the file or its mode") from None
    return parse(text, paths.shown(path))


def parse(text: str, source: str) -> Profile:
    """Return the profile in TOML `text`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NbsshError(f"{source}: {str(error)[:1].lower()}{str(error)[1:]}", "correct the TOML there") from None
    return model.from_dict(data, source)


def _no_such(paths: Paths, name: str) -> NbsshError:
    import difflib  # noqa: PLC0415  only for a mistake

    known = names(paths)
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return NbsshError(f"there is no profile '{name}'", f"did you mean '{close[0]}'?")
    if known:
        return NbsshError(f"there is no profile '{name}'", "nbssh list shows those there are")
    return NbsshError(f"there is no profile '{name}'", f"nbssh add {name} makes it")


def select(paths: Paths, wanted: list[str]) -> dict[str, Profile]:
    """Return the profiles `wanted`, or all of them if none is named."""
    refuse_twins(paths, wanted)
    return {name: peek(paths, name) for name in (wanted or names(paths))}


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
    for key, value in wanted.items():
        if key in {"server", "scheduler"}:
            continue
        if key not in document or document[key] != value:
            _put_before_tables(document, key, value)
    for key, comment in (("scheduler", ""), ("server", _SERVER_COMMENT)):
        value, present = wanted.get(key), document.get(key)
        if value is not None and (not isinstance(present, Table) or present.unwrap() != value):
            table = tomlkit.table()
            if comment:
                table.comment(comment)
            table.update(value)
            document[key] = table
    text = tomlkit.dumps(document)
    # an editor of Windows gave the file its line ends: new lines get the same
    return re.sub(r"\r?\n", "\r\n", text) if old is not None and "\r\n" in old else text


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _put_before_tables(document: Any, key: str, value: object) -> None:  # noqa: ANN401  tomlkit's container
    """Set a top-level key; a new one must stand before the first table, or it would belong to that table."""
    tables = [] if key in document else [(name, document.pop(name)) for name in _TABLES if name in document]
    document[key] = value
    for name, table in tables:
        document[name] = table


def load_secret(paths: Paths, name: str) -> Secret:
    """Return one profile's secret, an empty one if there is none."""
    path = paths.secret(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secret)
    except FileNotFoundError:
        return Secret()
    except (OSError, msgspec.DecodeError) as error:
        raise NbsshError(
            f"{paths.shown(path)}: cannot be read: {error}", f"nbssh passwd {name} makes it anew"
        ) from None


def secret_text(secret: Secret) -> str:
    """Return the content of a secrets file."""
    return json.dumps(msgspec.to_builtins(secret), indent=1, sort_keys=True) + "\n"
