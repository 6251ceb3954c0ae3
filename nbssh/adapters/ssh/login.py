"""How a connection comes about: a login of its own, or the master that a profile's session left open."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.ssh.connection import LOGIN_SECONDS, Connection, NoSessionError
from nbssh.core.ssh.destination import ALIVE, QUIET
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbssh.adapters.ssh.client import Ssh

CONNECT_SECONDS = 10  # for the TCP connection alone
# A master of ours that was left behind (kill -9) ends by itself after this.
PERSIST_SECONDS = 60


@contextlib.contextmanager
def private(
    ssh: Ssh,
    arguments: Sequence[str],
    shown: str,
    *,
    unasked: bool = False,
    login_seconds: float = LOGIN_SECONDS,
) -> Iterator[Connection]:
    """Open a connection with a master of its own in a temporary directory, and close it at the end.

    One authentication for all scripts in it. The user's own masters and the profile's stay untouched. `unasked`:
    nobody is asked anything.
    """
    # /tmp by name: TMPDIR is too long for a socket on macOS
    short = Path("/tmp") if ssh.system.client.multiplexes and Path("/tmp").is_dir() else None  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="nbssh-", dir=short))
    control_socket = folder / "ctl"
    log = folder / "log"
    command = (
        *ssh.command,
        "-oLogLevel=VERBOSE",
        "-oCompression=yes",  # scripts and files are text: a third of it
        "-E",
        str(log),
        *QUIET,
        *ALIVE,
        *_connect_timeout(ssh, arguments),
        *(("-oBatchMode=yes",) if unasked else ()),
        *_shared(control_socket, multiplexes=ssh.system.client.multiplexes),
        *arguments,
    )
    connection = Connection(ssh, shown, command, control_socket, unasked=unasked, login_seconds=login_seconds, log=log)
    try:
        yield connection
    finally:
        with ssh.system.uninterrupted():
            connection.close()
            with contextlib.suppress(NbsshError):
                ssh.end_master(control_socket)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def of_profile(
    ssh: Ssh,
    control_socket: Path,
    arguments: Sequence[str],
    shown: str,
    *,
    unasked: bool = False,
    may_log_in: bool = True,
    login_seconds: float = LOGIN_SECONDS,
) -> Iterator[Connection]:
    """Use the profile's open master if there is one (no authentication at all), otherwise a private connection.

    The private one as well where the master's sshd permits it no further session, unless `may_log_in` forbids it.
    """
    with contextlib.ExitStack() as stack:

        def log_in() -> Connection:
            return stack.enter_context(private(ssh, arguments, shown, unasked=unasked, login_seconds=login_seconds))

        def log_in_instead() -> Connection:
            if may_log_in:
                return log_in()
            raise NoSessionError(
                f"{shown}: its open connection takes no more sessions (MaxSessions of its sshd)",
                "leave one of its terminals, or name it alone",
            )

        if ssh.check_master(control_socket):
            command = (*ssh.through(control_socket), *QUIET, "x")
            connection = Connection(
                ssh, shown, command, control_socket, unasked=unasked, opened=True, login_seconds=login_seconds,
                instead=log_in_instead,
            )  # fmt: skip
            stack.callback(connection.close)
            yield connection
        else:
            yield log_in()


def _shared(control_socket: Path, *, multiplexes: bool) -> tuple[str, ...]:
    """Let all that a command needs share one login; where there are no masters, forwards take a second one."""
    if not multiplexes:
        return ("-oControlMaster=no", "-oControlPath=none")
    return ("-oControlMaster=auto", f"-oControlPath={control_socket}", f"-oControlPersist={PERSIST_SECONDS}")


def _connect_timeout(ssh: Ssh, arguments: Sequence[str]) -> tuple[str, ...]:
    """Bound the TCP connection, but not through a proxy: the same clock runs while a jump host asks for a code."""
    values = dict(line.split(" ", 1) for line in ssh.resolved(arguments).splitlines() if " " in line)
    if values.get("proxyjump", "none") != "none" or values.get("proxycommand", "none") != "none":
        return ()
    if values.get("connecttimeout", "none") not in {"none", "0"}:
        return ()
    return (f"-oConnectTimeout={CONNECT_SECONDS}",)
