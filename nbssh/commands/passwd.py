"""`nbssh passwd`: a new password or token, here and on the server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.laptop import store
from nbssh.core.files.change import Plan
from nbssh.core.profile.declared import Declared
from nbssh.steps import connect, plan, writing
from nbssh.steps.secret import new_secret
from nbssh.steps.server_files import read_remote
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from nbssh.steps.world import World


def passwd(world: World, name: str, *, token: bool, password_stdin: bool, offline: bool) -> None:
    """Replace the secret of `name`. A server that runs keeps the old one until it is started anew."""
    old = store.load(world.paths, name)
    before = store.load_secret(world.paths, name)
    secret = new_secret(world, name, token=token, password_stdin=password_stdin)
    secret = msgspec.structs.replace(secret, key=before.key, public_key=before.public_key)
    profile = msgspec.structs.replace(old, auth="token" if token else "password")
    declared = Declared(name, profile, secret)
    known = profile.server is not None and not offline
    runs = False
    with ExitStack() as stack:
        if known:
            there = stack.enter_context(connect.connect(world, name, profile))
            changes = plan.remote_changes(declared, read_remote(there, [declared.folder]))
            writing.refuse_edits(world, changes)
            writing.install(world, there, declared, changes)
            runs = asked(there, name, profile).state in {"running", "starting", "unresponsive"}
        writing.write_local(world, Plan(plan.local_changes(world, declared)[0]))
    world.ui.say(f"'{name}' has a new {profile.auth}")
    if not known:
        world.ui.say(f"the server does not know it yet: nbssh apply {name}")
    elif runs:
        world.ui.say("the server that runs there keeps the old one until it is stopped and started anew")
        world.ui.say(f"to do that now: ssh {name}-nb-kill, then ssh {name}-nb")
