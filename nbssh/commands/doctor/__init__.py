"""`nbssh doctor`: all checks, here and on the servers, in one table with what repairs each finding."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

from nbssh.commands.doctor import here, there
from nbssh.commands.doctor.profile import Common
from nbssh.commands.doctor.profile import examine as examine_profile
from nbssh.core.server.doctor import Finding, as_json, folded, has_errors, summary
from nbssh.errors import Exit, NbsshError
from nbssh.steps import border, connect, profiles, proofs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Failure, Target


def doctor(context: Context, name: str, *, offline: bool, report: bool, json: bool) -> int:
    """Print all findings, or with `report` a report on them, and return the exit code."""
    if report and json:
        raise NbsshError("--report and --json exclude each other", "give one of them", code=Exit.USAGE)
    targets, unreadable = profiles.select(context, [name] if name else [])
    with proofs.keeping(context):
        found = _examined(context, name, targets, unreadable, offline=offline)
    if json:
        context.ui.json(checks=as_json(found), errors=[broken.as_json() for broken in unreadable])
    elif report:
        from nbssh.commands.doctor.report import report_of  # noqa: PLC0415  tomlkit, 50 ms

        context.ui.product(report_of(name, targets, found))
        context.ui.say(f"{summary(found)}; no secret is in the report, but names of hosts and users are")
    else:
        from nbssh.adapters.terminal.table import print_findings  # noqa: PLC0415  rich, 60 ms

        print_findings(found if name else folded(found), color=context.ui.colored(sys.stdout))
        context.ui.say(summary(found))
    return Exit.FAILED if has_errors(found) else Exit.DONE


def _examined(
    context: Context, name: str, targets: Sequence[Target], unreadable: Sequence[Failure], *, offline: bool
) -> list[Finding]:
    """Return all findings.

    A named profile's server may ask for a password. Without a name all servers are asked at once and nobody is
    prompted; one that does not answer costs the others nothing.
    """
    found = here.examine(context, name)
    for broken in unreadable:
        repair = f"{broken.error.hint}: nbssh edit {broken.name}"
        found.append(Finding("profile", "error", broken.error.message, repair, broken.name))
    ask_ssh = not here.breaks_ssh(found)
    common = Common.of(context, targets, many=not name)

    def examine(target: Target) -> list[Finding]:
        mine: list[Finding] = []
        try:
            with border.around(target.name, context.paths):
                mine += examine_profile(target, common, ask_ssh=ask_ssh)
                hangs = any(finding.level == "error" and finding.check == "master" for finding in mine)
                if ask_ssh and not hangs and not offline:
                    mine += there.examine(target, unasked=not name)
        except NbsshError as error:
            mine.append(Finding("server", "error", error.message, error.hint, target.name))
        return mine

    if name or (offline and proofs.spare_ssh(context)):
        found += chain.from_iterable(map(examine, targets))
    else:
        with ThreadPoolExecutor(connect.WORKERS) as pool:
            found += chain.from_iterable(pool.map(examine, targets))
    if targets and not ask_ssh:
        found.append(
            Finding("", "warning", "the aliases and the hosts were not looked at, because ssh does not work",
                    "repair that first, then once more: nbssh doctor")
        )  # fmt: skip
    return found
