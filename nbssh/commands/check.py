"""`nbssh check`: does what a person does with `ssh NAME-nb`, and says what came of each step."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbssh.adapters.ssh import login
from nbssh.adapters.terminal.ui import password_from_stdin
from nbssh.core.files import laptop_files, server_files
from nbssh.core.profile.app import described, is_jupyter, title
from nbssh.core.profile.profile import alias, kill_alias
from nbssh.core.server import launch
from nbssh.core.text import printable
from nbssh.errors import NbsshError
from nbssh.steps import background, connect, ports, profiles, tunnels, verified
from nbssh.steps.aliases import refuse_unknown_alias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

START_SECONDS = login.CONNECT_SECONDS + server_files.START_SECONDS + 60.0
END_SECONDS = 15.0
BROWSER_SECONDS = 10.0


class Step(NamedTuple):
    """What came of one step, in words; `started`: it was the start of Jupyter."""

    said: str
    started: bool = False


def check(context: Context, name: str, *, password_stdin: bool) -> None:
    """Start or attach, load the page, log in, detach; raise at the first step that fails.

    Jupyter goes on running, as it does for a person who presses Ctrl-C.
    """
    target = profiles.load(context, name)
    hides = context.paths.system.background() is not None
    connect.known_server(target)
    refuse_unknown_alias(target)
    master = context.ssh.check_master(target.control_socket)
    if not master:
        _refuse_a_second(target)
        _refuse_taken_port(target)
    if hides:
        background.refuse_asked(target)
    secret = _secret(target, password_stdin=password_stdin)
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        browser = Path(folder, "browser")
        started = False
        began = time.monotonic()
        seen = None if master or not target.profile.browser else browser
        for step in _hidden_steps(target, secret) if hides else _steps(target, secret, seen):
            now = time.monotonic()
            context.ui.product(f"ok  {now - began:5.2f} s  {step.said}")
            sys.stdout.flush()
            began = now
            started = started or step.started
    found = "Jupyter" if is_jupyter(target.profile.app) else title(target.profile.app)
    how = f"this check started {found}, and it" if started else f"{found} was there before, and"
    if hides:  # what launch says goes to no terminal
        how = found
    context.ui.say(f"{how} goes on running; stop it with: ssh {kill_alias(name)}")


def _refuse_a_second(target: Target) -> None:
    """Raise where a session is open that no other one can share."""
    held = tunnels.alone(target)
    if held:
        raise NbsshError(
            f"a session of {alias(target.name)} is open, and its connection can be shared by no second one",
            f"end it first, Jupyter keeps running: {held.end}",
        )


def _refuse_taken_port(target: Target) -> None:
    """Raise where another program has the local port, before anything is asked."""
    taken = ports.taken_port(target)
    if taken and not tunnels.is_open(target):
        raise taken


def _secret(target: Target, *, password_stdin: bool) -> str:
    """Return what opens the page: the stored token, or the password that is asked for."""
    name = target.name
    if target.profile.auth == "token":
        if password_stdin:
            raise NbsshError(f"'{name}' has a token and no password", "leave out --password-stdin")
        if not target.secret.token:
            raise NbsshError(f"the token of '{name}' is missing", f"make a new one: nbssh passwd {name} --token")
        return target.secret.token
    return password_from_stdin() if password_stdin else target.ui.password(name)


def _steps(target: Target, secret: str, browser: Path | None) -> Iterator[Step]:
    """Do one step after the other and say what came of it. A pretended browser is made at `browser`."""
    from nbssh.adapters.terminal.session import Session  # noqa: PLC0415  pexpect

    name, profile = target.name, target.profile
    base = laptop_files.token_url(profile.port)
    environ = {"BROWSER": f"sh {_pretended_browser(browser)}"} if browser else {}
    with Session([*target.ssh.command, alias(name)], os.environ | environ) as session:
        greeting = launch.greeting(session.wait_for(launch.READY, START_SECONDS))
        yield Step(f"ssh {alias(name)}: {greeting.text}", greeting.started)
        yield from _page_steps(target, secret)
        if browser:
            yield Step(f"the browser is sent to {_await_browser(browser, base)}")
        ended = session.press_control_c(END_SECONDS)
        if ended.status:
            raise NbsshError(
                f"ssh {alias(name)} ended with status {ended.status} after Ctrl-C, not with 0",
                f"see what it says: ssh {alias(name)}",
            )
        yield Step("Ctrl-C gives the terminal back")


def _page_steps(target: Target, secret: str) -> Iterator[Step]:
    """Load the page and log in."""
    from nbssh.adapters.jupyter.visitor import Visitor  # noqa: PLC0415  40 ms of urllib

    visitor = Visitor(laptop_files.token_url(target.profile.port), target.name)
    if app := described(target.profile.app):
        visitor.greet(app.ready)
        yield Step(f"{app.title} answers at {visitor.base}")
    else:
        yield Step(f"the page answers at {visitor.base}, jupyter server {visitor.version()}")
        visitor.login(secret)
        yield Step(f"the {target.profile.auth} opens it")


def _hidden_steps(target: Target, secret: str) -> Iterator[Step]:
    """Do what can be done without a terminal, where there are no pseudo-terminals."""
    name = alias(target.name)
    try:
        with background.opened(target):
            verified.verify(target)
            yield Step(f"ssh {name}, without a terminal: the tunnel is open")
            yield from _page_steps(target, secret)
    except background.EndedError as error:
        raise NbsshError(f"ssh {name} {error.done.how}", f"see what it says: ssh {name}") from None
    yield Step("the tunnel ends")


def _pretended_browser(path: Path) -> Path:
    """Make a browser that only writes down where it is sent: a check must open no page."""
    path.write_text(
        f"printf '%s\\n' \"$1\" >'{path}.sent.new' && mv '{path}.sent.new' '{path}.sent'\n", encoding="ascii"
    )
    return path


def _await_browser(browser: Path, base: str) -> str:
    """Return where the opener sent the pretended browser; the page with the token is told by its own address."""
    sent = browser.with_name(f"{browser.name}.sent")
    until = time.monotonic() + BROWSER_SECONDS
    while not sent.exists():
        if time.monotonic() > until:
            raise NbsshError("the browser was not opened", "see what the opener does: sh -x ~/.ssh/nbssh.d/open")
        time.sleep(0.05)
    address = sent.read_text(encoding="utf-8", errors="replace").strip()
    return base if address.startswith("file://") else printable(address)
