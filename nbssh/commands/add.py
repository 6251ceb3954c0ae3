"""`nbssh add`: declare, look at the host, install there and here, say what to type next. All of it or nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import writer
from nbssh.adapters.ssh import login
from nbssh.core.files import laptop_files, server_record
from nbssh.core.files.change import Change, Plan
from nbssh.core.files.diff import painted, unified
from nbssh.core.profile import app
from nbssh.core.profile.declared import Secret
from nbssh.core.profile.profile import alias
from nbssh.core.ssh.destination import arguments_of
from nbssh.core.ssh.include import Kind
from nbssh.core.ssh.recipe import parse_recipe
from nbssh.errors import NbsshError
from nbssh.steps import blocks, folders, include, plan, ports, profiles, typo, writing
from nbssh.steps.agree import settled
from nbssh.steps.joining import join
from nbssh.steps.profiles import Target
from nbssh.steps.request import is_already, named, profile_of
from nbssh.steps.secret import new_secret, with_key
from nbssh.steps.server_files import read_remote, settle, take_back
from nbssh.wings import way_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Profile
    from nbssh.core.ssh.recipe import Recipe
    from nbssh.steps.context import Context
    from nbssh.steps.request import Wish
    from nbssh.steps.server_files import Present

UNTRIED = {
    "terminal": "a session with a terminal, where something over there asks first, or is slow",
    "tunnel": "the tunnel, for which a Python over there would have to listen",
}
ATTEMPTS = 20  # each means that another nbssh wrote files while ours were planned


def add(context: Context, wish: Wish) -> None:
    """Make a profile and everything it stands for."""
    blocks.look_again()
    wish = named(context, wish)
    _set_up_as_wished(context, wish)
    if wish.editor and not wish.dry_run:
        target = profiles.load(context, wish.name)
        token = profiles.token(target)
        if not token:
            raise NbsshError(
                f"'{wish.name}' has a password, which its other laptops use", f"nbssh passwd {wish.name} --token"
            )
        context.ui.say("paste this into your editor, for an existing Jupyter server, while the tunnel is open:")
        context.ui.product(laptop_files.token_url(target.profile.port, token))


def _set_up_as_wished(context: Context, wish: Wish) -> None:
    recipe = parse_recipe(wish.destination or wish.name)
    if is_already(context, wish, recipe):
        if wish.dry_run:
            context.ui.say(f"'{wish.name}' is set up already; see what differs: nbssh diff {wish.name}")
        else:
            _complete(context, wish.name)
        return
    profile = profile_of(context, wish, recipe)
    include.refuse_taken_aliases(context, wish.name, leads_on=way_of(profile).leads_on)
    if wish.dry_run:
        _show_plan(context, wish, profile)
        return
    if not wish.offline:
        typo.refuse(context, wish.name, profile)
    included = _include(context)
    context.ssh.resolved(arguments_of(profile))
    # a password is asked for last: on the host it may turn out that there is one
    secret = Secret()
    if wish.offline or wish.token or wish.password_stdin:
        secret = new_secret(context.ui, wish.name, token=wish.token, password_stdin=wish.password_stdin)
    target = with_key(Target(context, wish.name, profile, secret))
    _say_beforehand(context, recipe, profile)
    own_port = profile.port not in {wish.port, recipe.local_port}
    if wish.offline:
        _set_up(target, included, None, own_port=own_port)
        context.ui.say(f"nothing is known of the host yet; complete it with: nbssh apply {wish.name}")
        return
    with login.private(context.ssh, target.arguments, profile.destination) as there:
        joined = join(there, target, wish.said)
        target = joined.target
        if target.lacks_secret:
            fresh = new_secret(context.ui, wish.name, token=False, password_stdin=False)
            target = target.with_secret(msgspec.structs.replace(target.secret, hash=fresh.hash))
        _set_up(target, included, there, own_port=own_port, present=joined.present)
    joined.say()
    if include.state_of(context).kind is Kind.EFFECTIVE:
        when = "then" if joined.lacks else "now"
        context.ui.say(f"{_outcome(target, joined.lacks)}; {when} type: ssh {alias(wish.name)}")
    else:
        context.ui.say(f"all but the Include line is there; add that: nbssh init; then type: ssh {alias(wish.name)}")


def _say_beforehand(context: Context, recipe: Recipe, profile: Profile) -> None:
    """Say what of the command counts, what does not, and who else will get in."""
    if recipe.jump:
        context.ui.say(
            f"one connection to {recipe.destination}, through {recipe.jump}: ssh -J {recipe.jump} {recipe.destination}"
        )
    for dropped in recipe.dropped:
        context.ui.warn(f"not taken over from your command: {dropped}")
    if not app.asks(profile.app):
        title = app.title(profile.app)
        context.ui.warn(
            f"{title} asks nobody for a login: while its tunnel is open, other users of this machine get in"
        )


def _show_plan(context: Context, wish: Wish, profile: Profile) -> None:
    """Look at the host, and show as a diff what would be written there and here. No secret is made, none is shown."""
    secret = Secret(token="-") if wish.token else Secret(hash="-")  # noqa: S106  it opens nothing
    target, there_changes = with_key(Target(context, wish.name, profile, secret)), list[Change]()
    if not wish.offline:
        with login.private(context.ssh, target.arguments, profile.destination) as there:
            joined = join(there, target, wish.said, tries_way=False)
            declared = joined.target.declared
            agreed = settled(joined.target, joined.present, server_record.read(joined.present.files, declared.folder))
            target, there_changes = agreed.target, [change for change in agreed.changes if change.new is not None]
    changes, _ = plan.local_changes(target)
    line = include.change(context)
    context.ui.product(unified(Plan([*there_changes, *changes, *([line] if line else [])])), paint=painted)
    if target.way.leads_on and not wish.offline:
        via = target.declared.server.via
        context.ui.say(f'the way into a job is tried by a job, and none is submitted now: via = "{via}" is a guess')
    context.ui.say("nothing was written, here or there")


def _outcome(target: Target, lacks: Sequence[str]) -> str:
    """Return how it went, in words: "done" is said where all was tried, and `lacks` nothing."""
    if lacks:
        return f"set up, but Jupyter cannot start before {' and '.join(map(repr, lacks))} is mended"
    untried = target.declared.server.untried
    if not untried:
        return "done"
    return f"set up, but not tried: {' and '.join(map(UNTRIED.__getitem__, untried))}"


def _complete(context: Context, name: str) -> None:
    """Say that `name` is set up already; write what is missing, if an earlier add was killed halfway."""
    target = profiles.load(context, name)
    if target.lacks_secret:
        raise NbsshError(f"'{name}' is set up, but has neither password nor token", f"nbssh passwd {name}")
    included = _include(context)
    changes, _ = plan.local_changes(target)
    missing = [change for change in changes if change.action == "create"]
    writing.write_local(context, Plan([*missing, *_line_changes(context, included=included)]))
    context.ui.say(f"'{name}' is set up already; start it with: ssh {alias(name)}")
    if len(missing) < len(Plan(changes).changes):
        context.ui.say(f"some of its files are out of date: nbssh apply {name}")


def _include(context: Context) -> bool:
    """Tell whether the user agreed to the change of ~/.ssh/config; a line that she took out is not put back."""
    wanted = include.change(context)
    if wanted is None:
        return False
    if include.was_added(context):
        context.ui.warn("the Include line was taken out of ~/.ssh/config and stays out; put it back with: nbssh init")
        return False
    include.refuse_unwritable(context)
    if include.consent(context, wanted):
        return True
    context.ui.warn("without the Include line ssh does not know the aliases; add it: nbssh init")
    return False


def _line_changes(context: Context, *, included: bool) -> list[Change]:
    """Return the changes of ~/.ssh/config that were agreed to: by now it may be there, from another nbssh."""
    line = include.change(context) if included else None
    return include.with_marker(context, line) if line else include.unfinished(context)


class _PortTakenError(NbsshError):
    """Another profile got the same port since ours was chosen."""


class _RegisteredError(NbsshError):
    """Another nbssh gave this laptop its name since ours was chosen."""


def _set_up(
    target: Target,
    included: bool,  # noqa: FBT001
    there: Connection | None,
    *,
    own_port: bool,
    present: Present | None = None,
) -> None:
    """Install there, if the host was asked, and here. `own_port`: we chose the port and may choose again.

    `present` is what was seen on the host.
    """
    installed: list[Change] = []
    laptop = target.declared.laptop
    with ExitStack() as undo:
        while True:
            if there and not installed:
                present = present or read_remote(there, [target.declared])
                target, installed = _install(target, there, present, undo)
            try:
                _write(target, laptop, included=included)
            except _PortTakenError:
                if not own_port:
                    raise
                others = profiles.ports(target.context, but=target.name)
                avoided = include.listening_ports(target.context) | {*target.profile.local_ports()}
                port = ports.choose(target.name, 0, "", others, avoided)
                target = target.with_profile(msgspec.structs.replace(target.profile, port=port))
            except _RegisteredError:
                undo.close()
                installed, laptop, present = [], target.declared.laptop, None
            except KeyboardInterrupt:
                changes, _ = plan.local_changes(target)
                if Plan(changes).empty:  # it came when all was written
                    undo.pop_all()
                raise
            else:
                undo.pop_all()
                break
    if there:
        settle(there, target.declared, installed)


def _install(target: Target, there: Connection, present: Present, undo: ExitStack) -> tuple[Target, list[Change]]:
    """Put the host's files in place; what was there before comes back if the rest of the add fails."""
    folders.refuse_unwritable(there, target.declared)
    agreed = settled(target, present, server_record.read(present.files, target.declared.folder))
    # scripts of nbssh 0.1 are another laptop's, which has not been brought up to date
    changes = [change for change in agreed.changes if change.new is not None]
    try:
        writing.install(target, there, changes)
    except KeyboardInterrupt:  # the host goes on with what it has been told
        take_back(there, target.declared, changes)
        raise
    undo.callback(take_back, there, target.declared, changes)
    return agreed.target, changes


def _refuse_taken_ports(target: Target) -> None:
    taken = profiles.ports(target.context, but=target.name, among=target.profile.local_ports())
    main, *more = target.profile.local_ports()
    if other := taken.get(main):
        raise _PortTakenError(f"port {main} was given to the profile '{other}' meanwhile", "take another --port")
    for port in more:
        if port in taken:
            raise NbsshError(f"port {port} was given to the profile '{taken[port]}' meanwhile", "say it again")


def _write(target: Target, laptop: str, *, included: bool) -> None:
    """Write the local files, ~/.ssh/config last. What another nbssh writes at the same time is looked at again."""
    context = target.context

    for attempt in range(ATTEMPTS):
        if target.name in profiles.names(context):
            raise NbsshError(f"another nbssh made the profile '{target.name}' meanwhile", "see it: nbssh list")
        changes, unexpressed = plan.local_changes(target)
        if target.declared.laptop != laptop:
            raise _RegisteredError("another nbssh gave this laptop its name meanwhile")
        changes += _line_changes(context, included=included)
        try:
            writing.write_local(context, Plan(changes), last=lambda: _refuse_taken_ports(target))
        except writer.ChangedError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            break
    for sentence in unexpressed:
        context.ui.warn(
            f"{alias(target.name)} cannot be made equal to '{target.profile.destination}' in this: {sentence}"
        )
