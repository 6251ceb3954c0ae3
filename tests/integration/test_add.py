"""`nbssh add` against a real sshd: what it makes, what it says, and that a failure leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import stat
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import until
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    from bed import Bed

PASSWORD = "corr€ct horse"


def add(bed: Bed, *words: str, jupyter: bool = True, port: bool = True) -> CompletedProcess[str]:
    """Run `nbssh add box …` with the usual answers, and where `port` says so with a port that is free."""
    found = ("--jupyter", str(bed.jupyter)) if jupyter else ()
    chosen = ("--port", str(free_port())) if port and "--port" not in words else ()
    return bed.run(
        "nbssh", "add", *(words or ("box",)), *chosen, "--password-stdin", "--yes", *found, stdin=f"{PASSWORD}\n"
    )


def tree(*roots: Path) -> dict[str, str]:
    """Return every file below `roots` with its mode and content."""
    return {
        str(path): f"{stat.S_IMODE(path.lstat().st_mode):o} {path.read_bytes()!r}" if path.is_file() else "folder"
        for root in roots
        for path in sorted(root.rglob("*"))
    }


def config_of(bed: Bed) -> dict[str, dict[str, object]]:
    path = bed.remote_home / ".local/share/nbssh/box/config/jupyter_server_config.json"
    loaded: dict[str, dict[str, object]] = json.loads(path.read_text())
    return loaded


def logins(bed: Bed) -> int:
    return bed.server.log.read_text().count("Accepted publickey")


def test_everything_is_in_place_after_one_login(make_bed: Callable[..., Bed]) -> None:
    bed, port = make_bed(extra=["LogLevel VERBOSE"]), free_port()
    done = add(bed, "box", "--port", str(port))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "nbssh: done; now type: ssh box-nb"
    assert "JupyterLab 4." in done.stderr
    assert logins(bed) == 1
    local, remote = bed.local_home, bed.remote_home / ".local/share/nbssh/box"
    modes = {
        local / ".ssh/nbssh.d": 0o700,
        local / ".ssh/nbssh.d/box.conf": 0o600,
        local / ".ssh/nbssh.d/open": 0o700,
        local / ".config/nbssh/profiles/box.toml": 0o600,
        local / ".local/state/nbssh": 0o700,
        local / ".local/state/nbssh/secrets/box.json": 0o600,
        remote: 0o700,
        remote / "profile": 0o600,
        remote / "config/jupyter_server_config.json": 0o600,
        remote / "config/jupyter_notebook_config.json": 0o600,
    }
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in modes} == modes
    assert bed.ssh_config.read_text().startswith("# Jupyter over ssh")
    resolved = bed.run("ssh", "-G", "box-nb").stdout
    assert f"localforward [127.0.0.1]:{port} " in resolved
    assert bed.run("nbssh", "diff").stdout == ""
    before = tree(local / ".ssh", local / ".config")
    again = bed.run("nbssh", "apply")
    assert (again.returncode, again.stderr) == (0, "nbssh: already up to date\n")
    assert tree(local / ".ssh", local / ".config") == before


def test_the_password_is_in_no_file_and_its_hash_is_jupyters(bed: Bed) -> None:
    assert add(bed, "box").returncode == 0
    for text in tree(bed.local_home, bed.remote_home).values():
        assert "horse" not in text
    hashed = config_of(bed)["PasswordIdentityProvider"]["hashed_password"]
    check = (
        "import sys; from jupyter_server.auth.security import passwd_check; sys.exit(not passwd_check(*sys.argv[1:]))"
    )
    python = str(bed.jupyter.parent / "python")
    assert bed.run(python, "-c", check, str(hashed), PASSWORD).returncode == 0
    assert bed.run(python, "-c", check, str(hashed), PASSWORD + "x").returncode == 1


def test_the_command_line_of_scripts(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(listen=True)
    block = bed.ssh_config.read_text()
    port = block.split("Port ")[1].split()[0]
    bed.ssh_config.write_text(block.replace("Host box", "Host 127.0.0.1").replace(f"Port {port}", ""))
    done = add(bed, "box", f"{bed.login}@127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr
    resolved = bed.run("ssh", "-G", "box-nb").stdout.splitlines()
    assert {f"port {port}", "hostname 127.0.0.1", f"user {bed.login}", "hostkeyalias throwaway"} <= set(resolved)


def test_a_pasted_recipe_gives_destination_and_ports(bed: Bed) -> None:
    near, far = free_port(), free_port()
    done = bed.run(
        "nbssh", "add", "box", f"ssh -L localhost:{near}:localhost:{far} -X box", "--password-stdin", "--yes",
        "--jupyter", str(bed.jupyter), "--forward", "tcp", stdin="x\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not taken over from your command: -X" in done.stderr
    # the port is everybody's: the tunnel ends at a socket of hers, behind which only her Jupyter on that port is
    gate = f"{bed.remote_home}/.local/state/nbssh/box/sock"
    assert f"localforward [127.0.0.1]:{near} {gate}" in bed.run("ssh", "-G", "box-nb").stdout
    assert config_of(bed)["ServerApp"]["port"] == far


def test_twice_is_already_and_something_else_is_an_error(bed: Bed) -> None:
    port = str(free_port())
    assert add(bed, "box", "--port", port).returncode == 0
    before = tree(bed.local_home, bed.remote_home)
    again = add(bed, "box", "--port", port)
    assert (again.returncode, again.stderr) == (0, "nbssh: 'box' is set up already; start it with: ssh box-nb\n")
    other = add(bed, "box", "--port", str(free_port()))
    assert other.returncode == 1
    assert "already, with another port" in other.stderr
    for word in ("nbssh edit box", "nbssh apply box", "nbssh remove box"):
        assert word in other.stderr
    case = add(bed, "BOX", "box")
    assert "differs only in case" in case.stderr
    assert tree(bed.local_home, bed.remote_home) == before


FAILURES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "port below the limit": (("box", "--port", "1009"), "port 1009 is below 1024", "--port "),
    "port over the limit": (("box", "--port", "70000"), "70000 is no port", "1024 to 65535"),
    "remote port below the limit": (("box", "--remote-port", "1008"), "port 1008 is below", "--remote-port "),
    "bad name": (("bo x", "box"), "'bo x' is no profile name", "A-Z"),
    "bad destination": (("box", "-oProxyCommand=x"), "no such option", "--help"),
    "unknown host": (("nowhere.invalid",), "no host is known as 'nowhere.invalid'", "ssh nowhere.invalid"),
    "refused connection": (("box", "me@127.0.0.1:1"), "Connection refused", "see whether this works"),
    "no Jupyter there": (
        ("box", "--jupyter", "/nowhere/jupyter-lab"),
        "is no jupyter-lab that can be run",
        "--jupyter",
    ),
    "no such Jupyter": (("box", "--jupyter", "/bin/true"), "'/bin/true' on ", "--jupyter"),
    "unknown app": (("box", "--app", "emacs"), "--app emacs: there is no such app", "lab or notebook or server"),
    "a quote too few": (("box", "--setup-shell", "bash '"), "--setup-shell bash ': no closing quotation", "quotes"),
    "empty password": (("box",), "the first line on stdin is empty", "printf"),
    "a line break": (("box", "--dir", "a\nb"), "'dir' holds a control character", "one line"),
    "unknown scheduler": (
        ["box", "--scheduler", "nqs"],
        "--scheduler nqs: there is no such scheduler",
        "slurm or gridengine or pbs or lsf",
    ),
    "a scheduler's option without one": (
        ["box", "--job-option=-x"],
        "--job-option needs --scheduler",
        "--scheduler slurm",
    ),
}


USAGE = {"bad destination", "unknown scheduler", "unknown app", "a quote too few"}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_names_the_thing_and_the_way_out_and_leaves_nothing(bed: Bed, case: str) -> None:
    words, message, hint = FAILURES[case]
    before = tree(bed.local_home, bed.remote_home)
    found = () if "--jupyter" in words else ("--jupyter", str(bed.jupyter))
    stdin = "\n" if case == "empty password" else "pw\n"
    done = bed.run("nbssh", "add", *words, *found, "--password-stdin", "--yes", stdin=stdin)
    assert done.returncode == (2 if case in USAGE else 1), done.stderr
    lines = done.stderr.splitlines()
    error = next(line for line in lines if line.startswith("nbssh: error: "))
    assert message in error
    assert hint in next(line for line in lines if line.startswith("nbssh: hint: "))
    assert "Traceback" not in done.stderr
    assert tree(bed.local_home, bed.remote_home) == before


def test_a_port_in_use_is_named_and_a_free_one_suggested(bed: Bed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = add(bed, "box", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} is in use on this machine" in done.stderr
    assert not (bed.local_home / ".config").exists()


def test_the_port_is_made_from_the_name_and_is_nobody_elses(bed: Bed) -> None:
    def port_of(name: str) -> int:
        bed.nbssh("add", name, "box", "--token", "--yes", "--offline")
        profiles = json.loads(bed.nbssh("list", "--json").stdout)["profiles"]
        return next(int(profile["port"]) for profile in profiles if profile["name"] == name)

    one, two = port_of("one"), port_of("two")
    assert {one, two} <= set(range(20000, 30000))
    bed.nbssh("remove", "one", "--offline")
    assert port_of("one") == one
    bed.nbssh("remove", "one", "--offline")
    with socket.create_server(("127.0.0.1", one)):
        assert port_of("one") == one + 1
    bed.nbssh("remove", "one", "--offline")
    # her own forward would be there first, or ours would
    config = bed.ssh_config.read_text()
    bed.ssh_config.write_text(
        f"{config}\nHost other\n  DynamicForward localhost:{one}\n  localforward={one + 1} db:5432\n"
    )
    assert port_of("one") == one + 2


def test_a_recipe_with_ports_of_root_gets_others_and_says_so(bed: Bed) -> None:
    done = add(bed, "box", "$ ssh \u2013L localhost:1009:localhost:1008 box &", port=False)
    assert done.returncode == 0, done.stderr
    port = json.loads(bed.nbssh("list", "--json").stdout)["profiles"][0]["port"]
    assert f"your command's port 1009 is one that only root may open: {port} is taken instead" in done.stderr
    assert "your command's port 1008 on the host" in done.stderr


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("box", "box"),
        ("ssh -L 0:localhost:8888 box", "box"),
        ("alice@127.0.0.1:2222", "127.0.0.1"),
        ("ssh://alice@gpu1.example.org:2222", "gpu1"),
        ("alice@gpu2.work", "gpu2.work"),  # an alias of hers
        (r"CORP\alice@gpu3.example.org", "gpu3"),
    ],
)
def test_a_destination_alone_gives_the_name(bed: Bed, words: str, name: str) -> None:
    bed.ssh_config.write_text(f"{bed.ssh_config.read_text()}\nHost gpu2.work\n  HostName 127.0.0.1\n")
    done = bed.nbssh("add", words, "--token", "--yes", "--offline")
    assert [profile["name"] for profile in json.loads(bed.nbssh("list", "--json").stdout)["profiles"]] == [name]
    assert (f"the profile's name is '{name}'" in done.stderr) == (name != words)
    user = words.rpartition("@")[0].removeprefix("ssh://")
    assert not user or f"user {user}" in bed.run("ssh", "-G", f"{name}-nb").stdout.splitlines()


def test_a_destination_whose_name_is_another_profiles_asks_for_one(bed: Bed) -> None:
    bed.nbssh("add", "gpu1", "alice@gpu1.one.example", "--token", "--yes", "--offline")
    done = bed.run("nbssh", "add", "alice@gpu1.two.example", "--token", "--yes", "--offline")
    assert done.returncode == 1
    assert "nbssh add NAME alice@gpu1.two.example" in done.stderr
    again = bed.nbssh("add", "alice@gpu1.one.example", "--token", "--yes", "--offline")
    assert "set up already" in again.stderr


def test_no_name_at_all_is_refused_with_a_line_that_works(bed: Bed) -> None:
    done = bed.run("nbssh", "add", "my box!", "box", "--token", "--yes", "--offline")
    assert done.returncode == 1
    hint = done.stderr.splitlines()[-1]
    assert hint.endswith("for example: nbssh add my-box box")
    bed.nbssh(*hint.rpartition("nbssh ")[2].split(), "--token", "--yes", "--offline")


def test_an_alias_that_the_user_has_is_a_conflict(bed: Bed) -> None:
    with bed.ssh_config.open("a") as config:
        config.write("Host other box-nb-kill\n    User x\n")
    done = add(bed, "box")
    assert done.returncode == 1
    line = len(bed.ssh_config.read_text().splitlines()) - 1
    assert f"~/.ssh/config:{line}: there is a 'Host box-nb-kill' already" in done.stderr


def test_without_a_terminal_and_without_yes_nobody_is_asked(bed: Bed) -> None:
    before = tree(bed.local_home)
    done = bed.run("nbssh", "add", "box", "--password-stdin", "--jupyter", str(bed.jupyter), stdin="pw\n")
    assert done.returncode == 1
    assert "nobody can be asked without a terminal" in done.stderr
    assert "--yes" in done.stderr
    assert tree(bed.local_home) == before


def test_a_person_is_shown_the_line_and_types_the_password_twice(bed: Bed) -> None:
    child = bed.spawn("nbssh", "add", "box", "--jupyter", str(bed.jupyter))
    child.expect_exact("+Include nbssh.d/*.conf")
    child.expect_exact("add this Include line to ~/.ssh/config? [Y/n]")
    child.sendline("y")
    for first, second in (("secret1", "typo"), ("secret1", "secret1")):
        child.expect("password for the notebooks of 'box'.*: ")
        child.sendline(first)
        child.expect("the same again: ")
        child.sendline(second)
    child.expect_exact("now type: ssh box-nb")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert "secret1" not in str(child.before)


def test_without_the_line_the_last_word_is_what_is_still_to_do(bed: Bed) -> None:
    child = bed.spawn("nbssh", "add", "box", "--token", "--jupyter", str(bed.jupyter))
    child.expect_exact("[Y/n]")
    child.sendline("n")
    child.expect_exact("all but the Include line is there; add that: nbssh init; then type: ssh box-nb")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    bed.nbssh("init", "--yes")
    assert "localforward" in bed.run("ssh", "-G", "box-nb").stdout


@pytest.mark.parametrize("end", ["Ctrl-C", "TERM", "HUP", "closed terminal"])
def test_an_end_at_the_password_leaves_nothing(bed: Bed, end: str) -> None:
    before = tree(bed.local_home, bed.remote_home)
    child = bed.spawn("nbssh", "add", "box", "--yes", "--jupyter", str(bed.jupyter))
    child.expect("password for the notebooks of 'box'.*: ")
    if end == "Ctrl-C":
        child.sendintr()
    elif end == "closed terminal":
        child.ptyproc.fileobj.close()
    else:
        child.kill(getattr(signal, f"SIG{end}"))
    if end != "closed terminal":
        child.expect(pexpect.EOF)
        assert "nbssh: interrupted" in child.before
    child.wait()
    assert (child.exitstatus, child.signalstatus) == {
        "Ctrl-C": (130, None), "TERM": (None, signal.SIGTERM),
    }.get(end, (None, signal.SIGHUP))  # fmt: skip
    assert tree(bed.local_home, bed.remote_home) == before


_INTERRUPTED = """\
from nbssh.__main__ import main
from nbssh.steps import writing

write = writing.write_local


def interrupted(*words, **more):
    write(*words, **more)
    raise KeyboardInterrupt


writing.write_local = interrupted
main()
"""


def test_an_end_while_the_host_puts_its_files_in_place_leaves_nothing(bed: Bed) -> None:
    before = tree(bed.local_home, bed.remote_home)
    waits = bed.folder / "slow" / "mv"
    waits.parent.mkdir()
    waits.write_text(
        f'#!/bin/sh\n: >{bed.folder}/begun\nwhile [ ! -e {bed.folder}/on ]; do sleep 0.05; done\nexec /bin/mv "$@"\n'
    )
    waits.chmod(0o755)
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace(" PATH=", f" PATH={waits.parent}:", 1))
    child = bed.spawn("nbssh", "add", "box", "--yes", "--token", "--jupyter", str(bed.jupyter))
    until((bed.folder / "begun").exists, "the host has what it is to put in place")
    child.sendintr()
    (bed.folder / "on").touch()
    child.expect_exact("nbssh: interrupted")
    child.expect(pexpect.EOF)
    assert tree(bed.local_home, bed.remote_home) == before


_NAMED = """\
from nbssh.__main__ import main
from nbssh.steps import blocks

wanted = blocks.wanted


def late(target):
    target.paths.laptop.parent.mkdir(parents=True, exist_ok=True)
    target.paths.laptop.write_text("0123456789abcdef\\n")
    return wanted(target)


blocks.wanted = late
main()
"""


def test_a_laptop_that_another_add_names_at_the_same_time_is_registered_by_that_name(bed: Bed) -> None:
    done = bed.run(*(sys.executable, "-c", _NAMED, "add", "box", "--yes", "--token", "--jupyter", str(bed.jupyter)))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in bed.remote_home.glob(".local/share/nbssh/box/laptops/*")] == ["0123456789abcdef"]


def test_an_end_when_all_is_written_leaves_all_there(bed: Bed) -> None:
    done = bed.run(
        *(sys.executable, "-c", _INTERRUPTED, "add", "box", "--yes", "--token", "--jupyter", str(bed.jupyter))
    )
    assert (done.returncode, "nbssh: interrupted" in done.stderr) == (130, True)
    assert bed.nbssh("diff").stdout == ""
    assert (bed.remote_home / ".local/share/nbssh/box/profile").exists()


@pytest.mark.parametrize(
    ("forbidden", "words"),
    [
        (["AllowStreamLocalForwarding no"], "because its sshd forbids forwarding to a unix socket"),
        (["AllowTcpForwarding local"], "tunnel to a unix socket that only you can open"),
    ],
)
def test_what_sshd_forwards_is_tried(make_bed: Callable[..., Bed], forbidden: list[str], words: str) -> None:
    done = add(make_bed(extra=forbidden), "box")
    assert done.returncode == 0, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("forbidden", ["AllowTcpForwarding no", "DisableForwarding yes"])
def test_an_sshd_that_forwards_nothing_is_refused(make_bed: Callable[..., Bed], forbidden: str) -> None:
    bed = make_bed(extra=[forbidden])
    before = tree(bed.local_home, bed.remote_home)
    done = add(bed, "box")
    assert done.returncode == 1
    assert "forbids the tunnel, to a unix socket and to a port" in done.stderr
    assert "AllowTcpForwarding local" in done.stderr
    assert tree(bed.local_home, bed.remote_home) == before


def test_a_server_that_runs_something_else_is_told_apart(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["ForceCommand echo This account is for git only; exit 3"])
    done = add(bed, "box")
    assert done.returncode == 1
    assert "the host ran something else than /bin/sh (status 3); it said: This account is for git only" in done.stderr
    assert "ForceCommand" in done.stderr


def test_an_rc_file_that_takes_what_is_for_the_command_is_named(make_bed: Callable[..., Bed]) -> None:
    login = "/bin/bash"
    bed = make_bed(shell=login)
    (bed.remote_home / ".bashrc").write_text("cat >/dev/null\n")
    done = add(bed, "box")
    assert done.returncode == 1
    assert "commands do not get through: /bin/sh did not answer (status 0)" in done.stderr
    assert "your ~/.bashrc" in done.stderr
    assert "takes their stdin or stdout" in done.stderr


def test_when_the_local_half_fails_the_servers_half_is_taken_back(bed: Bed) -> None:
    (bed.local_home / ".ssh/nbssh.d").write_text("in the way\n")
    before = tree(bed.local_home, bed.remote_home)
    done = add(bed, "box")
    assert done.returncode == 1
    assert "nbssh.d" in done.stderr
    after = tree(bed.local_home, bed.remote_home)
    assert {path: text for path, text in after.items() if text != "folder" and "/lock" not in path} == {
        path: text for path, text in before.items() if text != "folder"
    }


HOSTILE = [
    "$(touch /tmp/nbssh-pwned)",
    "${HOME}`id`",
    'it\'s "q" \\ end',
    "%h %% %n",
    "-rf",
    "Ünï ©🐍",
    "x" * 255,
    "#a",
    "{{ 7*7 }}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_arrive_as_they_are(bed: Bed, value: str) -> None:
    done = add(bed, "box", f"--dir={value}", f"--setup=: {value!r}", "--idle", "2")
    assert done.returncode == 0, done.stderr
    assert config_of(bed)["ServerApp"]["root_dir"] == f"{bed.remote_home}/{value}"
    assert bed.run("nbssh", "diff").stdout == ""
    shown = json.loads(bed.nbssh("show", "box", "--json").stdout)
    assert shown["dir"] == value
    refused = bed.run("nbssh", "add", "two", value if value != "-rf" else "a -rf", "--yes", "--token", "--offline")
    assert refused.returncode in {0, 1, 2}
    assert "Traceback" not in refused.stderr
    assert bed.run("ssh", "-G", "box-nb").returncode == 0


def test_a_second_laptop_adopts_the_same_server(bed: Bed, make_bed: Callable[..., Bed]) -> None:
    assert add(bed, "box").returncode == 0
    other = make_bed()
    other.ssh_config.write_text(bed.ssh_config.read_text().split("\n", 2)[2])
    asked = other.spawn("nbssh", "add", "box", "--token", "--jupyter", str(bed.jupyter))
    asked.expect_exact("[Y/n]")
    asked.sendline("y")
    asked.expect("'box' is set up on box already, perhaps from another laptop; adopt it.*y/N")
    asked.sendline("n")
    asked.expect(pexpect.EOF)
    assert asked.wait() == 1
    done = add(other, "box")
    assert done.returncode == 0, done.stderr
    assert "adopted" in done.stderr


def test_a_token_is_kept_private_and_reaches_jupyter(bed: Bed) -> None:
    done = bed.run("nbssh", "add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter))
    assert done.returncode == 0, done.stderr
    secret = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())
    token = secret["token"]
    assert len(token) >= 40
    assert config_of(bed)["IdentityProvider"]["token"] == token
    page = bed.local_home / ".local/state/nbssh/secrets/box.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert token in page.read_text()
    everything = done.stdout + done.stderr + bed.nbssh("show", "box").stdout + bed.nbssh("list").stdout
    assert token not in everything + bed.run("ssh", "-G", "box-nb").stdout


def test_a_mistake_in_the_toml_names_file_and_key(bed: Bed) -> None:
    assert add(bed, "box", "--offline").returncode == 0
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    toml.write_text(toml.read_text().replace("port =", "prot ="))
    for words in (("list",), ("show", "box"), ("apply", "--offline"), ("status", "box")):
        done = bed.run("nbssh", *words)
        assert done.returncode == 1
        assert "~/.config/nbssh/profiles/box.toml:4: unknown key 'prot'" in done.stderr
        assert "did you mean 'port'?" in done.stderr


def test_for_an_editor_it_is_a_port_and_a_token_and_the_address_is_printed(bed: Bed) -> None:
    port = free_port()
    words = ("nbssh", "add", "box", "--editor", "--yes", "--port", str(port), "--jupyter", str(bed.jupyter))
    done = bed.run(*words)
    assert done.returncode == 0, done.stderr
    token = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["token"]
    assert done.stdout == f"http://127.0.0.1:{port}/?token={token}\n"
    assert "paste this into your editor" in done.stderr
    said = json.loads(bed.nbssh("url", "box", "--json").stdout)
    assert isinstance(said["port"], int)
    assert bed.run(*words).stdout == done.stdout
    for other in ("--password-stdin", "--forward=socket"):
        assert bed.run("nbssh", "add", "two", "box", "--editor", other).returncode == 2


def test_a_dry_run_looks_and_writes_nothing(bed: Bed) -> None:
    before = tree(bed.local_home, bed.remote_home)
    done = bed.run("nbssh", "add", "box", "--dry-run", "--dir", "work", "--jupyter", str(bed.jupyter))
    assert done.returncode == 0, done.stderr
    assert tree(bed.local_home, bed.remote_home) == before
    for line in (
        "+# Jupyter over ssh; added by nbssh, taken out again by: nbssh uninstall",
        f"+dir {bed.remote_home}/work",
        "+Host box-nb",
        '+dir = "work"',
    ):
        assert f"{line}\n" in done.stdout
    assert "nothing was written" in done.stderr
    assert "JupyterLab 4." in done.stderr
    seen = logins(bed)
    assert "+Host box-nb\n" in bed.nbssh("add", "box", "-n", "--offline", "--token").stdout
    assert logins(bed) == seen
    assert tree(bed.local_home, bed.remote_home) == before
    job = bed.nbssh("add", "box", "-n", "--scheduler", "slurm", "--token", "--jupyter", str(bed.jupyter))
    assert "\n+scheduler slurm\n" in job.stdout
    assert "+Host box-node" in job.stdout
    assert "is a guess" in job.stderr
    assert tree(bed.local_home, bed.remote_home) == before
