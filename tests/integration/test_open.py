"""`nbssh open`: a tunnel in the background, a verified page, a browser; and nothing that stays."""

from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING

import pytest
from bed import parent, until
from ports import free_port
from serving import detach, fake_jupyter, start

from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.demo import sshd

if TYPE_CHECKING:
    from bed import Bed


def add(bed: Bed, *words: str, name: str = "box", real: bool = False) -> int:
    """Set the profile `name` up, with the real JupyterLab or what does as if; return its port."""
    port = free_port()
    jupyter = bed.jupyter if real else fake_jupyter(bed)
    secret = [] if "--token" in words else ["--password-stdin"]
    bed.nbssh(
        "add", name, "box", "--yes", "--port", str(port), "--jupyter", str(jupyter), *secret, *words, stdin="pw\n"
    )
    return port


def master_runs(bed: Bed) -> bool:
    return bed.tell_master("check").returncode == 0


def launches(bed: Bed) -> set[int]:
    """Return the processes of launch, without the helpers that they fork."""
    found = {pid for pid, line in bed.leftovers().items() if "/launch box " in line}
    return {pid for pid in found if parent(pid) not in {0, *found}}


def test_it_opens_tunnel_and_browser_and_all_ends_with_the_tunnel(bed: Bed) -> None:
    port = add(bed, real=True)
    done = bed.nbssh("open", "box")
    assert done.stdout == f"http://127.0.0.1:{port}/\n"
    assert "ssh -O exit box-nb" in done.stderr
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login("pw")
    until(lambda: bed.opened == [f"http://127.0.0.1:{port}/"], "the browser opens once")
    assert launches(bed)
    bed.tell_master("exit")
    until(lambda: not launches(bed), "launch notices that its tunnel is gone")
    assert '"running"' in bed.nbssh("status", "box", "--json").stdout, "the server itself goes on"
    bed.nbssh("kill", "box")


def test_a_second_open_uses_the_tunnel_that_is_up(bed: Bed) -> None:
    port = add(bed)
    bed.nbssh("open", "box")
    until(lambda: len(bed.opened) == 1, "the first browser")
    running = launches(bed)
    assert bed.nbssh("open", "box").stdout == f"http://127.0.0.1:{port}/\n"
    until(lambda: len(bed.opened) == 2, "the second browser")
    assert launches(bed) == running, "one launch per tunnel is enough"
    bed.nbssh("kill", "box")


def test_it_joins_the_session_of_a_terminal(bed: Bed) -> None:
    port = add(bed)
    child = bed.ssh("box-nb")
    child.expect("stop it")
    until(lambda: len(bed.opened) == 1, "the browser of the terminal")
    done = bed.nbssh("open", "box")
    assert done.stdout == f"http://127.0.0.1:{port}/\n"
    # it ends with that session: nothing stays in the background
    assert done.stderr == "nbssh: the tunnel was open already; close it with: ssh -O exit box-nb\n"
    until(lambda: len(bed.opened) == 2, "the browser of nbssh open")
    bed.nbssh("kill", "box")


def test_a_profile_without_browser_gets_one_when_it_is_asked_for(bed: Bed) -> None:
    port = add(bed, "--no-browser")
    bed.nbssh("open", "box")
    until(lambda: bed.opened == [f"http://127.0.0.1:{port}/"], "the browser")
    bed.nbssh("kill", "box")


def test_a_killed_server_is_started_again_through_a_master_that_lives_on(bed: Bed) -> None:
    port = add(bed)
    bed.nbssh("open", "box")
    # another session keeps the master alive, as a browser tab does
    control_socket = f"{bed.local_home}/.ssh/nbssh.d/box.ctl"
    sleeper = bed.ssh("-F", "none", "-S", control_socket, "-o", "ProxyCommand=false", "x", "echo there; exec cat")
    sleeper.expect("there")
    bed.nbssh("kill", "box")
    until(lambda: not launches(bed), "launch ends with its server")
    assert master_runs(bed), "the other session keeps the master"
    assert bed.nbssh("open", "box").stdout == f"http://127.0.0.1:{port}/\n"
    assert Visitor(f"http://127.0.0.1:{port}/").version()
    assert launches(bed), "the tunnel has a session of its own again"
    bed.nbssh("kill", "box")
    bed.tell_master("exit")


def test_a_server_that_does_not_start_is_told_and_leaves_no_tunnel(bed: Bed) -> None:
    add(bed)
    profile = bed.local_home / ".config" / "nbssh" / "profiles" / "box.toml"
    profile.write_text(profile.read_text().replace("[server]", 'setup = ["echo broken; exit 7"]\n\n[server]', 1))
    bed.nbssh("apply", "box", "--yes")
    done = bed.run("nbssh", "open", "box")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did not start" in done.stderr, "what launch says is shown"
    assert "broken" in done.stderr, "the end of the log is shown"
    assert re.search(
        r"error: no Jupyter of 'box' was verified on \S+\nnbssh: hint: why: nbssh doctor box; its log: ",
        done.stderr,
    )
    until(lambda: not master_runs(bed), "the tunnel goes")
    assert bed.opened == []


def test_control_c_while_the_server_starts_closes_the_tunnel(bed: Bed) -> None:
    add(bed)
    profile = bed.local_home / ".config" / "nbssh" / "profiles" / "box.toml"
    # the probe runs the setup lines too
    setup = """setup = ['[ -z "$JUPYTER_RUNTIME_DIR" ] || sleep 600']"""
    profile.write_text(profile.read_text().replace("[server]", f"{setup}\n\n[server]", 1))
    bed.nbssh("apply", "box", "--yes")
    child = bed.spawn("nbssh", "open", "box")
    until(lambda: "sleep 600" in bed.leftovers().values(), "the server is starting")
    child.sendintr()
    child.expect("nbssh: interrupted")
    assert child.wait() == 130
    until(lambda: not launches(bed) and not master_runs(bed), "tunnel and launch go")
    bed.nbssh("kill", "box")
    assert bed.opened == []


def test_where_no_master_can_be_the_page_itself_is_asked(bed: Bed) -> None:
    home = bed.local_home / ("deep" * 20)  # no unix socket has so long a path
    (home / ".ssh").mkdir(mode=0o700, parents=True)
    (home / ".ssh" / "config").write_bytes(bed.ssh_config.read_bytes())
    bed.env.update(HOME=str(home), NBSSH_SSH_COMMAND=f"ssh -F {home}/.ssh/config")
    port = add(bed)
    assert "ControlMaster no" in (home / ".ssh/nbssh.d/box.conf").read_text()
    assert bed.nbssh("open", "box").stdout == f"http://127.0.0.1:{port}/\n"
    until(lambda: bed.opened == [f"http://127.0.0.1:{port}/"], "the browser")
    bed.nbssh("kill", "box")
    until(lambda: not launches(bed), "launch ends with its server")


def test_the_status_of_ssh_passes_through(bed: Bed) -> None:
    add(bed)
    (bed.server.folder / "id").unlink()
    done = bed.run("nbssh", "open", "box")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr
    assert "ssh box-nb ended with status 255" in done.stderr
    assert bed.opened == []


def test_a_taken_port_is_told(bed: Bed) -> None:
    port = add(bed)
    with sshd.socket.create_server(("127.0.0.1", port)):
        done = bed.run("nbssh", "open", "box")
    assert done.returncode == 255
    assert "in use" in done.stderr
    assert f"port {port} on this machine, which is that of 'box', is taken by " in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert f"end that (kill {os.getpid()}), or take another port: nbssh edit box: port" in done.stderr
    assert "nbssh doctor box" in done.stderr


def test_without_the_include_line_it_names_the_doctor(bed: Bed) -> None:
    add(bed)
    text = bed.ssh_config.read_text()
    bed.ssh_config.write_text(text[text.index("Host box") :])
    done = bed.run("nbssh", "open", "box")
    assert done.returncode == 1
    assert "does not know 'box-nb'" in done.stderr
    assert "nbssh doctor box" in done.stderr


def test_the_password_of_ssh_is_asked_for_on_the_terminal(bed: Bed) -> None:
    port = add(bed)
    done = bed.run("ssh-keygen", "-q", "-p", "-P", "", "-N", "geheim", "-f", str(bed.server.folder / "id"))
    assert done.returncode == 0, done.stderr
    child = bed.spawn("nbssh", "open", "box", timeout=60)
    child.expect("passphrase for key")
    child.sendline("geheim")
    child.expect_exact(f"http://127.0.0.1:{port}/")
    until(lambda: bool(bed.opened), "the browser")
    bed.nbssh("kill", "box")  # through the open master, which needs no key


@pytest.mark.parametrize("command", ["open", "url", "check", "edit", "doctor"])
def test_an_unknown_profile_is_told(bed: Bed, command: str) -> None:
    done = bed.run("nbssh", command, "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no profile 'nope'" in done.stderr


@pytest.mark.parametrize("command", ["open", "check"])
def test_an_offline_profile_is_completed_first(bed: Bed, command: str) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes")
    done = bed.run("nbssh", command, "box")
    assert done.returncode == 1
    assert "nbssh apply box" in done.stderr


def test_a_path_is_opened_and_the_profiles_own_one(bed: Bed) -> None:
    port = add(bed)
    url = f"http://127.0.0.1:{port}/"
    assert bed.nbssh("open", "box", "my notes/a.ipynb").stdout == f"{url}lab/tree/my%20notes/a.ipynb\n"
    until(lambda: bed.opened == [f"{url}lab/tree/my%20notes/a.ipynb"], "the notebook in the browser")
    assert bed.nbssh("open", "box", "--tree").stdout == f"{url}tree\n"
    until(lambda: bed.opened[1:] == [f"{url}tree"], "the tree in the browser")
    outside = bed.run("nbssh", "open", "box", "../x")
    assert (outside.returncode, "is outside of the notebooks' folder" in outside.stderr) == (1, True)
    assert bed.run("nbssh", "open", "box", "--lab", "--tree").returncode == 2
    bed.nbssh("kill", "box")
    bed.tell_master("exit")
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text('open_path = "100%/b.ipynb"\n' + profile.read_text())
    bed.nbssh("apply", "box")
    session = start(bed)
    until(lambda: bed.opened[2:] == [f"{url}lab/tree/100%25/b.ipynb"], "the profile's page in the browser")
    detach(session)
    bed.nbssh("kill", "box")


def test_a_path_is_opened_with_the_token(bed: Bed) -> None:
    port = add(bed, "--token")
    bed.nbssh("open", "box", "a.ipynb")
    page = bed.local_home / ".local/state/nbssh/secrets/box+open.html"
    until(lambda: bed.opened == [f"file://{page}"], "the page with the token")
    token = json.loads((page.parent / "box.json").read_text())["token"]
    assert f"http://127.0.0.1:{port}/lab/tree/a.ipynb?token={token}" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert bed.run("nbssh", "doctor", "--local", "box").returncode == 0
    assert "nbssh diff" not in bed.nbssh("apply", "box").stderr
    bed.nbssh("remove", "box", "--yes")
    assert not page.exists()
