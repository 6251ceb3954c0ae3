"""Which installed aliases are known to be right: they were derived from all that ssh reads today, and give our tunnel.

What is kept in the state folder is checksums alone: of everything that the answers of ssh depend on, and for each
profile of what it says and the text that came out. Where both are the same again the long way, which asks ssh, would
come to the same text; what a config decides by `Match exec` or `localnetwork` that text follows. Where an answer hangs
on more, on DNS, the environment or a script that is called ssh, this is not enough: then ssh is asked whether the
installed text does for the aliases what it did.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.adapters.ssh import login
from nbssh.core.files.change import PRIVATE, Change, Kind
from nbssh.core.files.program import program_of
from nbssh.errors import NbsshError
from nbssh.steps import aliases, fingerprint
from nbssh.steps.fingerprint import Depends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbssh.adapters.laptop.paths import Paths
    from nbssh.core.files.laptop_files import Local
    from nbssh.steps.context import Context
    from nbssh.steps.fingerprint import Reading
    from nbssh.steps.profiles import Target

_BYTES: Final = 1 << 24
_ATTEMPTS: Final = 3  # each means that another nbssh wrote the file meanwhile
_WAIT: Final = 1.0  # seconds; another nbssh holds the lock that long only where it hangs


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a profile: the checksum of its aliases, and whether its connections get a limit of ours.

    `limited` is None where ssh may say otherwise each time. `said` is the checksum of what it said of the destination,
    where it has to be asked whether the aliases stand.
    """

    aliases: str
    limited: bool | None
    said: str = ""


class _Kept(msgspec.Struct, frozen=True):
    """The file: the checksum of what ssh reads, and what is known then of each profile."""

    read: str = ""
    known: dict[str, _Known] = {}

    def of(self, read: str) -> dict[str, _Known]:
        """Return what is known, nothing where ssh reads something else by now."""
        return self.known if read and self.read == read else {}


_lock: Final = threading.Lock()
_found: dict[Path, _Kept] = {}
_begun: dict[str, Reading] = {}
_noted: dict[str, tuple[str, _Known]] = {}
_keeping: Final[list[Context]] = []


def look_again() -> None:
    """Forget what ssh read."""
    with _lock:
        fingerprint.look_again()
        _found.clear()


class Installed(NamedTuple):
    """Installed aliases that were derived from all that ssh reads today, and from what it said of the destination.

    `said` is the checksum of that where it is for ssh alone to say whether they stand; empty where they do, for the
    long way would come to the same. `limited`: connections to the destination get a time limit of ours; None where
    ssh is to be asked.
    """

    text: str
    said: str
    limited: bool | None


def installed(target: Target, local: Local) -> Installed | None:
    """Return the installed aliases of a profile where such are known."""
    _begun[target.name] = read = fingerprint.taken(target.context)  # before ssh is asked
    known = _kept(target.paths).of(read.sum).get(target.name)
    text = writer.read(target.paths.conf(target.name)) if known else None
    if known is None or text is None or _of_aliases(target, local, text) != known.aliases:
        return None
    return Installed(text.decode("utf-8", "surrogateescape"), known.said, known.limited)


def spare_ssh(context: Context) -> bool:
    """Tell whether ssh need not be asked about most aliases: nothing waits then, and threads hold each other up."""
    read = fingerprint.taken(context)
    return read.depends is not Depends.MOMENT and bool(_kept(context.paths).of(read.sum))


def note(target: Target, full: Target, local: Local, text: str) -> None:
    """Note what the long way came to for a profile; `full` is it with what was assumed of its host."""
    read = _begun.get(target.name, fingerprint.NONE)
    if not read.sum or fingerprint.is_momentary("\n".join(target.arguments).encode("utf-8", "replace")):
        return
    found = _of_aliases(target, local, text.encode("utf-8", "surrogateescape"))
    if read.depends is Depends.MATCHES and full is target and aliases.follow_all(target):
        _noted[target.name] = read.sum, _Known(found, None)
    elif aliases.gives_tunnel(full, text):
        said = aliases.destination(full)
        limited, depends = login.needs_limit(said), read.depends is not Depends.FILES
        _noted[target.name] = read.sum, _Known(found, None if depends else limited, checksum(said) if depends else "")


@contextlib.contextmanager
def keeping(context: Context, *, writes: bool = True) -> Iterator[None]:
    """Write down, at the end of the outermost of such blocks, what was noted, where ssh still reads the same.

    That it cannot be written costs time alone. `writes`: the command may write at all.
    """
    _keeping.append(context)
    try:
        yield
    finally:
        _keeping.pop()
    if writes and not _keeping:
        for _ in range(_ATTEMPTS):
            try:
                _keep(context)
            except writer.ChangedError:
                continue
            except NbsshError:
                pass
            break
        _noted.clear()


def _keep(context: Context) -> None:
    if not context.paths.state.is_dir():  # what only looks makes none
        return
    path, names = context.paths.derived, {*store.names(context.paths)}
    data, mode = writer.snapshot(path)
    old = _decoded(data)
    read = fingerprint.taken(context, again=True).sum if _noted else ""
    fresh = {name: known for name, (then, known) in _noted.items() if then == read}
    read = read if fresh else old.read
    known = {name: known for name, known in {**old.of(read), **fresh}.items() if name in names}
    if (read, known) == (old.read, old.known):
        return
    change = Change(
        str(path), data, msgspec.json.encode(_Kept(read, known), order="sorted") if known else None, PRIVATE, mode,
        "what need not be asked again", secret=True, kind=Kind.MARKER,
    )  # fmt: skip
    writer.apply_changes([change], lock=context.paths.lock, backups=context.paths.backups, wait=_WAIT)
    with _lock:
        _found.pop(path, None)


def _of_aliases(target: Target, local: Local, text: bytes) -> str:
    """Return the checksum of all that goes into the aliases of a profile and is its own, and of what comes out."""
    said = target.name, target.profile, *msgspec.structs.astuple(msgspec.structs.replace(local, client=None))
    own = msgspec.json.encode((*said, type(local.client).__name__, program_of(target.way).sum))
    return hashlib.sha256(own + b"\0" + text).hexdigest()


def _kept(paths: Paths) -> _Kept:
    with _lock:
        if paths.derived not in _found:
            try:
                _found[paths.derived] = _decoded(writer.read(paths.derived, limit=_BYTES))
            except NbsshError:
                _found[paths.derived] = _Kept()
        return _found[paths.derived]


def _decoded(data: bytes | None) -> _Kept:
    try:
        return msgspec.json.decode(data or b"{}", type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Kept()


def checksum(text: str) -> str:
    """Return the checksum of what ssh said of a destination."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
