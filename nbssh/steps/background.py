"""A tunnel in the background on a system whose ssh cannot go there by itself: opened, found again, ended.

A file tells its process and when that began, so a number that another one got is never taken for it. Until its Jupyter
is verified it lives no longer than we do, whatever ends us.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import access, atomic, lock, writer
from nbssh.adapters.laptop.background import Known
from nbssh.adapters.programs.process import OUTPUT_BYTES, Finished
from nbssh.adapters.ssh.connection import LOGIN_SECONDS
from nbssh.core import answers
from nbssh.core.profile.profile import alias
from nbssh.errors import NbsshError
from nbssh.steps import connect, ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.adapters.laptop.background import Hidden
    from nbssh.adapters.laptop.paths import Paths
    from nbssh.steps.profiles import Target

_RECORD_BYTES = 1000
_NAP = 0.1
_LOGIN_SECONDS = 60.0  # it asks nobody; a way that leads on may wait for a job
# no terminal to ask on, and nobody there; the browser is ours to open
_OPTIONS = ("-oControlPersist=no", "-oRequestTTY=no", "-oBatchMode=yes", "-oPermitLocalCommand=no")


def find(paths: Paths, name: str) -> Known | None:
    """Return the ssh of a profile's tunnel, None where there is none; the file of one that has ended goes."""
    data, known = _look(paths, name)
    if data is not None and not known:
        _forget(paths, name)
    return known


def _look(paths: Paths, name: str) -> tuple[bytes | None, Known | None]:
    """Return what the file says, and the ssh if that is still there."""
    background = paths.system.background()
    data = writer.read(paths.tunnel(name), limit=_RECORD_BYTES) if background else None
    known = answers.record(data, Known) if data else None
    return data, known if background and known and background.lasts(known) else None


def end(paths: Paths, name: str) -> bool:
    """End it; tell whether there was one."""
    background, known = paths.system.background(), find(paths, name)
    if not (background and known):
        return False
    background.end(known)
    find(paths, name)
    return True


def take_away(paths: Paths, name: str) -> None:
    """End it, and take its log away, too."""
    end(paths, name)
    log = paths.tunnel_log(name)
    with access.in_words("remove", log):
        atomic.remove_if_there([str(log)])


def refuse_asked(target: Target) -> None:
    """Raise where a login asks for something: in the background nobody could answer."""
    server = connect.known_server(target)
    if server.prompts or server.sessions_ask:
        raise NbsshError(
            f"a login to '{target.profile.destination}' asks for something, which nobody could answer in the "
            "background",
            f"type this instead, and leave its window open: ssh {alias(target.name)}; once a key or an agent logs in: "
            f"nbssh apply --probe {target.name}",
        )


class EndedError(NbsshError):
    """ssh ended before the tunnel was open; `done` is how."""

    def __init__(self, done: Finished) -> None:
        super().__init__("the tunnel was not opened")
        self.done = done


@contextlib.contextmanager
def opened(target: Target) -> Iterator[Hidden]:
    """Open the tunnel by a login that asks nobody anything; it ends with the block, unless it is let go.

    What ssh says is shown. Raises EndedError.
    """
    paths, log = target.paths, target.paths.tunnel_log(target.name)
    with contextlib.ExitStack() as stack:
        with lock.held(paths.lock), access.in_words("write", log):
            if _look(paths, target.name)[1]:
                raise NbsshError(
                    f"the tunnel of '{target.name}' is being opened already", f"use that: nbssh open {target.name}"
                )
            if taken := ports.taken_port(target):  # an ssh there shares the port of another program
                raise taken
            hidden = _start(stack, target)
        shown = stack.enter_context(log.open("rb"))

        def show() -> bool:
            for line in answers.lines(shown.read(65536)):
                if line.strip():
                    target.ui.talk(f"{line}\n")
            return shown.tell() <= OUTPUT_BYTES

        stack.callback(show)
        limit = await_port(target, hidden.known, show, hidden.owns)
        status = hidden.status()
        if limit or status is not None:
            raise EndedError(Finished(-1 if status is None else status, b"", limit=limit))
        _refuse_strangers(target, hidden)
        yield hidden


def _start(stack: contextlib.ExitStack, target: Target) -> Hidden:
    """Start it, with its log and the file that tells of it; what the `stack` ends, it takes along."""
    paths, name = target.paths, target.name
    record, log = paths.tunnel(name), paths.tunnel_log(name)
    atomic.make_folders(str(paths.tunnels_dir), [], str(paths.state))
    if not log.exists():
        atomic.write_new(str(log), b"", 0o600)
    background = paths.system.background()
    assert background  # noqa: S101  narrows the type
    errors = stack.enter_context(log.open("wb"))
    stack.callback(find, paths, name)  # takes the file away where ssh has ended
    command = [*target.ssh.command, *_OPTIONS, alias(name)]
    hidden = stack.enter_context(background.start(command, errors=errors, cwd=paths.home))
    atomic.remove_if_there([str(record)])
    atomic.write_new(str(record), msgspec.json.encode(hidden.known), 0o600)
    return hidden


def await_port(
    target: Target,
    known: Known,
    goes_on: Callable[[], bool] = lambda: True,
    owns: Callable[[int], bool] = lambda _: True,
) -> str:
    """Wait until the tunnel listens, or its ssh has ended; return the limit that was reached, if one was."""
    background = target.paths.system.background()
    until = time.monotonic() + (LOGIN_SECONDS if target.way.leads_on else _LOGIN_SECONDS)
    while background and background.lasts(known):
        if not goes_on():
            return "output"
        if any(owns(each.pid) for each in background.listeners(target.profile.port)):
            return ""
        if time.monotonic() > until:
            return "time"
        time.sleep(_NAP)
    return ""


def _refuse_strangers(target: Target, hidden: Hidden) -> None:
    """Raise where another program shares a port: its page would be taken for Jupyter's."""
    background = target.paths.system.background()
    for port in target.profile.local_ports():
        listeners = background.listeners(port) if background else ()
        if others := [each for each in listeners if not hidden.owns(each.pid)]:
            who, end = ports.holders_told(others)
            raise ports.taken(target, port, f"{who}, too", end)


def _forget(paths: Paths, name: str) -> None:
    """Take away the file of a tunnel that has ended; another nbssh may have opened one meanwhile."""
    record = paths.tunnel(name)
    with lock.held(paths.lock), access.in_words("remove", record):
        if not _look(paths, name)[1]:
            atomic.remove_if_there([str(record)])
