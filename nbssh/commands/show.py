"""`nbssh list` and `nbssh show`: what is declared here. Contacts nobody."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.terminal.ui import columns, fitted
from nbssh.core.profile import app as apps
from nbssh.core.profile.profile import alias, kill_alias, node_alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import profiles

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target


def list_profiles(context: Context, *, json: bool) -> int:
    """Print one line per profile and return the exit code."""
    targets, unreadable = profiles.all(context)
    if json:
        context.ui.json(profiles=list(map(_facts, targets)), errors=[failure.as_json() for failure in unreadable])
    elif targets:
        # one more column where it says something
        more = any(target.profile.also for target in targets)
        rows = [("NAME", "DESTINATION", "URL", *(["ALSO"] if more else []), "RUNS", "START")]
        rows += [
            (
                target.name,
                target.profile.destination,
                f"http://127.0.0.1:{target.profile.port}/",
                *([",".join(str(each.local) for each in target.profile.alsos()) or "-"] if more else []),
                _runs(target.profile),
                f"ssh {alias(target.name)}",
            )
            for target in targets
        ]
        if sys.stdout.isatty():  # a program gets every column
            width = shutil.get_terminal_size((80, 24)).columns
            context.ui.product(columns(fitted(rows, width, spared=("START", "RUNS"))))
        else:
            context.ui.product(columns(rows))
    elif not unreadable:
        context.ui.say("there are no profiles; make one: nbssh add NAME")
    if not json:
        for failure in unreadable:
            context.ui.error(failure.error)
    return Exit.FAILED if unreadable else Exit.DONE


def overview(context: Context) -> int:
    """Print what is known of each profile here, with nobody contacted, and return the exit code."""
    targets, unreadable = profiles.all(context)
    rows = [("", each.name, _tunnel(each), _runs(each.profile), f"ssh {alias(each.name)}") for each in targets]
    if rows:
        context.ui.product(f"\nyour profiles, as known here:\n{columns(rows)}")
    for failure in unreadable:
        context.ui.error(failure.error)
    return Exit.FAILED if unreadable else Exit.DONE


def _tunnel(target: Target) -> str:
    opened = False
    if target.paths.system.background():
        from nbssh.steps import background  # noqa: PLC0415  it takes as long as all the rest

        opened = background.find(target.paths, target.name) is not None
    try:
        return "tunnel open" if opened or target.ssh.check_master(target.control_socket) else "no tunnel"
    except NbsshError:
        return "tunnel hangs"


def _runs(profile: Profile) -> str:
    version = profile.server.version if profile.server else ""
    return f"{apps.title(profile.app)} {version}".rstrip()


def _facts(target: Target) -> dict[str, object]:
    name = target.name
    return {
        **msgspec.to_builtins(target.profile),
        "name": name,
        "alias": alias(name),
        "kill_alias": kill_alias(name),
        **({"node_alias": node_alias(name)} if target.way.leads_on else {}),
        "url": f"http://127.0.0.1:{target.profile.port}/",
    }


def show_profile(context: Context, name: str, *, json: bool) -> None:
    """Print everything about one profile, no secret."""
    from nbssh.core.files import laptop_files  # noqa: PLC0415  the templates' engine, which `list` does not need

    target = profiles.load(context, name)
    profile, paths = target.profile, target.paths
    local = [paths.conf(name), paths.opener, paths.profile(name), paths.secret(name), paths.redirect(name)]
    local.append(paths.redirect_once(name))
    there = _server_paths(target)
    if json:
        files = [str(path) for path in local if path.exists()]
        context.ui.json(**_facts(target), files=files, server_files=there, errors=[])
        return
    rows = [
        ("profile", name),
        ("start, attach", f"ssh {alias(name)}"),
        ("stop", f"ssh {kill_alias(name)}"),
        *([("its node", f"ssh {node_alias(name)}")] if target.way.leads_on else []),
        ("address", laptop_files.token_url(profile.port)),
        ("destination", " ".join([profile.destination, *(f"-o {option}" for option in profile.ssh_options)])),
        ("runs", _runs(profile)),
        ("tunnel", f"127.0.0.1:{profile.port} -> {laptop_files.far_end(profile)}"),
        *(("also", f"{each.url} -> {each.far}") for each in profile.alsos()),
        *([("opens", profile.open_path)] if profile.open_path else []),
        ("login", profile.auth),
        ("hands over", ", ".join(sorted(profile.handed_over())) or "no ssh agent, no X11, no Kerberos ticket"),
    ]
    if profile.server:
        rows += [
            ("host", f"{profile.server.hostname} ({profile.server.os})"),
            ("jupyter", "the one that you start by hand" if profile.adopt else profile.server.jupyter),
        ]
    else:
        rows += [("host", f"not looked at yet: nbssh apply {name}")]
    rows += [(f"setup {number}", line) for number, line in enumerate(profile.setup, 1)]
    if profile.idle_hours:
        rows.append(("ends", f"after {profile.idle_hours:g} h without use"))
    rows += [("then runs", profile.after_idle)] if profile.after_idle else []
    rows += [("file here", paths.shown(path)) for path in local if path.exists()]
    rows += [("file there", path) for path in there]
    context.ui.product(columns(rows))


def _server_paths(target: Target) -> list[str]:
    from nbssh.core.profile.declared import server_folder  # noqa: PLC0415  as above

    server = target.profile.server
    if server is None:
        return []
    folders = [f"{server_folder(target.name, server, kind)}/" for kind in ("share", "state")]
    return [*folders, *([server.socket] if server.socket else [])]
