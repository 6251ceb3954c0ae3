"""`nbssh doctor`, the part about the scheduler of one profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core import answers
from nbssh.core.server.doctor import Finding
from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.batch.route import Route
    from nbssh.core.profile.declared import Declared


def examine(route: Route, declared: Declared, ask: Callable[..., bytes]) -> Iterator[Finding]:
    """Ask whether the scheduler is there and would take the job."""
    name, title, known = declared.name, route.title, declared.server
    rows = answers.rows(ask("batch/job", "test"))
    told = {row[0]: " ".join(row[1:]) for row in rows if row[0] in {"way", "reaches", "lost"}}
    word, *rest = next((row for row in rows if row[0] not in told), [""])
    said = " ".join(rest)[:300]
    if word == "never":
        yield Finding(
            "scheduler", "error", f"the job in {title}'s queue would wait for ever: {said}",
            f"nbssh kill {name}; nbssh edit {name}: scheduler.options", name,
        )  # fmt: skip
    elif word == "missing":
        yield Finding(
            "scheduler", "error", f"{title}'s {said} was not found on {known.hostname}",
            f"is it the login node? if {said} comes with a module, put its folder on the PATH of all shells", name,
        )  # fmt: skip
    elif word == "silent":
        yield Finding(
            "scheduler", "error", f"{title} does not answer on {known.hostname}",
            f"in a minute: nbssh doctor {name}", name,
        )  # fmt: skip
    elif word == "refused":
        yield Finding(
            "scheduler", "error", f"{title} would not take the job: {said}",
            f"nbssh edit {name}: scheduler.options", name,
        )  # fmt: skip
    elif word == "ok":
        yield _way(route, declared, told)
    else:
        yield Finding("scheduler", "error", "the script for batch jobs is missing there", f"nbssh apply {name}", name)


def _way(route: Route, declared: Declared, told: dict[str, str]) -> Finding:
    """Return what is known of the way to a node, and how: it was tried now, where a job runs, or it was not."""
    name, there, via = declared.name, f"{route.title} is there", declared.server.via
    again = f"to have it tried now: nbssh apply --probe {name}"
    if via == "auto" and told.get("way") not in route.to_try:
        way = "the way to a node was never tried: when it was added the queue gave none; the first session finds it"
        return Finding("scheduler", "warning", f"{there}; {way}", again, name)
    goes = f"a session goes by '{via}'"
    if via == "auto":
        goes = f"a session goes by '{told['way']}', which the first one has found"
    if "lost" in told:
        lost = f"the job runs on {printable(told['lost'], 60)}, where no sshd answers: {goes}, and does not get in"
        return Finding("scheduler", "error", lost, f"to have the ways tried again: nbssh apply --probe {name}", name)
    if "reaches" in told:
        return Finding(
            "scheduler", "ok", f"{there}; {goes}, and a sshd answers on {printable(told['reaches'], 60)}", profile=name
        )
    return Finding("scheduler", "ok", f"{there}; {goes}: not tried now, for no job runs", again, name)
