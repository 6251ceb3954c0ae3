"""`nbssh url`: the address of a profile, with its token: what an editor wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.files import laptop_files
from nbssh.errors import NbsshError
from nbssh.steps import profiles

if TYPE_CHECKING:
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target


def url(context: Context, name: str) -> None:
    """Print the address of `name`, with its token if it has one: what an editor wants for "existing Jupyter server"."""
    context.ui.product(address(profiles.load(context, name)))


def address(target: Target) -> str:
    """Return the address of the page, with its token."""
    profile, name = target.profile, target.name
    if profile.auth == "password":
        return laptop_files.token_url(profile.port)
    if not target.secret.token:
        raise NbsshError(f"the token of '{name}' is missing", f"make a new one: nbssh passwd {name} --token")
    return laptop_files.token_url(profile.port, target.secret.token)
