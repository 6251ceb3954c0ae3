"""How a connection comes about: a login of its own, or the master that a profile's session left open."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.ssh.connection import LOGIN_SECONDS, Connection, NoSessionError
from nbssh.core.ssh import answer
from nbssh.core.ssh.destination import ALIVE, QUIET
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nbssh.adapters.ssh.client import Ssh

CONNECT_SECONDS = 10  # for the TCP connection alone
_LIMIT = f"-oConnectTimeout={CONNECT_SECONDS}"
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
    limited: bool | None = None,
) -> Iterator[Connection]:
    """Open a connection with a master of its own in a temporary directory, and close it at the end.

    One authentication for all scripts in it. The user's own masters and the profile's stay untouched. `unasked`:
    nobody is asked anything. `limited`: what `needs_limit` says, where it is known.
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
        *((_LIMIT,) if (needs_limit(ssh.resolved(arguments)) if limited is None else limited) else ()),
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
    limited: Callable[[], bool] | None = None,
) -> Iterator[Connection]:
    """Use the profile's open master if there is one (no authentication at all), otherwise a private connection.

    The private one as well where the master's sshd permits it no further session, unless `may_log_in` forbids it.
    """
    with contextlib.ExitStack() as stack:

        def log_in() -> Connection:
            known = limited() if limited else None
            return stack.enter_context(
                private(ssh, arguments, shown, unasked=unasked, login_seconds=login_seconds, limited=known)
            )

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


def needs_limit(said: str) -> bool:
    """Tell whether to bound the TCP connection, by what `ssh -G` said of it.

    Not through a proxy, where a jump host may ask for a code meanwhile.
    """
    values = dict(line.split(" ", 1) for line in answer.lines(said) if " " in line)
    if values.get("proxyjump", "none") != "none" or values.get("proxycommand", "none") != "none":
        return False
    return values.get("connecttimeout", "none") in {"none", "0"}
