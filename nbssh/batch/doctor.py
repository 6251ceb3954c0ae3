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
    word, *rest = answers.words(answers.text(ask("batch/job", "test"))) or [""]
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
    elif word == "refused":
        yield Finding(
            "scheduler", "error", f"{title} would not take the job: {said}",
            f"nbssh edit {name}: scheduler.options", name,
        )  # fmt: skip
    elif word == "ok":
        yield Finding("scheduler", "ok", f"{title} is there; a session goes by '{known.via}'", profile=name)
    else:
        yield Finding("scheduler", "error", "the script for batch jobs is missing there", f"nbssh apply {name}", name)
