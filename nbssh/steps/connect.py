"""What is done with a server that runs: stop it, read its log. One connection each, the open master if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.ssh import login
from nbssh.adapters.ssh.connection import LOGIN_SECONDS
from nbssh.core.files.render import sh
from nbssh.core.profile.declared import server_folder
from nbssh.core.ssh import destination
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Profile, Server
    from nbssh.steps.world import World


def known_server(name: str, profile: Profile) -> Server:
    """Return what is known of the server, or raise with the way to get to know it."""
    if profile.server is None:
        raise NbsshError(
            f"nothing is known of the server of '{name}': it was added offline",
            f"nbssh apply {name} looks at it",
        )
    return profile.server


def refuse_prompts(profile: Profile, named: str, *, batch: bool) -> None:
    """Raise if nobody may be asked and this server is known to ask: repeated silent tries lock accounts."""
    if batch and profile.server and profile.server.prompts:
        raise NbsshError(
            f"{profile.destination}: not contacted, because it asks for a password or code", f"name it: {named}"
        )


def connect(
    world: World,
    name: str,
    profile: Profile,
    *,
    batch: bool = False,
    may_log_in: bool = True,
    login_seconds: float = LOGIN_SECONDS,
    at_destination: bool = False,
) -> AbstractContextManager[Connection]:
    """Open the way to a profile's server: its open master, else, or where that is full, a login of our own.

    Where nobody may be asked and the server is known to ask, there is no login behind a master that is full.
    `at_destination`: not to the node of a batch job, which is where an open session is.
    """
    if at_destination:
        return login.private(
            world.ssh,
            destination.arguments_of(profile),
            profile.destination,
            batch=batch,
            login_seconds=login_seconds,
        )
    return login.of_profile(
        world.ssh,
        world.paths.control_socket(name),
        destination.arguments_of(profile),
        profile.destination,
        batch=batch,
        may_log_in=may_log_in and not (batch and profile.server and profile.server.prompts),
        login_seconds=login_seconds,
    )


def script_command(name: str, server: Server, script: str) -> str:
    """Return the shell line that runs one of our scripts over there, with a clear end where it is missing."""
    path = f"{server_folder(name, server, 'share')}/{script}"
    return f"[ -f {sh(path)} ] || {{ echo 'nbssh: not installed on this server'; exit 1; }}\nexec /bin/sh {sh(path)}"
