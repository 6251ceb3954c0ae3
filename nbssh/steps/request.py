"""What `nbssh add` is asked for, and the declaration that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.profile.profile import UNPRIVILEGED, Profile, Scheduler, from_dict, port_refused
from nbssh.core.server import batch
from nbssh.errors import Exit, NbsshError
from nbssh.steps import ports, profiles

if TYPE_CHECKING:
    from nbssh.core.ssh.destination import Recipe
    from nbssh.steps.context import Context


class Wish(msgspec.Struct, frozen=True):
    """What was said on the command line; None and 0 where nothing was."""

    name: str
    destination: str = ""
    port: int = 0
    app: str | None = None
    jupyter: str | None = None
    dir: str | None = None
    setup: tuple[str, ...] = ()
    setup_shell: tuple[str, ...] = ()
    forward: str | None = None
    remote_port: int = 0
    scheduler: str | None = None
    job_options: tuple[str, ...] = ()
    idle_hours: float | None = None
    browser: bool = True
    token: bool = False
    password_stdin: bool = False
    offline: bool = False


def profile_of(context: Context, wish: Wish, recipe: Recipe) -> Profile:
    """Return the profile as declared, nothing known of the server."""
    if wish.offline and wish.forward == "socket":
        raise NbsshError(
            "--forward socket needs a look at the server, which --offline forbids", "leave out one of the two"
        )
    source = "--port" if wish.port else "your ssh command" if recipe.local_port else "port"
    port = ports.choose(wish.port or recipe.local_port, source, profiles.ports(context, but=wish.name))
    if wish.remote_port and not UNPRIVILEGED <= wish.remote_port <= ports.LAST_PORT:
        raise port_refused(wish.remote_port, "--remote-port", port)
    remote = wish.remote_port or recipe.remote_port
    if remote < UNPRIVILEGED and wish.forward == "tcp" and remote:
        raise NbsshError(
            f"your ssh command: port {remote} on the server is below {UNPRIVILEGED}, which only root may open",
            f"add --remote-port {remote + 10000}",
        )
    said = {
        "destination": str(recipe.destination),
        "ssh_options": [_absolute(option) for option in recipe.options],
        "port": port,
        "app": wish.app or "lab",
        "jupyter": wish.jupyter or "",
        "dir": wish.dir or "",
        "setup": list(wish.setup),
        "setup_shell": list(wish.setup_shell),
        "forward": wish.forward or "auto",
        "remote_port": remote if remote >= UNPRIVILEGED else None,
        "idle_hours": wish.idle_hours,
        "auth": "token" if wish.token else "password",
        "browser": wish.browser,
        "scheduler": msgspec.to_builtins(_scheduler(wish)),
    }
    return from_dict(said, "the command line")


def _scheduler(wish: Wish) -> Scheduler | None:
    """Return the declaration of the batch system, None without one."""
    if wish.scheduler is None:
        if wish.job_options:
            raise NbsshError("--job-option needs --scheduler", f"say which: --scheduler {'|'.join(batch.TITLES)}")
        return None
    if wish.scheduler not in batch.TITLES:
        raise NbsshError(
            f"--scheduler {wish.scheduler}: there is no such scheduler", " or ".join(batch.TITLES), code=Exit.USAGE
        )
    return Scheduler(kind=wish.scheduler, options=list(wish.job_options))


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
    said = {
        "destination": str(recipe.destination) if wish.destination else None,
        "ssh_options": [_absolute(option) for option in recipe.options] if wish.destination else None,
        "port": wish.port or recipe.local_port or None,
        "app": wish.app,
        "jupyter": wish.jupyter,
        "dir": wish.dir,
        "setup": list(wish.setup) or None,
        "setup_shell": list(wish.setup_shell) or None,
        "forward": wish.forward,
        "remote_port": wish.remote_port or None,
        "idle_hours": wish.idle_hours,
        "auth": "token" if wish.token else None,
        "browser": None if wish.browser else False,
        "scheduler": _scheduler(wish),
    }
    differ = [key for key, value in said.items() if value is not None and getattr(old, key) != value]
    if not differ:
        return True
    raise NbsshError(
        f"there is a profile '{wish.name}' already, with another {' and '.join(differ)}",
        f"change it: nbssh edit {wish.name}, then nbssh apply {wish.name}; or take it away: nbssh remove {wish.name}",
    )
