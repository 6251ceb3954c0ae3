"""`nbssh url`: the address of a profile, with its token: what an editor wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.core.files import laptop_files
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World


def url(world: World, name: str) -> None:
    """Print the address of `name`, with its token if it has one: what an editor wants for "existing Jupyter server"."""
    world.ui.product(address(world, name, store.load(world.paths, name)))


def address(world: World, name: str, profile: Profile) -> str:
    """Return the address of `name` with its token."""
    if profile.auth == "password":
        return laptop_files.token_url(profile.port)
    token = store.load_secret(world.paths, name).token
    if not token:
        raise NbsshError(f"the token of '{name}' is missing", f"make a new one: nbssh passwd {name} --token")
    return laptop_files.token_url(profile.port, token)
