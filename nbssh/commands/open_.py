"""`nbssh open` and `nbssh url`: the tunnel in the background if none is up, then the browser."""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.adapters.programs import process
from nbssh.adapters.ssh.connection import LOGIN_SECONDS, NoSessionError
from nbssh.core import answers
from nbssh.core.files import laptop_files, server_files
from nbssh.core.profile.profile import alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, connect
from nbssh.steps.aliases import refuse_unknown_alias
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from typing import BinaryIO

    from nbssh.adapters.programs.process import Finished
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

# As long as launch itself waits for a server and for the lock of another launch, and a little for the way
VERIFY_SECONDS = server_files.START_SECONDS + 30.0
OPENER_SECONDS = 20.0  # it goes into the background at once
SSH_FAILED = 255  # ssh(1)


def open_(world: World, name: str) -> int:
    """Open the tunnel of `name` in the background, or use the one that is up, and show the page.

    Return ssh's own status where it could not connect. The launch of a tunnel in the background ends with it.
    """
    profile = store.load(world.paths, name)
    connect.known_server(name, profile)
    if not world.paths.side.client.multiplexes:
        raise NbsshError(
            "nbssh open needs an ssh that can go into the background, which that of Windows cannot",
            f"type this instead, and leave its window open: ssh {alias(name)}",
        )
    refuse_unknown_alias(world, name, profile)
    control_socket = world.paths.control_socket(name)
    master = world.ssh.check_master(control_socket)
    if master and _is_attended(world, name, profile):
        opener_runs = False
    else:
        status = _open_tunnel(world, name, profile, joins=master)
        if status:
            return status
        # a session that joins a master runs no LocalCommand (ssh_config(5), ControlMaster)
        opener_runs = profile.browser and not master
    if not opener_runs:
        _show_browser(world, name, profile)
    world.ui.say(f"the tunnel stays open in the background; close it with: ssh -O exit {alias(name)}")
    world.ui.product(laptop_files.token_url(profile.port))
    return Exit.DONE


def _is_attended(world: World, name: str, profile: Profile) -> bool:
    """Tell whether a launch keeps the open tunnel, once it has proved that the server is ours.

    Without one the tunnel ends as soon as the last page is closed.
    """
    with connect.connect(world, name, profile) as there:
        answer = asked(there, name, profile)
        attended = bool(answer.sessions) and answer.state in {"running", "starting"}
        if attended:
            _wait(there, name, profile)
    return attended


def _open_tunnel(world: World, name: str, profile: Profile, *, joins: bool) -> int:
    """Start `ssh NAME-nb` in the background and wait until its server is verified; return ssh's status.

    `joins`: a master is open already. Nobody is asked for anything then, and ssh does not go into the background by
    itself (mux.c has no -f; measured).
    """
    # With ControlPersist the command would never run (ssh.c); without a terminal there is none to ask for.
    words = [*world.ssh.command, "-oControlPersist=no", "-oRequestTTY=no"]
    with tempfile.TemporaryFile() as errors:
        shown = 0

        def show() -> None:
            nonlocal shown
            shown += _show_new(world, errors, shown)

        if joins:
            process.leave_running([*words, alias(name)], errors=errors)
        else:
            command = [*words, "-f", alias(name)]
            done = process.detach(command, seconds=LOGIN_SECONDS, errors=errors, show=show)
            if done.limit or done.status:
                return _say_failed(world, name, done)
        try:
            _verify(world, name, profile)
        except BaseException:
            # nobody would look after a tunnel whose server was never seen
            world.ssh.end_master(world.paths.control_socket(name))
            raise
        finally:
            show()
    return Exit.DONE


def _say_failed(world: World, name: str, done: Finished) -> int:
    """Say that ssh could not connect, and return the status to exit with."""
    how = "was given up: no connection" if done.limit else f"ended with status {done.status}"
    world.ui.error(NbsshError(f"ssh {alias(name)} {how}", f"nbssh doctor {name} looks for the reason"))
    return done.status if done.status > 0 else SSH_FAILED


def _show_new(world: World, errors: BinaryIO, shown: int) -> int:
    """Show what ssh and launch said since, cleaned; return its size. The file's position belongs to ssh."""
    data = os.pread(errors.fileno(), 65536, shown)
    for line in answers.lines(data):
        if line.strip():
            world.ui.talk(f"{line}\n")
    return len(data)


def _verify(world: World, name: str, profile: Profile) -> None:
    """Return once launch has proved that the server at the end of the new tunnel is ours."""
    if not laptop_files.control_path(profile, aliases.local_files(world, name)):
        if laptop_files.is_private_end(profile):
            _await_page(name, profile)
        else:
            with connect.connect(world, name, profile) as there:
                _wait(there, name, profile)
        return
    until = time.monotonic() + VERIFY_SECONDS
    while True:
        try:
            with connect.connect(world, name, profile, batch=True, may_log_in=False) as there:
                _wait(there, name, profile)
        except NoSessionError:
            # two sessions are all that some sshd permit; the opener's is about to end
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _wait(there: Connection, name: str, profile: Profile) -> None:
    """Return once launch has verified the server, and raise if it refuses."""
    server = connect.known_server(name, profile)
    try:
        _, status = there.attempt(connect.script_command(name, server, "wait"), VERIFY_SECONDS)
    except NoSessionError:
        raise
    except NbsshError:
        status = 255  # launch refused and took the tunnel along before it could be asked
    if status:
        raise NbsshError(f"no server of '{name}' was verified on {server.hostname}", f"its log: nbssh logs {name}")


def _await_page(name: str, profile: Profile) -> None:
    """Look through the tunnel until the page answers; where no master can be asked. A closed port is the end."""
    from nbssh.adapters.jupyter.visitor import Visitor  # noqa: PLC0415  only where there is no master

    visitor = Visitor(laptop_files.token_url(profile.port))
    until = time.monotonic() + VERIFY_SECONDS
    while True:
        try:
            visitor.version()
        except (NbsshError, ValueError, KeyError) as error:
            if "refused" in str(error) or time.monotonic() > until:
                raise NbsshError(f"no server of '{name}' answers", f"its log: nbssh logs {name}") from None
            time.sleep(0.2)
        else:
            return


def _show_browser(world: World, name: str, profile: Profile) -> None:
    """Send the browser there, as ssh's LocalCommand does."""
    command = ["/bin/sh", str(world.paths.opener), name, str(profile.port)]
    done = process.run(command, seconds=OPENER_SECONDS, show_errors=True)
    if done.status:
        raise NbsshError(
            f"{world.paths.shown(world.paths.opener)} ended with status {done.status}", f"mend it: nbssh apply {name}"
        )
