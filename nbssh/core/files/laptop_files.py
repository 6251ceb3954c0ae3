"""From a declaration to the texts of its files on the laptop. Pure; the paths are given by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from nbssh.core.files import change
from nbssh.core.files.change import SEAL
from nbssh.core.files.client import POSIX, Client, LocalCommand, Opener, ProxyCommand
from nbssh.core.files.program import program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.app import login
from nbssh.core.profile.declared import program_path, share_named, states_folder
from nbssh.core.profile.page import page
from nbssh.core.profile.profile import tcp_port
from nbssh.core.server import values
from nbssh.core.ssh import destination
from nbssh.core.way import STRAIGHT, Login, Way, host_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.profile.also import Also
    from nbssh.core.profile.profile import Profile
    from nbssh.core.server.values import FarEnd
    from nbssh.core.ssh.alias import Directive
    from nbssh.core.ssh.moment import MatchBlock

# The local ControlPath is a socket and ssh adds a random suffix of 17 characters while it makes it; sun_path holds
# 108 bytes on Linux and 104 on macOS (unix(7), unix(4)).
PERSIST = "5"  # seconds: enough for the opener, and Ctrl-C gives the terminal back at once
CONTROL_PATH_BYTES = 86
END_SOCKET_BYTES = 103


class Local(msgspec.Struct, frozen=True):
    """The local paths that the ssh_config blocks name, absolute."""

    conf: str
    opener: str
    control_socket: str
    redirect: str
    node_socket: str = ""
    known_hosts: str = ""
    key: str = ""
    ssh: tuple[str, ...] = ("ssh",)
    client: Client = POSIX


class Hop(msgspec.Struct, frozen=True):
    """How a session gets on from the destination: without `key` she has her own; with `key_alone` none but that."""

    proxy: str
    alias: str
    known_hosts: str
    key: str
    key_alone: bool


class Node(msgspec.Struct, frozen=True):
    """What NAME-node has of its own: how it gets there, and its ControlPath, which may be empty."""

    proxy: str
    control_path: str


class Blocks(Template, frozen=True, kw_only=True):
    """What the ssh_config blocks of a profile show."""

    templates: ClassVar = ("ssh/profile.conf",)
    name: str
    seal: str
    port: int
    far: FarEnd
    also: list[Also]
    later: bool
    launch: str
    kill: str
    local_command: str
    control_path: str
    persist: str
    terminal: bool
    end_socket: str
    stopper: str
    hop: Hop | None
    node: Node | None
    directives: list[Directive]
    moments: list[MatchBlock]


class Redirect(Template, frozen=True, kw_only=True):
    """The page that carries a token into the browser."""

    templates: ClassVar = ("ssh/redirect.html",)
    name: str
    url: str


def far_end(profile: Profile) -> FarEnd:
    """Return where the tunnel ends on the host: Jupyter's socket, the gate's before its port, or the port itself."""
    server = profile.server
    if server and (socket := server.socket if server.forward == "socket" else server.gate):
        return values.far_socket(socket)
    return values.far_port(tcp_port(profile))


def is_private_end(profile: Profile) -> bool:
    """Tell whether nobody else can listen where the tunnel ends: ports and /tmp are everybody's."""
    server = profile.server
    if server is None:
        return False
    return (server.gate or server.socket).startswith((f"{server.home}/", f"{states_folder(server)}/"))


def is_opened_later(profile: Profile, local: Local) -> bool:
    """Tell whether the opener opens the tunnel after launch's word, and not ssh with the connection.

    Before that word somebody else could listen at the end of the tunnel, and an open page would ask him. It takes a
    master, whose sessions ask nobody. Where nothing is known of the host yet, nothing runs there either.
    """
    server = profile.server
    if server is None or server.sessions_ask or is_private_end(profile):
        return False
    return bool(control_path(profile, local))


def later_tunnel(profile: Profile, local: Local) -> str:
    """Return the word that tells the opener which tunnel to open; empty where ssh does."""
    if not is_opened_later(profile, local):
        return ""
    far = far_end(profile)
    # which port it is the host knows: its gate takes another one each time
    return f"tunnel={far if far.startswith('/') else 'port'}"


def _opener_word(profile: Profile, local: Local, way: Way) -> str:
    """Return what the opener does, too, or where no master can be asked whether Jupyter is verified.

    Nothing: it believes the page; `page`: with a master too, whose sessions ask. `ask`: it logs in by itself, if that
    asks nobody; `hold`: it opens nothing.
    """
    if later := later_tunnel(profile, local):
        return later if profile.browser else later.replace("tunnel", "tunnel-only", 1)
    if is_private_end(profile):
        return "page" if profile.server and profile.server.sessions_ask else ""
    if way.leads_on:
        return "hold"
    return "ask" if profile.server and not profile.server.prompts else "hold"


def control_path(profile: Profile, local: Local) -> str:
    """Return the ControlPath, or nothing where it would be too long for a socket or does not exist.

    Nor where sshd permits one session for each connection: a master needs one for launch and one for the opener.
    """
    fits = len(local.control_socket.encode()) <= CONTROL_PATH_BYTES
    alone = profile.server is not None and profile.server.one_session
    return local.control_socket if local.client.multiplexes and fits and not alone else ""


def ssh_config(  # noqa: PLR0917  each is something else
    name: str,
    profile: Profile,
    local: Local,
    directives: Sequence[Directive],
    way: Way = STRAIGHT,
    moments: Sequence[MatchBlock] = (),
) -> str:
    """Return the ssh_config blocks of one profile, sealed."""
    program, later = program_of(way).id, is_opened_later(profile, local)
    model = Blocks(
        name=name,
        seal=SEAL,
        port=profile.port,
        far=far_end(profile),
        also=profile.alsos(),
        later=later,
        launch=program_path(program, "launch", share_named(profile)),
        kill=program_path(program, "kill", share_named(profile)),
        local_command=_local_command(name, profile, local, way) if profile.browser or later else "",
        control_path=control_path(profile, local),
        persist=profile.persist or PERSIST,
        terminal=not (profile.server and profile.server.no_terminal),
        end_socket=_end_socket(profile, local, way),
        stopper=local.opener,
        hop=_hop(name, profile, local, way) if way.leads_on else None,
        node=_node(name, profile, local, way) if way.leads_on else None,
        directives=list(directives),
        moments=list(moments),
    )
    return change.seal(local.client.text(render(model)))


def _local_command(name: str, profile: Profile, local: Local, way: Way, show: str = "") -> str:
    """Return how ssh calls the opener."""
    path = page(profile, profile.open_path, name)
    model = LocalCommand(
        opener=local.opener,
        name=name,
        port=profile.port,
        program=_program_word(profile, way),
        without_master=_opener_word(profile, local, way),
        show=show or (f"path={path}" if path else ""),
    )
    return local.client.local_command(model, local.redirect)


def _program_word(profile: Profile, way: Way) -> str:
    """Return what the opener is told of the program: its id, or its folder where that is not below the home."""
    share, program = share_named(profile), program_of(way).id
    return program_path(program, "wait", share).removesuffix("/wait") if share.startswith("/") else program


def local_command_unseen(name: str, profile: Profile, local: Local, way: Way) -> str:
    """Return the argument of LocalCommand of a session that shows nothing; empty where there is nothing to run."""
    if not is_opened_later(profile, local):
        return ""
    return _local_command(name, msgspec.structs.replace(profile, browser=False), local, way)


def local_command_once(name: str, profile: Profile, local: Local, way: Way, shown: str) -> str:
    """Return the argument of LocalCommand with which a session shows another page this time."""
    return _local_command(name, profile, local, way, f"once={shown}")


def _end_socket(profile: Profile, local: Local, way: Way) -> str:
    """Return the local end of the forward by which the kill alias sees whether Jupyter is stopped, or nothing.

    It logs in by itself for this, where that asks nobody: a session that joins a master runs no LocalCommand. Where
    somebody is asked, ssh must say why it let nobody in, and at that level it would say that the end is not there, too.
    """
    path = end_socket(local.control_socket)
    fits = len(path.encode()) <= END_SOCKET_BYTES
    alone = profile.server and not profile.server.kill_joins and not way.leads_on
    return path if local.client.multiplexes and fits and alone else ""


def end_socket(control_socket: str) -> str:
    """Return where that socket is."""
    return control_socket.removesuffix(".ctl") + ".end"


def _hop(name: str, profile: Profile, local: Local, way: Way) -> Hop:
    """Return how a session gets on from the destination, and whom it trusts at the end."""
    return Hop(
        proxy=local.client.proxy_command(ProxyCommand(words=way.proxy(_login(name, profile, local, way)))),
        alias=host_key_alias(name),
        known_hosts=local.known_hosts,
        key=local.key if way.own_key else "",
        key_alone=way.key_alone,
    )


def _node(name: str, profile: Profile, local: Local, way: Way) -> Node:
    """Return what NAME-node has of its own: it shares a master of NAME-nb, and otherwise makes one itself."""
    words = way.joining(_login(name, profile, local, way), submits=profile.node_submits)
    fits = len(local.node_socket.encode()) <= CONTROL_PATH_BYTES
    return Node(
        proxy=local.client.proxy_command(ProxyCommand(words=words)),
        control_path=local.node_socket if fits and control_path(profile, local) else "",
    )


def _login(name: str, profile: Profile, local: Local, way: Way) -> Login:
    """Return the login at the destination that carries the stream of a session, and nothing else."""
    words = [*local.ssh, *destination.QUIET, *destination.ALIVE, *destination.arguments_of(profile)]
    return Login(words, program_of(way).id, name, persists=bool(control_path(profile, local)))


def opener(secrets_dir: str, client: Client = POSIX) -> str:
    """Return the browser opener, one script for all profiles; `secrets_dir` as the client's programs name it."""
    return change.seal(client.opener(Opener(seal=SEAL, secrets=secrets_dir)))


def redirect(name: str, profile: Profile, token: str, shown: str | None = None) -> str:
    """Return the page that carries the token into the browser, to what the profile opens or to `shown`."""
    path = page(profile, profile.open_path, name) if shown is None else shown
    return render(Redirect(name=name, url=token_url(profile.port, token, path, login(profile.app))))


def token_url(port: int, token: str = "", path: str = "", key: str = "token") -> str:
    """Return the address in the browser; 127.0.0.1 because `localhost` may be a second, foreign address."""
    return f"http://127.0.0.1:{port}/{path}" + (f"?{key}={token}" if token and key else "")
