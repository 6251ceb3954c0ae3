"""`nbssh remove` and `nbssh uninstall`: everything nbssh ever wrote goes, there and here."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.files import inspection, tidy, writer
from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core import answers
from nbssh.core.files import installed
from nbssh.core.files.change import Kind, Plan, is_edited
from nbssh.core.files.diff import painted, unified
from nbssh.core.files.program import program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile import app as apps
from nbssh.core.profile.declared import SHARE, Secret, folders_shown, program_path, server_folder, share_folder
from nbssh.core.profile.profile import NAME, check_name
from nbssh.core.ssh.destination import typed_there
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, background, border, connect, include, overlay, plan, profiles, unit, writing
from nbssh.steps.profiles import Failure, Target

if TYPE_CHECKING:
    from collections.abc import Collection

    from nbssh.adapters.laptop.paths import Paths
    from nbssh.core.files.change import Change
    from nbssh.core.profile.declared import Declared
    from nbssh.steps.context import Context

PACKAGE = "jupyter-nbssh"  # what installers call it
# A server that does not answer is reported and skipped; through a proxy ssh itself cannot bound the wait.
SECONDS = 60.0
_SHARED = "shared"  # what the script says where another laptop has registered itself


class Remove(Template, frozen=True, kw_only=True):
    """What is removed from a server, and whose; `options` and `wing` are its way's."""

    templates: ClassVar = ("sent/remove",)
    name: str
    title: str
    share: str
    data: str
    state: str
    socket: str
    laptop: str
    everywhere: str
    program: str
    options: list[str]
    wing: str


def remove(context: Context, name: str, *, offline: bool, everywhere: bool = False) -> int:
    """Stop the server of `name` and remove its files there and here; return the exit code.

    `everywhere`: from under other laptops too.
    """
    overlay.refuse_wrong_ones(context)
    writing.sweep(context)  # of a run that was killed when all was gone but the traces, the profile too
    found = profiles.find(context, check_name(name))
    if isinstance(found, Failure) and not _is_here(context, name):
        raise found.error
    left, bug = _left_there(context, found, offline=offline, everywhere=everywhere)
    _remove_here(context, [name])
    if left:
        context.ui.warn(left)
    context.ui.say(f"'{name}' is removed" + (" here" if left else ""))
    return Exit.FAILED if bug else Exit.DONE


def _is_here(context: Context, name: str) -> bool:
    """Tell whether there is something to remove: a profile that cannot be read, or aliases whose profile has gone."""
    return name in profiles.names(context) or context.paths.conf(name).exists()


def _left_there(context: Context, found: Target | Failure, *, offline: bool, everywhere: bool) -> tuple[str, bool]:
    """Clean the server; return what is still there, in words, and whether that is for a bug of ours, which is told."""
    try:
        with border.around(found.name, context.paths):
            return _remove_there(context, found, offline=offline, everywhere=everywhere), False
    except NbsshError as error:
        context.ui.error(error)
        return f"the Jupyter of '{found.name}' may run, and its files may be there", True


def _unreadable(context: Context, name: str) -> str:
    """Return what may be left on the host of a profile that cannot be read, and the command that ends it."""
    destination = store.destination_of_unreadable(context.paths, name) or "DESTINATION"
    return (
        f"the profile '{name}' could not be read, so its host was not contacted: Jupyter may run there; "
        f"{_by_hand(context, name, destination)}"
    )


def _by_hand(context: Context, name: str, destination: str) -> str:
    """Return what does over there what could not be done, by the blocks of the profile."""
    blocks = writer.read(context.paths.conf(name))
    program, folder = installed.program_named(blocks), installed.folder_named(blocks)
    kill = f"sh {program_path(program, 'kill', folder or f'~/{SHARE}')} {name}; " if program else ""
    line = f"{kill}rm -rf {folders_shown(name, folder, ' ')}"
    return f"to end it and take its files away, for all laptops: {typed_there(destination, line)}"


def _remove_there(context: Context, found: Target | Failure, *, offline: bool, everywhere: bool) -> str:
    """Clean the server; return what is still there, in words."""
    if isinstance(found, Failure):
        return _unreadable(context, found.name)
    name, seen = found.name, found.profile.server is not None
    if not seen and not found.profile.carried:
        found.end_masters()
        return ""
    found = aliases.assumed(found)
    host, holds = found.declared.server.hostname, folders_shown(name, found.declared.server.folder)
    if offline:
        found.end_masters()
        carried = "" if seen else ", carried over by hand"
        left = f"{host} still holds {holds}{carried}, and its Jupyter may run"
        return f"{left}; {_by_hand(found.context, name, found.profile.destination)}"
    try:
        # what ends Jupyter must not end with it
        at_destination = found.way.leads_on
        with connect.connect(found, login_seconds=SECONDS, at_destination=at_destination) as there:
            model = _model(found.with_secret(Secret()).declared, everywhere=everywhere)
            out, status = there.attempt(render(model))
    except NbsshError as error:
        left = f"{error.message}; {host} still holds {holds}, and its Jupyter may run"
        return f"{left}; {_by_hand(found.context, name, found.profile.destination)}"
    finally:
        try:
            found.end_masters()
        except NbsshError as error:
            found.ui.warn(f"{error.message}; {error.hint}")
    lines = answers.lines(out)
    _tell(found, host, lines)
    if _SHARED in lines:
        return (
            f"another laptop uses '{name}' on {host}, so its Jupyter and its files there stay; "
            "--everywhere takes them too"
        )
    return f"{host} still holds {holds}" if status else ""


def _tell(target: Target, host: str, lines: list[str]) -> None:
    if target.profile.adopt:
        target.ui.say(f"your own Jupyter on {host}, which '{target.name}' used, was left alone")
    for line in lines:
        if line != _SHARED:
            target.ui.say(line.removeprefix("nbssh: "))


def _model(declared: Declared, *, everywhere: bool) -> Remove:
    profile, server = declared.profile, declared.server
    if not server.home:  # of a host that nobody looked at; the script knows it
        declared = declared.at_home("~")
        server = declared.server
    share, program = share_folder(server), program_of(declared.way).id
    return Remove(
        name=declared.name,
        title=apps.title(profile.app),
        share=share,
        data=declared.folder,
        state=server_folder(declared.name, server, "state"),
        socket=server.socket,
        laptop=declared.laptop,
        everywhere="yes" if everywhere else "",
        program=program,
        options=declared.way.options,
        wing=declared.way.removing(),
    )


def _files_of(context: Context, name: str) -> dict[Path, Kind]:
    """Return the local files of a profile, but for its declaration."""
    paths = context.paths
    return {
        paths.conf(name): Kind.ALIASES,
        paths.known_hosts(name): Kind.KNOWN_HOSTS,
        paths.redirect(name): Kind.REDIRECT,
        paths.redirect_once(name): Kind.REDIRECT,
        paths.key(name): Kind.KEY,
        paths.secret(name): Kind.SECRET,
    }


def _remove_here(context: Context, names: list[str]) -> None:
    """Delete the local files of `names`; what no profile is left to use goes too."""
    paths = context.paths
    gone = {path: kind for name in names for path, kind in _files_of(context, name).items()}
    if not set(profiles.names(context)) - set(names):
        former = [paths.conf_dir / each for each in paths.system.client.former_openers]
        gone |= dict.fromkeys([paths.opener, *former], Kind.OPENER)
    # The profiles last: whoever is killed before can still say the same command again.
    gone |= dict.fromkeys(map(paths.profile, names), Kind.PROFILE)
    ended = [change for name in names for change in unit.removal(context, name)]
    writing.write_local(context, Plan([*ended, *plan.deletions(gone, "removed")]), taking_away=True)
    for name in names:
        unit.tidy(context, name)
        tidy.remove_dangling(paths.profile(name))
        master = paths.control_socket(name)
        # a master that was killed leaves them, and a kill that shared one
        tidy.remove(master, paths.node_socket(name), master.with_suffix(".end"), paths.draft(name))
        background.take_away(paths, name)
    for folder in (
        paths.edits_dir,
        paths.tunnels_dir,
        paths.secrets_dir,
        paths.profiles_dir,
        paths.profiles_dir.parent,
        paths.conf_dir,
    ):
        tidy.remove_empty(folder)


def _orphans(context: Context) -> list[str]:
    """Return the names of files of ours that ssh reads though their profile is gone: a command was killed."""
    entries = [entry.path for entry in inspection.entries(context.paths.conf_dir)]
    found = [path for path in entries if path.suffix == ".conf" and NAME.match(path.stem)]
    return [path.stem for path in found if path.is_file() and is_edited(writer.read(path) or b"") is not None]


def _take_out(context: Context, line: Change) -> str:
    """Take the Include line out; return why it is still there, in words."""
    try:
        include.refuse_unwritable(context)
    except NbsshError as error:
        return f"{error.message}; take the Include line out by the way you manage that file"
    writing.write_local(context, Plan([line]), taking_away=True)
    return ""


def uninstall(context: Context, *, offline: bool, everywhere: bool = False) -> int:
    """Remove all profiles with their servers' files, the Include line and all state that is a laptop's.

    Returns the exit code. The bug log stays if this run has written into it.
    """
    paths = context.paths
    overlay.refuse_wrong_ones(context)
    names = sorted({*profiles.names(context), *_orphans(context)})
    line = include.removal(context)
    if names and not context.ui.ask(
        f"remove {', '.join(names)}: stop what runs there, and take away all files of nbssh, there and here?",
        otherwise="say --yes",
    ):
        raise NbsshError("nothing was changed", "to take away one profile: nbssh remove NAME")
    if line and not names:
        context.ui.talk(unified(Plan([line])), paint=painted)
    there = [
        _left_there(context, profiles.find(context, name), offline=offline, everywhere=everywhere) for name in names
    ]
    left, bug = [text for text, _ in there], any(bug for _, bug in there)
    # The files first: on a full disk they are the room for her config without the line, which then reads none.
    _remove_here(context, names)
    if line:
        left.append(_take_out(context, line))
    left.append(overlay.take_away(context))
    include.forget(context)
    with tidy.removing_made(paths.state):
        _remove_state(paths, but=(paths.log,) if bug else ())
    for text in filter(None, left):
        context.ui.warn(text)
    gone = "everything nbssh wrote on this machine is gone" + (" but that log" if bug else "")
    context.ui.say(f"{gone}; the program itself: {_uninstaller()}")
    return Exit.FAILED if bug else Exit.DONE


def _uninstaller() -> str:
    """Return the command that removes the program, by what its installer left beside it."""
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx uninstall {PACKAGE}"
    if (prefix / "uv-receipt.toml").exists():
        return f"uv tool uninstall {PACKAGE}"
    return SYSTEM.spoken([sys.executable, "-m", "pip", "uninstall", PACKAGE])


def _remove_state(paths: Paths, *, but: Collection[Path] = ()) -> None:
    """Delete what this laptop keeps in its state folder, by name: of a shared home the rest is a server's."""
    if not paths.state.is_dir() or paths.state.is_symlink():
        return
    for folder in (paths.secrets_dir, paths.backups, paths.edits_dir, paths.tunnels_dir):
        if folder.is_dir() and not folder.is_symlink():
            tidy.remove(folder)
    tidy.remove(*{paths.laptop, paths.log, paths.lock, paths.derived}.difference(but))
    with contextlib.suppress(OSError):
        paths.state.rmdir()
