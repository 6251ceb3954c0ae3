"""What is said was tried: kinds of servers, and what add, doctor, a session, its browser and kill make of each.

Each line of KINDS and OTHER_SHELLS is a kind of server.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import is_running, needs, until
from serving import (
    UP,
    add,
    close_tunnel,
    count_sessions,
    detach,
    ended,
    fake_jupyter,
    free_port,
    kill,
    server_pid,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed


@dataclass(frozen=True)
class Kind:
    """A kind of server.

    `rc` is its ~/.bashrc, `sshd` lines of its sshd_config, `login` what runs before every session there, as a
    ForceCommand does; `program` is needed for it. `answer`: what its user types first in a session. `add` is what add
    says; `sessions` how many a session of the alias takes.
    """

    name: str
    rc: str = ""
    sshd: list[str] = field(default_factory=list)
    login: str = ""
    program: str = "bash"
    answer: str = ""
    add: str = "done; now type: ssh box-nb"
    sessions: int = 2
    forward: str = "socket"


BASH = "/bin/bash"
# Here an environment shows that a command is forced, as everywhere but in the bed.
SHOWN = 'set -- "$@" SSH_ORIGINAL_COMMAND="${SSH_ORIGINAL_COMMAND-}"'
PASSCODE = 'if [ -t 0 ]; then printf "Passcode: "; read -r code; [ "$code" = 1234 ] || exit 1; fi'
UNTRIED = "not tried: a session with a terminal"

KINDS = [
    Kind("plain"),
    Kind("a port", forward="tcp"),
    Kind("rc files that print", rc="echo Welcome; echo to us >&2"),
    Kind("rc files that take three seconds", rc="sleep 3"),
    Kind("rc files that ask on a terminal", rc='if [ -t 0 ]; then read -p "Project? " P; fi', answer="x", add=UNTRIED),
    Kind("rc files that change directory", rc="cd /"),
    Kind("rc files that lose the folders of the system", rc="export PATH=~/bin"),
    Kind("one session for each connection", sshd=["MaxSessions 1"], sessions=1),
    Kind("no terminal", sshd=["PermitTTY no"]),
    Kind("no terminal, and one session", sshd=["PermitTTY no", "MaxSessions 1"], sessions=1),
    Kind("a push at each session", login=f"echo Pushed to your phone; sleep 1; {SHOWN}", sessions=1),
    Kind("a passcode at each terminal", login=f"{PASSCODE}; {SHOWN}", answer="1234", add=UNTRIED, sessions=1),
]  # fmt: skip

# What takes the place of a command; nothing can be set up there, and what was before is not to be believed any more.
OTHER_SHELLS = [
    Kind("bash from .bashrc", rc="exec /bin/bash --norc", add="bash is started there instead"),
    Kind("login bash from .bashrc", rc="unset -f x; exec /bin/bash --norc -l", add="bash is started there instead"),
    Kind("dash from .bashrc", rc="exec /bin/dash", add="dash is started there instead"),
    Kind("zsh from .bashrc", rc="exec zsh -f", program="zsh", add="zsh is started there instead"),
    Kind("fish from .bashrc", rc="exec fish -N", program="fish", add="starts another shell for commands"),
    Kind("tcsh from .bashrc", rc="exec tcsh -f", program="tcsh", add="starts another shell for commands"),
    Kind("ForceCommand bash -l", login="unset SSH_ORIGINAL_COMMAND", add="bash is started there instead"),
    Kind("nothing but true", rc="exec true", add="starts another shell for commands"),
    Kind("an rc file that ends", rc="exit", add="ends the login (exit)"),
]


def names(kind: Kind) -> str:
    return kind.name


def become(bed: Bed, kind: Kind) -> None:
    """Make the server one of this kind."""
    if kind.rc:
        (bed.remote_home / ".bashrc").write_text(f"{kind.rc}\n")
    login = bed.server.folder / "login"
    text = login.read_text()
    mark = 'if [ -n "${SSH_ORIGINAL_COMMAND-}" ]'
    assert mark in text
    login.write_text(text.replace(mark, f"{kind.login}\n{mark}"))


def unbecome(bed: Bed, kind: Kind) -> None:
    (bed.remote_home / ".bashrc").unlink(missing_ok=True)
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace(f"{kind.login}\n", "\n"))


def add_box(bed: Bed, kind: Kind) -> str:
    done = bed.run(
        *("nbssh", "add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())),
        *("--forward", kind.forward, "--remote-port", str(free_port())),
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("kind", KINDS, ids=names)
def test_one_that_works(make_bed: Callable[..., Bed], kind: Kind) -> None:
    bed = make_bed(shell=BASH, extra=kind.sshd)
    become(bed, kind)
    sessions = count_sessions(bed)
    assert kind.add in add_box(bed, kind)
    assert sessions() <= 2
    assert bed.run("nbssh", "doctor", "box").returncode == 0
    assert sessions() <= 2
    session = bed.ssh("box-nb", timeout=90)
    if kind.answer:
        session.expect(r"\?|Passcode:")
        assert bed.opened == []
        session.sendline(kind.answer)
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    until(lambda: bed.opened, "the browser is called")
    assert len(bed.opened) == 1
    assert sessions() <= kind.sessions
    pid = server_pid(bed)
    assert bed.run("ssh", "box-nb-kill").returncode == 0
    assert not is_running(pid)
    assert ended(session)[0] == 0
    close_tunnel(bed)


def test_one_whose_rc_file_starts_tmux_in_every_terminal(make_bed: Callable[..., Bed]) -> None:
    needs("tmux")
    bed = make_bed(shell=BASH)
    socket = bed.remote_home / "tmux"
    become(bed, Kind("tmux", rc=f'if [ -t 0 ] && [ -z "${{TMUX-}}" ]; then exec tmux -S {socket} new-session; fi'))
    added = add_box(bed, Kind(""))
    assert "starts tmux, screen or the like" in added
    assert "case $- in *i*)" in added
    assert UNTRIED in added
    session = bed.ssh("box-nb")
    session.expect(r"\[\d\]? ?\d:bash|\[0\]")
    session.sendline("exit")
    session.expect(pexpect.EOF)
    assert bed.opened == []
    close_tunnel(bed)
    unbecome(bed, Kind(""))
    subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=True)
    start(bed)
    kill(bed)


@pytest.mark.parametrize("kind", OTHER_SHELLS, ids=names)
def test_one_that_runs_something_else_than_our_commands(make_bed: Callable[..., Bed], kind: Kind) -> None:
    needs(kind.program)
    bed = make_bed(shell=BASH)
    add(bed)
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    detach(session)
    pid = server_pid(bed)
    become(bed, kind)
    stopped = bed.run("ssh", "box-nb-kill")
    assert stopped.returncode == 255
    assert "nothing over there confirmed that 'box' is stopped" in stopped.stderr
    assert is_running(pid)
    close_tunnel(bed)
    checked = bed.run("nbssh", "doctor", "box")
    assert checked.returncode == 1
    assert "case $- in *i*)" in " ".join(checked.stdout.split())
    for words in (("kill", "box"), ("add", "other", "box", "--token", "--yes")):
        refused = bed.run("nbssh", *words)
        assert refused.returncode == 1
        assert kind.add in refused.stderr
        assert "case $- in *i*)" in refused.stderr
    bare = bed.ssh("box-nb")
    bare.sendline("exit")
    bare.expect(pexpect.EOF)
    close_tunnel(bed)
    assert len(bed.opened) == 1
    unbecome(bed, kind)
    assert bed.run("ssh", "box-nb-kill").returncode == 0
    assert not is_running(pid)
