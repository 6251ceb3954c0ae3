"""`nbssh remove` and `nbssh uninstall`: everything nbssh ever wrote goes, there and here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nbssh import __version__
from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.core import answers
from nbssh.core.files import server_files
from nbssh.core.files.change import Plan, is_edited
from nbssh.core.files.diff import unified
from nbssh.core.files.render import render
from nbssh.core.profile.profile import NAME, check_name
from nbssh.errors import NbsshError
from nbssh.steps import connect, include, plan, writing

if TYPE_CHECKING:
    from pathlib import Path

    from nbssh.core.files.change import Change
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

# A server that does not answer is reported and skipped; through a proxy ssh itself cannot bound the wait.
SECONDS = 60.0


def remove(world: World, name: str, *, offline: bool) -> None:
    """Stop the server of `name` and remove its files there and here."""
    writing.sweep(world)  # of a run that was killed when all was gone but the traces, the profile too
    profile = _loaded(world, name)
    left = _remove_there(world, name, profile, offline=offline)
    _remove_here(world, [name])
    if left:
        world.ui.warn(left)
    world.ui.say(f"'{name}' is removed" + (" here" if left else ""))


def _loaded(world: World, name: str) -> Profile | None:
    """Return the profile; one whose file is broken can still be removed, here."""
    try:
        return store.peek(world.paths, name)
    except NbsshError:
        if not world.paths.profile(check_name(name)).exists() and not world.paths.conf(name).exists():
            raise
        return None


def _remove_there(world: World, name: str, profile: Profile | None, *, offline: bool) -> str:
    """Clean the server; return what is still there, in words."""
    if profile is None:
        return f"the profile '{name}' could not be read, so its server was not contacted"
    if profile.server is None:
        return ""
    server = profile.server
    folders = " and ".join(f"~/.local/{kind}/nbssh/{name}" for kind in ("share", "state"))
    if offline:
        return f"{server.hostname} still holds {folders}, and its server may run"
    try:
        # what removes a batch job must not run inside it
        in_job = profile.scheduler is not None
        with connect.connect(world, name, profile, login_seconds=SECONDS, at_destination=in_job) as there:
            script = render(
                "remote/remove", **{**server_files.script_model(name, profile, server, __version__), "seal": "#"}
            )
            out, status = there.attempt(script)
    except NbsshError as error:
        return f"{error.message}; {server.hostname} still holds {folders}"
    finally:
        try:
            world.ssh.end_master(world.paths.control_socket(name))
        except NbsshError as error:
            world.ui.warn(f"{error.message}; {error.hint}")
    for line in answers.lines(out):
        world.ui.say(line.removeprefix("nbssh: "))
    return f"{server.hostname} still holds {folders}" if status else ""


def _files_of(world: World, name: str) -> list[Path]:
    """Return the local files of a profile, but for its declaration."""
    paths = world.paths
    return [paths.conf(name), paths.known_hosts(name), paths.redirect(name), paths.key(name), paths.secret(name)]


def _remove_here(world: World, names: list[str]) -> None:
    """Delete the local files of `names`; what no profile is left to use goes too."""
    paths = world.paths
    gone = [path for name in names for path in _files_of(world, name)]
    if not set(store.names(paths)) - set(names):
        gone.append(paths.opener)
    # The profiles last: whoever is killed before can still say the same command again.
    gone += [paths.profile(name) for name in names]
    writing.write_local(world, Plan(plan.deletions(gone, "removed")), taking_away=True)
    for name in names:
        paths.control_socket(name).unlink(missing_ok=True)  # a master that was killed leaves it
    for folder in (paths.secrets_dir, paths.profiles_dir, paths.profiles_dir.parent, paths.conf_dir):
        writer.remove_empty(folder)


def _orphans(world: World) -> list[str]:
    """Return the names of files of ours that ssh reads though their profile is gone: a command was killed."""
    try:
        found = [path for path in world.paths.conf_dir.iterdir() if path.suffix == ".conf" and NAME.match(path.stem)]
    except OSError:
        return []
    return [path.stem for path in found if path.is_file() and is_edited(writer.read(path) or b"") is not None]


def _take_out(world: World, line: Change) -> str:
    """Take the Include line out; return why it is still there, in words."""
    try:
        include.refuse_unwritable(world)
    except NbsshError as error:
        return f"{error.message}; take the Include line out by the way you manage that file"
    writing.write_local(world, Plan([line]), taking_away=True)
    return ""


def uninstall(world: World, *, offline: bool) -> None:
    """Remove all profiles with their servers' files, the Include line and all state."""
    paths = world.paths
    names = sorted({*store.names(paths), *_orphans(world)})
    line = include.removal(world)
    made_folder = include.made_folder(world)
    if names and not world.ui.ask(
        f"remove {', '.join(names)}: stop what runs there, and take away all files of nbssh, there and here?",
        otherwise="say --yes",
    ):
        raise NbsshError("nothing was changed", "nbssh remove NAME takes away one profile")
    if line and not names:
        world.ui.talk(unified(Plan([line])))
    left = [_remove_there(world, name, _loaded(world, name), offline=offline) for name in names]
    # The line first: with it ssh would still look for files that go one by one.
    if line:
        left.append(_take_out(world, line))
    _remove_here(world, names)
    if paths.state.is_dir() and not paths.state.is_symlink():
        shutil.rmtree(paths.state)
    if made_folder:
        writer.remove_empty(paths.ssh_dir)
    for text in filter(None, left):
        world.ui.warn(text)
    world.ui.say("everything nbssh wrote on this machine is gone; the program itself is removed by pipx or pip")
