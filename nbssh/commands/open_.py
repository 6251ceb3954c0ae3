"""`nbssh open`: the tunnel in the background if none is up, then the browser."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import process
from nbssh.adapters.ssh.connection import LOGIN_SECONDS
from nbssh.core import answers
from nbssh.core.files import installed, laptop_files
from nbssh.core.files.change import PRIVATE, Change, Kind, Plan
from nbssh.core.profile.page import page
from nbssh.core.profile.profile import alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, background, connect, ports, profiles, tunnels, verified, writing
from nbssh.steps.aliases import refuse_unknown_alias
from nbssh.steps.plan import deletions
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from typing import BinaryIO

    from nbssh.adapters.programs.process import Finished
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.page import View
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

OPENER_SECONDS = 20.0  # it goes into the background at once
SSH_FAILED = 255  # ssh(1)


def open_(context: Context, name: str, path: str = "", *, view: View = "") -> int:
    """Open the tunnel of `name` in the background, or use the one that is up, and show the page.

    `path` is a notebook or folder, `view` what shows it.
    Return ssh's own status where it could not connect. The launch of a tunnel in the background ends with it.
    """
    target = profiles.load(context, name)
    connect.known_server(target)
    master = context.ssh.check_master(target.control_socket)
    held = None if master else tunnels.alone(target)
    hides = context.paths.system.background() is not None
    if hides and not held:
        background.refuse_asked(target)
    refuse_unknown_alias(target)
    once = bool(path or view)
    shown = page(target.profile, path or target.profile.open_path, "nbssh open", view)
    if once:
        _write_page(target, shown)
    if held and not _is_verified(target, held):
        held = None
    how = "the tunnel was open already"
    if held or (master and _is_attended(target)):
        opener_runs = False
    else:
        how = "the tunnel stays open in the background"
        status = _open_hidden(target) if hides else _open_tunnel(target, joins=master, shown=shown if once else None)
        if status:
            return status
        # a session that joins a master runs no LocalCommand (ssh_config(5), ControlMaster)
        opener_runs = target.profile.browser and not (master or hides)
    if not opener_runs:
        _show_browser(target, f"once={shown}" if once else f"path={shown}" if shown else "")
    context.ui.say(f"{how}; close it with: {_close(target, held)}")
    for each in target.profile.alsos():
        context.ui.say(f"also {each.url}")
    context.ui.product(laptop_files.token_url(target.profile.port, path=shown))
    return Exit.DONE


def _is_verified(target: Target, held: tunnels.Alone) -> bool:
    """Return once its Jupyter is verified; False if it ended meanwhile, in the background and in another network."""
    try:
        if held.known:
            background.await_port(target, held.known)
        verified.verify(target)
    except NbsshError:
        if held.known and not tunnels.alone(target):
            return False
        raise
    return True


def _close(target: Target, held: tunnels.Alone | None) -> str:
    """Return how to close the tunnel; `held` is the session that had opened it before, where it has no master."""
    if held:
        return held.end
    mine = tunnels.alone(target)
    return SYSTEM.to_end(mine.pid) if mine and mine.pid else f"ssh -O exit {alias(target.name)}"


def _is_attended(target: Target) -> bool:
    """Tell whether a launch keeps the open tunnel, once it has proved that Jupyter is ours.

    Without one the tunnel ends as soon as the last page is closed.
    """
    with connect.connect(target) as there:
        answer = asked(there, target)
        attended = bool(answer.sessions) and answer.state in {"running", "starting"}
        if attended:
            verified.wait(there, target)
    return attended


def _write_page(target: Target, shown: str) -> None:
    """Write the page that carries the token to what is shown this time; without a token there is none."""
    file, name = target.paths.redirect_once(target.name), target.name
    why = f"takes the browser to '{name}' once"
    if not target.secret.token:
        writing.write_local(target.context, Plan(deletions({file: Kind.REDIRECT}, why)))
        return
    text = laptop_files.redirect(name, target.profile, target.secret.token, shown)
    old, mode = writer.snapshot(file)
    change = Change(str(file), old, text.encode(), PRIVATE, mode, why, secret=True, kind=Kind.REDIRECT)
    writing.write_local(target.context, Plan([change]))


def _open_tunnel(target: Target, *, joins: bool, shown: str | None) -> int:
    """Start `ssh NAME-nb` in the background and wait until its Jupyter is verified; return ssh's status.

    `shown` is what the opener that ssh runs shows this time, None for what the profile says.
    `joins`: a master is open already. Nobody is asked for anything then, and ssh does not go into the background by
    itself (mux.c has no -f; measured).
    """
    # With ControlPersist the command would never run (ssh.c); without a terminal there is none to ask for.
    name, words = target.name, [*target.ssh.command, "-oControlPersist=no", "-oRequestTTY=no"]
    if shown is not None:
        opener = laptop_files.local_command_once(name, target.profile, aliases.local_files(target), target.way, shown)
        words.append(f"-oLocalCommand={opener}")
    with tempfile.TemporaryFile() as errors:
        told = 0

        def show() -> None:
            nonlocal told
            told += _show_new(target.ui, errors, told)

        if joins:
            process.leave_running([*words, alias(name)], errors=errors)
        else:
            command = [*words, "-f", alias(name)]
            done = process.detach(command, seconds=LOGIN_SECONDS, errors=errors, show=show)
            if done.limit or done.status:
                return _say_failed(target, done)
        try:
            verified.verify(target)
        except BaseException:
            # nobody would look after a tunnel whose Jupyter was never seen
            target.ssh.end_master(target.control_socket)
            raise
        finally:
            show()
    return Exit.DONE


def _open_hidden(target: Target) -> int:
    """Do it where ssh cannot go into the background by itself."""
    try:
        with background.opened(target) as hidden:
            verified.verify(target)
            hidden.let_go()
    except background.EndedError as error:
        return _say_failed(target, error.done, f"what it asks, it asks in a window: ssh {alias(target.name)}; ")
    return Exit.DONE


def _say_failed(target: Target, done: Finished, first: str = "") -> int:
    """Say that ssh could not connect, and who has its port; return the status to exit with."""
    how, hint = done.how, f"{first}look for the reason: nbssh doctor {target.name}"
    taken = ports.taken_port(target)
    if taken:
        how, hint = f"{how}: {taken.message}", f"{taken.hint}; nbssh doctor {target.name}"
    target.ui.error(NbsshError(f"ssh {alias(target.name)} {how}", hint))
    return done.status if done.status > 0 else SSH_FAILED


def _show_new(ui: Ui, errors: BinaryIO, shown: int) -> int:
    """Show what ssh and launch said since, cleaned; return its size. The file's position belongs to ssh."""
    data = os.pread(errors.fileno(), 65536, shown)
    for line in answers.lines(data):
        if line.strip():
            ui.talk(f"{line}\n")
    return len(data)


def _show_browser(target: Target, show: str) -> None:
    """Send the browser there, as ssh's LocalCommand does; `show` is the opener's word for the page, or nothing."""
    name, opener = target.name, target.paths.opener
    page = target.paths.redirect_once(name) if show.startswith("once=") else target.paths.redirect(name)
    where = str(page) if page.exists() else laptop_files.token_url(target.profile.port, path=show.partition("=")[2])
    if target.paths.system.show(where):
        return
    blocks = writer.read(target.paths.conf(name))
    program, folder = installed.program_named(blocks), installed.folder_named(blocks)
    if folder:
        program = f"{folder}/program/{program}"
    later = laptop_files.later_tunnel(target.profile, aliases.local_files(target))
    words = [word for word in (program, later if program else "", show if program else "") if word]
    command = ["/bin/sh", str(opener), name, str(target.profile.port), *words]
    done = process.run(command, seconds=OPENER_SECONDS, show_errors=True)
    if done.status:
        raise NbsshError(
            f"{target.paths.shown(opener)} ended with status {done.status}", f"mend it: nbssh apply {name}"
        )
