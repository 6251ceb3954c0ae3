"""What the user's ssh reads, as one checksum: all that it says of our aliases hangs on that, and on our own files."""

from __future__ import annotations

import enum
import hashlib
import os
import posixpath
import re
import shutil
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import nbssh
from nbssh.adapters.files import inspection, writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.files.overlay import OVERLAY
from nbssh.core.files.render import templates_dir
from nbssh.core.ssh import include, moment
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.steps.context import Context

_HEAD: Final = 1024  # of a program; a script has no zero in it
_INCLUDE: Final = re.compile(rb"include", re.IGNORECASE)
# What makes an answer depend on more than files; quotes may stand anywhere in a word
_MATCH: Final = re.compile(rb"match[^\n]*(?:exec|localnetwork)", re.IGNORECASE)
_MOMENTARY: Final = re.compile(rb"canonical|\$\{", re.IGNORECASE)
_UNSAID: Final = re.compile(rb"(?m)^[ \t]*#.*$|[\"'\\]")
_PACKAGE: Final = Path(nbssh.__file__).parent


class Depends(enum.Enum):
    """What else than files an answer of ssh depends on: nothing, `Match exec` and `Match localnetwork`, or anything."""

    FILES = enum.auto()
    MATCHES = enum.auto()
    MOMENT = enum.auto()


class Reading(NamedTuple):
    """The checksum of what ssh reads, empty where there is none, and what else its answers depend on."""

    sum: str
    depends: Depends


class _Witness:
    """A Disk that notes everything that is read on the way through a config and its Includes, but our own files."""

    def __init__(self, home: Path) -> None:
        self._disk = SshDisk.of(home)
        self.home = self._disk.home
        self._ours = self.real(f"{self.home}/.ssh/nbssh.d")
        self.seen = hashlib.sha256()
        self.momentary = False
        self.matches = 0

    def note(self, *values: object) -> None:
        """Add values to the checksum."""
        self.seen.update(repr(values).encode("utf-8", "backslashreplace"))

    def text(self, data: bytes) -> None:
        """Note the text of a config."""
        self.note(data)
        plain = _UNSAID.sub(b"", data)
        self.momentary |= _MOMENTARY.search(plain) is not None
        self.matches += len(_MATCH.findall(plain))

    def glob(self, pattern: str) -> list[str]:
        """Find paths, but no file of ours."""
        # tokens, in later versions; in brackets ssh knows more than we do
        self.momentary |= "%" in pattern or "[" in pattern
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


NONE: Final = Reading("", Depends.MOMENT)
_lock: Final = threading.Lock()
_read: dict[tuple[Ssh, bytes], Reading] = {}


def look_again() -> None:
    """Forget what ssh read."""
    with _lock:
        _read.clear()


def taken(context: Context, *, again: bool = False) -> Reading:
    """Return the checksum of all that the aliases depend on, but for profiles.

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
        return NONE


def _checksum(context: Context, config: bytes) -> Reading:
    ssh, witness, hers = context.ssh, _Witness(context.paths.home), config
    if ssh.reads_system_config():
        config += f'\nHost *\nInclude "{SYSTEM.system_config}"\n'.encode()
    witness.text(config)
    for _ in include.config_lines(config, witness, posixpath.join(witness.home, ".ssh", "nbssh.d"), _INCLUDE):
        pass  # the way is what counts
    program = shutil.which(ssh.command[0])
    command = "\n".join(ssh.command).encode("utf-8", "surrogateescape")
    if not program or not (version := ssh.version()):
        return NONE
    own_names = SYSTEM.user(), socket.gethostname(), witness.home  # tokens: of a config, an option, the command
    witness.note(ssh.command, program, _stamp(Path(program).stat()), version, own_names)
    # one that others may write ssh refuses; one that is not there yet says what an empty one does
    own = inspection.entry(path) if (path := ssh.config_file()) else None
    if own and (own.kind != "file" or own.mode & 0o022 or not (own.readable and own.ours)):
        witness.note(own.kind, own.mode, own.readable, own.ours)
    witness.note(nbssh.__version__, _package(), OVERLAY.sources())
    depends = Depends.MATCHES if witness.matches else Depends.FILES
    if witness.momentary or is_momentary(command) or not _is_ssh(program) or witness.matches != _matches(context, hers):
        depends = Depends.MOMENT
    return Reading(witness.seen.hexdigest(), depends)


def _matches(context: Context, config: bytes) -> int:
    """Count the lines of the user's own config, without the system's, by which it decides at each connection."""
    lines = moment.match_lines(config, SshDisk.of(context.paths.home))
    return sum(any(keyword in moment.MOMENTARY for _, keyword, _ in criteria) for criteria in lines)


def is_momentary(text: bytes) -> bool:
    """Tell whether an answer to these arguments depends on more than files."""
    plain = _UNSAID.sub(b"", text)
    return (_MOMENTARY.search(plain) or _MATCH.search(plain)) is not None


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
