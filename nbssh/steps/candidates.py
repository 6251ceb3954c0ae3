"""The user's config without our installed files, where candidates of our aliases are tried."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.adapters.ssh.client import RefusedConfigError, forget_answers
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.ssh import moment
from nbssh.core.ssh.destination import parse
from nbssh.steps import standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbssh.adapters.ssh.client import Ssh
    from nbssh.core.profile.profile import Profile
    from nbssh.core.ssh.moment import Condition, Criteria, Settled
    from nbssh.steps.profiles import Target


class Trial:
    """The user's config without our installed files, in a folder where candidates are tried on top of it.

    It is read once for all profiles, and each destination is asked for once: otherwise the time for n profiles would
    grow with n squared. Candidates of different profiles may be tried at the same time. `answers` settle what it
    decides at each connection.
    """

    def __init__(self, ssh: Ssh, answers: Settled) -> None:
        self.ssh = ssh
        self.folder = Path(tempfile.mkdtemp(prefix="nbssh-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._rest = ssh.config_without_ours(self.folder, answers)
        _, self._plain = self._files("none")
        self._destinations: dict[tuple[str, ...], str | RefusedConfigError] = {}
        self._asking: dict[tuple[str, ...], threading.Lock] = {}
        self._candidates: dict[str, tuple[Path, Path]] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._settled: frozenset[str] | None = None
        self._match_lines: list[Criteria] | None = None

    def conditions(self, target: Target, host: str = "") -> list[Condition]:
        """Return what the config decides at each connection to the destination, or to `host`; parsed once for all."""
        if self._match_lines is None:
            path = self.ssh.config_file()
            config = (writer.read(path) if path else None) or b""
            self._match_lines = moment.match_lines(config, SshDisk.of(target.paths.home))
        return moment.conditions(self._match_lines, host or original_name(target.profile))

    def destination(self, target: Target, *options: str) -> str:
        """Return what `ssh -G`, with the `options`, says of the profile's destination.

        What is installed does not count here either: otherwise a file of ours that ssh refuses could not be mended.
        """
        arguments = (*options, *target.arguments)
        with self._asking.setdefault(arguments, threading.Lock()):  # several profiles may be looked at together
            if arguments not in self._destinations:
                try:
                    self._destinations[arguments] = self.ssh.resolve(arguments, config=self._plain)
                except RefusedConfigError as error:  # it may have taken its time, too
                    self._destinations[arguments] = self._of_her_file(error, arguments)
            found = self._destinations[arguments]
        if isinstance(found, RefusedConfigError):
            raise found
        return found

    def _of_her_file(self, error: RefusedConfigError, arguments: tuple[str, ...]) -> RefusedConfigError:
        """Return what ssh says of the user's own file, where what it refused was our copy of that."""
        if str(self.folder) in error.reason:
            try:
                self.ssh.resolved(arguments)
            except RefusedConfigError as hers:
                return hers
        return error

    def alias(self, name: str) -> Callable[[str, str], str]:
        """Return what tells `ssh -G ALIAS` for the text of a candidate of profile `name`."""
        include, config = self._candidates.get(name) or self._candidates.setdefault(
            name, self._files(f"profile-{name}")
        )

        def ask(alias: str, text: str) -> str:
            if (alias, text) not in self._said:
                include.write_bytes(text.encode("utf-8", "surrogateescape"))
                self._said[alias, text] = self.ssh.resolve([alias], config=config)
            return self._said[alias, text]

        return ask

    def settles(self, alias: str, target: Target) -> bool:
        """Tell whether the file of its profile says all that ssh reads of ours about an alias."""
        with self._lock:
            if self._settled is None:
                self._settled = standing.settled(target)
            return alias.lower() in self._settled

    def _files(self, name: str) -> tuple[Path, Path]:
        include, config = self.folder / f"{name}.conf", self.folder / f"{name}.config"
        for file in (include, config):
            file.touch(mode=0o600)  # ssh refuses an included file that others can write, whatever the umask
        config.write_bytes(f'Include "{self.ssh.system.with_slashes(include)}"\n'.encode() + self._rest)
        return include, config


_trials: dict[object, Trial] = {}
_trials_lock = threading.Lock()


def of(ssh: Ssh, answers: Settled) -> Trial:
    """Return the trial for the user's config as it is: a command may add its own Include to it."""
    with _trials_lock:
        path = ssh.config_file()
        key = (ssh, path and writer.read(path), frozenset(answers.items()))
        if key not in _trials:
            _trials[key] = Trial(ssh, answers)
        return _trials[key]


def look_again() -> None:
    """Forget what ssh said: files that the user's config includes may be others by now."""
    with _trials_lock:
        _trials.clear()
    forget_answers()


def original_name(profile: Profile) -> str:
    """Return what `%n` means for the destination: the host as it is typed."""
    return parse(profile.destination).host
