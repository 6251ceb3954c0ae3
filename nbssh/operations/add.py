"""`nbssh add`: declare, look at the server, install there and here, say what to type next. All of it or nothing."""

from __future__ import annotations

import dataclasses
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters import connection, files, password, store
from nbssh.adapters.store import Secret
from nbssh.adapters.ui import password_from_stdin
from nbssh.core import cluster, destination
from nbssh.core.client import CLIENTS, WINDOWS
from nbssh.core.plan import Change, Plan
from nbssh.core.profile import UNPRIVILEGED, Profile, Scheduler, alias, check_name, from_dict, port_refused
from nbssh.errors import Exit, NbsshError
from nbssh.operations import aliases, include, planning, ports, server, writing
from nbssh.operations.planning import Declared

if TYPE_CHECKING:
    from nbssh.adapters.connection import Connection
    from nbssh.core.destination import Recipe
    from nbssh.operations.world import World

ATTEMPTS = 20  # each means that another nbssh wrote files while ours were planned


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
    client: str | None = None


def add(world: World, wish: Wish) -> None:
    """Make a profile and everything it stands for."""
    aliases.look_again()
    check_name(wish.name)
    if wish.client not in {None, *CLIENTS}:
        raise NbsshError(f"--client {wish.client}: there is no such client", "posix or windows", code=Exit.USAGE)
    world = world.on(wish.client)
    if wish.scheduler and world.paths.side.is_around:
        raise NbsshError(
            "--scheduler and --client windows: the job's key would lie in WSL, from where Windows' ssh takes none",
            "run nbssh on Windows itself for this profile, or leave out --client",
        )
    recipe = destination.parse_recipe(wish.destination or wish.name)
    if _is_already(world, wish, recipe):
        _complete(world, wish.name)
        return
    profile = _declared(world, wish, recipe)
    include.refuse_taken_aliases(world, wish.name)
    included = _include(world)
    world.ssh.resolve(destination.arguments_of(profile))
    secret = new_secret(world, wish.name, token=wish.token, password_stdin=wish.password_stdin)
    secret = server.with_key(wish.name, profile, secret)
    for dropped in recipe.dropped:
        world.ui.warn(f"not taken over from your command: {dropped}")
    declared = Declared(wish.name, profile, secret)
    own_port = not (wish.port or recipe.local_port)
    if wish.offline:
        _set_up(world, declared, included, None, own_port=own_port)
        world.ui.say(f"nothing is known of the server yet; complete it with: nbssh apply {wish.name}")
        return
    arguments = destination.arguments_of(profile)
    with connection.private(world.ssh, arguments, profile.destination) as there:
        declared = Declared(wish.name, server.find_out(there, wish.name, profile, secret, world.ui), secret)
        _set_up(world, declared, included, there, own_port=own_port)
    world.ui.say(f"done; now type: ssh {alias(wish.name)}")


def _declared(world: World, wish: Wish, recipe: Recipe) -> Profile:
    """Return the profile as declared, nothing known of the server."""
    if wish.offline and wish.forward == "socket":
        raise NbsshError(
            "--forward socket needs a look at the server, which --offline forbids", "leave out one of the two"
        )
    source = "--port" if wish.port else "your ssh command" if recipe.local_port else "port"
    port = ports.choose(wish.port or recipe.local_port, source, _ports_of_others(world, wish.name))
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
        "client": WINDOWS.name if world.paths.side.is_around else None,
        "scheduler": msgspec.to_builtins(_scheduler(wish)),
    }
    return from_dict(said, "the command line")


def _scheduler(wish: Wish) -> Scheduler | None:
    """Return the declaration of the batch system, None without one."""
    if wish.scheduler is None:
        if wish.job_options:
            raise NbsshError("--job-option needs --scheduler", f"say which: --scheduler {'|'.join(cluster.TITLES)}")
        return None
    if wish.scheduler not in cluster.TITLES:
        raise NbsshError(f"--scheduler {wish.scheduler}: there is no such scheduler", " or ".join(cluster.TITLES))
    return Scheduler(kind=wish.scheduler, options=list(wish.job_options))


def _absolute(option: str) -> str:
    """Return `IdentityFile=key` with an absolute path: ssh -i takes it from the working directory of the day."""
    keyword, _, value = option.partition("=")
    if keyword != "IdentityFile" or value.startswith(("/", "~", "%", "${")) or value == "none":
        return option
    return f"{keyword}={Path.cwd() / value}"


def _is_already(world: World, wish: Wish, recipe: Recipe) -> bool:
    """Tell whether this very profile exists; one that says something else is an error."""
    same = [name for name in store.names(world.paths) if name.lower() == wish.name.lower()]
    if not same:
        return False
    if same != [wish.name]:
        raise NbsshError(
            f"there is a profile '{same[0]}', which differs only in case",
            "some file systems cannot tell them apart",
        )
    old = store.load(world.paths, wish.name)
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
        "client": wish.client if world.paths.side.is_around else None,
        "scheduler": _scheduler(wish),
    }
    differ = [key for key, value in said.items() if value is not None and getattr(old, key) != value]
    if not differ:
        return True
    raise NbsshError(
        f"there is a profile '{wish.name}' already, with another {' and '.join(differ)}",
        f"change it: nbssh edit {wish.name}, then nbssh apply {wish.name}; or take it away: nbssh remove {wish.name}",
    )


def _ports_of_others(world: World, name: str) -> dict[int, str]:
    return {store.peek(world.paths, other).port: other for other in store.names(world.paths) if other != name}


def _complete(world: World, name: str) -> None:
    """Say that `name` is set up already; write what is missing, if an earlier add was killed halfway."""
    secret = store.load_secret(world.paths, name)
    if not (secret.hash or secret.token):
        raise NbsshError(f"'{name}' is set up, but has neither password nor token", f"nbssh passwd {name}")
    declared = Declared(name, store.load(world.paths, name), secret)
    included = _include(world)
    changes, _ = planning.local_changes(world, declared)
    missing = [change for change in changes if change.action == "create"]
    writing.write_local(world, Plan([*missing, *_line_changes(world, included=included)]))
    world.ui.say(f"'{name}' is set up already; start it with: ssh {alias(name)}")
    if len(missing) < len(Plan(changes).changes):
        world.ui.say(f"some of its files are out of date: nbssh apply {name}")


def _include(world: World) -> bool:
    """Tell whether the user agreed to the change of ~/.ssh/config; a line that she took out is not put back."""
    wanted = include.change(world)
    if wanted is None:
        return False
    if include.was_added(world):
        world.ui.warn("the Include line was taken out of ~/.ssh/config and stays out; put it back with: nbssh init")
        return False
    include.refuse_unwritable(world)
    if include.consent(world, wanted):
        return True
    world.ui.warn("without the Include line ssh does not know the aliases; put it in with nbssh init")
    return False


def new_secret(world: World, name: str, *, token: bool, password_stdin: bool) -> Secret:
    """Return the hash of the password that is asked for, or a random token."""
    if token:
        if password_stdin:
            raise NbsshError("--token and --password-stdin exclude each other", "leave out one of the two")
        return Secret(token=secrets.token_urlsafe(32))
    text = password_from_stdin() if password_stdin else world.ui.new_password(name)
    return Secret(hash=password.hash_password(text))


def _line_changes(world: World, *, included: bool) -> list[Change]:
    """Return the changes of ~/.ssh/config that were agreed to: by now it may be there, from another nbssh."""
    line = include.change(world) if included else None
    return include.with_marker(world, line) if line else include.unfinished(world)


class _PortTakenError(NbsshError):
    """Another profile got the same port since ours was chosen."""


def _set_up(world: World, declared: Declared, included: bool, there: Connection | None, *, own_port: bool) -> None:  # noqa: FBT001
    """Install there, if the server was asked, and here. `own_port`: we chose the port and may choose again."""
    while True:
        with ExitStack() as undo:
            if there:
                _install(world, declared, there, undo)
            try:
                _write(world, declared, included=included)
            except _PortTakenError:
                if not own_port:
                    raise
            else:
                undo.pop_all()
                return
        port = ports.choose(0, "port", _ports_of_others(world, declared.name))
        profile = msgspec.structs.replace(declared.profile, port=port)
        declared = msgspec.structs.replace(declared, profile=profile)


def _install(world: World, declared: Declared, there: Connection, undo: ExitStack) -> None:
    """Put the server's files in place; what was there before comes back if the rest of the add fails."""
    name, host = declared.name, there.shown
    present = planning.read_remote(there, [declared.folder])
    # the keys of a sshd in a batch job were made to try the way there
    known = [path for path in present if not path.startswith(f"{declared.folder}/sshd/")]
    if known and not world.ui.ask(
        f"'{name}' is set up on {host} already, perhaps from another laptop; adopt it?",
        otherwise="say --yes to adopt it, or take another name",
    ):
        raise NbsshError(f"'{name}' is set up on {host} already", "take another profile name")
    changes = planning.remote_changes(declared, present)
    if known:
        world.ui.say("adopted; a server that runs there keeps its old settings and password until it is started anew")
    writing.install(world, there, declared, changes)
    undo.callback(planning.install, there, declared, [_reversed(change) for change in Plan(changes).changes])


def _reversed(change: Change) -> Change:
    """Return the change that takes `change` back."""
    mode = change.mode if change.old_mode is None else change.old_mode
    return dataclasses.replace(change, old=change.new, new=change.old, mode=mode, old_mode=change.mode)


def _write(world: World, declared: Declared, *, included: bool) -> None:
    """Write the local files, ~/.ssh/config last. What another nbssh writes at the same time is looked at again."""

    def refuse_taken_port() -> None:
        other = _ports_of_others(world, declared.name).get(declared.profile.port)
        if other:
            raise _PortTakenError(
                f"port {declared.profile.port} was given to the profile '{other}' meanwhile", "take another --port"
            )

    for attempt in range(ATTEMPTS):
        if declared.name in store.names(world.paths):
            raise NbsshError(f"another nbssh made the profile '{declared.name}' meanwhile", "nbssh list shows it")
        changes, unexpressed = planning.local_changes(world, declared)
        changes += _line_changes(world, included=included)
        try:
            writing.write_local(world, Plan(changes), last=refuse_taken_port)
        except files.ChangedError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            break
    for sentence in unexpressed:
        world.ui.warn(
            f"{alias(declared.name)} cannot be made equal to '{declared.profile.destination}' in this: {sentence}"
        )
