"""Every login shell with every bad habit, every way to set up an environment, and an sshd with its own ideas."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import is_running, needs, until
from remote_helpers import tools
from serving import (
    add,
    api,
    close_tunnel,
    detach,
    end,
    ended,
    fake_jupyter,
    far_end,
    free_port,
    kill,
    launches_end,
    master,
    said,
    server_pid,
    servers,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

# login shell, and the file that it reads for every command or at least at login
SHELLS = {
    "bash": ("/bin/bash", ".bashrc"),
    "dash": ("/bin/dash", ".profile"),
    "zsh": ("/usr/bin/zsh", ".zshenv"),
    "fish": ("/usr/bin/fish", ".config/fish/config.fish"),
    "tcsh": ("/usr/bin/tcsh", ".tcshrc"),
    "csh": ("/bin/csh", ".cshrc"),
    "mksh": ("/usr/bin/mksh", ".profile"),
    "ksh": ("/usr/bin/ksh", ".profile"),
    "busybox": ("/bin/busybox", ".profile"),
}
# those that read it for `ssh host command` too, so that a banner comes first
EAGER = {"bash", "zsh", "fish", "tcsh", "csh"}
USED = [
    *("[", "awk", "base64", "cat", "cd", "chmod", "command", "curl", "cut", "date", "echo", "env", "false", "find"),
    *("grep", "head", "id", "jupyter-lab", "kill", "ln", "ls", "mkdir", "mktemp", "mv", "perl", "printf", "ps"),
    *("python3", "read", "rm", "rmdir", "sed", "setsid", "sh", "sleep", "tail", "tar", "test", "touch", "tr", "true"),
    *("umask", "uname", "unset", "wc"),
]


def banner(_: str) -> str:
    return 'echo "=== Welcome to gpu1 ==="\necho "nbssh: error: not ours"\n'


def aliases(shell: str) -> str:
    if shell == "fish":
        # a function, for fish's own `alias` is made of the very commands that it would replace
        return "".join(f"function {word}; builtin echo aliased {word}; end\n" for word in USED if word not in FISH)
    if shell in {"tcsh", "csh"}:
        return "".join(f"alias {word} 'echo aliased {word}'\n" for word in USED if word not in {"[", "echo"})
    return "".join(f"alias {word}='echo aliased {word}'\n" for word in USED if word != "[")


FISH = {"[", "command", "echo", "read", "test", "printf"}  # reserved, or what fish's own start is made of
HABITS: dict[str, Callable[[str], str]] = {
    "a banner": banner,
    "aliases": aliases,
    "another folder": lambda _: "cd /usr\n",
    "a slow start": lambda _: "/bin/sleep 0.3\n",
}


def login_shell(name: str, folder: Path) -> str:
    path = SHELLS[name][0]
    needs(path)
    if name != "busybox":
        return path
    # it goes by the name that it is called by
    (folder / "ash").symlink_to(path)
    return str(folder / "ash")


@pytest.mark.figure("login shells, each with five rc files")
@pytest.mark.parametrize("name", SHELLS)
def test_a_login_shell_and_its_rc_file(make_bed: Callable[..., Bed], name: str, tmp_path: Path) -> None:
    bed = make_bed(shell=login_shell(name, tmp_path))
    rc = bed.remote_home / SHELLS[name][1]
    rc.parent.mkdir(parents=True, exist_ok=True)
    # with everything at once: the probe is what looks closest at the shell
    rc.write_text("".join(habit(name) for habit in HABITS.values()))
    port = add(bed)
    if name in EAGER:
        assert "=== Welcome" in bed.run("ssh", "box", "/bin/true").stdout
    for text in ("", *(habit(name) for habit in HABITS.values())):
        rc.write_text(text)
        session = start(bed)
        until(lambda: bed.opened, "the browser is called")
        (bed.folder / "opened").unlink()
        pid = server_pid(bed)
        assert api(port)["version"] == "9.8.7"
        detach(session)
        assert "running" in bed.nbssh("status", "box").stdout
        assert f"(pid {pid})" in kill(bed)  # closes the tunnel: each time ssh logs in again
        assert servers(bed) == []
    rc.write_text("".join(habit(name) for habit in HABITS.values()))
    assert bed.nbssh("diff", "box").stdout == ""
    bed.nbssh("remove", "box", "--yes")
    assert not list(bed.remote_home.rglob("*nbssh*"))


# --- environments ----------------------------------------------------------------------------------------------------


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def modules(bed: Bed) -> list[str]:
    # as Lmod and Environment Modules do it: a function that evaluates what a program prints
    script(
        bed.remote_home / "lmod/modulecmd",
        '#!/bin/sh\n[ -d "$HOME/lmod/$2" ] || { echo "echo \'Lmod has detected: $2 is unknown\' >&2; false"; exit; }\n'
        'echo "PATH=$HOME/lmod/$2:$PATH; export PATH; JUPYTER_CONFIG_PATH=/lmod; export JUPYTER_CONFIG_PATH"\n',
    )
    script(bed.remote_home / "lmod/init/sh", 'module() { eval "$("$HOME/lmod/modulecmd" "$@")"; }\n')
    fake_jupyter(bed, "lmod/anaconda3")
    return [". ~/lmod/init/sh", "module load anaconda3"]


def conda_activate(bed: Bed) -> list[str]:
    # conda.sh defines a function; the program prints what is to be evaluated
    script(
        bed.remote_home / "miniconda3/bin/conda",
        "#!/bin/sh\nfolder=$HOME/miniconda3/envs/$3\n"
        '[ -d "$folder" ] || { echo "EnvironmentNameNotFound: Could not find conda environment: $3" >&2; exit 1; }\n'
        "echo \"export PATH='$folder/bin:$PATH'; export CONDA_PREFIX='$folder'\"\n",
    )
    script(
        bed.remote_home / "miniconda3/etc/profile.d/conda.sh",
        'conda() {\n    case $1 in\n    activate)\n        _text=$("$HOME/miniconda3/bin/conda" x "$@") || return\n'
        '        eval "$_text" ;;\n    *) "$HOME/miniconda3/bin/conda" "$@" ;;\n    esac\n}\n',
    )
    fake_jupyter(bed, "miniconda3/envs/nb/bin")
    return [". ~/miniconda3/etc/profile.d/conda.sh", "conda activate nb"]


def conda_run(bed: Bed) -> list[str]:
    # conda run starts a script of its own and stays as the parent
    script(
        bed.remote_home / "miniconda3/bin/conda",
        "#!/bin/sh\nfolder=$HOME/miniconda3/envs/$4\nshift 4\n"
        '[ -d "$folder" ] || { echo "EnvironmentLocationNotFound: Not a conda environment: $folder" >&2; exit 1; }\n'
        'PATH=$folder/bin:$PATH; export PATH\n"$@"\n',
    )
    fake_jupyter(bed, "miniconda3/envs/nb/bin")
    return ['exec ~/miniconda3/bin/conda run --no-capture-output -n nb "$@"']


def micromamba(bed: Bed) -> list[str]:
    script(
        bed.remote_home / "bin/micromamba",
        "#!/bin/sh\ncat <<'end'\nmicromamba() {\n"
        '    if [ ! -d "$HOME/micromamba/envs/$2" ]; then\n'
        '        echo "critical libmamba Cannot activate, prefix does not exist: $2" >&2; return 1\n    fi\n'
        '    PATH="$HOME/micromamba/envs/$2/bin:$PATH"; export PATH\n}\nend\n',
    )
    fake_jupyter(bed, "micromamba/envs/nb/bin")
    return ['eval "$(~/bin/micromamba shell hook --shell posix)"', "micromamba activate nb"]


def venv(bed: Bed) -> list[str]:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bed.remote_home / "my env")], check=True)
    fake_jupyter(bed, "my env/bin")
    return ['. "$HOME/my env/bin/activate"']


def uv(bed: Bed) -> list[str]:
    script(
        bed.remote_home / ".local/bin/uv",
        '#!/bin/sh\n[ "$1 $2" = "run --project" ] || exit 2\n'
        '[ -d "$3/.venv" ] || { echo "error: No project environment found in $3" >&2; exit 2; }\n'
        'PATH=$3/.venv/bin:$PATH; export PATH; shift 3\nexec "$@"\n',
    )
    fake_jupyter(bed, "project/.venv/bin")
    return ['exec ~/.local/bin/uv run --project ~/project "$@"']


def pixi(bed: Bed) -> list[str]:
    script(
        bed.remote_home / ".pixi/bin/pixi",
        '#!/bin/sh\n[ "$1 $2" = "shell-hook --manifest-path" ] || exit 2\nfolder=${3%/*}/.pixi/envs/default\n'
        '[ -d "$folder" ] || { echo "could not find pixi.toml or pyproject.toml at $3" >&2; exit 1; }\n'
        'echo "export PATH=$folder/bin:$PATH"\n',
    )
    fake_jupyter(bed, "project/.pixi/envs/default/bin")
    return ['eval "$(~/.pixi/bin/pixi shell-hook --manifest-path ~/project/pixi.toml)"']


# what makes it, where its Jupyter lies, what is taken away, what must then be said
ENVIRONMENTS = [
    (modules, "lmod/anaconda3", "lmod/anaconda3", "Lmod has detected: anaconda3 is unknown"),
    (conda_activate, "miniconda3/envs/nb/bin", "miniconda3/envs/nb", "Could not find conda environment: nb"),
    (conda_run, "miniconda3/envs/nb/bin", "miniconda3/envs/nb", "Not a conda environment"),
    (micromamba, "micromamba/envs/nb/bin", "micromamba/envs/nb", "Cannot activate, prefix does not exist: nb"),
    (venv, "my env/bin", "my env", "my env/bin/activate"),
    (uv, "project/.venv/bin", "project/.venv", "error: No project environment found"),
    (pixi, "project/.pixi/envs/default/bin", "project/.pixi/envs", "could not find pixi.toml"),
]


@pytest.mark.figure("ways to set up an environment")
@pytest.mark.parametrize(
    ("make", "place", "gone", "why"), ENVIRONMENTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_an_environment(bed: Bed, make: Callable[[Bed], list[str]], place: str, gone: str, why: str) -> None:
    lines = make(bed)
    port = free_port()
    bed.nbssh(
        *("add", "box", "--yes", "--password-stdin", "--port", str(port)),
        *(word for line in lines for word in ("--setup", line)),
        stdin="pw\n",
    )
    session = start(bed)
    assert api(port)["version"] == "9.8.7"
    assert any(str(bed.remote_home / place) in bed.leftovers()[server] for server in servers(bed))
    detach(session)
    kill(bed)
    assert servers(bed) == []
    (bed.remote_home / gone).rename(bed.remote_home / "away")
    session = bed.ssh("box-nb")
    status, words = ended(session)
    assert status == 1, words
    assert "nbssh: error: JupyterLab did not start on" in words
    assert why in words
    close_tunnel(bed)


# --- sshd ------------------------------------------------------------------------------------------------------------


def test_the_banner_of_an_sshd_is_no_answer(make_bed: Callable[..., Bed], tmp_path: Path) -> None:
    text = tmp_path / "banner"
    text.write_text("AUTHORIZED USE ONLY\nnbssh-0-begin\n")
    bed = make_bed(extra=[f"Banner {text}"])
    add(bed)
    session = start(bed)
    assert "AUTHORIZED USE ONLY" in said(session)
    detach(session)
    status = bed.nbssh("status", "box")
    assert "running" in status.stdout
    assert "AUTHORIZED" not in status.stdout
    kill(bed)


def test_an_sshd_that_closes_a_silent_connection(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["ClientAliveInterval 1", "ClientAliveCountMax 1"])
    add(bed)
    session = start(bed)
    pid = server_pid(bed)
    session.expect([pexpect.TIMEOUT], timeout=3)  # nothing happens: a client that lives is let be
    assert session.isalive()
    sleeper = master(bed)
    end(sleeper, signal.SIGSTOP)  # the lid is closed
    launches_end(bed)
    end(sleeper, signal.SIGCONT)
    status, words = ended(session)
    assert status == 255, words
    session = start(bed)
    assert "is already running on" in said(session)
    assert server_pid(bed) == pid
    detach(session)
    kill(bed)


def test_an_sshd_with_one_session_for_each_connection(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["MaxSessions 1"])
    port = add(bed)
    assert "controlmaster false" in bed.run("ssh", "-G", "box-nb").stdout
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert api(port)["version"] == "9.8.7"
    second = bed.run("ssh", "box-nb")
    assert second.returncode == 255
    assert f"bind [127.0.0.1]:{port}: Address already in use" in second.stderr
    assert "running" in bed.nbssh("status", "box").stdout
    assert "stopped" in bed.run("ssh", "box-nb-kill").stdout
    status, words = ended(session)
    assert (status, "was stopped" in words) == (0, True)
    close_tunnel(bed)


# --- tools that are not there ----------------------------------------------------------------------------------------

NEEDED = [
    *("[", "awk", "cat", "chmod", "cut", "date", "df", "env", "find", "head", "id", "ln", "ls", "mkdir", "mktemp"),
    *(
        "mv",
        "od",
        "printf",
        "ps",
        "readlink",
        "rm",
        "rmdir",
        "sed",
        "sh",
        "sleep",
        "tail",
        "tar",
        "test",
        "touch",
        "tr",
    ),
    *("uname", "wc"),
]


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_a_server_without_setsid_flock_curl_and_perl(bed: Bed, forward: str) -> None:
    few = tools(bed.remote_home / "few", *NEEDED)
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace("PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", f"PATH={few}"))
    assert bed.on_server("command -v setsid flock curl perl python3").stdout == ""
    port = add(bed, "--forward", forward, "--remote-port", str(free_port()))
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert api(port)["version"] == "9.8.7"
    pid = server_pid(bed)
    assert os.getsid(pid) == pid
    for process in far_end(bed):
        end(process)
    ended(session)
    assert is_running(pid)
    session = start(bed)
    assert "is already running on" in said(session)
    detach(session)
    kill(bed)
    assert servers(bed) == []
    mode = (bed.remote_home / ".local/state/nbssh/box").stat().st_mode
    assert stat.S_IMODE(mode) == 0o700
