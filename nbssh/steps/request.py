"""What `nbssh add` is asked for, and the declaration that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.core.profile import options
from nbssh.core.profile.profile import UNPRIVILEGED, Profile, from_dict, port_refused
from nbssh.errors import NbsshError
from nbssh.steps import ports, profiles

if TYPE_CHECKING:
    from nbssh.core.ssh.destination import Recipe
    from nbssh.steps.context import Context


class Wish(msgspec.Struct, frozen=True):
    """What was said on the command line; `said` is, by key of the profile, what its options said."""

    name: str
    destination: str = ""
    said: dict[str, Any] = {}
    password_stdin: bool = False
    offline: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        destination: str = "",
        *,
        password_stdin: bool = False,
        offline: bool = False,
        **given: Any,  # noqa: ANN401
    ) -> Wish:
        """Return the wish of a command line with the options `given`, of nbssh.core.profile.options."""
        return cls(name, destination, options.said(given), password_stdin, offline)

    @property
    def port(self) -> int:
        """The local port, 0 if none was named."""
        return int(self.said.get("port", 0))

    @property
    def token(self) -> bool:
        """It is to be a token, no password."""
        return self.said.get("auth") == "token"


def profile_of(context: Context, wish: Wish, recipe: Recipe) -> Profile:
    """Return the profile as declared, nothing known of the server."""
    if wish.offline and wish.said.get("forward") == "socket":
        raise NbsshError(
            "--forward socket needs a look at the server, which --offline forbids", "leave out one of the two"
        )
    source = "--port" if wish.port else "your ssh command" if recipe.local_port else "port"
    port = ports.choose(wish.port or recipe.local_port, source, profiles.ports(context, but=wish.name))
    remote = wish.said.get("remote_port", 0)
    if remote and not UNPRIVILEGED <= remote <= ports.LAST_PORT:
        raise port_refused(remote, "--remote-port", port)
    remote = remote or recipe.remote_port
    if remote < UNPRIVILEGED and wish.said.get("forward") == "tcp" and remote:
        raise NbsshError(
            f"your ssh command: port {remote} on the server is below {UNPRIVILEGED}, which only root may open",
            f"add --remote-port {remote + 10000}",
        )
    keys = {
        **wish.said,
        "destination": str(recipe.destination),
        "ssh_options": [_absolute(option) for option in recipe.options],
        "port": port,
    }
    if remote >= UNPRIVILEGED:
        keys["remote_port"] = remote
    return from_dict(options.nested(keys), "the command line")


def _absolute(option: str) -> str:
    """Return `IdentityFile=key` with an absolute path: ssh -i takes it from the working directory of the day."""
    keyword, _, value = option.partition("=")
    if keyword != "IdentityFile" or value.startswith(("/", "~", "%", "${")) or value == "none":
        return option
    return f"{keyword}={Path.cwd() / value}"


def is_already(context: Context, wish: Wish, recipe: Recipe) -> bool:
    """Tell whether this very profile exists; one that says something else is an error."""
    same = [name for name in profiles.names(context) if name.lower() == wish.name.lower()]
    if not same:
        return False
    if same != [wish.name]:
        raise NbsshError(
            f"there is a profile '{same[0]}', which differs only in case",
            "some file systems cannot tell them apart",
        )
    old = profiles.load(context, wish.name).profile
    keys = dict(wish.said)
    if wish.destination:
        keys["destination"] = str(recipe.destination)
        keys["ssh_options"] = [_absolute(option) for option in recipe.options]
    if wish.port or recipe.local_port:
        keys["port"] = wish.port or recipe.local_port
    differ = options.differing(keys, old)
    if not differ:
        return True
    raise NbsshError(
        f"there is a profile '{wish.name}' already, with another {' and '.join(differ)}",
        f"change it: nbssh edit {wish.name}, then nbssh apply {wish.name}; or take it away: nbssh remove {wish.name}",
    )
