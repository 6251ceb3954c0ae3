"""What to run on a host and how to reach it, chosen from what the probe found. Pure; says why in words."""

from __future__ import annotations

import re
import shlex
import zlib
from typing import TYPE_CHECKING, Literal

import msgspec

from nbssh.core.profile import app as apps
from nbssh.core.profile.app import PROGRAMS, Jupyter
from nbssh.core.server.values import is_server_path
from nbssh.core.ssh.destination import typed_there
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.core.server.facts import Candidate, Facts, Running

# Where the probe could not measure it: sun_path holds 104 bytes on macOS and the BSDs, 108 on Linux (unix(4), unix(7)),
# the final NUL included, which is no part of the path.
_SOCKET_BYTES = 103
_PACKAGES: dict[Jupyter, str] = {"lab": "jupyterlab", "notebook": "notebook", "server": "jupyter_server"}
# `sock` came with Notebook 6.1 and jupyter_server 1.9
_SOCKET_SINCE = {"notebook": (6, 1), "jupyter_server": (1, 9)}
_PORTS = range(10000, 30000)  # above the unprivileged limit, below Linux's ephemeral ports (32768)
# A socket on these cannot be had, or is seen by hosts that cannot connect to it.
NETWORK_FILESYSTEMS = re.compile(
    r"nfs|lustre|gpfs|beegfs|cifs|smb|afs|ceph|panfs|fuse|9p|pvfs|orangefs|wekafs", re.IGNORECASE
)


class Permitted(msgspec.Struct, frozen=True):
    """What the host's sshd forwards, tried and not guessed; None where it was not tried."""

    socket: bool | None = None
    tcp: bool | None = None


class Tunnel(msgspec.Struct, frozen=True):
    """How the tunnel ends on the host, and why so."""

    forward: str
    socket: str = ""
    port: int = 0
    why: str = ""
    gate: str = ""


def describe_running(running: Running, began: str) -> str:
    """Return what a Jupyter of hers is, in words; `began` is when it was started, as people say it, or nothing."""
    since = f" since {began}" if began else ""
    port = f", port {running.port}" if running.port else ""
    return f"{running.title} running there{since}, pid {running.pid}{port}" + (
        ", open to the whole network" if running.open else ""
    )


def describe(candidate: Candidate, app: str) -> str:
    """Return what a candidate is, in words."""
    return f"{apps.title(app)} {candidate.version(app)}".rstrip() + f" at {printable(candidate.path, 200)}"


def fault(candidate: Candidate) -> str:
    """Return in words why a candidate did not say its version, nothing if it did or was not asked."""
    of = printable(candidate.fault_of, 200)
    return {
        "empty": "it is an empty file",
        "lineends": "its lines end in CR LF, so its interpreter is not found",
        "interpreter": f"its interpreter {of} is not there",
        "silent": f"it did not say its version: {of}" if of else "it did not say its version",
        "slow": "it did not say its version within 20 s",
    }.get(candidate.fault, "")


def candidate_for(profile: Profile, facts: Facts) -> Candidate:
    """Return the Jupyter to run: the profile's app, the first that said its version, or the first that can start.

    Raises NbsshError if there is none, or if the declared one is not what it is said to be: `--jupyter /bin/true` is a
    mistake that would show only at the first start.
    """
    program = apps.program(profile.app)
    able = [candidate for candidate in facts.candidates if candidate.program == program]
    if profile.jupyter:
        named = [candidate for candidate in able if profile.jupyter in {candidate.asked, candidate.path}]
        if named and not named[0].starts:
            raise _cannot_start(named[0], facts, "mend it, give another path with --jupyter, or leave out --jupyter")
        if named and (named[0].version(profile.app) or named[0].path.endswith(f"/{program}")):
            return named[0]
        raise NbsshError(
            f"'{printable(profile.jupyter, 60)}' on {facts.host} is no {program} that can be run",
            f"leave out --jupyter to see what is found there, or give the path of {program} itself, such as "
            f"{beside(profile.jupyter, program)}",
        )
    fit = [candidate for candidate in able if candidate.starts]
    if fit:
        return next((candidate for candidate in fit if candidate.answered), fit[0])
    if able:
        hint = f"install {_package(profile.app)} there again, or give the path of another one with --jupyter"
        raise _cannot_start(able[0], facts, hint)
    found = other(profile, facts)
    if not found and not facts.login_told:
        raise NbsshError(
            f"no {program} was found on {facts.host}, and your login shell there did not tell its PATH",
            "its rc files start another program (tmux, another shell) or hang: put that behind [ -t 0 ], "
            f"or give the path of {program} with --jupyter",
        )
    raise NbsshError(
        f"no {program} was found on {facts.host}",
        found
        or f"install it there ({_installed(profile)}), "
        "give its path with --jupyter, or say with --setup how its environment is activated",
    )


def other(profile: Profile, facts: Facts) -> str:
    """Return which other Jupyter was found where the app was not, and how to take it, in words; nothing for none."""
    programs = {} if profile.jupyter else {PROGRAMS[app]: app for app in PROGRAMS if app != profile.app}
    found = next((candidate.program for candidate in facts.candidates if candidate.program in programs), "")
    return f"found there: {found}; say --app {programs[found]}" if found else ""


def beside(path: str, program: str) -> str:
    """Return where the program would be if the path were that of an environment, or of another program in it.

    Never the path itself, which is no such program.
    """
    folder, _, last = path.rstrip("/").rpartition("/")
    inside = folder if folder.endswith("bin") or last.startswith("jupyter") else f"{path.rstrip('/')}/bin"
    meant = [f"{inside}/{program}"] if "/" in path else []
    return next(printable(each, 80) for each in [*meant, f"~/.venv/bin/{program}", f"~/bin/{program}"] if each != path)


def _package(app: str) -> str:
    return next((package for known, package in _PACKAGES.items() if known == app), apps.title(app))


def _installed(profile: Profile) -> str:
    """Return how a profile's app is installed, as far as nbssh knows that."""
    if not apps.is_jupyter(profile.app):
        return "as its own documentation says"
    line = f"python3 -m venv ~/.venv && ~/.venv/bin/pip install {_package(profile.app)}"
    return typed_there(profile.destination, line)


def _cannot_start(candidate: Candidate, facts: Facts, hint: str) -> NbsshError:
    path = printable(candidate.path, 200)
    return NbsshError(f"{path} on {facts.host} cannot be run: {fault(candidate)}", hint)


def tunnel(
    name: str, profile: Profile, facts: Facts, chosen: Candidate, permitted: Permitted, *, leads_on: bool
) -> Tunnel:
    """Return how to reach Jupyter: the socket where there can be one, otherwise TCP; says why.

    `leads_on` is that of the profile's way.
    """
    refusals: list[str] = []
    path, app = socket_path(name, facts, leads_on=leads_on), apps.described(profile.app)
    if app and app.listens == "port":
        refusals.append(f"{app.title} listens on one")
    if not path:
        refusals.append("no unix socket can be made there")
    if not supports_socket(chosen):
        refusals.append(f"{apps.title(profile.app)} there is too old for a unix socket")
    if permitted.socket is False:
        refusals.append("its sshd forbids forwarding to a unix socket (AllowStreamLocalForwarding)")
    if profile.forward == "socket" and refusals:
        raise NbsshError(f"--forward socket: {facts.host}: {refusals[0]}", "take --forward tcp, or auto")
    if app and app.listens == "socket" and refusals:
        raise NbsshError(
            f"{app.title} listens on a unix socket, and {refusals[0]}",
            "on a port everybody on that host could reach it: another app, or another host",
        )
    if profile.forward in {"auto", "socket"} and not refusals and not profile.adopt:
        return Tunnel("socket", path)
    # A port is everybody's: the tunnel ends at a socket of hers, behind which nbssh lets in nobody but her Jupyter.
    port = tcp_port(name, profile, facts)
    at_home = path if path.startswith(f"{facts.states}/") else ""
    gate = at_home if permitted.socket and chosen.python else ""
    if permitted.tcp is False and not gate:
        raise NbsshError(
            f"the sshd of {facts.host} forbids the tunnel, to a unix socket and to a port",
            "its administrator can allow it: 'AllowTcpForwarding local', no DisableForwarding, and no PermitOpen but "
            f"'PermitOpen 127.0.0.1:{port}' with --forward tcp --remote-port {port}; "
            "your key must not say restrict, no-port-forwarding or permitopen in ~/.ssh/authorized_keys there",
        )
    why = "as declared" if profile.forward == "tcp" else "because " + "; ".join(refusals)
    if profile.adopt:
        why = "where you started it"
    return Tunnel("tcp", "", port, why, gate)


def tcp_port(name: str, profile: Profile, facts: Facts) -> int:
    """Return the port on the host where Jupyter listens if it is no socket: declared, or made from user and name."""
    return profile.remote_port or own_port(str(facts.uid), name)


def next_port(port: int) -> int:
    """Return another port than `port`, as it is chosen by itself."""
    return _PORTS[(port - _PORTS.start + 1) % len(_PORTS)]


def own_port(user: str, name: str) -> int:
    """Return the port on the host that user and name give: hardly ever that of somebody else."""
    return _PORTS[zlib.crc32(f"{user}:{name}".encode()) % len(_PORTS)]


def generation(candidate: Candidate, app: str) -> Literal["", "notebook6", "server1", "server2"]:
    """Return what reads the configuration: the classic Notebook or a jupyter_server; empty where it is unknown."""
    notebook, server = (re.match(r"\d+", version) for version in (candidate.notebook, candidate.jupyter_server))
    if app == "notebook" and notebook and int(notebook[0]) < 7:  # noqa: PLR2004  Notebook 7 is a jupyter_server
        return "notebook6"
    if not server:
        return ""
    return "server1" if int(server[0]) < 2 else "server2"  # noqa: PLR2004  jupyter_server's own second generation


def loses_outputs(candidate: Candidate, profile: Profile) -> str:
    """Return in words that what a cell prints without a tab is lost, and what keeps it; nothing where it is kept.

    JupyterLab writes outputs from the browser. The extension that does it on the host is for its generation.
    """
    if candidate.nbmodel or profile.app != "lab" or generation(candidate, profile.app) != "server2":
        return ""
    command = pip_install(candidate, profile, "'jupyter_server_nbmodel[lab]'")
    return f"what a cell prints while no tab is open is lost; this keeps it: {command}"


def pip_install(candidate: Candidate, profile: Profile, package: str) -> str:
    """Return the command that installs a package, as pip has it in a shell, beside Jupyter on the host."""
    python = shlex.quote(printable(candidate.python, 200) or "python3")
    return typed_there(profile.destination, f"{python} -m pip install {package}")


def supports_socket(candidate: Candidate) -> bool:
    """Tell whether this Jupyter can listen on a unix socket; an unknown version is taken to be a recent one."""
    package = "jupyter_server" if candidate.jupyter_server else "notebook"
    version = candidate.jupyter_server or candidate.notebook
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return not numbers or numbers >= _SOCKET_SINCE[package]


def socket_path(name: str, facts: Facts, *, leads_on: bool = False) -> str:
    """Return where the socket goes: in a folder of ours, otherwise in a private folder of /tmp, otherwise nowhere.

    A home on a network file system shows the socket to hosts that cannot connect to it, so /tmp is better there, and
    where the way leads on (`leads_on`) to whatever host.
    """
    tmp = f"/tmp/nbssh-{facts.uid}/{name}.sock"  # noqa: S108  0700, owner and mode checked at every use
    return _first_usable(f"{facts.states}/{name}/sock", tmp, facts, leads_on=leads_on)


def trial_path(word: str, facts: Facts) -> str:
    """Return where a socket is tried, where one of any profile would have room.

    Its folder in /tmp is its own: that of the profiles is not made, nor taken away under one that is just starting.
    """
    at_home = f"{facts.states}/.{word[:5]}"  # as long as `x/sock`, and no profile's name
    return _first_usable(at_home, f"/tmp/nbssh-{facts.uid}.{word}/sock", facts)  # noqa: S108  a new folder, 0700


def _first_usable(at_home: str, in_tmp: str, facts: Facts, *, leads_on: bool = False) -> str:
    limit = facts.socket_limit or _SOCKET_BYTES
    usable = [
        (at_home, facts.socket_at_home and len(at_home.encode()) <= limit and is_server_path(at_home)),
        (in_tmp, facts.socket_in_tmp),
    ]
    shared = leads_on or bool(NETWORK_FILESYSTEMS.search(facts.home_filesystem))
    for path, fits in reversed(usable) if shared else usable:
        if fits:
            return path
    return ""
