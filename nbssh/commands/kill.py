"""`nbssh kill`: stop what runs on the host, as `ssh NAME-nb-kill` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.core import answers
from nbssh.steps.connect import connect, known_server, script_command

if TYPE_CHECKING:
    from nbssh.steps.world import World


def kill(world: World, name: str) -> int:
    """Stop the server and say what was done; return the script's status."""
    profile = store.load(world.paths, name)
    server = known_server(name, profile)
    with connect(world, name, profile) as there:
        out, status = there.attempt(script_command(name, server, "kill"))
    for line in answers.lines(out):
        world.ui.product(line)
    return status
