"""`nbssh list` and `nbssh show`: what is declared here. Contacts nobody."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.laptop import store
from nbssh.adapters.terminal.ui import columns, fitted
from nbssh.core.profile.profile import TITLES, alias, kill_alias

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World


def list_profiles(world: World, *, json: bool) -> None:
    """Print one line per profile."""
    profiles = store.select(world.paths, [])
    if json:
        world.ui.json(profiles=[_facts(name, profile) for name, profile in profiles.items()], errors=[])
    elif not profiles:
        world.ui.say("there are no profiles; nbssh add NAME makes one")
    else:
        rows = [("NAME", "DESTINATION", "URL", "RUNS", "START")]
        rows += [
            (
                name,
                profile.destination,
                f"http://127.0.0.1:{profile.port}/",
                _runs(profile),
                f"ssh {alias(name)}",
            )
            for name, profile in profiles.items()
        ]
        if sys.stdout.isatty():  # a program gets every column
            width = shutil.get_terminal_size((80, 24)).columns
            world.ui.product(columns(fitted(rows, width, spared=("START", "RUNS"))))
        else:
            world.ui.product(columns(rows))


def _runs(profile: Profile) -> str:
    version = profile.server.version if profile.server else ""
    return f"{TITLES[profile.app]} {version}".rstrip()


def _facts(name: str, profile: Profile) -> dict[str, object]:
    return {
        **msgspec.to_builtins(profile),
        "name": name,
        "alias": alias(name),
        "kill_alias": kill_alias(name),
        "url": f"http://127.0.0.1:{profile.port}/",
    }


def show_profile(world: World, name: str, *, json: bool) -> None:
    """Print everything about one profile, no secret."""
    from nbssh.core.files import laptop_files  # noqa: PLC0415  the templates' engine, which `list` does not need

    profile = store.load(world.paths, name)
    paths = world.paths
    local = [paths.conf(name), paths.opener, paths.profile(name), paths.secret(name), paths.redirect(name)]
    there = _server_paths(name, profile)
    if json:
        files = [str(path) for path in local if path.exists()]
        world.ui.json(**_facts(name, profile), files=files, server_files=there, errors=[])
        return
    rows = [
        ("profile", name),
        ("start, attach", f"ssh {alias(name)}"),
        ("stop", f"ssh {kill_alias(name)}"),
        ("address", laptop_files.token_url(profile.port)),
        ("destination", " ".join([profile.destination, *(f"-o {option}" for option in profile.ssh_options)])),
        ("runs", _runs(profile)),
        ("tunnel", f"127.0.0.1:{profile.port} -> {laptop_files.far_end(profile)}"),
        ("login", profile.auth),
    ]
    if profile.server:
        rows += [
            ("server", f"{profile.server.hostname} ({profile.server.os})"),
            ("jupyter", profile.server.jupyter),
        ]
    else:
        rows += [("server", f"not looked at yet: nbssh apply {name}")]
    rows += [(f"setup {number}", line) for number, line in enumerate(profile.setup, 1)]
    rows += [("file here", paths.shown(path)) for path in local if path.exists()]
    rows += [("file there", path) for path in there]
    world.ui.product(columns(rows))


def _server_paths(name: str, profile: Profile) -> list[str]:
    from nbssh.core.profile.declared import server_folder  # noqa: PLC0415  as above

    if profile.server is None:
        return []
    folders = [f"{server_folder(name, profile.server, kind)}/" for kind in ("share", "state")]
    return [*folders, *([profile.server.socket] if profile.server.socket else [])]
