"""`nbssh edit`: the declaration in the user's own editor; all that follows from it is shown before it is done."""

from __future__ import annotations

import dataclasses
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.draft import Draft
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import process
from nbssh.core.files.change import AT_NEXT_START, PRIVATE, Change, Kind, Plan
from nbssh.core.files.diff import brief, painted
from nbssh.core.files.render import templates_dir
from nbssh.core.profile import offered, schema
from nbssh.core.profile.declared import folders_shown
from nbssh.core.profile.place import own_folder
from nbssh.core.profile.profile import check_name
from nbssh.errors import Exit, NbsshError
from nbssh.steps import connect, ports, probe, profiles, tunnels, writing
from nbssh.steps.agree import agree
from nbssh.steps.plan import local_changes
from nbssh.steps.profiles import Target
from nbssh.steps.secret import new_secret, with_key
from nbssh.steps.server_files import read_remote, settle

if TYPE_CHECKING:
    from pathlib import Path

    from nbssh.core.profile.profile import Profile
    from nbssh.steps.agree import Agreed
    from nbssh.steps.context import Context


class Edited(msgspec.Struct, frozen=True):
    """What the user wrote: its text, and the profile that it says."""

    text: str
    profile: Profile


def schema_path() -> Path:
    """Return the JSON schema of profile files, for editors."""
    return templates_dir() / schema.FILE


def edit(context: Context, name: str, *, offline: bool) -> int:
    """Let the user edit the profile `name`, show everything that follows from it, and do it after asking."""
    path = context.paths.profile(check_name(name))
    profiles.refuse_twins(context, name)
    data = writer.read(path, limit=store.PROFILE_BYTES)
    if data is None:
        profiles.load(context, name)  # says which ones there are
    old = (data or b"").decode("utf-8", "replace")
    # Editors with a TOML language server read this line; it never gets into the profile itself, because the path is
    # that of this very installation.
    pointer = f"#:schema {schema_path()}"
    draft = Draft(
        context.paths.draft(name), lambda text: offered.put(text, pointer), lambda text: offered.take(text, pointer)
    )
    kept = draft.read()
    try:
        edited = _edited(context, name, old, kept, draft)
        status = _taken_up(context, name, old, edited, offline=offline) if edited else Exit.DONE
    except BaseException:
        if draft.kept.exists():
            shown = context.paths.shown(draft.kept)
            context.ui.say(f"what you wrote is kept in {shown}; go on with it: nbssh edit {name}")
        raise
    draft.throw_away()
    if not edited:
        writing.sweep(context)  # of a run that was killed when all was there
        context.ui.say("nothing changed")
    return status


def _taken_up(context: Context, name: str, old: str, edited: Edited, *, offline: bool) -> int:
    """Show everything that follows from what was written, and do it after asking; return the exit code."""
    _mend(context, name, old, edited)
    target = with_key(Target(context, name, edited.profile))
    with ExitStack() as stack:
        trouble: NbsshError | None = None
        there, looked = None, False
        if not offline:
            try:
                there = stack.enter_context(connect.connect(target, at_destination=target.way.leads_on))
                looked = not _is_known(target)
                target = _with_secret(probe.find_out(there, target)) if looked else target
            except NbsshError as error:
                # what she wrote must not be lost for a host that does not answer
                context.ui.error(error)
                trouble, there = error, None
        agreed = agree(target, read_remote(there, [target.declared]), looked=looked) if there else None
        if agreed:
            target = agreed.target
        plan = _plan(target, edited.text, agreed)
        context.ui.talk(brief(plan), paint=painted)
        if agreed:
            agreed.say_taken(done=False)
        question = "change these files?" if there else "change these files, here alone?"
        if not context.ui.ask(question, otherwise="say --yes to have it done without a question", default=True):
            raise NbsshError("nothing was changed", f"see what differs there: nbssh diff {name}")
        remote = [change for change in plan.changes if change.where]
        if there:
            writing.install(target, there, remote)
        writing.write_local(context, plan)
        if there:
            settle(there, target.declared, remote)
        # last: it may be the way there
        tunnels.end_moved(target, plan.local)
    context.ui.say(f"'{name}': {len(plan.changes)} files changed")
    if agreed:
        agreed.say_sent()
    _say_what_is_left(context, name, old, target.profile, remote if there else None)
    return Exit.FAILED if trouble else Exit.DONE


def _with_secret(target: Target) -> Target:
    """Return the target with a password that is asked for, where it no longer uses a Jupyter of the user's own."""
    if not target.lacks_secret:
        return target
    fresh = new_secret(target.ui, target.name, token=False, password_stdin=False)
    return target.with_secret(msgspec.structs.replace(target.secret, hash=fresh.hash))


def _mend(context: Context, name: str, old: str, edited: Edited) -> None:
    """Put the edited text in place at once where the old one is no TOML: no plan can be made beside such a file."""
    try:
        store.parse(old, name)
    except NbsshError:
        path = context.paths.profile(name)
        data, mode = writer.snapshot(path)
        mended = Change(str(path), data, edited.text.encode("utf-8"), PRIVATE, mode, "mended", kind=Kind.PROFILE)
        writing.write_local(context, Plan([mended]))
        context.ui.say(f"{context.paths.shown(path)} can be read again")


def _edited(context: Context, name: str, old: str, kept: bytes | None, draft: Draft) -> Edited | None:
    """Run the editor until what it leaves is valid; None if nothing was changed, or all was taken out.

    `kept` is what an edit before this one did not take up to its end: where the profile says it already, the rest may
    be missing.
    """
    begin = old.encode("utf-8") if kept is None else kept
    is_unfinished = kept == old.encode("utf-8")
    if kept is not None and not is_unfinished:
        shown = context.paths.shown(draft.kept)
        context.ui.say(f"this goes on with what you wrote before, kept in {shown}; save an empty file to throw it away")
    while True:
        begin = draft.edit(begin, _run_editor)
        try:
            text = _text(begin)
            if not text.strip() or (text == old and not is_unfinished):
                return None
            return Edited(text, _validated(context, name, text))
        except NbsshError as error:
            if not context.ui.asks:
                raise NbsshError(f"{error.message}; nothing was changed", error.hint) from None
            context.ui.error(error)
            if not context.ui.ask("edit it again?", otherwise="", default=True):
                raise NbsshError("nothing was changed") from None


def _run_editor(path: Path) -> None:
    text = os.environ.get("VISUAL") or os.environ.get("EDITOR") or SYSTEM.editor
    try:
        words = SYSTEM.split(text)
    except ValueError:
        words = []
    if not words:
        raise NbsshError(f"$VISUAL or $EDITOR cannot be read as a command: {text}", "correct its quotes")
    status = process.interact(SYSTEM.as_typed([*words, str(path)]))
    if status:
        raise NbsshError(
            f"the editor '{text}' ended with status {status}; nothing was changed", "set EDITOR to another"
        )


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NbsshError(f"what the editor left cannot be read: {error}", "save it as UTF-8") from None


def _validated(context: Context, name: str, text: str) -> Profile:
    """Return the profile in `text`, if it can stand beside the others."""
    profile = store.parse(text, f"profile '{name}'")
    before, taken = profiles.find(context, name), profiles.ports(context, but=name, among=profile.local_ports())
    ours = before.profile.local_ports() if isinstance(before, Target) else []
    for port in profile.local_ports():
        if port in taken:
            raise NbsshError(f"profile '{name}': port {port} belongs to the profile '{taken[port]}'", "take another")
        if port not in ours and not ports.is_free(port):
            raise NbsshError(f"profile '{name}': port {port} is in use on this machine", "take another")
    secret = store.load_secret(context.paths, name)
    if (profile.auth == "token") != bool(secret.token):
        raise NbsshError(
            f"profile '{name}': 'auth' is not changed by hand, because it needs a new secret",
            f"nbssh passwd {name}{' --token' if profile.auth == 'token' else ''}",
        )
    return profile


def _is_known(target: Target) -> bool:
    """Tell whether the host was looked at for what is declared now; the choices depend on it."""
    server = target.profile.server
    return server is not None and server.probed_for == target.profile.fingerprint()


def _plan(target: Target, text: str, agreed: Agreed | None) -> Plan:
    """Return everything that follows from the edited text."""
    toml = store.text_of(target.name, target.profile, text).encode("utf-8")
    local, unexpressed = local_changes(target)
    for sentence in unexpressed:
        target.ui.warn(f"the alias of '{target.name}' is not equal to its destination in this: {sentence}")
    # planned from the file as it is; hers has her comments
    local = [dataclasses.replace(change, new=toml) if change.kind is Kind.PROFILE else change for change in local]
    return Plan([*(agreed.changes if agreed else []), *local])


def _has_found(remote: list[Change]) -> bool:
    """Tell whether the host had all files of the profile: then it may be the one of before, by another name."""
    return all(change.old is not None for change in remote)


def _say_what_is_left(context: Context, name: str, old: str, profile: Profile, remote: list[Change] | None) -> None:
    """Tell what is not done yet; `remote` is what was changed on the host, None where it was not reached."""
    if remote is None:
        context.ui.say(f"the host does not know it yet: nbssh apply {name}")
    elif not profile.adopt and any(change.kind in AT_NEXT_START for change in remote):
        context.ui.say("a Jupyter that runs there takes this up at its next start")
    try:
        before = store.parse(old, name)
    except NbsshError:
        return
    moved = (before.destination, own_folder(before)) != (profile.destination, own_folder(profile))
    if before.server and moved and not (remote is not None and _has_found(remote) and _is_one_machine(before, profile)):
        holds = folders_shown(name, before.server.folder)
        context.ui.warn(f"{before.destination} still holds {holds}, and Jupyter may run there")


def _is_one_machine(before: Profile, after: Profile) -> bool:
    """Tell whether two names lead to the same home on the same host, as far as a look at both can tell."""
    seen = [
        each.server and (each.server.hostname, each.server.uid, each.server.home, own_folder(each))
        for each in (before, after)
    ]
    return seen[0] == seen[1]
