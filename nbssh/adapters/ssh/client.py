"""The system's ssh: its command line, its `-G` answers and its masters. Processes are started by `process` alone."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import process
from nbssh.adapters.ssh import mux
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.ssh import include, moment
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.adapters.laptop.client_system import ClientSystem
    from nbssh.core.ssh.moment import Settled


RESOLVE_SECONDS = 20.0  # `ssh -G` may run the user's `Match exec` and, with canonicalization, ask DNS
VERSION_SECONDS = 5.0
FAILED = 255  # ssh(1): "255 if an error occurred"
# What ssh says when a master could not give it a session (mux.c): nothing was run then
NO_SESSION = b"session request failed"
MASTER_SECONDS = 5.0  # a healthy master answers in milliseconds; a stopped one never


class RefusedConfigError(NbsshError):
    """ssh does not accept its configuration; `reason` is what it says itself."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"ssh does not accept its configuration: {reason}", hint)
        self.reason = reason


# of this run, whose user's config stays the same
_answers: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
_refusals: dict[tuple[tuple[str, ...], tuple[str, ...]], RefusedConfigError] = {}
_versions: dict[tuple[str, ...], str] = {}
_asking = threading.Lock()


def forget_answers() -> None:
    """Ask again from now on."""
    _answers.clear()
    _versions.clear()
    forget_refusals()


def forget_refusals() -> None:
    """Ask again what ssh refused: a file that it reads may be another one by now."""
    _refusals.clear()


@dataclass(frozen=True)
class Ssh:
    """The user's ssh command, `NBSSH_SSH_COMMAND` or plain `ssh`."""

    command: tuple[str, ...] = ("ssh",)
    system: ClientSystem = SYSTEM

    @classmethod
    def of_user(cls) -> Ssh:
        """Return the ssh that NBSSH_SSH_COMMAND names (split like a shell, as git does with GIT_SSH_COMMAND)."""
        text = os.environ.get("NBSSH_SSH_COMMAND", "").strip()
        if not text:
            return cls((SYSTEM.ssh(),))
        try:
            words = SYSTEM.split(text)
        except ValueError as error:
            raise NbsshError(f"NBSSH_SSH_COMMAND: {str(error).lower()}", "correct its quotes, or unset it") from None
        return cls(tuple(words))

    def config_file(self) -> Path | None:
        """Return the user's config file that this ssh reads: `-F FILE`, otherwise the one below the passwd home.

        None for `-F none`. ssh ignores $HOME here (ssh.c, process_config_files).
        """
        named = _named_config(self.command[1:])
        if named is None:
            return self.system.password_home() / ".ssh" / "config"
        return None if named.lower() == "none" else Path(named)

    def reads_system_config(self) -> bool:
        """Tell whether /etc/ssh/ssh_config counts: `-F` switches it off (ssh(1))."""
        return _named_config(self.command[1:]) is None

    def resolve(self, arguments: Sequence[str], *, config: Path | None = None) -> str:
        """Return `ssh -G` for `arguments` (options and a host); `config` replaces the user's file."""
        command = [*_without_config(self.command), "-F", str(config)] if config else list(self.command)
        asked = self.command, tuple(arguments)
        done = process.run([*command, "-G", *arguments], seconds=RESOLVE_SECONDS)
        if done.status == 0:
            answer = done.out.decode("utf-8", "surrogateescape")
            if not config:
                _answers.update({asked: answer})
                _refusals.pop(asked, None)
            return answer
        reason = _first_line(done.err) or f"exit status {done.status}"
        if done.limit:
            reason = f"no answer within {RESOLVE_SECONDS:.0f} s"
        hint = f"see what it says: {self.system.spoken([*self.command, '-G', *arguments])}"
        error = RefusedConfigError(reason, hint)
        if not config:
            _refusals.update({asked: error})
        raise error

    def resolved(self, arguments: Sequence[str]) -> str:
        """Return or raise what `resolve` did before, or does now: her `Match exec` may take its time."""
        asked = self.command, tuple(arguments)
        if refused := _refusals.get(asked):
            raise refused
        return _answers.get(asked) or self.resolve(arguments)

    def config_without_ours(self, folder: Path, answers: Settled) -> bytes:
        """Return a config that reads all that the user's ssh reads, but our installed files.

        The conditions in `answers`, which depend on the moment, are settled in it.

        Those must not count while new ones are tried. What else is needed is written into `folder`.
        """
        path = self.config_file()
        try:
            text = path.read_bytes() if path else b""
        except FileNotFoundError:
            text = b""
        except OSError as error:
            raise NbsshError(f"{path}: cannot be read: {error.strerror}", "mend its mode") from None
        if self.system.client.skips_mark:
            text = text.removeprefix(include.MARK)  # candidates stand above it
        copies = itertools.count()

        def keep(data: bytes) -> str:
            copy = folder / f"copy-{next(copies)}"
            copy.touch(mode=0o600)  # with another umask ssh would refuse it
            copy.write_bytes(data)
            return self.system.with_slashes(copy)

        home = self.system.home()
        text = include.include_left_out(text, SshDisk.of(home), keep, lambda line: moment.settled(line, answers))
        system = f'\nHost *\nInclude "{self.system.system_config}"\n' if self.reads_system_config() else ""
        return text + system.encode()

    def version(self) -> str:
        """Return what it calls itself, `OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.11`; empty if it says nothing in time."""
        with _asking:  # several profiles at once, where the aliases hang on it
            if self.command not in _versions:
                done = process.run([*self.command, "-V"], seconds=VERSION_SECONDS)
                said = "" if done.limit else (done.err or done.out).decode("utf-8", "replace")
                _versions.update({self.command: printable(said.strip(), 200)})
            return _versions[self.command]

    def check_master(self, control_socket: Path) -> bool:
        """Tell whether a master listens on `control_socket`; raise if it is there but hangs."""
        return self._said_yes(mux.lives, control_socket)

    def end_master(self, control_socket: Path) -> bool:
        """Close the master on `control_socket` and with it the tunnel; tell whether there was one."""
        return self._said_yes(mux.ends, control_socket)

    def _said_yes(self, asked: Callable[[Path, float], bool], control_socket: Path) -> bool:
        try:
            return self.system.client.multiplexes and asked(control_socket, MASTER_SECONDS)
        except TimeoutError:
            from nbssh.adapters.programs import lsof  # noqa: PLC0415  only for one that hangs

            found = lsof.masters(str(control_socket))
            who = f"; it is {', '.join(map(str, found))}" if found else ""
            raise NbsshError(
                f"the ssh master at {control_socket} does not answer within {MASTER_SECONDS:.0f} s{who}",
                self.system.to_end(*(each.pid for each in found), hard=True)
                if found
                else "its pid: ps xww | grep '[m]ux'",
            ) from None

    def through(self, control_socket: Path) -> list[str]:
        """Return a command that can only speak to the master on `control_socket`, whatever the config says.

        Where a master ends at that moment, ssh would log in itself, with `-O` too: ProxyCommand keeps it from that.
        """
        return [*self._program(), "-F", "none", "-S", str(control_socket), "-oControlMaster=no", "-oProxyCommand=false"]

    def _program(self) -> tuple[str, ...]:
        """Return its command without ssh's own options; what calls ssh (`sshpass -p x ssh`, `sh my-ssh`) stays."""
        named = [index for index, word in enumerate(self.command) if PurePath(word).stem.lower() == "ssh"]
        if not named:
            return tuple(itertools.takewhile(lambda word: not word.startswith("-"), self.command))
        return self.command[: (named[-1] if named[0] else 0) + 1]


def _named_config(words: Sequence[str]) -> str | None:
    """Return the argument of -F in `words`, None without one."""
    for index, word in enumerate(words):
        if word == "-F" and index + 1 < len(words):
            return words[index + 1]
        if word.startswith("-F"):
            return word[2:]
    return None


def _without_config(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-F":
            next(rest, None)
        elif not word.startswith("-F"):
            kept.append(word)
    return kept


def _first_line(data: bytes) -> str:
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[0])[:300] if lines else ""
