"""The ways from a login node into a batch job, tried with a short job: which one works, whom to trust there."""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from nbssh.adapters.programs import process
from nbssh.adapters.ssh import login
from nbssh.batch import said
from nbssh.core import answers, way
from nbssh.core.files.change import Change
from nbssh.core.files.program import program_of
from nbssh.core.files.quoting import sh
from nbssh.core.files.server_files import program_change, settings_file
from nbssh.core.profile.declared import program_path, server_folder, share_folder, states_folder
from nbssh.core.server import choice
from nbssh.core.ssh import destination
from nbssh.core.text import printable
from nbssh.errors import NbsshError, of_a_script
from nbssh.steps import forwarding
from nbssh.steps.server_files import install, read_remote, take_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.batch.route import Route
    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Profile
    from nbssh.core.profile.scheduler import Via
    from nbssh.core.server.facts import Candidate, Facts
    from nbssh.core.server.values import HostName, Word
    from nbssh.steps.way import Seen

TRY_SECONDS = 120.0  # the script itself gives a queue a minute
NODE_SECONDS = 40.0
SCANNED = 256  # nodes that are asked for their host keys


class Trial(msgspec.Struct, frozen=True):
    """What is tried: for which profile, over which login, as it will be once it is installed."""

    login: Connection
    declared: Declared
    way: Route
    seen: Seen

    @property
    def profile(self) -> Profile:
        """What is tried."""
        return self.declared.profile

    @property
    def script(self) -> list[str]:
        """The installed `job` and the name of the profile."""
        share = share_folder(self.declared.server)
        return [program_path(program_of(self.way).id, "batch/job", share), self.declared.name]

    def job(self, *words: str) -> bytes:
        """Run `job` with `words` on the login node and return what it prints."""
        out, status = self.login.attempt(f"exec /bin/sh {shlex.join([*self.script, *words])}", TRY_SECONDS)
        if status:
            raise of_a_script(status, f"{self.login.shown}: job {words[0]} ended with status {status}")
        return out


class LackingError(NbsshError):
    """A session that gets to a node is not what is needed there."""


class Node(msgspec.Struct, frozen=True):
    """A way that works, or `auto` where none could be tried: what is known of the other end.

    `found` is the Jupyter there, where it is not the one that was found at the destination.
    """

    via: Via | Literal["auto"]
    host_keys: tuple[str, ...]
    found: Candidate | None = None


def find_way(trial: Trial, ui: Ui) -> Node:
    """Try the ways to a node, the best first, and return the first that a session can go; say it.

    Raises NbsshError if the scheduler refuses the job, or if no way works. Where the queue gives no node within a
    minute nothing was tried, and that is what is returned.
    """
    with _installed(trial):
        own = _own_keys(trial) if set(trial.way.to_try) - {"node"} else []
        begun = said.begun(trial.job("try"))
        if begun is None:
            raise NbsshError(f"{trial.login.shown}: no job was started", "its message is above")
        try:
            if begun.node is None:
                return _untried(trial, own, ui)
            _tell(trial, begun, ui)
            return _tried(trial, begun, begun.node, own, ui)
        finally:
            with contextlib.suppress(NbsshError):
                trial.job("drop", begun.job)


@contextlib.contextmanager
def _installed(trial: Trial) -> Iterator[None]:
    """Have the program and the profile's file on the host for the time of the block; then what was there before.

    Where all goes well the program stays: its install comes next.
    """
    declared = trial.declared
    present = read_remote(trial.login, [declared])
    file = settings_file(declared)
    old, mode = present.files.get(file.path, (None, None))
    new, where = file.text.encode("utf-8", "surrogateescape"), declared.profile.destination
    changes = [
        program_change(declared, present.program(declared)),
        Change(file.path, old, new, file.mode, mode, file.why, where=where, kind=file.kind),
    ]
    tidies = False
    try:
        install(trial.login, declared, changes)
        yield
    except BaseException:
        tidies = True
        if old is None:
            state = server_folder(declared.name, declared.server, "state")
            states = sh(states_folder(declared.server))
            leave = f"rm -rf {sh(declared.folder)}/sshd {sh(state)}; rmdir {states} 2>/dev/null || :"
            with contextlib.suppress(NbsshError):
                trial.login.run(leave)
        raise
    finally:
        with contextlib.suppress(NbsshError):
            take_back(trial.login, declared, changes, tidies=tidies)


def _tell(trial: Trial, begun: said.Begun, ui: Ui) -> None:
    """Say what the node lacks of the home, which a job must do without, and whether it is another kind of machine."""
    if _is_other_kind(trial, begun):
        ui.warn(f"{begun.node} is another kind of machine ({begun.arch}) than {trial.seen.facts.host}")
    if begun.home in {"missing", "readonly"}:
        how = "is not there" if begun.home == "missing" else "cannot be written"
        share = share_folder(trial.declared.server)
        ui.warn(f"the home {how} on {begun.node}, so Jupyter writes to the folder above {share}")


def _is_other_kind(trial: Trial, begun: said.Begun) -> bool:
    out, _ = trial.login.attempt("uname -m")
    return bool(begun.arch) and answers.text(out) != begun.arch


def _tried(trial: Trial, begun: said.Begun, node: HostName, own: list[str], ui: Ui) -> Node:
    refusals = []
    for via in trial.way.to_try:
        if via != "node" and begun.sshd == "no":
            refusals.append(f"{via}: there is no sshd on {node} that a job could start")
            continue
        keys = _node_keys(trial, node) if via == "node" else own
        if not keys:
            refusals.append(f"{via}: no host key of {node} is known")
            continue
        try:
            facts = _rehearsed(trial, via, begun, node, keys)
        except NbsshError as error:
            lacks = isinstance(error, LackingError)
            refusals.append(f"{via}: {(not lacks and _said_by_step(trial)) or error.message}")
            if lacks:
                ui.say(f"passed over: {refusals[-1]}")
            continue
        ui.say(f'a job there ran on {printable(node, 60)}; the way to it: {DESCRIBED[via]} (via = "{via}")')
        found = choice.candidate_for(trial.profile, facts) if facts else None
        if found:
            ui.say(f"{printable(begun.host or node, 60)}: {choice.describe(found, trial.profile.app)}")
        return Node(via, tuple(keys), found)
    raise NbsshError(
        f"{trial.login.shown}: no session gets to a node: " + "; ".join(refusals),
        "ask the cluster's administrators whether you may log in to the nodes of your own jobs",
    )


def _said_by_step(trial: Trial) -> str:
    """Return what was said between login node and node, of which ssh knows only that its connection was closed."""
    state = server_folder(trial.declared.name, trial.declared.server, "state")
    out, _ = trial.login.attempt(f"tail -n 1 {sh(state)}/step.log")
    return printable(answers.text(out), 200)


def _untried(trial: Trial, own: list[str], ui: Ui) -> Node:
    if not trial.seen.found.path:
        choice.candidate_for(trial.profile, trial.seen.facts)  # which says what is missing
    ways = trial.way.to_try
    via = ways[0] if len(ways) == 1 else "auto"
    told = "it is not tried" if via != "auto" else "the first session finds it"
    ui.warn(f"the queue gave no node within a minute, so the way to one is not known: {told} (via = {via!r})")
    keys = [*own, *(_node_keys(trial, "") if "node" in ways else [])]
    return Node(via, tuple(keys))


DESCRIBED: dict[Via, str] = {
    "node": "its own sshd",
    "srun": "a sshd that srun starts inside the job",
    "relay": "a sshd that the job starts on the node",
}


def _own_keys(trial: Trial) -> list[str]:
    """Return the host key of the sshd inside the job; made there if it has none yet."""
    return said.own_key(trial.job("keys", trial.declared.secret.public_key))


def _node_keys(trial: Trial, node: str) -> list[str]:
    """Return the host keys of the cluster's nodes: as the login node knows them, otherwise asked from there."""
    keys, unknown = said.chosen_keys(trial.job("hosts"), node)
    if unknown and unknown != [""]:
        hosts = [host for host in unknown if host][:SCANNED]
        out, _ = trial.login.attempt(f"ssh-keyscan -T 5 {shlex.join(hosts)} 2>/dev/null", NODE_SECONDS)
        keys += [key for key in said.scanned_keys(out) if key not in keys]
    return keys


def _rehearsed(trial: Trial, via: Via, begun: said.Begun, node: HostName, keys: Sequence[str]) -> Facts | None:
    """Have a session at `node` on the way `via`, and return what was found there, if it lacks the Jupyter of before.

    Raises NbsshError, with the reason, if none gets there or its tunnel does not work.
    """
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        known, key = Path(folder, "known_hosts"), Path(folder, "key")
        for path, text in ((known, way.known_hosts(trial.declared.name, keys)), (key, trial.declared.secret.key)):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        with login.private(
            trial.login.ssh,
            _arguments(trial, via, begun.job, node, known, key),
            f"{node} by {via}",
            unasked=True,
            login_seconds=NODE_SECONDS,
        ) as there:
            if lack := _lacking(there, trial, begun, node):
                raise LackingError(lack, f"take another way: nbssh edit {trial.declared.name}: scheduler.via")
            # what lies in a shared home may be made for another kind of machine
            jupyter = "" if _is_other_kind(trial, begun) else trial.seen.found.path
            out, _ = there.attempt(f"test -x {sh(jupyter)} && echo there") if jupyter else (b"", 1)
            return None if b"there" in out else trial.seen.look(there)


def _lacking(there: Connection, trial: Trial, begun: said.Begun, node: HostName) -> str:
    """Tell in words what a session lacks that has come to `there`, which should be `node`. Raises NbsshError."""
    # a host may have another name than the scheduler has for it
    host, wanted = answers.text(there.run("uname -n")), begun.host or node
    if host.partition(".")[0] != wanted.partition(".")[0]:
        return f"it leads to {printable(host, 60)} instead of {printable(wanted, 60)}"
    if process.run([*there.command, "-tt", "true"], seconds=NODE_SECONDS).status:
        return "the sshd there gives no terminal"
    # the home is shared: there a socket would be seen by hosts that cannot connect to it
    facts = msgspec.structs.replace(trial.seen.facts, socket_at_home=False)
    permitted = forwarding.try_forwarding(there, facts, trial.seen.found, 0)
    choice.tunnel(trial.declared.name, trial.profile, trial.seen.facts, trial.seen.found, permitted, leads_on=True)
    if trial.declared.server.forward == "socket":
        if permitted.socket is False:
            return "the sshd there forbids forwarding to a unix socket"
        if begun.socket and not forwarding.reaches(there, begun.socket, begun.job):
            return "it has another /tmp than the job, in which Jupyter's socket will be"
    return ""


def _arguments(trial: Trial, via: Via, job: Word, node: HostName, known: Path, key: Path) -> list[str]:  # noqa: PLR0917
    """Return the words by which ssh reaches the node as the alias will, but over the login that is open."""
    stream = [*trial.login.command, "exec", "/bin/sh", *trial.script, "join", via, job, node]
    options = [
        f"ProxyCommand={' '.join(sh(word).replace('%', '%%') for word in stream)}",
        f"HostKeyAlias={way.host_key_alias(trial.declared.name)}",
        f"UserKnownHostsFile={known}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
    ]
    if via != "node":
        options += [f"IdentityFile={key}", "IdentitiesOnly=yes", "IdentityAgent=none"]
        options += ["PreferredAuthentications=publickey"]
    return [*(f"-o{option}" for option in options), *destination.arguments_of(trial.profile)]
