"""`nbssh edit`: the declaration in the user's own editor; all that follows from it is shown before it is done."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.adapters.programs import process
from nbssh.adapters.ssh import client
from nbssh.core.files.change import PRIVATE, Change, Plan
from nbssh.core.files.diff import unified
from nbssh.core.files.render import templates_dir
from nbssh.core.profile import schema
from nbssh.core.profile.declared import Declared
from nbssh.core.profile.profile import check_name
from nbssh.errors import Exit, NbsshError
from nbssh.steps import connect, ports, probe, writing
from nbssh.steps import plan as planning
from nbssh.steps.secret import with_key
from nbssh.steps.server_files import read_remote

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World


class Edited(msgspec.Struct, frozen=True):
    """What the user wrote: its text, and the profile that it says."""

    text: str
    profile: Profile


def schema_path() -> Path:
    """Return the JSON schema of profile files, for editors."""
    return templates_dir() / schema.FILE


def edit(world: World, name: str, *, offline: bool) -> int:
    """Let the user edit the profile `name`, show everything that follows from it, and do it after asking."""
    path = world.paths.profile(check_name(name))
    store.refuse_twins(world.paths, [name])
    data = writer.read(path)
    if data is None:
        store.load(world.paths, name)  # says which ones there are
    old = (data or b"").decode("utf-8", "replace")
    edited = _edited(world, name, old)
    if edited is None:
        world.ui.say("nothing changed")
        return Exit.DONE
    _mend(world, name, old, edited)
    with ExitStack() as stack:
        trouble: NbsshError | None = None
        there = None
        if not offline:
            try:
                there = stack.enter_context(_connect(world, name, edited.profile))
                declared = _declared(world, name, edited.profile, there)
            except NbsshError as error:
                # what she wrote must not be lost for a server that does not answer
                world.ui.error(error)
                trouble, there = error, None
        if there is None:
            declared = _declared(world, name, edited.profile, None)
        plan = _plan(world, declared, edited.text, there)
        world.ui.talk(unified(plan, color=world.ui.colored(sys.stderr)))
        question = "change these files?" if there else "change these files, here alone?"
        if not world.ui.ask(question, otherwise="say --yes to have it done without a question"):
            raise NbsshError("nothing was changed", f"nbssh edit {name} begins anew")
        if there:
            writing.install(world, there, declared, [change for change in plan.changes if change.where])
        if any(change.path == str(world.paths.conf(name)) for change in plan.local):
            world.ssh.end_master(world.paths.control_socket(name))
        writing.write_local(world, plan)
    world.ui.say(f"'{name}': {len(plan.changes)} files changed")
    _say_what_is_left(world, name, old, edited.profile, complete=there is not None)
    return Exit.FAILED if trouble else Exit.DONE


def _mend(world: World, name: str, old: str, edited: Edited) -> None:
    """Put the edited text in place at once where the old one is no TOML: no plan can be made beside such a file."""
    try:
        store.parse(old, name)
    except NbsshError:
        path = world.paths.profile(name)
        data, mode = writer.snapshot(path)
        mended = Change(str(path), data, edited.text.encode("utf-8"), PRIVATE, mode, "mended")
        writing.write_local(world, Plan([mended]))
        world.ui.say(f"{world.paths.shown(path)} can be read again")


def _edited(world: World, name: str, old: str) -> Edited | None:
    """Run the editor until what it leaves is valid; None if nothing was changed."""
    # Editors with a TOML language server read this line; it never gets into the profile itself, because the path is
    # that of this very installation.
    pointer = f"#:schema {schema_path()}\n"
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        copy = Path(folder, f"{name}.toml")
        copy.write_text(pointer + old, encoding="utf-8")
        while True:
            _run_editor(copy)
            text = _read(copy).removeprefix(pointer)
            if text == old or not text.strip():
                return None
            try:
                return Edited(text, _validated(world, name, text))
            except NbsshError as error:
                if world.ui.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
                    raise NbsshError(f"{error.message}; nothing was changed", error.hint) from None
                world.ui.error(error)
                if not world.ui.ask("edit it again?", otherwise=""):
                    return None


def _run_editor(path: Path) -> None:
    text = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if sys.platform == "win32" else "vi")
    try:
        words = client.split(text)
    except ValueError:
        words = []
    if not words:
        raise NbsshError(f"$VISUAL or $EDITOR cannot be read as a command: {text}", "correct its quotes")
    status = process.interact([*words, str(path)])
    if status:
        raise NbsshError(
            f"the editor '{text}' ended with status {status}; nothing was changed", "set EDITOR to another"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NbsshError(
            f"what the editor left cannot be read: {error}", "save it as UTF-8 under its own name"
        ) from None


def _validated(world: World, name: str, text: str) -> Profile:
    """Return the profile in `text`, if it can stand beside the others."""
    profile = store.parse(text, f"profile '{name}'")
    for other in store.names(world.paths):
        if other != name and _port(world, other) == profile.port:
            raise NbsshError(f"profile '{name}': port {profile.port} belongs to the profile '{other}'", "take another")
    before = _port(world, name)
    if profile.port != before and not ports.is_free(profile.port):
        raise NbsshError(f"profile '{name}': port {profile.port} is in use on this machine", "take another")
    secret = store.load_secret(world.paths, name)
    if (profile.auth == "token") != bool(secret.token):
        raise NbsshError(
            f"profile '{name}': 'auth' is not changed by hand, because it needs a new secret",
            f"nbssh passwd {name}{' --token' if profile.auth == 'token' else ''}",
        )
    return profile


def _connect(world: World, name: str, profile: Profile) -> AbstractContextManager[Connection]:
    return connect.connect(world, name, profile, at_destination=profile.scheduler is not None)


def _port(world: World, name: str) -> int:
    """Return the port of a profile; 0 for one that cannot be read, which is no reason to stop here."""
    try:
        return store.peek(world.paths, name).port
    except NbsshError:
        return 0


def _declared(world: World, name: str, profile: Profile, there: Connection | None) -> Declared:
    """Return what shall be; the server is looked at again where the choices depend on what was changed."""
    secret = with_key(name, profile, store.load_secret(world.paths, name))
    if there and (profile.server is None or profile.server.probed_for != profile.fingerprint()):
        profile = probe.find_out(there, name, profile, secret, world.ui)
    return Declared(name, profile, secret)


def _plan(world: World, declared: Declared, text: str, there: Connection | None) -> Plan:
    """Return everything that follows from the edited text."""
    path = str(world.paths.profile(declared.name))
    toml = store.text_of(declared.name, declared.profile, text).encode("utf-8")
    local, unexpressed = planning.local_changes(world, declared)
    for sentence in unexpressed:
        world.ui.warn(f"the alias of '{declared.name}' is not equal to its destination in this: {sentence}")
    # planned from the file as it is; hers has her comments
    local = [dataclasses.replace(change, new=toml) if change.path == path else change for change in local]
    remote = []
    if there:
        remote = planning.remote_changes(declared, read_remote(there, [declared.folder]))
    return Plan([*remote, *local])


def _say_what_is_left(world: World, name: str, old: str, profile: Profile, *, complete: bool) -> None:
    if complete:
        world.ui.say("a server that runs there takes this up at its next start")
    else:
        world.ui.say(f"the server does not know it yet: nbssh apply {name}")
    try:
        before = store.parse(old, name)
    except NbsshError:
        return
    if before.server and before.destination != profile.destination:
        world.ui.warn(
            f"{before.destination} still holds ~/.local/share/nbssh/{name} and ~/.local/state/nbssh/{name}, "
            "and its server may run"
        )
