"""`nbssh passwd`: a new password or token, here and on the host."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.files.change import Plan
from nbssh.core.profile.app import is_jupyter, title
from nbssh.core.profile.shared import SECRET
from nbssh.errors import NbsshError
from nbssh.steps import connect, plan, profiles, writing
from nbssh.steps.agree import agree
from nbssh.steps.secret import new_secret
from nbssh.steps.server_files import read_remote, settle
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from nbssh.steps.context import Context


def passwd(context: Context, name: str, *, token: bool, password_stdin: bool, offline: bool) -> None:
    """Replace the secret of `name`. A Jupyter that runs keeps the old one until it is started again."""
    target = profiles.load(context, name)
    if target.profile.adopt:
        raise NbsshError(
            f"'{name}' uses the Jupyter that you start by hand, which has a password or token of its own",
            "change it there: jupyter notebook password (JupyterLab: jupyter server password), then start it again",
        )
    if not is_jupyter(target.profile.app) and not token:
        raise NbsshError(f"{title(target.profile.app)} knows no password, only a token", f"nbssh passwd {name} --token")
    profile = msgspec.structs.replace(target.profile, auth="token" if token else "password")
    target = target.with_profile(profile)
    known = profile.server is not None and not offline
    runs, agreed = False, None
    with ExitStack() as stack:
        if known:
            there = stack.enter_context(connect.connect(target))
            present = read_remote(there, [target.declared])
        # asked for last, as by `add`: a host that is away must not cost it
        fresh = new_secret(context.ui, name, token=token, password_stdin=password_stdin)
        target = target.with_secret(msgspec.structs.replace(target.secret, hash=fresh.hash, token=fresh.token))
        if known:
            agreed = agree(target, present, decided={SECRET})
            target = agreed.target
            writing.refuse_edits(context, agreed.changes)
            writing.install(target, there, agreed.changes)
            runs = asked(there, target).state in {"running", "starting", "unresponsive"}
        writing.write_local(context, Plan(plan.local_changes(target)[0]))
        if agreed:
            settle(there, target.declared, agreed.changes)
    context.ui.say(f"'{name}' has a new {profile.auth}")
    if agreed:
        agreed.say_taken(done=True)
        agreed.say_sent()
    if not known:
        context.ui.say(f"the host does not know it yet: nbssh apply {name}")
    elif runs:
        context.ui.say("the Jupyter that runs there keeps the old one until it is stopped and started again")
        context.ui.say(f"to do that now: ssh {name}-nb-kill, then ssh {name}-nb")
