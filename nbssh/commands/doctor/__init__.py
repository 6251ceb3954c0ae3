"""`nbssh doctor`: all checks, here and on the servers, in one table with what repairs each finding."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.commands.doctor import here, there
from nbssh.commands.doctor.profile import examine as examine_profile
from nbssh.core.server import doctor as findings
from nbssh.core.server.doctor import Finding
from nbssh.errors import Exit, NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

WORKERS = 8


def doctor(world: World, name: str, *, offline: bool, json: bool) -> int:
    """Print all findings and return the exit code.

    A named profile's server may ask for a password. Without a name all servers are asked at once and nobody is
    prompted; one that does not answer costs the others nothing.
    """
    if name and name not in store.names(world.paths):
        store.load(world.paths, name)  # says which ones there are
    found = here.examine(world)
    profiles, broken = _loaded(world, [name] if name else store.names(world.paths))
    found += broken
    ask_ssh = not here.breaks_ssh(found)

    def examine(item: tuple[str, Profile]) -> list[Finding]:
        mine = examine_profile(world, *item, ask_ssh=ask_ssh)
        hangs = any(finding.level == "error" and finding.check == "master" for finding in mine)
        if ask_ssh and not hangs and not offline:
            mine += there.examine(world, *item, batch=not name)
        return mine

    with ThreadPoolExecutor(WORKERS if not name else 1) as pool:
        for mine in pool.map(examine, profiles.items()):
            found += mine
    if profiles and not ask_ssh:
        found.append(
            Finding("", "warning", "the aliases and the servers were not looked at, because ssh does not work",
                    "repair that first, then run nbssh doctor again")
        )  # fmt: skip
    if json:
        world.ui.json(checks=findings.as_json(found), errors=[])
    else:
        from nbssh.adapters.terminal.table import print_findings  # noqa: PLC0415  rich, 60 ms

        print_findings(found if name else findings.folded(found), color=world.ui.colored(sys.stdout))
        world.ui.say(findings.summary(found))
    return Exit.FAILED if findings.has_errors(found) else Exit.DONE


def _loaded(world: World, names: list[str]) -> tuple[dict[str, Profile], list[Finding]]:
    """Return the profiles that can be read, and what is wrong with the others."""
    profiles: dict[str, Profile] = {}
    broken: list[Finding] = []
    for name in names:
        try:
            profiles[name] = store.load(world.paths, name)
        except NbsshError as error:
            broken.append(Finding("profile", "error", error.message, f"{error.hint}: nbssh edit {name}", name))
    return profiles, broken
