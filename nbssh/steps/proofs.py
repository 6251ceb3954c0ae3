"""Which installed aliases are known to be right: they were derived from all that ssh reads today.

What is kept in the state folder is checksums alone: of everything that the answers of ssh depend on, and for each
profile of what it says and the text that came out. Where both are the same again the long way, which asks ssh, would
come to the same text. Nothing is kept, and the long way is gone each time, where an answer depends on more than files:
on a command, a network, DNS, the environment. A few profiles are derived sooner than that is looked up.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import nbssh
from nbssh.adapters.files import inspection, writer
from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.files.change import PRIVATE, Change, Kind
from nbssh.core.files.overlay import OVERLAY
from nbssh.core.files.program import program_of
from nbssh.core.files.render import templates_dir
from nbssh.core.ssh import include
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.adapters.laptop.paths import Paths
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.core.files.laptop_files import Local
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

FEW = 10
_BYTES: Final = 1 << 24
_INCLUDE: Final = re.compile(rb"include", re.IGNORECASE)
# What makes an answer depend on more than files; quotes may stand anywhere in a word
_MOMENTARY: Final = re.compile(rb"exec|localnetwork|canonical|\$\{", re.IGNORECASE)
_UNSAID: Final = re.compile(rb"(?m)^[ \t]*#.*$|[\"'\\]")
_PACKAGE: Final = Path(nbssh.__file__).parent


class _Kept(msgspec.Struct, frozen=True):
    """The file: the checksum of what ssh reads, and what is known then, by the checksum of what it is about."""

    read: str = ""
    known: dict[str, str] = {}

    def of(self, read: str) -> dict[str, str]:
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
        self.note(data)
        self.momentary |= bool(_MOMENTARY.search(_UNSAID.sub(b"", data)))

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
_are_many: dict[Path, bool] = {}
_noted: dict[str, tuple[str, str]] = {}
_begun: dict[str, str] = {}


def look_again() -> None:
    """Forget what ssh read."""
    with _lock:
        _read.clear()
        _found.clear()
        _are_many.clear()


def standing(target: Target, local: Local) -> str | None:
    """Return the installed aliases of a profile where they are what the long way would come to; otherwise None."""
    said = _known(target, _key("aliases", target.name))
    if not said or (text := writer.read(target.paths.conf(target.name))) is None:
        return None
    return text.decode("utf-8", "surrogateescape") if _of_aliases(target, local, text) == said else None


def note(target: Target, local: Local, text: str) -> None:
    """Note what the long way came to, for `keep`."""
    _note(target, _key("aliases", target.name), _of_aliases(target, local, text.encode("utf-8", "surrogateescape")))


def connect_limit(target: Target) -> bool | None:
    """Tell whether connections to its destination get a time limit of ours; None where ssh is to be asked."""
    return {"ours": True, "none": False}.get(_known(target, _key("limit", *target.arguments)) or "")


def note_connect_limit(target: Target, *, ours: bool) -> None:
    """Note what ssh said of it, for `keep`."""
    _note(target, _key("limit", *target.arguments), "ours" if ours else "none")


def _known(target: Target, key: str) -> str | None:
    """Return what is known, and remember what ssh read before it is asked."""
    _begun[key] = read = _what_ssh_reads(target.context)
    return _kept(target.paths).of(read).get(key) if read else None


def _note(target: Target, key: str, value: str) -> None:
    if (read := _begun.get(key)) and not _MOMENTARY.search("\n".join(target.arguments).encode("utf-8", "replace")):
        _noted[key] = read, value


def keep(context: Context) -> None:
    """Write down what was noted, where ssh still reads the same. That it cannot be written costs time alone."""
    look_again()
    read, old = _what_ssh_reads(context), _kept(context.paths)
    fresh = {key: value for key, (then, value) in _noted.items() if then == read}
    _noted.clear()
    new = _Kept(read, old.of(read) | fresh)
    if not fresh or new == old:
        return
    path = context.paths.derived
    try:
        data, mode = writer.snapshot(path)
        change = Change(
            str(path), data, msgspec.json.encode(new, order="sorted"), PRIVATE, mode,
            "what need not be asked again", secret=True, kind=Kind.MARKER,
        )  # fmt: skip
        writer.apply_changes([change], lock=context.paths.lock, backups=context.paths.backups, wait=0)
    except NbsshError:
        return


def _key(*about: str) -> str:
    return hashlib.sha256(repr(about).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _of_aliases(target: Target, local: Local, text: bytes) -> str:
    """Return the checksum of all that goes into the aliases of a profile and is its own, and of what comes out."""
    said = target.name, target.profile, *msgspec.structs.astuple(msgspec.structs.replace(local, client=None))
    own = msgspec.json.encode((*said, type(local.client).__name__, program_of(target.way).sum))
    return hashlib.sha256(own + b"\0" + text).hexdigest()


def _kept(paths: Paths) -> _Kept:
    with _lock:
        if paths.derived not in _found:
            try:
                data = writer.read(paths.derived, limit=_BYTES) or b"{}"
                _found[paths.derived] = msgspec.json.decode(data, type=_Kept)
            except (NbsshError, msgspec.DecodeError, UnicodeDecodeError):
                _found[paths.derived] = _Kept()
        return _found[paths.derived]


def _what_ssh_reads(context: Context) -> str:
    """Return the checksum of all that the aliases depend on, but for profiles; empty where there is none."""
    if not _many(context.paths):
        return ""
    path = context.ssh.config_file()
    try:
        config = include.include_removed((writer.read(path) if path else None) or b"")
        with _lock:
            if (context.ssh, config) not in _read:
                _read[context.ssh, config] = _checksum(context, config)
            return _read[context.ssh, config]
    except (NbsshError, OSError):  # the long way says what is wrong
        return ""


def _many(paths: Paths) -> bool:
    """Tell whether there are so many profiles that it is worth while."""
    with _lock:
        if paths.derived not in _are_many:
            _are_many[paths.derived] = len(store.names(paths)) > FEW
        return _are_many[paths.derived]


def _checksum(context: Context, config: bytes) -> str:
    ssh, witness = context.ssh, _Witness(context.paths.home)
    if ssh.reads_system_config():
        config += f'\nHost *\nInclude "{SYSTEM.system_config}"\n'.encode()
    witness.text(config)
    for _ in include.config_lines(config, witness, posixpath.join(witness.home, ".ssh", "nbssh.d"), _INCLUDE):
        pass  # the way is what counts
    version, program = ssh.version(), shutil.which(ssh.command[0])
    if witness.momentary or not version or not program or _MOMENTARY.search("\n".join(ssh.command).encode()):
        return ""
    witness.note(ssh.command, program, _stamp(Path(program).stat()), version, str(SYSTEM.password_home()))
    # one that others may write ssh refuses
    own = inspection.entry(path) if (path := ssh.config_file()) else None
    witness.note(own and (own.kind, own.mode, own.readable, own.ours))
    witness.note(nbssh.__version__, _package(), OVERLAY.sources())
    return witness.seen.hexdigest()


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _package() -> list[tuple[str, tuple[int, int, int]]]:
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
