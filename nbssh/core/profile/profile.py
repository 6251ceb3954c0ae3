"""The profile: how to run one Jupyter on one SSH host, and the rules its values obey.

A profile is what the user declares (hand-editable TOML) plus, in `server`, what the probe found there. Holds no
secret. Reads and writes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from nbssh.core.profile import also, place, wrong
from nbssh.core.profile.app import App, described, is_jupyter
from nbssh.core.profile.line import Line  # noqa: TC001  msgspec reads the annotations
from nbssh.core.profile.page import page
from nbssh.core.profile.scheduler import Scheduler, Via
from nbssh.core.profile.wrong import UNPRIVILEGED
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.also import Also

Forward = Literal["auto", "socket", "tcp"]
Auth = Literal["password", "token"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
# Names of nbssh's own, beside the folders of the profiles: here in its state folder, on a host in its share folder;
# where both share a home they are one. templates/server/names.sh has the same.
RESERVED = frozenset(("program", "secrets", "backups", "lock", "log", "included", "edits", "templates", "laptop"))
_OF_OUR_OWN = ("jupyter", "dir", "setup", "setup_shell", "idle_hours", "after_idle", "scheduler")

# TIME FORMATS in sshd_config(5); with `no`, Ctrl-C would wait for the last tab
Persist = Annotated[str, msgspec.Meta(pattern=r"\A(yes|([0-9]{1,6}[smhdwSMHDW]?){0,5})\Z")]
GROUND = ("app", "jupyter", "setup", "setup_shell", "forward", "remote_port", "scheduler", "adopt", "server_dir")
"""The keys that decide, beside the destination, what is found on a host."""

Port = Annotated[int, msgspec.Meta(ge=UNPRIVILEGED, le=65535)]


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What the probe found on the host and chose there. Written by `add` and `apply`, never by hand.

    `gate` is the socket at which the tunnel to a port ends: what listens there leads to her Jupyter alone.
    `prompts`: a login asks for something; `sessions_ask`: each session does, or a push goes out. `kill_joins`:
    so the kill alias goes by an open session. `untried`: what a session needs and could not be tried. `runtime`: the
    folder in which a Jupyter that she started by hand says that it runs, where the profile uses one. `folder`: where
    nbssh's own files are, if that is not below the home.
    """

    home: Line
    folder: Line = ""
    uid: int
    hostname: Line
    os: Line
    jupyter: Line
    python: Line = ""
    version: Line = ""
    generation: Literal["", "notebook6", "server1", "server2"] = ""
    forward: Literal["socket", "tcp"]
    socket: Line = ""
    port: int = 0
    gate: Line = ""
    runtime: Line = ""
    prompts: bool = False
    one_session: bool = False
    no_terminal: bool = False
    sessions_ask: bool = False
    kill_joins: bool = False
    untried: list[Literal["terminal", "tunnel"]] = []
    via: Literal["", "auto", Via] = ""
    host_keys: list[Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9@.-]+ [A-Za-z0-9+/=]+\Z", max_length=4096)]] = []
    probed_for: Line = ""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One declaration. `port` is the local one, on 127.0.0.1; `idle_hours` shuts an idle Jupyter down.

    Then `after_idle`, a line for sh, is run on the host, once.
    `also`: further tunnels, as nbssh.core.profile.also reads them. A session hands over agent, display and ticket
    only with `forward_agent`, `forward_x11`, `delegate_credentials`, and then as it is set for the destination.
    `adopt`: it uses the Jupyter that she started by hand. `node_submits`: NAME-node may submit the job, on a terminal.
    `carried`: the home on the host, or ~, of files that `nbssh render` made and nobody looked at since. `server_dir`:
    where nbssh's files are there, if not below the home. `environment`: kernels see what a login shell of the user's
    makes; "none": only what sshd hands to a command. `fast_start`: Jupyter leaves out slow work of its start, and
    compresses its page (templates/server/fast).
    """

    destination: Line
    ssh_options: list[Line] = []
    port: Port
    also: list[Line] = []
    app: App = "lab"
    jupyter: Line = ""
    dir: Line = ""
    server_dir: Line = ""
    setup: list[Line] = []
    setup_shell: list[Line] = []
    forward: Forward = "auto"
    remote_port: Port | None = None
    idle_hours: Annotated[float, msgspec.Meta(gt=0, le=8760)] | None = None
    after_idle: Line = ""
    auth: Auth = "password"
    persist: Persist = ""
    browser: bool = True
    open_path: Line = ""
    fast_start: bool = True
    environment: Literal["login", "none"] = "login"
    forward_agent: bool = False
    forward_x11: bool = False
    delegate_credentials: bool = False
    node_submits: bool = False
    scheduler: Scheduler | None = None
    adopt: bool = False
    carried: Line = ""
    server: Server | None = None

    def alsos(self) -> list[Also]:
        """Return the further tunnels."""
        return also.read(self.also, "'also'")

    def local_ports(self) -> list[int]:
        """Return the ports of 127.0.0.1 on which its connection listens here, the notebook's first."""
        return [self.port, *(each.local for each in self.alsos())]

    def handed_over(self) -> frozenset[str]:
        """Return the ssh_config keywords, in lower case, of what a session may hand to the host."""
        said = {
            "forwardagent": self.forward_agent,
            "forwardx11": self.forward_x11,
            "gssapidelegatecredentials": self.delegate_credentials,
        }
        return frozenset(keyword for keyword, wanted in said.items() if wanted)

    def fingerprint(self) -> str:
        """Return a short hash of all that the choices in `server` depend on: if it changed, look again."""
        import hashlib  # noqa: PLC0415  OpenSSL, which `list` does not need

        said: list[object] = [self.destination, self.ssh_options, *(getattr(self, key) for key in GROUND[:-3])]
        # what came later counts where it says something, so that those without keep theirs
        said += [value for key in GROUND[-3:] if (value := getattr(self, key))]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


_TABLES = (Profile, Scheduler, Server)


def is_name(name: str) -> bool:
    """Tell whether `name` can be a profile's."""
    return bool(NAME.match(name)) and name.lower() not in RESERVED


def check_name(name: str) -> str:
    """Return `name` if it can be a profile's, or raise: it becomes file names, aliases and remote paths."""
    if name.lower() in RESERVED:
        raise NbsshError(f"'{name}' cannot be a profile's name: nbssh keeps something of its own there", "take another")
    if NAME.match(name):
        return name
    raise NbsshError(
        f"'{printable(name, 60)}' is no profile name",
        "use 1 to 32 of the characters A-Z a-z 0-9 . _ -, the first a letter or a digit",
    )


def from_dict(data: dict[str, Any], source: str, text: str = "") -> Profile:
    """Return the profile in `data` (a parsed TOML document).

    `source` names the file in errors; `text`, that document's, tells the line.
    """
    try:
        profile = msgspec.convert(data, Profile)
    except msgspec.ValidationError as error:
        raise wrong.explained(error, data, source, _TABLES, text) from None
    return _fitting(profile, source)


def validated(profile: Profile, source: str) -> Profile:
    """Return `profile` if its values fit each other, or raise; `source` is the file or command that said them."""
    _check_constraints(profile, source)
    return _fitting(profile, source)


def _fitting(profile: Profile, source: str) -> Profile:
    """Return `profile`, whose values were checked one by one, if they fit each other."""
    also.refuse_forwards(profile.ssh_options, source)
    also.check(profile.also, profile.port, source)
    page(profile, profile.open_path, f"{source}: 'open_path'")
    idle = [key for key in _OF_OUR_OWN if getattr(profile, key)]
    if profile.adopt and (idle or profile.forward == "socket"):
        key = idle[0] if idle else "forward"
        raise NbsshError(
            f"{source}: '{key}' is for a Jupyter that nbssh starts, and 'adopt' uses the one that you start by hand",
            f"leave out '{key}', or 'adopt'",
        )
    if not is_jupyter(profile.app):
        _refuse_of_jupyter(profile, source)
    if profile.after_idle and (profile.scheduler or not profile.idle_hours):
        raise NbsshError(
            f"{source}: 'after_idle' is run when Jupyter has ended because nobody used it",
            "leave it out: a job ends by itself" if profile.scheduler else "say after how long, too: idle_hours = 12",
        )
    place.check(profile, source)
    return profile


def _refuse_of_jupyter(profile: Profile, source: str) -> None:
    """Raise for what only a Jupyter can do, where another app is to run."""
    try:
        app = described(profile.app)
    except NbsshError as error:
        raise NbsshError(f"{source}: 'app': {error.message}", error.hint) from None
    for key in ("idle_hours", "adopt", "open_path"):
        if getattr(profile, key):
            raise NbsshError(f"{source}: '{key}' is for Jupyter, not for '{profile.app}'", f"leave out '{key}'")
    listens = {"socket": "socket", "port": "tcp"}[app.listens] if app else ""
    if profile.forward not in {"auto", listens}:
        raise NbsshError(
            f"{source}: '{profile.app}' listens on a {app.listens if app else ''}, not as 'forward' says",
            "leave out 'forward', or say forward = \"auto\"",
        )
    if profile.auth != "token":
        raise NbsshError(
            f"{source}: a password is for Jupyter, not for '{profile.app}'", "make it another profile, with --app"
        )


def _check_constraints(profile: Profile, source: str) -> None:
    """Run msgspec's checks on a profile that was made in Python: constructors do not check."""
    try:
        msgspec.convert(msgspec.to_builtins(profile), Profile)
    except msgspec.ValidationError as error:
        raise wrong.explained(error, msgspec.to_builtins(profile), source, _TABLES) from None


def alias(name: str) -> str:
    """Return the alias that starts or attaches."""
    return f"{name}-nb"


def kill_alias(name: str) -> str:
    """Return the alias that stops."""
    return f"{name}-nb-kill"


def all_aliases(name: str, *, leads_on: bool) -> tuple[str, ...]:
    """Return all that a profile takes as names of hosts; `leads_on` is that of its way."""
    return (alias(name), kill_alias(name), *([node_alias(name)] if leads_on else []))


def node_alias(name: str) -> str:
    """Return the alias of the host on which Jupyter runs, where the way leads on to it."""
    return f"{name}-node"


def tcp_port(profile: Profile) -> int:
    """Return the host's TCP port: declared, otherwise probed, otherwise the same as the local one."""
    if profile.remote_port:
        return profile.remote_port
    if profile.server and profile.server.port:
        return profile.server.port
    return profile.port
