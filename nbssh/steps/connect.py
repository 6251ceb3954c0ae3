"""How a host is reached that a profile knows: by one connection of its own, or over the open master."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.laptop import store
from nbssh.adapters.ssh import login
from nbssh.adapters.ssh.connection import LOGIN_SECONDS
from nbssh.core import answers
from nbssh.core.files.program import program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import share_folder
from nbssh.core.text import command_for, listed_names
from nbssh.errors import NbsshError
from nbssh.steps.standing import ANY_HOST

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Server
    from nbssh.steps.profiles import Target

# Hosts that are asked at once: from the tenth login under way on, sshd, a jump host's too, may refuse (MaxStartups).
WORKERS = 8

_turn = threading.Lock()


class UnseenError(NbsshError):
    """Nothing is known of the hosts of these profiles."""

    def __init__(self, *names: str) -> None:
        one = len(names) == 1
        super().__init__(
            f"nothing is known of the host{'' if one else 's'} of {listed_names(names)}: "
            f"{'it was' if one else 'they were'} added offline",
            f"look at {'it' if one else 'them'}: {command_for('nbssh apply', names)}",
        )


def known_server(target: Target) -> Server:
    """Return what is known of the host, or raise and say how to find out."""
    if target.profile.server is None:
        raise UnseenError(target.name)
    return target.profile.server


def refuse_prompts(target: Target, command: str, *, unasked: bool) -> None:
    """Raise if nobody may be asked and this host is known to ask: repeated silent tries lock accounts."""
    if unasked and target.profile.server and target.profile.server.prompts:
        raise NbsshError(
            f"{target.profile.destination}: not contacted, because it asks for a password or code",
            f"name it: {command} {target.name}; if a key lets you in by now: nbssh apply --probe {target.name}",
        )


def connect(
    target: Target,
    *,
    unasked: bool = False,
    may_log_in: bool = True,
    login_seconds: float = LOGIN_SECONDS,
    at_destination: bool = False,
) -> AbstractContextManager[Connection]:
    """Open the way to a profile's host: its open master; without one, or where it is full, a login of our own.

    Where nobody may be asked and the host is known to ask, there is no login behind a master that is full.
    `at_destination`: not to where the way leads on, which is where an open session is. A session that was opened for
    what the profile declared before may be on another host.
    """
    profile = target.profile

    def limited() -> bool:
        if not unasked:
            return login.needs_limit(target.ssh.resolved(target.arguments))
        # many hosts, perhaps: what is asked for the aliases, too, is asked once
        from nbssh.steps import aliases, blocks  # noqa: PLC0415  one that is named is asked about as fast

        with _turn:  # once for all hosts: it raises where a file of ours is refused
            target.ssh.resolved([ANY_HOST])
        known = blocks.limited(target)
        return login.needs_limit(aliases.destination(target)) if known is None else known

    if at_destination or target.was_changed:
        return login.private(
            target.ssh, target.arguments, profile.destination, unasked=unasked, login_seconds=login_seconds,
            limited=limited(),
        )  # fmt: skip
    return login.of_profile(
        target.ssh,
        target.control_socket,
        target.arguments,
        profile.destination,
        unasked=unasked,
        may_log_in=may_log_in and not (unasked and profile.server and profile.server.prompts),
        login_seconds=login_seconds,
        limited=limited,
    )


def refuse_missing(target: Target, out: bytes) -> None:
    """Raise where the answer of a script says that the profile is not on its host."""
    if ["nbssh-missing"] in answers.rows(out):
        raise NbsshError(
            f"'{target.name}' is not installed on {target.profile.destination}", f"nbssh apply {target.name}"
        )


class Call(Template, frozen=True, kw_only=True):
    """Which script of the program is run, for which profile, with which further words."""

    templates: ClassVar = ("sent/call",)
    share: str
    name: str
    laptop: str
    program: str
    script: str
    words: tuple[str, ...]


def script_command(target: Target, script: str, *words: str) -> str:
    """Return what runs one of our scripts over there, with a clear end where it is missing."""
    return render(
        Call(
            share=share_folder(known_server(target)),
            name=target.name,
            laptop=store.laptop_id(target.paths),
            program=program_of(target.way).id,
            script=script,
            words=words,
        )
    )
