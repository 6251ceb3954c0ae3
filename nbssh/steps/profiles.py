"""The profiles of this user: each readable one as a Target, each other one as what is wrong with its file.

The only place where targets are made of files. One profile that cannot be read keeps nobody from the others.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import check_name
from nbssh.core.ssh import destination
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from nbssh.adapters.laptop.paths import Paths
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.context import Context
    from nbssh.steps.way import Way


@dataclass(frozen=True)
class Target:
    """One profile, and all that a command may touch for it. `given` is its secret where that is not the stored one."""

    context: Context
    name: str
    profile: Profile
    given: Secret | None = None

    @cached_property
    def secret(self) -> Secret:
        """What opens its notebook; read at the first use, which raises if the file cannot be read."""
        return self.given or store.load_secret(self.paths, self.name)

    @property
    def declared(self) -> Declared:
        """The profile as it shall be, for the core."""
        return Declared(self.name, self.profile, self.secret, store.laptop_id(self.paths), self.way)

    @property
    def way(self) -> Way:
        """How its sessions get to its Jupyter."""
        return self.context.way_of(self.profile)

    @property
    def lacks_secret(self) -> bool:
        """Nobody gave it a password or token yet; a Jupyter that the user starts by hand has its own."""
        return not (self.profile.adopt or self.secret.hash or self.secret.token)

    @property
    def paths(self) -> Paths:
        """The user's files."""
        return self.context.paths

    @property
    def ssh(self) -> Ssh:
        """The user's ssh."""
        return self.context.ssh

    @property
    def ui(self) -> Ui:
        """The user's terminal."""
        return self.context.ui

    @property
    def control_socket(self) -> Path:
        """Where the master of its sessions listens."""
        return self.paths.control_socket(self.name)

    @property
    def was_changed(self) -> bool:
        """What is known of its host was found for something else: an open session may lead elsewhere."""
        server = self.profile.server
        return server is not None and server.probed_for not in {"", self.profile.fingerprint()}

    @property
    def is_found_out(self) -> bool:
        """What is known of its host was found for what it declares now, and by a nbssh that looked for as much."""
        from nbssh.core.files.installed import of_0_1  # noqa: PLC0415  only where it is asked

        server = self.profile.server
        if self.profile.adopt:  # it may have been started again since, with another token
            return False
        if server is None or server.probed_for != self.profile.fingerprint():
            return False
        return not of_0_1(writer.read(self.paths.conf(self.name)))

    def end_masters(self) -> bool:
        """End the master of its sessions, and that of NAME-node; and its tunnel in the background without one.

        Tell whether a tunnel was open.
        """
        from nbssh.steps import background  # noqa: PLC0415  a list of profiles ends none

        opened = background.end(self.paths, self.name)
        opened |= self.ssh.end_master(self.control_socket)
        self.ssh.end_master(self.paths.node_socket(self.name))
        return opened

    @property
    def arguments(self) -> list[str]:
        """The words by which ssh reaches its destination."""
        return destination.arguments_of(self.profile)

    def with_profile(self, profile: Profile) -> Target:
        """Return the target with another declaration."""
        return dataclasses.replace(self, profile=profile)

    def with_secret(self, secret: Secret) -> Target:
        """Return the target with another secret than the stored one."""
        return dataclasses.replace(self, given=secret)


@dataclass(frozen=True)
class Failure:
    """What went wrong with one profile."""

    name: str
    error: NbsshError

    def as_json(self) -> dict[str, str]:
        """Return it as an element of `errors` in the output of --json."""
        return {"profile": self.name, "error": self.error.message, "hint": self.error.hint}


def names(context: Context) -> list[str]:
    """Return the names of all profiles, readable or not, sorted. Raises NbsshError if they cannot be listed."""
    return store.names(context.paths)


def load(context: Context, name: str) -> Target:
    """Return one profile; that there is none, a twin and whatever is wrong with its file are errors."""
    check_name(name)
    refuse_twins(context, name)
    found = find(context, name)
    if isinstance(found, Failure):
        raise found.error
    return found


def all(context: Context) -> tuple[list[Target], list[Failure]]:  # noqa: A001  profiles.all
    """Return all profiles by name: those that can be read, and what is wrong with the others."""
    return select(context, [])


def select(context: Context, wanted: Sequence[str]) -> tuple[list[Target], list[Failure]]:
    """Return the profiles `wanted`, or all of them if none is named, as `all` does.

    A wanted one that does not exist is an error before anything is done.
    """
    known = names(context)
    for name in wanted:
        if check_name(name) not in known:
            raise _no_such(name, known)
    targets: list[Target] = []
    failures: list[Failure] = []
    alike = Counter(map(str.lower, known))
    for name in dict.fromkeys(wanted or known):
        twins = _twins(context, name, known) if alike[name.lower()] > 1 else None
        found = Failure(name, twins) if twins else find(context, name)
        if isinstance(found, Target):
            targets.append(found)
        elif not isinstance(found.error, store.NoProfileError):  # that one was taken away just now
            failures.append(found)
    return targets, failures


def find(context: Context, name: str) -> Target | Failure:
    """Return one profile or what is wrong with its file; that another one has nearly its name does not matter."""
    try:
        return Target(context, name, store.read(context.paths, name))
    except store.NoProfileError:
        return Failure(name, _no_such(name, names(context)))
    except NbsshError as error:
        return Failure(name, error)


def owners(context: Context, *, among: Collection[int] | None = None) -> dict[int, list[str]]:
    """Return whose each local port of all profiles is; those of an unreadable profile are unknown.

    `among`: none but these ports count, so most of a thousand profiles need not be parsed.
    """
    found: dict[int, list[str]] = {}
    for name in names(context):
        if among is not None and not store.may_say(context.paths, name, among):
            continue
        if isinstance(target := find(context, name), Target):
            for port in target.profile.local_ports():
                found.setdefault(port, []).append(name)
    return found


def ports(context: Context, *, but: str, among: Collection[int] | None = None) -> dict[int, str]:
    """Return the local ports of all profiles but one, and whose they are, as `owners` does."""
    found = owners(context, among=among)
    others = {port: [name for name in whose if name != but] for port, whose in found.items()}
    return {port: whose[0] for port, whose in others.items() if whose}


def token(target: Target) -> str:
    """Return the token, empty where a password is asked for."""
    if target.profile.auth == "password":
        return ""
    if not target.secret.token:
        raise NbsshError(
            f"the token of '{target.name}' is missing", f"make a new one: nbssh passwd {target.name} --token"
        )
    return target.secret.token


def refuse_twins(context: Context, name: str) -> None:
    """Raise where a name differs from another's only in case: many file systems have one file for both."""
    known = names(context)
    if error := _twins(context, name, known):
        raise error
    if name not in known and name.lower() in map(str.lower, known):
        raise _no_such(name, known)  # where the file system has one file for both, it would be found


def _twins(context: Context, name: str, known: Sequence[str]) -> NbsshError | None:
    twins = [other for other in known if other.lower() == name.lower()]
    if name not in twins or len(twins) == 1:
        return None
    return NbsshError(
        f"the profiles {' and '.join(map(repr, twins))} differ only in case",
        f"give one of their files in {context.paths.shown(context.paths.profiles_dir)} another name",
    )


def _no_such(name: str, known: Sequence[str]) -> NbsshError:
    close = [other for other in known if other.lower() == name.lower()] or difflib.get_close_matches(name, known, 1)
    if close:
        hint = f"did you mean '{close[0]}'?"
    else:
        hint = "those there are: nbssh list" if known else f"make it: nbssh add {name}"
    return store.NoProfileError(f"there is no profile '{name}'", hint)
