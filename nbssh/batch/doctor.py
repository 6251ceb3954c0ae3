"""`nbssh doctor`, the part about the scheduler of one profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core import answers
from nbssh.core.server.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.batch.route import Route
    from nbssh.core.profile.declared import Declared


def examine(route: Route, declared: Declared, ask: Callable[..., bytes]) -> Iterator[Finding]:
    """Ask whether the scheduler is there and would take the job."""
    name, title, known = declared.name, route.title, declared.server
    rows = answers.rows(ask("batch/job", "test"))
    ways = [word for row in rows if row[0] == "way" for word in row[1:] if word in route.to_try]
    word, *rest = next((row for row in rows if row[0] != "way"), [""])
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
    elif word == "ok" and known.via == "auto":
        if ways:
            way = f"a session goes by '{ways[0]}', which the first one has found"
        else:
            way = "the way to a node was never tried: when it was added the queue gave none; the first session finds it"
        yield Finding(
            "scheduler", "ok" if ways else "warning", f"{title} is there; {way}",
            f"to have it tried now: nbssh apply --probe {name}", name,
        )  # fmt: skip
    elif word == "ok":
        yield Finding("scheduler", "ok", f"{title} is there; a session goes by '{known.via}'", profile=name)
    else:
        yield Finding("scheduler", "error", "the script for batch jobs is missing there", f"nbssh apply {name}", name)
