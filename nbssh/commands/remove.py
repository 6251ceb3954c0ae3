"""`nbssh remove` and `nbssh uninstall`: everything nbssh ever wrote goes, there and here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nbssh import __version__
from nbssh.adapters.files import writer
from nbssh.core import answers
from nbssh.core.files import server_files
from nbssh.core.files.change import Kind, Plan, is_edited
from nbssh.core.files.diff import painted, unified
from nbssh.core.files.render import render
from nbssh.core.profile.profile import NAME, check_name
from nbssh.errors import NbsshError
from nbssh.steps import connect, include, plan, profiles, writing
from nbssh.steps.profiles import Failure, Target

if TYPE_CHECKING:
    from pathlib import Path

    from nbssh.core.files.change import Change
    from nbssh.steps.context import Context

# A server that does not answer is reported and skipped; through a proxy ssh itself cannot bound the wait.
SECONDS = 60.0


def remove(context: Context, name: str, *, offline: bool) -> None:
    """Stop the server of `name` and remove its files there and here."""
    writing.sweep(context)  # of a run that was killed when all was gone but the traces, the profile too
    found = profiles.find(context, check_name(name))
    if isinstance(found, Failure) and not _is_here(context, name):
        raise found.error
    left = _remove_there(found, offline=offline)
    _remove_here(context, [name])
    if left:
        context.ui.warn(left)
    context.ui.say(f"'{name}' is removed" + (" here" if left else ""))


def _is_here(context: Context, name: str) -> bool:
    """Tell whether there is something to remove: a profile that cannot be read, or aliases whose profile has gone."""
    return name in profiles.names(context) or context.paths.conf(name).exists()


def _remove_there(found: Target | Failure, *, offline: bool) -> str:
    """Clean the server; return what is still there, in words."""
    if isinstance(found, Failure):
        return f"the profile '{found.name}' could not be read, so its server was not contacted"
    name, profile, server = found.name, found.profile, found.profile.server
    if server is None:
        return ""
    folders = " and ".join(f"~/.local/{kind}/nbssh/{name}" for kind in ("share", "state"))
    if offline:
        return f"{server.hostname} still holds {folders}, and its server may run"
    try:
        # what removes a batch job must not run inside it
        in_job = profile.scheduler is not None
        with connect.connect(found, login_seconds=SECONDS, at_destination=in_job) as there:
            script = render(
                "remote/remove", **{**server_files.script_model(name, profile, server, __version__), "seal": "#"}
            )
            out, status = there.attempt(script)
    except NbsshError as error:
        return f"{error.message}; {server.hostname} still holds {folders}"
    finally:
        try:
            found.ssh.end_master(found.control_socket)
        except NbsshError as error:
            found.ui.warn(f"{error.message}; {error.hint}")
    for line in answers.lines(out):
        found.ui.say(line.removeprefix("nbssh: "))
    return f"{server.hostname} still holds {folders}" if status else ""


def _files_of(context: Context, name: str) -> dict[Path, Kind]:
    """Return the local files of a profile, but for its declaration."""
    paths = context.paths
    return {
        paths.conf(name): Kind.ALIASES,
        paths.known_hosts(name): Kind.KNOWN_HOSTS,
        paths.redirect(name): Kind.REDIRECT,
        paths.key(name): Kind.KEY,
        paths.secret(name): Kind.SECRET,
    }


def _remove_here(context: Context, names: list[str]) -> None:
    """Delete the local files of `names`; what no profile is left to use goes too."""
    paths = context.paths
    gone = {path: kind for name in names for path, kind in _files_of(context, name).items()}
    if not set(profiles.names(context)) - set(names):
        gone[paths.opener] = Kind.OPENER
    # The profiles last: whoever is killed before can still say the same command again.
    gone |= dict.fromkeys(map(paths.profile, names), Kind.PROFILE)
    writing.write_local(context, Plan(plan.deletions(gone, "removed")), taking_away=True)
    for name in names:
        paths.control_socket(name).unlink(missing_ok=True)  # a master that was killed leaves it
    for folder in (paths.secrets_dir, paths.profiles_dir, paths.profiles_dir.parent, paths.conf_dir):
        writer.remove_empty(folder)


def _orphans(context: Context) -> list[str]:
    """Return the names of files of ours that ssh reads though their profile is gone: a command was killed."""
    try:
        found = [path for path in context.paths.conf_dir.iterdir() if path.suffix == ".conf" and NAME.match(path.stem)]
    except OSError:
        return []
    return [path.stem for path in found if path.is_file() and is_edited(writer.read(path) or b"") is not None]


def _take_out(context: Context, line: Change) -> str:
    """Take the Include line out; return why it is still there, in words."""
    try:
        include.refuse_unwritable(context)
    except NbsshError as error:
        return f"{error.message}; take the Include line out by the way you manage that file"
    writing.write_local(context, Plan([line]), taking_away=True)
    return ""


def uninstall(context: Context, *, offline: bool) -> None:
    """Remove all profiles with their servers' files, the Include line and all state."""
    paths = context.paths
    names = sorted({*profiles.names(context), *_orphans(context)})
    line = include.removal(context)
    made_folder = include.made_folder(context)
    if names and not context.ui.ask(
        f"remove {', '.join(names)}: stop what runs there, and take away all files of nbssh, there and here?",
        otherwise="say --yes",
    ):
        raise NbsshError("nothing was changed", "nbssh remove NAME takes away one profile")
    if line and not names:
        context.ui.talk(unified(Plan([line])), paint=painted)
    left = [_remove_there(profiles.find(context, name), offline=offline) for name in names]
    # The line first: with it ssh would still look for files that go one by one.
    if line:
        left.append(_take_out(context, line))
    _remove_here(context, names)
    if paths.state.is_dir() and not paths.state.is_symlink():
        shutil.rmtree(paths.state)
    if made_folder:
        writer.remove_empty(paths.ssh_dir)
    for text in filter(None, left):
        context.ui.warn(text)
    context.ui.say("everything nbssh wrote on this machine is gone; the program itself is removed by pipx or pip")
