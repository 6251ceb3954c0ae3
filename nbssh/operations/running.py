"""What is done with a server that runs: stop it, read its log. One connection each, the open master if there is one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nbssh.adapters import connecting, process, store
from nbssh.adapters.connection import LOGIN_SECONDS
from nbssh.core import destination
from nbssh.core.plan import printable
from nbssh.core.render import sh
from nbssh.core.serverfiles import server_folder
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from nbssh.adapters.connection import Connection
    from nbssh.core.profile import Profile, Server
    from nbssh.operations.world import World

LOG_LINES = 1000


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
        return connecting.private(
            world.ssh,
            destination.arguments_of(profile),
            profile.destination,
            batch=batch,
            login_seconds=login_seconds,
        )
    return connecting.of_profile(
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


def kill(world: World, name: str) -> int:
    """Stop the server and say what was done; return the script's status."""
    profile = store.load(world.paths, name)
    world = world.on(profile.client)
    server = known_server(name, profile)
    with connect(world, name, profile) as there:
        out, status = there.attempt(script_command(name, server, "kill"))
    for line in out.decode("utf-8", "replace").splitlines():
        world.ui.product(printable(line))
    return status


def logs(world: World, name: str, *, follow: bool) -> int:
    """Print the log's end, and with `follow` what comes, until Ctrl-C."""
    profile = store.load(world.paths, name)
    world = world.on(profile.client)
    server = known_server(name, profile)
    state = sh(server_folder(name, server, "state"))
    # the log of a batch job is in the shared home, below the name of its node
    log = f'"$(ls -td {state}/*/log 2>/dev/null | head -n 1)"' if profile.scheduler else f'{state}/"$(uname -n)"/log'
    there_is = f'[ -f {log} ] || {{ echo "nbssh: no log on $(uname -n): nothing was started there yet" >&2; exit 1; }}'
    with connect(world, name, profile) as there:
        if not follow:
            out, status = there.attempt(f"{there_is}\ntail -n {LOG_LINES} {log}")
            for line in out.decode("utf-8", "replace").splitlines():
                world.ui.product(printable(line))
            return status
        # first a script with an end: it logs in, or finds out that the open master takes no more sessions
        if there.attempt(there_is)[1]:
            return 1
        with process.lines(
            [*there.command, "exec", "/bin/sh"], f"exec 2>&1\ntail -n {LOG_LINES} -f {log}\n".encode()
        ) as lines:
            for raw in lines:
                world.ui.product(printable(raw.decode("utf-8", "replace").rstrip("\r\n")))
                sys.stdout.flush()
    return 0
