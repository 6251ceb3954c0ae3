"""What the probe says of a host, read as data.

Nothing of it is trusted: sizes, characters and numbers are checked. The format is described in templates/sent/probe.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

import msgspec

from nbssh.core import answers
from nbssh.core.profile.app import PROGRAMS, Jupyter
from nbssh.core.profile.declared import states_below
from nbssh.core.server.values import is_server_path
from nbssh.core.ssh.destination import typed
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_VALUE_CHARACTERS = 4096
_LINES = 200
_ONCE = ("host", "socket", "own", "login", "open", "shell", "setupend", "folder")  # kinds of lines that come once


class Candidate(msgspec.Struct, frozen=True):
    """One Jupyter program on the host; versions come from its packages' metadata, empty where not seen.

    `program` is what it is (`jupyter-lab`), `asked` the profile's own word where this is what it names. `answered` is
    what it said to --version, `fault` why it said none, both empty where it was not asked; see templates/sent/probe.
    """

    path: str
    program: str
    asked: str = ""
    python: str = ""
    jupyterlab: str = ""
    notebook: str = ""
    jupyter_server: str = ""
    argon2: str = ""
    nbmodel: str = ""
    answered: str = ""
    fault: str = ""
    fault_of: str = ""

    @property
    def starts(self) -> bool:
        """Tell whether the host can start it at all; whether it is a Jupyter is another question."""
        return self.fault not in {"empty", "lineends", "interpreter"}

    def version(self, app: str) -> str:
        """Return the version of the package that is `app`, empty where it was not seen."""
        known = {"lab": self.jupyterlab, "notebook": self.notebook, "server": self.jupyter_server}
        return known.get(app, self.answered)


class Running(msgspec.Struct, frozen=True):
    """A Jupyter of the user's that runs there, started by hand. `since` in seconds since 1970, 0: unknown.

    The rest is told where one is to be adopted: the `folder` of its runtime file, whether 127.0.0.1 with its port leads
    to it, whether it speaks TLS, its path in addresses, what opens it, and the Python that runs it.
    """

    pid: int
    title: str
    app: Jupyter = "lab"
    port: int = 0
    open: bool = False
    since: int = 0
    folder: str = ""
    reached: bool = False
    secure: bool = False
    base: str = ""
    token: str = ""
    password: bool = False
    python: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What was found on one host. `socket_limit` is the longest path of a unix socket there, in bytes; 0: unknown.

    `failed_lines` are the numbers of setup lines, from 1, that ended with another status than 0, and that status;
    `setup_ended`: all of them ended, `setup_late`: they took too long.
    `login_told`: the login shell told its PATH, or there is none. `own_folder` and `own_network` are the files
    of her own configuration that set the notebooks' folder, and that let Jupyter listen on all addresses.
    `folder` is where nbssh's own files are, if not below the home.
    """

    home: str
    uid: int
    host: str
    os: str
    home_filesystem: str = ""
    kills: bool = False
    socket_at_home: bool = False
    socket_in_tmp: bool = False
    socket_limit: int = 0
    login_told: bool = True
    shell_missing: str = ""
    failed_lines: tuple[tuple[int, int], ...] = ()
    setup_ended: bool = True
    setup_late: bool = False
    folder_missing: str = ""
    running: tuple[Running, ...] = ()
    own_folder: str = ""
    own_network: str = ""
    candidates: tuple[Candidate, ...] = ()
    open: str = ""
    repair: str = ""
    folder: str = ""

    @property
    def states(self) -> str:
        """The folder of what runs there, of all profiles."""
        return states_below(self.home, self.folder)


def parse(out: bytes, nonce: str, shown: str, wanted: Collection[str] = tuple(PROGRAMS.values())) -> Facts:
    """Return what the probe's output `out` says; raise NbsshError, naming the host, if it is no such output.

    `wanted` are the programs that were looked for.
    """
    _, begun, rest = out.partition(f"nbssh-{nonce}-begin\n".encode())
    body, ended, _ = rest.partition(f"nbssh-{nonce}-end\n".encode())
    if not begun or not ended:
        raise _odd(shown, "it did not come to its end")
    lines = [(kind, _fields(fields)) for kind, *fields in answers.rows(body)[:_LINES]]
    one: dict[str, dict[str, str]] = {kind: {} for kind in _ONCE} | dict(lines)
    host, socket, own, opened = one["host"], one["socket"], one["own"], one["open"]
    found = [_candidate(said, wanted) for kind, said in lines if kind == "jupyter"]
    running = [_running(said) for kind, said in lines if kind == "running"]
    home, uid, name = host.get("home", ""), host.get("uid", ""), host.get("host", "")
    if not is_server_path(home):
        raise NbsshError(
            f"{shown}: the home directory there, '{printable(home, 60)}', has characters that ssh would expand or cut",
            "only letters, digits and . _ / @ + , = - can be used",
        )
    if not _is_number(uid) or not name:
        raise _odd(shown, "user or host is missing")
    limit = socket.get("limit", "")
    return Facts(
        home=home.rstrip("/") or "/",
        uid=int(uid),
        host=printable(name, 60),
        os=printable(host.get("os", ""), 60),
        kills=host.get("kills") == "yes",
        home_filesystem=printable(host.get("homefs", ""), 60),
        socket_at_home=socket.get("home") == "ok",
        socket_in_tmp=socket.get("tmp") == "ok",
        socket_limit=int(limit) if _is_number(limit) else 0,
        login_told=one["login"].get("told") != "no",
        shell_missing=printable(one["shell"].get("missing", ""), 60),
        failed_lines=tuple(_failed(said) for kind, said in lines if kind == "setup"),
        setup_ended=one["setupend"].get("came") != "no",
        setup_late=one["setupend"].get("late") == "yes",
        folder_missing=printable(one["folder"].get("missing", ""), 200),
        running=tuple(each for each in running if each.pid),
        own_folder=printable(own.get("folder", ""), 200),
        own_network=printable(own.get("network", ""), 200),
        candidates=tuple(candidate for candidate in found if candidate),
        open=printable(" ".join(filter(None, (opened.get("path"), opened.get("why")))), 300),
        repair=printable(opened.get("repair", ""), 300),
    )


def _fields(fields: Sequence[str]) -> dict[str, str]:
    """Return the values of words `key=value`, decoded; one that no line could hold is dropped."""
    found = {}
    for field in fields:
        key, _, value = field.partition("=")
        decoded = urllib.parse.unquote(value, errors="replace")
        if len(decoded) <= _VALUE_CHARACTERS and decoded.isprintable():
            found[key] = decoded
    return found


def _candidate(said: dict[str, str], wanted: Collection[str]) -> Candidate | None:
    if not said.get("path", "").startswith("/") or said.get("program") not in wanted:
        return None
    return msgspec.convert({key: said.get(key, "") for key in Candidate.__struct_fields__}, Candidate)


def _running(said: dict[str, str]) -> Running:
    numbers = {key: int(said[key]) if _is_number(said.get(key, "")) else 0 for key in ("pid", "port", "since")}
    title = "Jupyter Notebook" if said.get("kind") == "nbserver" else "Jupyter"
    app = next((app for app in PROGRAMS if app == said.get("app")), "lab")
    flags = {key: said.get(key) == "yes" for key in ("open", "reached", "secure", "password")}
    texts = {key: said.get(key, "") for key in ("folder", "base", "token", "python")}
    return msgspec.convert({"title": title, "app": app, **numbers, **flags, **texts}, Running)


def _failed(said: dict[str, str]) -> tuple[int, int]:
    line, status = (said.get(key, "") for key in ("line", "status"))
    return (int(line) if _is_number(line) else 0, int(status) if _is_number(status) else 0)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10  # noqa: PLR2004  a uid has 32 bits


def _odd(shown: str, why: str) -> NbsshError:
    return NbsshError(
        f"{shown}: the answer of the host cannot be used: {why}", f"see what it prints: {typed(shown, 'true')}"
    )
