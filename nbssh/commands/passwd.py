"""`nbssh passwd`: a new password or token, here and on the server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.files.change import Plan
from nbssh.steps import connect, plan, profiles, writing
from nbssh.steps.secret import new_secret
from nbssh.steps.server_files import read_remote, settle
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from nbssh.steps.context import Context


def passwd(context: Context, name: str, *, token: bool, password_stdin: bool, offline: bool) -> None:
    """Replace the secret of `name`. A server that runs keeps the old one until it is started anew."""
    old = profiles.load(context, name)
    before = old.secret
    secret = new_secret(context.ui, name, token=token, password_stdin=password_stdin)
    secret = msgspec.structs.replace(secret, key=before.key, public_key=before.public_key)
    profile = msgspec.structs.replace(old.profile, auth="token" if token else "password")
    target = old.with_profile(profile).with_secret(secret)
    known = profile.server is not None and not offline
    runs = False
    with ExitStack() as stack:
        if known:
            there = stack.enter_context(connect.connect(target))
            changes = plan.remote_changes(target.declared, read_remote(there, [target.declared]))
            writing.refuse_edits(context, changes)
            writing.install(target, there, changes)
            runs = asked(there, target).state in {"running", "starting", "unresponsive"}
        writing.write_local(context, Plan(plan.local_changes(target)[0]))
        if known:
            settle(there, target.declared, changes)
    context.ui.say(f"'{name}' has a new {profile.auth}")
    if not known:
        context.ui.say(f"the server does not know it yet: nbssh apply {name}")
    elif runs:
        context.ui.say("the server that runs there keeps the old one until it is stopped and started anew")
        context.ui.say(f"to do that now: ssh {name}-nb-kill, then ssh {name}-nb")
