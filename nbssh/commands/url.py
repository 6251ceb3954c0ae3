"""`nbssh url`: the address of a profile, with its token: what an editor wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.files import laptop_files
from nbssh.core.files.quoting import sh
from nbssh.core.profile.app import login
from nbssh.core.profile.profile import tcp_port
from nbssh.errors import Exit, NbsshError
from nbssh.steps import profiles

if TYPE_CHECKING:
    from nbssh.steps.context import Context


def url(context: Context, name: str, *, json: bool, env: bool) -> None:
    """Print the address of `name`, with its token if it has one: what an editor wants for "existing Jupyter server".

    `json`: with the address there, as programs on the host see it. `env`: as lines for a shell.
    """
    if json and env:
        raise NbsshError("--json and --env exclude each other", "leave one of them out", code=Exit.USAGE)
    target = profiles.load(context, name)
    profile, token = target.profile, profiles.token(target)
    if json:
        server = profile.server
        more: dict[str, object] = {}
        if server and server.socket:
            more["socket"] = server.socket
        elif server:
            more["port"] = tcp_port(profile)
        if profile.also:
            more["also"] = [each.url for each in profile.alsos()]
        context.ui.json(url=laptop_files.token_url(profile.port), token=token or None, errors=[], **more)
    elif env:
        context.ui.product(f"JUPYTER_URL={sh(laptop_files.token_url(profile.port))}")
        if token:
            context.ui.product(f"JUPYTER_TOKEN={sh(token)}")
        else:
            context.ui.warn(f"'{name}' has a password, which no program gets; for a token: nbssh passwd {name} --token")
    else:
        context.ui.product(laptop_files.token_url(profile.port, token, key=login(profile.app)))
    if not json:
        for each in profile.alsos():
            context.ui.say(f"also {each.url}")
