"""`nbssh doctor`, the part about one server: is it reached, is Jupyter still there, what could end or starve it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal

from nbssh.adapters.files import writer
from nbssh.commands.doctor import jupyter, session
from nbssh.core.files.change import AT_NEXT_START, Kind, Plan
from nbssh.core.files.installed import of_0_1, program_named
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import folders_shown, server_folder, share_folder, states_below, states_folder
from nbssh.core.profile.profile import alias
from nbssh.core.server import survey
from nbssh.core.server.doctor import Finding, tried
from nbssh.core.text import listed, printable
from nbssh.errors import NbsshError
from nbssh.steps import connect, folders, profiles
from nbssh.steps.agree import agree
from nbssh.steps.server_files import read_remote
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.core.profile.profile import Server
    from nbssh.core.server.survey import Survey
    from nbssh.steps.profiles import Target

LOGIN_SECONDS = 20.0  # where nobody is asked
SCRIPT_SECONDS = 30.0  # df on a dead network file system does not return
CLOCK_SECONDS = 300.0  # cookies and tokens of a login are dated
FREE_KIB = 100 * 1024
_MISSING, _EDITED = ("is missing", "are missing"), ("was edited by hand", "were edited by hand")
_OLD, _DAMAGED = ("is out of date", "are out of date"), ("is damaged", "are damaged")


class Doctor(Template, frozen=True, kw_only=True):
    """Where the script looks."""

    templates: ClassVar = ("sent/doctor",)
    home: str
    share: str
    states: str


def examine(target: Target, *, unasked: bool) -> list[Finding]:
    """Return the findings about the server of one profile; `unasked`: nobody is asked anything."""
    name, known = target.name, target.profile.server
    if known is None:
        return [
            Finding("server", "warning", "nothing is known of its host: added offline", f"nbssh apply {name}", name)
        ]
    try:
        connect.refuse_prompts(target, "nbssh doctor", unasked=unasked)
    except NbsshError as error:
        return [Finding("server", "warning", error.message, error.hint, name)]
    login_seconds = LOGIN_SECONDS if unasked else 600.0

    def look() -> Iterator[Finding]:
        with connect.connect(
            target, unasked=unasked, login_seconds=login_seconds, at_destination=target.way.leads_on
        ) as there:
            yield from _look(target, known, there)

    return tried("server", name, look)


def _look(target: Target, known: Server, there: Connection) -> Iterator[Finding]:
    name = target.name
    began = time.time()
    out, _ = there.attempt(
        render(Doctor(home=known.home, share=share_folder(known), states=states_folder(known))), SCRIPT_SECONDS
    )
    said = survey.parse(out)
    yield Finding(
        "server", "ok", f"{target.profile.destination} is reached, {said.host or known.hostname}", profile=name
    )
    if there.full:
        yield Finding(
            "sessions", "warning", "the open connection carries as many sessions as its sshd permits (MaxSessions)",
            f"leave a terminal of ssh {alias(name)} (Ctrl-C) before you open another one", name,
        )  # fmt: skip
    yield from _clock(name, said, (began + time.time()) / 2)
    yield from _room(name, said)
    yield from _survival(name, known, said)
    if said.open:
        what = f"on {said.host} {said.open}: what runs from there could be theirs"
        yield Finding("folders there", "error", what, said.repair, name)
    yield from _left_there(target, said)
    yield from tried("jupyter", name, lambda: jupyter.examine(target, known, there))
    yield from tried("forwarding", name, lambda: session.examine(target, known, there))
    yield from tried("folders", name, lambda: _folders(target, there))
    yield from tried("files there", name, lambda: _files(target, there))
    yield from tried("running", name, lambda: _running(target, there, said))


def _clock(name: str, said: Survey, now: float) -> Iterator[Finding]:
    if not said.clock:
        return
    skew = said.clock - now
    if abs(skew) > CLOCK_SECONDS:
        how = "ahead of" if skew > 0 else "behind"
        yield Finding(
            "clock", "warning", f"the host's clock is {abs(skew) / 60:.0f} min {how} yours; logins may end at once",
            "set the wrong one: timedatectl set-ntp true", name,
        )  # fmt: skip
    else:
        yield Finding("clock", "ok", "both clocks agree", profile=name)


def _room(name: str, said: Survey) -> Iterator[Finding]:
    full = {path: kib for path, kib in said.free.items() if kib < FREE_KIB}
    for path, kib in full.items():
        yield Finding(
            "disk", "warning", f"{path} on {said.host} has {kib / 1024:.0f} MiB left", "make room there", name
        )
    for text in said.quota:
        yield Finding("disk", "warning", f"your quota on {said.host}: {text}", "make room there", name)
    if said.free and not full and not said.quota:
        yield Finding("disk", "ok", "there is room on the host", profile=name)


def _survival(name: str, known: Server, said: Survey) -> Iterator[Finding]:
    # logind.conf(5): root is excluded by default. What runs in a scope of a user manager that lingers stays.
    if said.kills and known.uid:
        yield Finding(
            "survival", "warning",
            f"systemd on {said.host} ends your processes when you log out (KillUserProcesses=yes), Jupyter too",
            "there: loginctl enable-linger, then stop it and start it again; or ask its administrator for "
            "KillUserProcesses=no in logind.conf", name,
        )  # fmt: skip
    else:
        yield Finding("survival", "ok", "nothing was seen that ends it when you log out", profile=name)


def _left_there(target: Target, said: Survey) -> Iterator[Finding]:
    """Look for what belongs to no profile here; another laptop of the same user may well use it."""
    name, names = target.name, profiles.names(target.context)
    ours = connect.known_server(target).folder
    strange = [profile for profile in said.profiles if profile not in names]
    for profile in strange:
        yield Finding(
            "leftovers", "ok", f"{said.host} holds files of a profile '{profile}', of another machine of yours; "
            f"if there is none, there: rm -r {folders_shown(profile, ours, ' ')}", profile=name,
        )  # fmt: skip
    # a way that leads on leaves a folder of each host at its end
    others = [run[1:] for run in said.runs if run[0] == name and run[1] != said.host and not target.way.leads_on]
    for host, record in others:
        folder = f"{states_below('~', ours)}/{name}/{host}"
        if record:
            message, repair = f"a Jupyter was started on {host}, too", f"if that machine is gone, there: rm -r {folder}"
        else:
            message, repair = f"{folder} is left of {host}", f"there: rm -r {folder}"
        yield Finding("leftovers", "warning", message, repair, name)
    if not strange and not others:
        yield Finding("leftovers", "ok", "nothing is left over there", profile=name)


def _files(target: Target, there: Connection) -> Iterator[Finding]:
    name, profile, declared = target.name, target.profile, target.declared
    agreed = agree(target, read_remote(there, [declared]))
    if agreed.taken:
        taken = f"another laptop changed {listed(agreed.taken)} there"
        yield Finding("files there", "warning", taken, f"nbssh apply {name}", name)
    plan = Plan(agreed.changes)
    changed: dict[tuple[bool, str, str], list[str]] = {}
    blocks = writer.read(target.paths.conf(name))
    used, upgrades = program_named(blocks), of_0_1(blocks)
    for change in plan.changes:
        said = _state(change)
        # without them no session starts; a program that the aliases do not name yet comes with apply, as does all else
        # where they are of nbssh 0.1, whose own scripts run
        harms = said in {_MISSING, _DAMAGED} and (change.kind is not Kind.PROGRAM or change.path.endswith(used))
        harms = harms and not upgrades
        path = change.path.removeprefix(f"{declared.folder}/").removeprefix(f"{share_folder(declared.server)}/")
        changed.setdefault((harms, *said), []).append(path)
    for (harms, one, several), paths in changed.items():
        what = f"{', '.join(paths)} {one if len(paths) == 1 else several}"
        level: Literal["error", "warning"] = "error" if harms else "warning"
        yield Finding("files there", level, what, f"nbssh diff {name}; nbssh apply {name}", name)
    if plan.empty and not agreed.taken:
        yield Finding("files there", "ok", "all files there are up to date", profile=name)
    known = connect.known_server(target)
    if profile.server and profile.server.probed_for != profile.fingerprint():
        folder = server_folder(name, known, "share")
        yield Finding(
            "files there", "warning", f"the profile changed since its host was looked at ({folder})",
            f"nbssh apply {name}", name,
        )  # fmt: skip


def _state(change: Change) -> tuple[str, str]:
    """Return what is said of one file there and of several."""
    if change.old is None:
        return _MISSING
    if change.kind is Kind.PROGRAM or (change.kind in AT_NEXT_START and change.was_cut):
        return _DAMAGED
    return _EDITED if change.edited else _OLD


def _folders(target: Target, there: Connection) -> Iterator[Finding]:
    """Ask whether a session could write what it must; nothing is said where it can."""
    folders.refuse_unwritable(there, target.declared)
    yield from ()


def _running(target: Target, there: Connection, said: Survey) -> Iterator[Finding]:
    name, answer = target.name, asked(there, target)
    if answer.state == "unresponsive":
        yield Finding(
            "running", "error", f"Jupyter on {printable(answer.host)} (pid {answer.pid}) does not answer",
            f"its log: nbssh logs {name}; end it: nbssh kill {name}", name,
        )  # fmt: skip
    elif answer.state == "running" and (name, answer.host) in said.older and not target.profile.adopt:
        yield Finding(
            "running", "warning", f"Jupyter on {printable(answer.host)} runs since before its settings were changed, "
            f"the {target.profile.auth} among them perhaps",
            f"to take the new ones: ssh {name}-nb-kill, then ssh {name}-nb", name,
        )  # fmt: skip
    elif answer.state == "unknown":
        yield Finding(
            "running", "warning", "whether Jupyter runs is not known now",
            f"in a minute: nbssh status {name}", name,
        )  # fmt: skip
    else:
        yield Finding("running", "ok", f"Jupyter is {answer.state}", profile=name)
