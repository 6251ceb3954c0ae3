"""Which installed aliases are known to be right: they were derived from all that ssh reads today, and give our tunnel.

What is kept in the state folder is checksums alone: of everything that the answers of ssh depend on, and for each
profile of what it says and the text that came out. Where both are the same again the long way, which asks ssh, would
come to the same text. Nothing is kept, and the long way is gone each time, where an answer depends on more than files:
on a command, a network, DNS, the environment, or a script that is called ssh.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import re
import shutil
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import nbssh
from nbssh.adapters.files import inspection, writer
from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.ssh import login
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.files.change import PRIVATE, Change, Kind
from nbssh.core.files.overlay import OVERLAY
from nbssh.core.files.program import program_of
from nbssh.core.files.render import templates_dir
from nbssh.core.ssh import include
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.adapters.laptop.paths import Paths
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.core.files.laptop_files import Local
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

_BYTES: Final = 1 << 24
_ATTEMPTS: Final = 3  # each means that another nbssh wrote the file meanwhile
_HEAD: Final = 1024  # of a program; a script has no zero in it
_WAIT: Final = 1.0  # seconds; another nbssh holds the lock that long only where it hangs
_INCLUDE: Final = re.compile(rb"include", re.IGNORECASE)
# What makes an answer depend on more than files; quotes may stand anywhere in a word
_MOMENTARY: Final = re.compile(rb"match[^\n]*(?:exec|localnetwork)|canonical|\$\{", re.IGNORECASE)
_HOST_NAME: Final = re.compile(rb"%[lL]")  # tokens
_UNSAID: Final = re.compile(rb"(?m)^[ \t]*#.*$|[\"'\\]")
_PACKAGE: Final = Path(nbssh.__file__).parent


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a profile: the checksum of its aliases, and whether its connections get a limit of ours."""

    aliases: str
    limited: bool


class _Kept(msgspec.Struct, frozen=True):
    """The file: the checksum of what ssh reads, and what is known then of each profile."""

    read: str = ""
    known: dict[str, _Known] = {}

    def of(self, read: str) -> dict[str, _Known]:
        """Return what is known, nothing where ssh reads something else by now."""
        return self.known if read and self.read == read else {}


class _Witness:
    """A Disk that notes everything that is read on the way through a config and its Includes, but our own files."""

    def __init__(self, home: Path) -> None:
        self._disk = SshDisk.of(home)
        self.home = self._disk.home
        self._ours = self.real(f"{self.home}/.ssh/nbssh.d")
        self.seen = hashlib.sha256()
        self.momentary = False

    def note(self, *values: object) -> None:
        """Add values to the checksum."""
        self.seen.update(repr(values).encode("utf-8", "backslashreplace"))

    def text(self, data: bytes) -> None:
        """Note the text of a config."""
        self.note(data, socket.gethostname() if _HOST_NAME.search(data) else "")
        self.momentary |= _is_momentary(data)

    def glob(self, pattern: str) -> list[str]:
        """Find paths, but no file of ours."""
        self.momentary |= "%" in pattern  # tokens, in later versions
        found = [path for path in self._disk.glob(pattern) if self.real(posixpath.dirname(path)) != self._ours]
        self.note(pattern, found)
        return found

    def read(self, path: str) -> bytes | None:
        """Return the content of a file."""
        entry, data = inspection.entry(Path(path)), self._disk.read(path)
        self.note(path, entry and (entry.kind, entry.mode, entry.readable, entry.ours))
        if data is not None:
            self.text(data)
        return data

    def real(self, path: str) -> str:
        """Return the path without symbolic links."""
        return self._disk.real(path)


_lock: Final = threading.Lock()
_read: dict[tuple[Ssh, bytes], str] = {}
_found: dict[Path, _Kept] = {}
_begun: dict[str, str] = {}
_noted: dict[str, tuple[str, _Known]] = {}
_keeping: Final[list[Context]] = []


def look_again() -> None:
    """Forget what ssh read."""
    with _lock:
        _read.clear()
        _found.clear()


def standing(target: Target, local: Local) -> str | None:
    """Return the installed aliases of a profile where they are what the long way would come to; otherwise None."""
    found = _standing(target, local)
    return found[0].decode("utf-8", "surrogateescape") if found else None


def limited(target: Target, local: Local) -> bool | None:
    """Tell whether connections to its destination get a time limit of ours; None where ssh is to be asked."""
    found = _standing(target, local)
    return found[1].limited if found else None


def _standing(target: Target, local: Local) -> tuple[bytes, _Known] | None:
    _begun[target.name] = read = _what_ssh_reads(target.context)  # before ssh is asked
    known = _kept(target.paths).of(read).get(target.name)
    text = writer.read(target.paths.conf(target.name)) if known else None
    if known is None or text is None or _of_aliases(target, local, text) != known.aliases:
        return None
    return text, known


def note(target: Target, local: Local, text: str, gives_tunnel: Callable[[], bool], said: Callable[[], str]) -> None:
    """Note what the long way came to, if by that text ssh gives the alias our tunnel.

    `said` returns what `ssh -G` said of the destination.
    """
    read = _begun.get(target.name)
    if read and not _is_momentary("\n".join(target.arguments).encode("utf-8", "replace")) and gives_tunnel():
        found = _of_aliases(target, local, text.encode("utf-8", "surrogateescape"))
        _noted[target.name] = read, _Known(found, login.needs_limit(said()))


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
    path, names = context.paths.derived, {*store.names(context.paths)}
    data, mode = writer.snapshot(path)
    old = _decoded(data)
    read = _what_ssh_reads(context, again=True) if _noted else ""
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


def _what_ssh_reads(context: Context, *, again: bool = False) -> str:
    """Return the checksum of all that the aliases depend on, but for profiles; empty where there is none.

    It is taken once, before ssh is asked for the first time: what ssh says is kept as long. `again`: as it is by now.
    """
    path = context.ssh.config_file()
    try:
        config = include.include_removed((writer.read(path) if path else None) or b"")
        with _lock:
            if again:
                return _checksum(context, config)
            if (context.ssh, config) not in _read:
                _read[context.ssh, config] = _checksum(context, config)
            return _read[context.ssh, config]
    except (NbsshError, OSError):  # the long way says what is wrong
        return ""


def _checksum(context: Context, config: bytes) -> str:
    ssh, witness = context.ssh, _Witness(context.paths.home)
    if ssh.reads_system_config():
        config += f'\nHost *\nInclude "{SYSTEM.system_config}"\n'.encode()
    witness.text(config)
    for _ in include.config_lines(config, witness, posixpath.join(witness.home, ".ssh", "nbssh.d"), _INCLUDE):
        pass  # the way is what counts
    program = shutil.which(ssh.command[0])
    command = "\n".join(ssh.command).encode("utf-8", "surrogateescape")
    if witness.momentary or _is_momentary(command) or not program or not _is_ssh(program):
        return ""
    if not (version := ssh.version()):
        return ""
    witness.note(ssh.command, program, _stamp(Path(program).stat()), version, SYSTEM.user(), witness.home)
    # one that others may write ssh refuses; one that is not there yet says what an empty one does
    own = inspection.entry(path) if (path := ssh.config_file()) else None
    if own and (own.kind != "file" or own.mode & 0o022 or not (own.readable and own.ours)):
        witness.note(own.kind, own.mode, own.readable, own.ours)
    witness.note(nbssh.__version__, _package(), OVERLAY.sources())
    return witness.seen.hexdigest()


def _is_momentary(text: bytes) -> bool:
    return _MOMENTARY.search(_UNSAID.sub(b"", text)) is not None


def _is_ssh(program: str) -> bool:
    """Tell whether a program is ssh itself: a script, or another program that calls ssh, may do as it likes."""
    real = Path(program).resolve()
    with real.open("rb") as file:
        return real.stem.lower() == "ssh" and b"\0" in file.read(_HEAD)


def _stamp(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _package() -> list[tuple[str, tuple[int, int, int, int]]]:
    """Return what tells our program from another one that calls itself the same."""
    files = (
        entry
        for root in (_PACKAGE, templates_dir())
        for folder, _, _ in os.walk(root)
        if not folder.endswith("__pycache__")
        for entry in os.scandir(folder)
        if entry.is_file()
    )
    return sorted((entry.path, _stamp(entry.stat())) for entry in files)
