"""The system of the laptop: names, quoting, access rights, terminals. Which one this is, `this_system` says.

`ClientSystem` itself is a Unix. A wing's subclass says what is different.
"""

# System calls under their own names; a path object would only wrap them.
# ruff: noqa: PTH116

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nbssh.core.files.client import POSIX, Client
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    import pwd
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbssh.adapters.laptop.background import Background
    from nbssh.core.server.doctor import Finding


class ClientSystem:
    """A Unix."""

    client: ClassVar[Client] = POSIX
    waits_for_pipes: ClassVar[bool] = True
    """Several pipes can be waited for at once, without threads."""
    editor: ClassVar[str] = "vi"
    """What edits where neither VISUAL nor EDITOR is set."""

    at_its_end: ClassVar[Mapping[int, str]] = {
        errno.ENOSPC: "look for space: df -h",
        errno.EDQUOT: "look for what you may use: quota -s",
        errno.EROFS: "look at the file system: mount",
        errno.EIO: "look at the disk: dmesg",
        errno.EMFILE: "see how many files may be open: ulimit -n",
        errno.ENFILE: "see how many files may be open: ulimit -n",
        errno.ENOMEM: "look for memory: free -h",
    }
    """What to look at where the machine itself is at its end, by errno."""
    to_pipe: ClassVar[str] = "printf '%s\\n' …"
    """What a user types to pipe a line into a program."""
    nobody_known: ClassVar[str] = "another program"
    """Who has a port, as far as is known where nobody tells."""

    # --- names

    @property
    def system_config(self) -> str:
        """The ssh_config of the whole machine, as an Include line names it; ssh skips it if it is not there."""
        return "/etc/ssh/ssh_config"

    def password_home(self) -> Path:
        """Return the home in which ssh looks, whatever $HOME says: that of the password database."""
        return Path(password_entry().pw_dir)

    def user(self) -> str:
        """Return who runs this, as ssh knows her."""
        found = password_entry()
        return f"{found.pw_uid} {found.pw_name} {found.pw_dir}"

    def client_of(self, version: Callable[[], str]) -> Client:  # noqa: ARG002  a subclass asks
        """Return how its files are written for the ssh that calls itself `version`."""
        return self.client

    def home(self) -> Path:
        """Return the home that ssh means by `~`: $HOME, otherwise that of the password database."""
        return Path(os.environ.get("HOME") or self.password_home())

    def folders(self, home: Path) -> tuple[Path, Path]:  # noqa: ARG002  others have theirs below it
        """Return the folders for configuration and for state; XDG paths on macOS too."""
        from platformdirs.unix import Unix  # noqa: PLC0415  8 ms that --version does not need

        dirs = Unix("nbssh", appauthor=False)
        return Path(dirs.user_config_dir), Path(dirs.user_state_dir)

    @property
    def has_launchd(self) -> bool:
        """What runs by itself is an agent of launchd, and no unit of systemd."""
        return sys.platform == "darwin"

    def unit(self, home: Path, config: Path, name: str) -> Path:
        """Return the file that keeps a profile's tunnel up; `config` is nbssh's folder for configuration."""
        if self.has_launchd:
            return home / "Library" / "LaunchAgents" / f"nbssh.{name}.plist"
        return config.parent / "systemd" / "user" / f"nbssh-{name}.service"

    def ssh(self) -> str:
        """Return the ssh to run."""
        return "ssh"

    def with_slashes(self, path: Path | str) -> str:
        """Return how ssh_config spells a path."""
        return str(path)

    def file_name(self, path: str) -> str:
        """Return a file name that tells of `path`."""
        return path.replace(os.sep, "%")

    def who_listens(self, port: int) -> str:
        """Return the command that says who listens on a port."""
        return f"lsof -nP -iTCP:{port} -sTCP:LISTEN"

    # --- quoting

    def split(self, text: str) -> list[str]:
        """Split a command as the shell does. Raises ValueError."""
        return shlex.split(text)

    def as_typed(self, words: Sequence[str]) -> Sequence[str]:
        """Return the command to start for `words` that a person would type."""
        return words

    def spoken(self, words: Sequence[str]) -> str:
        """Return `words` as one line for the shell."""
        return shlex.join(words)

    def misquoted(self, words: Sequence[str]) -> str:  # noqa: ARG002  a subclass looks at them
        """Return what to type in place of `words` which nbssh was given, where the quotes are not this system's."""
        return ""

    def to_remove(self, path: Path | str) -> str:
        """Return what a user types to remove a file."""
        return self.spoken(["rm", str(path)])

    def to_look(self, path: Path | str) -> str:
        """Return what a user types to see what a file or folder is, and whose."""
        return self.spoken(["ls", "-ld", str(path)])

    def to_make_writable(self, path: Path | str) -> str:
        """Return what a user types to make a file writable."""
        return self.spoken(["chmod", "u+w", str(path)])

    def to_end(self, *pids: int, hard: bool = False) -> str:
        """Return what a user types to end processes; `hard`: those that do not react."""
        return self.spoken(["kill", *(["-9"] if hard else []), *map(str, pids)])

    def one_after_another(self, first: str, second: str) -> str:
        """Return how a user types two commands, the second where the first was done."""
        return f"{first} && {second}"

    # --- access rights

    def restrict(self, path: str, *, folder: bool = False) -> None:
        """Take everybody else's access away, where its mode does not say so already. Raises OSError."""

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Give a file that is open its permission bits. Raises OSError."""
        os.fchmod(descriptor, mode)

    def take_over(self, descriptor: int, like: str) -> None:
        """Give a file the group and the extended attributes (ACLs, SELinux label) of another, as far as we may."""
        wanted = os.stat(like)
        if os.fstat(descriptor).st_gid != wanted.st_gid:
            # A group that we are no member of cannot be given; the owner is us, or the writer would have refused.
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, -1, wanted.st_gid)
        if sys.platform == "linux":  # Python reaches them nowhere else
            with contextlib.suppress(OSError):  # a file system without them
                for name in os.listxattr(like):
                    if name.startswith("security.") and name != "security.selinux":
                        continue  # signatures of the old content
                    with contextlib.suppress(OSError):
                        os.setxattr(descriptor, name, os.getxattr(like, name))

    def mode(self, found: os.stat_result) -> int | None:
        """Return the permission bits, None where there are none."""
        return stat.S_IMODE(found.st_mode)

    def strange_owner(self, found: os.stat_result) -> int | None:
        """Return whose a file or folder is that is not ours to write; None if it is ours.

        Root's folders that are writable for us are fine (containers); for root himself, only his own.
        """
        allowed = {os.geteuid(), 0} if stat.S_ISDIR(found.st_mode) else {os.geteuid()}
        return None if found.st_uid in allowed else found.st_uid

    def is_trusted(self, found: os.stat_result) -> bool:
        """Tell whether ssh trusts the owner of a file."""
        return found.st_uid in {os.geteuid(), 0}

    def others_listed(self, path: str, *, folder: bool) -> tuple[str, str] | None:  # noqa: ARG002
        """Return who else may use `path` by an access list, in words, and what ends that; None if nobody may.

        What its mode permits is another question.
        """
        return None

    # --- terminals, signals, sockets

    def refuse_without_terminals(self, what: str) -> None:
        """Raise where there are no pseudo-terminals, which `what` needs."""

    def without_terminal(self, otherwise: str) -> str:
        """Return what to do where a question has no terminal; `otherwise` is what answers it without one."""
        return otherwise

    def show(self, page: str) -> bool:  # noqa: ARG002  a subclass can
        """Show an address or a file in the browser; False where only the opener knows how."""
        return False

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Hold Ctrl-C, TERM and HUP back for the moment in which something is put in order, from what it starts, too.

        What another thread gets is the main thread's to handle, whatever that blocks: so there they are noted.
        """
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        with self._noted(*numbers), contextlib.ExitStack() as stack:
            stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, masked)
            yield

    @contextlib.contextmanager
    def _noted(self, *numbers: int) -> Iterator[None]:
        """Let signals come at the end of the block."""
        held: list[int] = []
        handlers: dict[int, Any] = {}
        try:
            with contextlib.suppress(ValueError):  # another thread, which no handler interrupts
                for number in numbers:
                    if signal.getsignal(number) not in {signal.SIG_IGN, None}:
                        handlers[number] = signal.signal(number, lambda number, _: held.append(number))
            yield
        finally:
            for each, handler in handlers.items():
                signal.signal(each, handler)
            for first in held[:1]:
                signal.raise_signal(first)

    def flush_folder(self, path: str) -> None:
        """Make renames in a folder survive a power cut, where the system can."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # some network and FUSE file systems refuse it
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        """Rename `old` to `new`, which is free. Raises OSError."""
        os.rename(old, new)  # noqa: PTH104  as its callers say it

    def replace(self, old: str, new: str) -> None:
        """Rename `old` to `new`, over what is there. Raises OSError."""
        os.replace(old, new)  # noqa: PTH105  the same

    def unlink(self, path: str) -> None:
        """Remove a file. Raises OSError."""
        os.unlink(path)  # noqa: PTH108  the same

    def rmdir(self, path: str) -> None:
        """Remove an empty folder. Raises OSError."""
        os.rmdir(path)  # noqa: PTH106  the same

    def bind_as_ssh(self, probe: socket.socket) -> None:
        """Let a socket bind a port only where ssh could, too."""
        import socket  # noqa: PLC0415  only for a probe

        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT does not count

    def background(self) -> Background | None:
        """Return what keeps an ssh in the background; None where it goes there by itself."""
        return None

    # --- the doctor

    def inabilities(self, command: str, version: str) -> str:  # noqa: ARG002  a subclass uses them
        """Return what the ssh `command` of this system, which calls itself `version`, cannot do: a sentence's end."""
        return ""

    def other_ssh(self, command: str) -> Iterator[Finding]:  # noqa: ARG002
        """Return the findings about another ssh that is about here."""
        return iter(())


def password_entry() -> pwd.struct_passwd:
    """Return who runs this, as the password database has it."""
    import pwd  # noqa: PLC0415  not every system has one

    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:  # a container that runs as just any number; ssh(1) refuses to start there
        raise NbsshError(
            f"this system knows no user with the uid {os.getuid()}, and without one ssh does not work",
            f"see: getent passwd {os.getuid()}; in a container, give that uid a line in /etc/passwd",
        ) from None
