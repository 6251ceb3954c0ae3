"""What `nbssh add` is asked for, and the declaration that it makes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.adapters.laptop import store
from nbssh.core.profile import options
from nbssh.core.profile.also import is_same
from nbssh.core.profile.app import NoAppError, described, is_jupyter
from nbssh.core.profile.profile import Profile, check_name, from_dict, is_name
from nbssh.core.profile.wrong import UNPRIVILEGED, port_refused
from nbssh.core.ssh import recipe as pasted
from nbssh.core.ssh.destination import Destination, suggested_name
from nbssh.core.text import printable
from nbssh.errors import Exit, NbsshError
from nbssh.steps import also, include, ports, profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbssh.core.ssh.recipe import Recipe
    from nbssh.steps.context import Context


# What a destination has and a name has not, and a host's name that is too long for one
_NO_NAME = re.compile(r"[@:]|\A[A-Za-z0-9._-]{33,}\Z")


class Wish(msgspec.Struct, frozen=True):
    """What was said on the command line; `said` is, by key of the profile, what its options said.

    `editor`: the address that an editor wants is printed at the end. `dry_run`: nothing is written, here or there.
    """

    name: str
    destination: str = ""
    said: dict[str, Any] = {}
    password_stdin: bool = False
    offline: bool = False
    editor: bool = False
    dry_run: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        destination: str = "",
        *,
        password_stdin: bool = False,
        offline: bool = False,
        editor: bool = False,
        dry_run: bool = False,
        **given: Any,  # noqa: ANN401
    ) -> Wish:
        """Return the wish of a command line with the options `given`, of nbssh.core.profile.options."""
        return cls(name, destination, options.said(given), password_stdin, offline, editor, dry_run)

    @property
    def port(self) -> int:
        """The local port, 0 if none was named."""
        return int(self.said.get("port", 0))

    @property
    def token(self) -> bool:
        """It is to be a token, no password: what is no Jupyter knows no other."""
        return self.said.get("auth") == "token" or not is_jupyter(self.said.get("app", "lab"))


def for_editor(given: Mapping[str, Any], *, password_stdin: bool) -> dict[str, Any]:
    """Return the options of a command line with --editor: what an editor can use is a port and a token."""
    if password_stdin or given.get("forward") == "socket":
        other = "--password-stdin" if password_stdin else "--forward socket"
        raise NbsshError(
            f"--editor means a port and a token, and {other} something else", "leave one of them out", code=Exit.USAGE
        )
    return {**given, "token": True, "forward": "tcp"}


def profile_of(context: Context, wish: Wish, recipe: Recipe) -> Profile:
    """Return the profile as declared, nothing known of the host."""
    if wish.offline and wish.said.get("forward") == "socket":
        raise NbsshError(
            "--forward socket needs a look at the host, which --offline forbids", "leave out one of the two"
        )
    if wish.offline and wish.said.get("adopt"):
        raise NbsshError("--adopt needs a look at the host, which --offline forbids", "leave out one of the two")
    port = _local_port(context, wish, recipe)
    remote = wish.said.get("remote_port", 0)
    if remote and not UNPRIVILEGED <= remote <= ports.LAST_PORT:
        raise port_refused(remote, "--remote-port", f"--remote-port {port}")
    remote = remote or recipe.remote_port
    if 0 < remote < UNPRIVILEGED:
        context.ui.say(f"your command's port {remote} on the host is one that only root may open: another one is taken")
    keys = {
        **wish.said,
        "destination": str(recipe.destination),
        "ssh_options": [_absolute(option) for option in recipe.options],
        "port": port,
        **({"auth": "token"} if wish.token else {}),
    }
    if "also" in wish.said or recipe.also:
        keys["also"] = _also(context, wish, recipe, port)
    if remote >= UNPRIVILEGED:
        keys["remote_port"] = remote
    try:
        described(app := wish.said.get("app", "lab"))
    except NoAppError as error:
        raise NbsshError(f"--app {printable(app, 60)}: there is no such app", error.hint, code=Exit.USAGE) from None
    return from_dict(options.nested(keys), "the command line")


def _local_port(context: Context, wish: Wish, recipe: Recipe) -> int:
    """Return the local port; one of a pasted recipe that only root may open is replaced, and that is said."""
    others, avoided = profiles.ports(context, but=wish.name), include.listening_ports(context)
    avoided |= also.named_ports(wish.said.get("also", ()))
    if wish.port or not 0 < recipe.local_port < UNPRIVILEGED:
        source = "--port" if wish.port else "your ssh command"
        return ports.choose(wish.name, wish.port or recipe.local_port, source, others, avoided)
    port = ports.choose(wish.name, 0, "", others, avoided)
    context.ui.say(f"your command's port {recipe.local_port} is one that only root may open: {port} is taken instead")
    return port


def _also(context: Context, wish: Wish, recipe: Recipe, port: int) -> list[str]:
    """Return the further tunnels, each with a local port beside `port`, the notebook's."""
    others, avoided = profiles.ports(context, but=wish.name), include.listening_ports(context)
    here = also.Ports(wish.name, port, others, avoided)
    return also.settle(here, wish.said.get("also", ()), recipe.also, context.ui)


def _absolute(option: str) -> str:
    """Return `IdentityFile=key` with an absolute path: ssh -i takes it from the working directory of the day."""
    keyword, _, value = option.partition("=")
    if keyword != "IdentityFile" or value.startswith(("/", "~", "%", "${")) or value == "none":
        return option
    return f"{keyword}={Path.cwd() / value}"


def named(context: Context, wish: Wish) -> Wish:
    """Return the wish with a name made from its destination, where that is all that was said, and the host's paths."""
    wish = _of_host(context, wish)
    if wish.destination or not (pasted.is_command(wish.name) or _NO_NAME.search(wish.name)):
        _check_name(wish)
        return wish
    said = pasted.parse_recipe(wish.name).destination
    name = said.host if _is_own_alias(context, said.host) else suggested_name(said)
    if not is_name(name):
        raise NbsshError(
            f"'{printable(said.host, 60)}' gives no name for a profile",
            f"say one: nbssh add NAME {shlex.quote(wish.name)}",
        )
    if name in profiles.names(context) and profiles.load(context, name).profile.destination != str(said):
        raise NbsshError(
            f"there is a profile '{name}' already, of another destination",
            f"give this one a name: nbssh add NAME {shlex.quote(wish.name)}",
        )
    context.ui.say(f"the profile's name is '{name}' (another one: nbssh add NAME {shlex.quote(wish.name)})")
    return msgspec.structs.replace(wish, name=name, destination=wish.name)


def _of_host(context: Context, wish: Wish) -> Wish:
    """Return the wish with the paths on the host that her shell took for ones of this home: `--dir ~/work`."""
    said, home = dict(wish.said), f"{context.paths.home}/"
    for key in ("dir", "jupyter"):
        path = said.get(key, "")
        if path.startswith(home) and home.count("/") > 2:  # noqa: PLR2004  not "/" or "/root"
            said[key] = f"~/{path.removeprefix(home)}"
            context.ui.say(
                f"--{key}: {printable(path, 80)} is in your home here; {printable(said[key], 80)} of the host is taken"
            )
    return msgspec.structs.replace(wish, said=said)


def _check_name(wish: Wish) -> None:
    """Raise for what is no name, with the line that works where one can be made."""
    try:
        check_name(wish.name)
        _check_dots(wish.name)
    except NbsshError as error:
        better = suggested_name(Destination(wish.name.replace(".", "-")))
        if not is_name(better):
            raise
        line = shlex.join(["nbssh", "add", better, *([wish.destination] if wish.destination else ["DESTINATION"])])
        raise NbsshError(error.message, f"{error.hint}, for example: {line}") from None


def _check_dots(name: str) -> None:
    """Raise for a new name that only looks like a mistake; a profile that has such a one keeps it."""
    if ".." in name or name.endswith("."):
        raise NbsshError(f"'{name}' is no profile name", "a dot stands between other characters")


def _is_own_alias(context: Context, host: str) -> bool:
    return is_name(host) and include.has_host(context, host)


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
    more = [*keys.pop("also", ()), *(recipe.also if wish.destination else ())]
    differ = options.differing(keys, old)
    if more and not is_same(more, old.also):
        differ.append("also")
        keys["also"] = [*old.also, *(new for new in more if not any(is_same([new], [has]) for has in old.also))]
    if not differ:
        return True
    raise NbsshError(
        f"there is a profile '{wish.name}' already, with another {' and '.join(differ)}",
        f"say in it {_lines(differ, keys)}: nbssh edit {wish.name}, then nbssh apply {wish.name}; "
        f"or take it away: nbssh remove {wish.name}",
    )


def _lines(differ: list[str], keys: dict[str, Any]) -> str:
    """Return the lines of a profile that say so; of what stands in a table, the key."""
    return " and ".join(f"'{key}'" if "." in key else printable(store.line(key, keys[key]), 200) for key in differ)
