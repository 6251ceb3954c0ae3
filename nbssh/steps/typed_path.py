"""Where no usable Jupyter is found on a host: its path is asked for, while the connection to the host is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from nbssh.core.profile import app as apps
from nbssh.core.profile.profile import validated
from nbssh.core.server import choice
from nbssh.errors import NbsshError
from nbssh.steps import probe

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.server.facts import Facts
    from nbssh.steps.profiles import Target


def usable(there: Connection, target: Target, facts: Facts) -> tuple[Target, Facts]:
    """Return the target with the path that was typed, and what was found by it, where none is usable without.

    Both are as they were where there is one, where nobody can be asked, and where only other hosts must have it.
    Nothing typed raises what says that there is none.
    """
    ui, program = target.ui, apps.program(target.profile.app)
    if target.profile.adopt or target.way.leads_on or facts.open or not ui.asks:
        return target, facts
    none = wrong = _wrong(target, facts)
    typed = target.profile.jupyter
    while none and wrong:
        ui.warn(wrong.message)
        if other := choice.other(target.profile, facts):
            ui.say(other)
        typed = ui.line(
            f"the path of {program} there, such as {choice.beside(typed, program)}, "
            "or its environment's folder (Enter: none):"
        )
        if not typed:
            raise none
        try:
            profile = validated(msgspec.structs.replace(target.profile, jupyter=typed), "that path")
        except NbsshError as error:
            wrong = error
            continue
        target = target.with_profile(profile)
        facts = probe.look(there, target)
        wrong = _wrong(target, facts)
    return target, facts


def _wrong(target: Target, facts: Facts) -> NbsshError | None:
    try:
        choice.candidate_for(target.profile, facts)
    except NbsshError as error:
        return error
    return None
