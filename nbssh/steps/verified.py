"""Proof that the Jupyter at the end of an open tunnel is the profile's: launch's word, or a socket of her own."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from nbssh.adapters.ssh.connection import NoSessionError
from nbssh.core import answers
from nbssh.core.files import laptop_files, server_files
from nbssh.core.profile.app import described
from nbssh.errors import NbsshError
from nbssh.steps import aliases, connect

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.steps.profiles import Target

# As long as launch itself waits for a Jupyter and for the lock of another launch, and a little for the way
VERIFY_SECONDS = server_files.START_SECONDS + 30.0
PATIENCE = "4"  # seconds without any launch


def verify(target: Target) -> None:
    """Return once launch has proved that the Jupyter at the end of the new tunnel is ours."""
    if not laptop_files.control_path(target.profile, aliases.local_files(target)):
        if laptop_files.is_private_end(target.profile):
            _await_page(target)
        else:
            with connect.connect(target) as there:
                wait(there, target)
        return
    until = time.monotonic() + VERIFY_SECONDS
    while True:
        try:
            with connect.connect(target, unasked=True, may_log_in=False) as there:
                wait(there, target)
        except NoSessionError:
            # two sessions are all that some sshd permit; the opener's is about to end
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def wait(there: Connection, target: Target) -> None:
    """Return once launch has verified Jupyter, and raise if it refuses."""
    name, server, nonce = target.name, connect.known_server(target), secrets.token_hex(8)
    try:
        said, _ = there.attempt(connect.script_command(target, "wait", nonce, PATIENCE), VERIFY_SECONDS)
    except NoSessionError:
        raise
    except NbsshError:
        said = b""  # launch refused and took the tunnel along before it could be asked
    connect.refuse_missing(target, said)
    if f"nbssh-{nonce}-verified" not in answers.lines(said):
        raise NbsshError(f"no Jupyter of '{name}' was verified on {server.hostname}", _look_at(target))


def _look_at(target: Target) -> str:
    return (
        "start it by hand, as before"
        if target.profile.adopt
        else f"why: nbssh doctor {target.name}; its log: nbssh logs {target.name}"
    )


def _await_page(target: Target) -> None:
    """Look through the tunnel until the page answers; where no master can be asked. A closed port is the end."""
    from nbssh.adapters.jupyter.visitor import ClosedPortError, Visitor  # noqa: PLC0415  only where there is no master

    visitor, app = Visitor(laptop_files.token_url(target.profile.port)), described(target.profile.app)
    until = time.monotonic() + VERIFY_SECONDS
    while True:
        try:
            visitor.greet(app.ready) if app else visitor.version()
        except NbsshError as error:
            if isinstance(error, ClosedPortError) or time.monotonic() > until:
                raise NbsshError(f"no Jupyter of '{target.name}' answers", _look_at(target)) from None
            time.sleep(0.2)
        else:
            return
