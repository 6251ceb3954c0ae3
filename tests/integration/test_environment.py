"""What kernels see: the environment of an interactive login of the user's, whatever her shell and its rc files do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bed import needs
from remote_helpers import SHELLS as SHELLS_OF_HOSTS
from remote_helpers import servers, wait_until
from serving import PASSWORD, add, detach, kill, start

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed
    from remote_helpers import Server

HARD = 'it\'s "a" $HOME `x` \\n\n second line \x01\té'
# login shell: the file that only a login reads, and the one that only an interactive shell reads
SHELLS = {
    "bash": ("/bin/bash", ".bash_profile", ".bashrc"),
    "zsh": ("/usr/bin/zsh", ".zprofile", ".zshrc"),
    "fish": ("/usr/bin/fish", ".config/fish/config.fish", ".config/fish/conf.d/x.fish"),
    "tcsh": ("/usr/bin/tcsh", ".login", ".tcshrc"),
    "ksh": ("/usr/bin/ksh", ".profile", ".kshrc"),
    "mksh": ("/usr/bin/mksh", ".profile", ".mkshrc"),
    "dash": ("/bin/dash", ".profile", ".shinit"),
}


@pytest.fixture
def make() -> Iterator[Callable[..., Server]]:
    with servers() as maker:
        yield maker


@pytest.fixture
def one(make: Callable[..., Server]) -> Server:
    return make()


def rc(server: Server, path: str, text: str) -> None:
    file = server.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def setting(shell: str, name: str, value: str) -> str:
    """Return the line of an rc file that exports `value`, which needs no quotes."""
    if shell == "fish":
        return f"set -gx {name} {value}\n"
    if shell == "tcsh":
        return f"setenv {name} {value}\n"
    return f"export {name}={value}\n"


def notes(server: Server) -> str:
    file = server.run_dir / "notes"
    return file.read_text() if file.exists() else ""


def seen(server: Server) -> dict[str, Any]:
    env: dict[str, Any] = server.seen()["env"]
    return env


@pytest.mark.figure("login shells that tell their environment")
@pytest.mark.parametrize("name", SHELLS)
def test_what_both_rc_files_set_arrives(one: Server, name: str) -> None:
    shell, login, interactive = SHELLS[name]
    needs(shell)
    one.env |= {"SHELL": shell, "LANG": "C.UTF-8"}
    one.env["LS_COLORS"] = HARD  # goes through the shell as it is
    greeting = "echo 'export EVIL=1'\n"
    rc(one, login, greeting + setting(name, "FROM_LOGIN", "a:b") + setting(name, "DISPLAY", ":7"))
    if name == "bash":
        rc(one, login, greeting + setting(name, "FROM_LOGIN", "a:b") + "DISPLAY=:7\n. ~/.bashrc\n")
        # Debian's own first lines
        rc(one, interactive, "case $- in *i*) ;; *) return ;; esac\n" + setting(name, "FROM_RC", "yes"))
    elif name == "tcsh":
        rc(one, interactive, "if (! $?prompt) exit\n" + setting(name, "FROM_RC", "yes"))
    else:
        if name in {"ksh", "dash"}:
            one.env["ENV"] = str(one.home / interactive)
        rc(one, interactive, setting(name, "FROM_RC", "yes"))
    one.up()
    env = seen(one)
    assert (env.get("FROM_LOGIN"), env.get("FROM_RC"), env["LS_COLORS"]) == ("a:b", "yes", HARD)
    assert not {key for key in env if key.startswith(("SSH_", "NBSSH", "nbssh")) or key in {"DISPLAY", "EVIL"}}
    assert env["PATH"].split(":")[0] == str(one.fake.parent)
    assert env["HOME"] == str(one.home)
    assert notes(one) == ""
    assert not list(one.run_dir.glob("environment*"))


def test_variables_and_umask_of_the_rc_file(one: Server) -> None:
    one.env["SHELL"] = "/bin/bash"
    lines = [
        "umask 027", "unset GONE",
        "export TMUX=/tmp/x,1,0 TMUX_PANE=%1 SSH_AUTH_SOCK=/x DISPLAY=:1 GPG_TTY=/dev/pts/1",
        "export host=mine run=mine name=mine state=mine home=mine config=mine jupyter=mine",
        "export HARD=$'a\\nb\\'c'", """hello() { echo '}' "it's ( <<x"; }; export -f hello""",
        f"export PATH={one.home}/bin:$PATH",
        "export JUPYTER_CONFIG_PATH=/hers JUPYTER_NO_CONFIG=1 PYTHONPATH=/lib/hers",
    ]  # fmt: skip
    rc(one, ".bash_profile", "\n".join(lines) + "\n")
    one.env |= {"GONE": "1", "bad-name": "1"}
    one.up()
    env = seen(one)
    assert one.seen()["umask"] == 0o027
    assert {env[key] for key in ("host", "run", "name", "state", "home", "config", "jupyter")} == {"mine"}
    assert (env["HARD"], env["PYTHONPATH"]) == ("a\nb'c", "/lib/hers")
    assert env["PATH"].startswith(f"{one.fake.parent}:{one.home}/bin:")
    assert env["JUPYTER_CONFIG_PATH"] == f"{one.data}/config:/hers"
    left_out = {"TMUX", "TMUX_PANE", "SSH_AUTH_SOCK", "DISPLAY", "GPG_TTY", "GONE", "JUPYTER_NO_CONFIG", "bad-name"}
    assert not left_out & set(env)


def told(server: Server, shell: list[str], env: dict[bytes, bytes], *, proc: str = "/proc/") -> Any:  # noqa: ANN401
    """Return what /bin/sh has of `env` once it has read what environ wrote of it; or environ's status."""
    program, file = server.root / "environ", server.root / "told"
    program.write_text((server.program / "environ").read_text().replace("/proc/", proc))
    file.touch()
    done = subprocess.run([*shell, program, file], env=env, check=False, stderr=subprocess.DEVNULL)
    if done.returncode:
        return done.returncode
    read = subprocess.run(["/bin/sh", "-ec", f". {file}\nexec env -0"], env={}, check=True, capture_output=True)
    assert not read.stderr
    return {key: value for key, _, value in (line.partition(b"=") for line in read.stdout.split(b"\0")) if key in env}


@pytest.mark.parametrize("proc", ["/proc/", "/nowhere/"])
def test_nothing_but_what_a_shell_can_set_is_told(one: Server, proc: str) -> None:
    kept = {b"HARD": HARD.encode(), b"BYTES": b"\xff'\xfe", b"LONG": b"it's\n" * 20_000, b"LAST": b""}
    odd = {b"BASH_FUNC_module%%": b"() {  echo 'it is (' <<x\n}", b"it's": b"'; exit 3", b"1X": b"'(", b"a b": b"c'"}
    for shell in SHELLS_OF_HOSTS.values():
        assert told(one, shell, {b"PATH": b"/usr/bin:/bin", **odd, **kept}, proc=proc).items() >= kept.items(), shell


def test_an_odd_value_of_a_name_that_some_shell_keeps_for_itself_ends_no_start(one: Server) -> None:
    program, file = one.program / "environ", one.root / "told"
    plain = {"PATH": "/usr/bin:/bin"}
    names = {"ERRNO", "FUNCNEST", "SRANDOM", "TMOUT"}
    for shell in [*SHELLS_OF_HOSTS.values(), ["zsh"]]:
        asked = "print -rl -- ${(k)parameters}" if shell == ["zsh"] else "set"
        said = subprocess.run([*shell, "-c", asked], env=plain, check=True, capture_output=True, text=True).stdout
        names |= {*re.findall(r"^([A-Za-z_]\w*)(?==|$)", said, re.MULTILINE)} - {"PATH", "HOME", "LC_ALL"}
    assert {"RANDOM", "GID", "OPTIND", "BASHPID", "ZSH_SUBSHELL"} <= names
    names.remove("OPTIND")  # with that a dash does not even start
    hers = {"MINE": "it's", "RANDOM_SEED": "x", "GIDS": "x", "SECONDS_MAX": "5", "USERNAME": "x"}
    plainly = {"HISTSIZE": "-1", "SAVEHIST": "10000", "TMOUT": "0", "MAILCHECK": "60"}
    for values in dict.fromkeys(names, "x $(exit 3) ( y"), dict.fromkeys(names, ""), plainly:
        kept = {*hers.items(), *(plainly.items() if values is plainly else ())}
        file.touch()
        subprocess.run(["/bin/sh", program, file], env={**values, **plain, **hers}, check=True)
        for shell in SHELLS_OF_HOSTS.values():
            read = [*shell, "-euc", f". {file}; exec /usr/bin/env -0"]
            done = subprocess.run(read, env=plain, check=True, capture_output=True, text=True)
            assert kept <= {tuple(line.split("=", 1)) for line in done.stdout.split("\0")}, shell
            assert not done.stderr, shell


def test_a_host_that_cannot_tell_an_environment_tells_none_of_it(one: Server) -> None:
    folder = one.root / "tools"
    folder.mkdir()
    (folder / "env").write_text("#!/bin/sh\nexit 1\n")  # one without -0
    (folder / "env").chmod(0o755)
    for shell in SHELLS_OF_HOSTS.values():
        status = told(one, shell, {b"PATH": b"%s:/usr/bin:/bin" % bytes(folder), b"X": b"1"}, proc="/nowhere/")
        assert status == -signal.SIGKILL, shell


ODD = {
    "another shell": "exec /bin/sh --norc\n",
    "a question": 'read -p "Which project? " P; [ -n "$P" ] || exit 3\n',
    "a terminal that is not there": "stty erase x </dev/tty && exit 3; exit 4\n",
}


@pytest.mark.parametrize("habit", ODD)
def test_a_shell_that_does_not_tell(one: Server, habit: str) -> None:
    one.env |= {"SHELL": "/bin/bash", "MINE": "1"}
    rc(one, ".bash_profile", ODD[habit])
    _, said = one.up()
    sentence = "your login shell /bin/bash did not tell its environment within 10 s; kernels run without it"
    assert f"nbssh: warning: {sentence}" in said
    assert sentence in (one.run_dir / "log").read_text()
    assert seen(one)["MINE"] == "1"
    assert not {key for key in seen(one) if key.startswith(("SSH_", "NBSSH")) or key == "DISPLAY"}


@pytest.mark.parametrize("tools", ["all tools", "few tools"])
def test_a_shell_that_hangs_is_given_up(one: Server, tools: str) -> None:
    one.env["SHELL"] = "/bin/bash"
    rc(one, ".bash_profile", "trap '' TERM HUP\nwhile :; do /bin/sleep 1; done\n")
    if tools == "few tools":
        one.few_tools()
    _, said = one.up()
    assert "did not tell its environment" in said
    wait_until(lambda: not [line for line in one.processes().values() if "/bin/bash -l" in line], "the shell is ended")


@pytest.mark.parametrize("told", ["before", "afterwards"])
def test_of_a_start_that_was_stopped_no_environment_stays(one: Server, told: str) -> None:
    asked, go, over = (one.root / name for name in ("asked", "go", "over"))
    shell = one.root / "shell"
    shell.write_text(
        f'#!/bin/sh\n: >{asked}\nuntil [ -e {go} ]; do sleep 0.02; done\n/bin/sh -c "$4"\n: >{over}\nexec sleep 30\n'
    )
    shell.chmod(0o755)
    one.env["SHELL"] = str(shell)
    child = one.launch()
    wait_until(asked.exists, "the question")
    if told == "before":
        go.touch()
        wait_until(over.exists, "the answer")
        assert list(one.run_dir.glob("environment*"))
    assert "stopped" in one.call("kill").stdout
    go.touch()
    wait_until(over.exists, "the answer")
    child.wait()
    assert not list(one.run_dir.glob("environment*"))


def test_who_does_not_want_it(one: Server) -> None:
    one.env["SHELL"] = "/bin/bash"
    rc(one, ".bash_profile", "export FROM_LOGIN=1\n")
    with (one.data / "profile").open("a") as file:
        file.write("environment none\n")
    one.up()
    assert "FROM_LOGIN" not in seen(one)
    assert not {key for key in seen(one) if key.startswith(("SSH_", "NBSSH", "nbssh")) or key == "DISPLAY"}


@pytest.mark.parametrize("shell", ["", "/usr/sbin/nologin", "/bin/false"])
def test_a_user_without_a_login_shell(one: Server, shell: str) -> None:
    one.env["SHELL"] = shell
    _, said = one.up()
    assert "did not tell" not in said


@pytest.mark.parametrize("shell", [["/bin/bash", "-l", "-i"], ["/bin/sh"]], ids=" ".join)
def test_it_is_there_before_the_setup_lines(one: Server, shell: list[str]) -> None:
    one.env["SHELL"] = "/bin/bash"
    rc(one, ".bash_profile", "export FROM_LOGIN=1 PATH=/opt/x:$PATH\n")
    one.change(setup_shell=shell, setup=["export SEEN=$FROM_LOGIN", "PATH=/opt/module/bin:$PATH"])
    one.up()
    env = seen(one)
    assert env["SEEN"] == "1"
    # so that `!pip` in a cell is that of Jupyter
    assert env["PATH"].startswith(f"{one.fake.parent}:/opt/module/bin:")


def test_a_setup_line_that_fails_is_told_in_the_session(one: Server) -> None:
    one.change(setup=["true", "conda-nowhere activate nosuch"])
    _, said = one.up()
    assert "nbssh: warning: setup line 2 ('conda-nowhere activate nosuch') ended with status 127" in said


STEERING = {
    "PERL_UNICODE": "SDA", "PERL5OPT": "-Mnosuch", "PERL5LIB": "/nowhere",
    "PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere",
    "PYTHONSTARTUP": "/nowhere", "CURL_HOME": "/nowhere", "GREP_OPTIONS": "--color=always", "LS_COLORS": "x",
    "POSIXLY_CORRECT": "1", "BASH_ENV": "/nowhere", "ENV": "/nowhere", "AWKPATH": "/nowhere", "TAR_OPTIONS": "--nosuch",
    "PS_FORMAT": "nosuch", "PS_PERSONALITY": "bsd", "TZ": "Asia/Kathmandu", "QUOTING_STYLE": "c",
    "TIME_STYLE": "nosuch",
    "BLOCK_SIZE": "nosuch", "CLICOLOR_FORCE": "1", "GZIP": "--nosuch", "http_proxy": "http://127.0.0.1:1",
    "CDPATH": "/tmp", "LD_BIND_NOW": "1",
}  # fmt: skip


@pytest.mark.parametrize("asking", ["perl", "curl", "python3"])
@pytest.mark.parametrize("environment", ["login", "none"])
def test_what_steers_programs_steers_none_of_ours(one: Server, asking: str, environment: str) -> None:
    """Each way to ask whether Jupyter is there, and the user's own values reach Jupyter as they are."""
    others = {"perl", "curl", "python3"} - {asking}
    folder = one.root / "asking"
    folder.mkdir()
    for path in ("/usr/bin", "/bin"):
        for program in os.scandir(path):
            if program.name not in others and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program.path)
    one.env |= STEERING | {"SHELL": "/bin/bash", "PATH": str(folder)}
    with (one.data / "profile").open("a") as file:
        file.write(f"environment {environment}\n")
    text = (one.data / "profile").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("python ")]
    (one.data / "profile").write_text("".join(f"{line}\n" for line in kept))
    child, _ = one.up()
    env = seen(one)
    assert {key: env.get(key) for key in STEERING} == STEERING
    status = one.status()
    assert (status["state"], status["version"]) == ("running", "9.8.7")
    child.send_signal(signal.SIGINT)
    child.wait()
    done = one.call("kill")
    assert (done.returncode, "stopped" in done.stdout) == (0, True), done.stdout
    assert json.dumps(one.status()["state"]) == '"stopped"'


def test_a_kernel_has_what_a_login_has(make_bed: Callable[..., Bed]) -> None:
    """Debian's own .profile and .bashrc, which returns early where nobody types, with the lines of a data scientist."""
    login = SHELLS["bash"][0]
    bed = make_bed(shell=login)
    home = bed.remote_home
    for name in (".bashrc", ".profile"):
        (home / name).write_text(Path("/etc/skel", name).read_text())
    with (home / ".bashrc").open("a") as file:
        file.write("export CUDA_VISIBLE_DEVICES=7\n")
    with (home / ".profile").open("a") as file:
        file.write("export LD_LIBRARY_PATH=/opt/cuda/lib http_proxy=http://proxy:3128\n")
    port = add(bed, jupyter=bed.jupyter)
    session = start(bed)
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    kernel = visitor.start_kernel()
    names = ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "http_proxy", "SSH_CONNECTION"]
    asked = f"import os, shutil; '|'.join(map(str, [*map(os.environ.get, {names}), shutil.which('python')]))"
    python = bed.jupyter.parent / "python"
    assert visitor.run(kernel, asked) == f"'7|/opt/cuda/lib|http://proxy:3128|None|{python}'"
    detach(session)
    kill(bed)
