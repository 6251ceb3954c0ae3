"""`nbssh doctor`, the part about this machine that concerns every profile: ssh, the Include line, our folders."""

from __future__ import annotations

import enum
import functools
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection
from nbssh.adapters.laptop import her_templates
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.core.profile.profile import NAME, alias
from nbssh.core.server.doctor import Finding, tried
from nbssh.core.ssh.include import Kind
from nbssh.errors import NbsshError
from nbssh.steps import include, overlay, profiles, standing
from nbssh.steps.standing import ANY_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nbssh.adapters.files.inspection import Entry
    from nbssh.steps.context import Context

    Entries = Callable[[Path], list[Entry]]

NEEDED = (7, 6)  # RemoteCommand (release notes of OpenSSH 7.6)
OTHERS, OTHERS_WRITE = 0o077, 0o022


def examine(context: Context, name: str = "") -> list[Finding]:
    """Return the findings about this machine, what breaks ssh first: the rest could not be asked then.

    `name` is the profile whose alias is looked at afterwards, if it is one alone.
    """
    entries = functools.cache(inspection.entries)  # several look at the same files, and there may be a thousand
    found = tried("ssh", "", lambda: _ssh(context))
    host = alias(name) if name else ANY_HOST
    found += tried("files", "", lambda: _files_for_ssh(context, entries, host))
    found += tried("modes", "", lambda: _modes(context, entries))
    found += tried("include", "", lambda: _include(context))
    found += tried("leftovers", "", lambda: _leftovers(context, entries))
    found += tried("templates", "", lambda: _templates(context))
    return found


def breaks_ssh(findings: Iterable[Finding]) -> bool:
    """Tell whether ssh cannot be asked anything now."""
    return any(finding.level == "error" and finding.check in {"ssh", "files"} for finding in findings)


def _ssh(context: Context) -> Iterator[Finding]:
    said = context.ssh.version().partition(",")[0]
    numbers = re.search(r"OpenSSH_(?:[A-Za-z_]+_)?(\d+)\.(\d+)", said)
    if not numbers:
        yield Finding(
            "ssh", "error", f"'{context.ssh.command[0]} -V' does not name an OpenSSH: {said or 'no answer'}",
            "install the OpenSSH client, or correct NBSSH_SSH_COMMAND",
        )  # fmt: skip
    elif (int(numbers[1]), int(numbers[2])) < NEEDED:
        needed = ".".join(map(str, NEEDED))
        yield Finding("ssh", "error", f"{said} is too old: RemoteCommand came with {needed}", "install a newer OpenSSH")
    else:
        yield Finding("ssh", "ok", said + context.ssh.system.inabilities(context.ssh.command[0], said))
    yield from context.ssh.system.other_ssh(context.ssh.command[0])
    config = context.ssh.config_file()
    ours = context.paths.user_config
    if config is None or _real(config) != _real(ours):
        read = context.paths.shown(config) if config else "no config of yours"
        where = "the password database names another home" if context.ssh.reads_system_config() else "so says its -F"
        yield Finding(
            "ssh", "warning", f"ssh reads {read}, but nbssh writes to {ours} ({where})",
            f"let ssh read it: NBSSH_SSH_COMMAND={shlex.quote(f'ssh -F {ours}')}, or correct HOME",
        )  # fmt: skip


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _include(context: Context) -> Iterator[Finding]:
    config = context.paths.shown(context.paths.user_config)
    state = include.state_of(context)
    if state.kind is Kind.EFFECTIVE:
        yield Finding("include", "ok", f"{config} includes the files of nbssh")
    elif not profiles.names(context):
        yield Finding("include", "ok", f"{config} does not include the files of nbssh; there are none yet")
    elif state.kind is Kind.LOW:
        yield Finding("include", "error", include.too_low(context, state), "nbssh init")
    elif include.was_added(context):
        yield Finding("include", "error", f"the Include line of nbssh was taken out of {config}", "nbssh init")
    else:
        yield Finding("include", "error", f"{config} does not include the files of nbssh", "nbssh init")


def _files_for_ssh(context: Context, entries: Entries, host: str) -> Iterator[Finding]:
    """Look at all that our Include line matches: one bad file there makes every ssh call fail, or hang.

    `host` is asked for later anyway.
    """
    names = set(profiles.names(context))
    bad = False
    # as glob(3) does it: no dot files, and the end decides
    found = [
        (entry, _breaks(entry))
        for entry in entries(context.paths.conf_dir)
        if entry.suffix == ".conf" and not entry.name.startswith(".")
    ]
    suspects = [entry for entry, trouble in found if entry.kind == "file" and not trouble]
    # beside one that breaks ssh anyway it would fail for all of them, or wait for the writer of a FIFO
    asks_for_all = suspects and not any(trouble for _, trouble in found)
    well = (asks_for_all and standing.accepts(context, host)) or (
        len(suspects) > 1 and _all_accepted(context, suspects)
    )
    for entry, trouble in found:
        known = entry.stem in names
        said = trouble.said(entry) if trouble else "" if well or entry.kind != "file" else _refused(context, entry)
        if known and not said:
            continue
        shown = context.paths.shown(entry.place)
        remove = SYSTEM.to_remove(entry.place)
        if said:
            bad = True
            again = f"nbssh apply --offline {entry.stem}"
            repair = SYSTEM.one_after_another(remove, again) if known else remove
            if trouble is Trouble.WRITABLE:
                repair = f"chmod 600 {shlex.quote(entry.place)}"
            elif known and not trouble:
                repair = f"nbssh apply --offline {entry.stem}"
            yield Finding("files", "error", f"{shown} breaks every ssh call: {said}", repair)
        elif entry.kind == "file":
            yield Finding("files", "warning", f"{shown} belongs to no profile, but ssh reads it", remove)
    if not bad:
        yield Finding("files", "ok", f"ssh can read all files in {context.paths.shown(context.paths.conf_dir)}")


class Trouble(enum.Enum):
    """Why ssh fails or hangs at a file that it includes, whatever is in it."""

    FIFO = "it is a FIFO, for whose writer ssh waits"
    UNREADABLE = "you may not read it"
    FOREIGN = "it belongs to somebody else"
    WRITABLE = "its mode is {mode:04o}, others may write it"

    def said(self, entry: Entry) -> str:
        """Return it in words."""
        return self.value.format(mode=entry.mode)


def _breaks(entry: Entry) -> Trouble | None:
    """Return why ssh fails or hangs at this file, None if it does not (measured; a folder is harmless)."""
    if entry.kind == "fifo":
        return Trouble.FIFO
    if entry.kind in {"folder", "dangling", "socket", "other"}:
        return None
    if not entry.readable:
        return Trouble.UNREADABLE
    if not entry.ours:
        return Trouble.FOREIGN
    return Trouble.WRITABLE if entry.mode & OTHERS_WRITE else None


def _all_accepted(context: Context, entries: list[Entry]) -> bool:
    """Tell whether ssh has nothing against the content of all of them; one question while that is so."""
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        config = Path(folder, "config")
        config.touch(mode=0o600)
        slashes = context.ssh.system.with_slashes
        config.write_text(
            "".join(f'Include "{slashes(entry.path)}"\n' for entry in entries), "utf-8", "surrogateescape"
        )
        try:
            context.ssh.resolve([ANY_HOST], config=config)
        except NbsshError:
            return False
    return True


def _refused(context: Context, entry: Entry) -> str:
    """Return what ssh has against the content, read all by itself."""
    try:
        context.ssh.resolve([ANY_HOST], config=entry.path)
    except RefusedConfigError as error:
        return error.reason
    except NbsshError as error:
        return error.message
    return ""


def _modes(context: Context, entries: Entries) -> Iterator[Finding]:
    """Look for what others may read or write of ours."""
    paths = context.paths
    ours = [paths.conf_dir, paths.opener, paths.profiles_dir, paths.state, paths.secrets_dir, paths.backups, paths.log]
    ours += [paths.edits_dir, paths.tunnels_dir]
    all_ours = [entry for path in ours if (entry := inspection.entry(path))]
    for folder in (paths.conf_dir, paths.profiles_dir, paths.secrets_dir, paths.edits_dir, paths.tunnels_dir):
        all_ours += [entry for entry in entries(folder) if entry.suffix in {".conf", ".toml", ".json", ".html"}]
    listed = False
    for entry in all_ours:
        if others := paths.system.others_listed(entry.place, folder=entry.kind == "folder"):
            listed = True
            yield Finding("modes", "error", f"{paths.shown(entry.place)}: {others[0]}", others[1])
    wide = [entry for entry in all_ours if _is_wide(entry)]
    for entry in wide:
        right = "700" if entry.kind == "folder" or entry.path == paths.opener else "600"
        secret = paths.secrets_dir in {entry.path, entry.path.parent}
        yield Finding(
            "modes",
            "error" if secret or entry.mode & OTHERS_WRITE else "warning",
            f"{paths.shown(entry.place)} has mode {entry.mode:04o}: others may "
            + ("write it" if entry.mode & OTHERS_WRITE else "read it"),
            f"chmod {right} {shlex.quote(entry.place)}",
        )
    if not wide and not listed:
        yield Finding("modes", "ok", "nobody else can read or write the files of nbssh")


def _is_wide(entry: Entry) -> bool:
    # what ssh reads and refuses is told as such
    told = entry.suffix == ".conf" and bool(_breaks(entry))
    return entry.kind in {"file", "folder"} and bool(entry.mode & OTHERS) and not told


def _leftovers(context: Context, entries: Entries) -> Iterator[Finding]:
    """Look for what runs that were killed, masters that died and profiles that went have left."""
    paths, names = context.paths, set(profiles.names(context))
    folders = [paths.ssh_dir, paths.conf_dir, paths.profiles_dir, paths.state, paths.secrets_dir, paths.backups]
    stale = inspection.temporary_files(folders)
    stale += [
        entry.place
        for folder, suffixes in ((paths.conf_dir, {".ctl", ".node"}), (paths.secrets_dir, {".json", ".html"}))
        for entry in entries(folder)
        if entry.suffix in suffixes and entry.stem.removesuffix("+open") not in names and not entry.name.startswith(".")
    ]
    sockets = (entry.stem for entry in entries(paths.conf_dir) if entry.suffix == ".ctl")
    masters = [name for name in sockets if name in names]
    stale += [str(paths.control_socket(name)) for name in masters if _is_stale_socket(context, name)]
    for left in stale:
        yield Finding("leftovers", "warning", f"{paths.shown(left)} is used by nothing", SYSTEM.to_remove(left))
    files = (entry for entry in entries(paths.profiles_dir) if entry.suffix == ".toml")
    odd = [entry.place for entry in files if not NAME.match(entry.stem)]
    for place in odd:
        yield Finding(
            "leftovers", "warning", f"{paths.shown(place)} is ignored: its name is no profile's",
            f"rename it, or: {SYSTEM.to_remove(place)}",
        )  # fmt: skip
    if not stale and not odd:
        yield Finding("leftovers", "ok", "nothing is left over here")


def _templates(context: Context) -> Iterator[Finding]:
    """Tell which templates are the user's own: what she has changed, no upgrade of ours mends."""
    for state in overlay.states(context):
        shown = context.paths.shown(context.paths.templates_dir / state.name)
        if state.error:
            yield Finding("templates", "error", state.error.message, state.error.hint)
        elif state.kind is overlay.Kind.OUTDATED:
            yield Finding(
                "templates", "warning", f"{shown} is yours, and nbssh's own has changed since",
                f"nbssh templates diff {state.name}; take over what you want, then: nbssh templates eject {state.name}",
            )  # fmt: skip
        else:
            yield Finding("templates", "ok", f"{shown} is {state.said}")
    for path in her_templates.strangers(context.paths):
        yield Finding(
            "templates", "warning", f"{context.paths.shown(path)} does nothing: nbssh has no template of this name",
            "see their names: nbssh templates list",
        )  # fmt: skip


def _is_stale_socket(context: Context, name: str) -> bool:
    """Tell whether a master has died without removing its socket; one that hangs is not stale."""
    control_socket = context.paths.control_socket(name)
    if not inspection.entry(control_socket):
        return False
    try:
        return not context.ssh.check_master(control_socket)
    except NbsshError:
        return False
