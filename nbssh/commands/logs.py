"""`nbssh logs`: the end of Jupyter's log on its host, and with -f what comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nbssh.adapters.programs import process
from nbssh.core import answers
from nbssh.core.files.quoting import sh
from nbssh.core.profile.declared import server_folder
from nbssh.errors import NbsshError
from nbssh.steps import profiles
from nbssh.steps.connect import connect, known_server

if TYPE_CHECKING:
    from nbssh.steps.context import Context

LOG_LINES = 1000


def logs(context: Context, name: str, *, follow: bool) -> int:
    """Print the log's end, and with `follow` what comes, until Ctrl-C."""
    target = profiles.load(context, name)
    if target.profile.adopt:
        raise NbsshError(
            f"'{name}' uses the Jupyter that you start by hand, whose log is where you sent it",
            f"for nohup, there: tail nohup.out; what it is: nbssh show {name}",
        )
    state = sh(server_folder(name, known_server(target), "state"))
    # where the way leads on, the log is in the shared home, below the name of another host; a host may get another name
    newest = f'"$(ls -td {state}/*/log 2>/dev/null | head -n 1)"'
    own = f'{state}/"$(uname -n)"/log'
    log = newest if target.way.leads_on else f'"$(if [ -f {own} ]; then echo {own}; else echo {newest}; fi)"'
    there_is = f'[ -f {log} ] || {{ echo "nbssh: no log on $(uname -n): nothing was started there yet" >&2; exit 1; }}'
    with connect(target) as there:
        if not follow:
            out, status = there.attempt(f"{there_is}\ntail -n {LOG_LINES} {log}")
            for line in answers.lines(out):
                context.ui.product(line)
            return status
        # first a script with an end: it logs in, or finds out that the open master takes no more sessions
        if there.attempt(there_is)[1]:
            return 1
        with process.lines(
            [*there.command, "exec", "/bin/sh"], f"exec 2>&1\ntail -n {LOG_LINES} -f {log}\n".encode()
        ) as lines:
            for raw in lines:
                for line in answers.lines(raw):
                    context.ui.product(line)
                sys.stdout.flush()
    return 0
