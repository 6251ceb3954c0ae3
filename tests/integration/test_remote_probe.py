"""The probe and the forwarding test, as ssh sends them: over the stdin of every shell that can be /bin/sh."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from remote_helpers import HOST, PATIENCE, SHELLS

from nbssh.core.files.render import render
from nbssh.core.server import values
from nbssh.steps.forwarding import ForwardEnd, ForwardTest
from nbssh.steps.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NONCE = "0123abcd"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"  # an environment is one of the Python in it
Answer = dict[str, list[dict[str, str]]]


class Remote:
    """A home with environments in it, looked at by the probe."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "USER": "alice"}
        self.uid = os.getuid()
        self.model: dict[str, Any] = {
            "nonce": NONCE,
            "jupyter": "",
            "adopt": "",
            "fast": True,
            "dir": "",
            "folder": "",
            "setup": [],
            "setup_shell": ["/bin/sh"],
            "want": ["jupyter-lab"],
        }

    def environment(self, folder: str, *, program: str = "jupyter-lab", shebang: str = "", **packages: str) -> Path:
        """Make something that looks like a virtual environment with Jupyter; return the program."""
        prefix = self.home / folder
        python = prefix / "bin" / PYTHON
        site = prefix / "lib" / PYTHON / "site-packages"
        site.mkdir(parents=True)
        python.parent.mkdir(exist_ok=True)
        if not python.exists():
            python.symlink_to(sys.executable)
        (prefix / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
        for package, version in packages.items():
            (site / f"{package}-{version}.dist-info").mkdir()
        path = python.parent / program
        path.write_text((shebang or "#!{python}\n").format(python=python))
        path.chmod(0o755)
        return path

    def look(self, shell: str = "dash") -> Answer:
        """Return what the probe says: kind -> list of its lines."""
        before = self.tree()
        done = subprocess.run(
            SHELLS[shell],
            input=render(Probe(**self.model)),
            text=True,
            capture_output=True,
            check=False,
            timeout=PATIENCE * 2,
            env=self.env,
            cwd=self.home,
            user=None if self.uid == os.getuid() else self.uid,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        lines = done.stdout.splitlines()
        assert f"nbssh-{NONCE}-begin" in lines
        assert lines[-1] == f"nbssh-{NONCE}-end"
        assert self.tree() == before
        answer: Answer = {"jupyter": []}
        for line in lines[lines.index(f"nbssh-{NONCE}-begin") + 1 : -1]:
            kind, *fields = line.split(" ")
            pairs = (field.partition("=") for field in fields)
            answer.setdefault(kind, []).append({key: urllib.parse.unquote(value) for key, _, value in pairs})
        return answer

    def tree(self) -> set[str]:
        """Return everything in the home; /tmp belongs to the other tests of this user, too."""
        return {str(path) for path in self.home.rglob("*")}


@pytest.fixture
def remote() -> Iterator[Remote]:
    """Give an empty home."""
    home = Path(tempfile.mkdtemp(prefix="nbp", dir="/tmp"))
    yield Remote(home)
    shutil.rmtree(home)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_there(remote: Remote, shell: str, needs: Callable[..., None]) -> None:
    needs(SHELLS[shell][0])
    path = remote.environment(
        "miniforge3/envs/my env",
        jupyterlab="4.6.6",
        jupyter_server="2.21.1",
        argon2_cffi="25.1.0",
        argon2_cffi_bindings="9",
        jupyter_server_nbmodel="0.1.1a4",
    )
    answer = remote.look(shell)
    assert (
        answer["host"][0].items()
        >= {
            "home": str(remote.home),
            "uid": str(os.getuid()),
            "host": HOST,
            "os": "Linux",
        }.items()
    )
    assert answer["host"][0]["homefs"]
    for key in ("answered", "fault", "fault_of"):  # tests of its own: test_jupyters_that_run
        del answer["jupyter"][0][key]
    assert answer["jupyter"] == [
        {
            "path": str(path),
            "program": "jupyter-lab",
            "asked": "",
            "python": str(path.parent / PYTHON),
            "found": "conda",
            "jupyterlab": "4.6.6",
            "notebook": "",
            "jupyter_server": "2.21.1",
            "argon2": "25.1.0",
            "nbmodel": "0.1.1a4",
        }
    ]
    sockets = answer["socket"][0]
    assert (sockets["home"], sockets["limit"]) == ("ok", "107")


@pytest.mark.parametrize("login", ["bash", "zsh", "fish", "tcsh", "dash", "mksh"])
def test_the_login_shells_own_path(remote: Remote, login: str, needs: Callable[..., None]) -> None:
    needs(login)
    path = remote.environment("apps/j", jupyterlab="4.0.0")
    remote.env["SHELL"] = shutil.which(login) or ""
    line = f'echo a banner; PATH="{path.parent}:$PATH"; export PATH\n'
    (remote.home / ".profile").write_text(line)
    (remote.home / ".zprofile").write_text(line)
    (remote.home / ".tcshrc").write_text(f"echo a banner\nsetenv PATH {path.parent}:$PATH\n")
    (remote.home / ".config/fish").mkdir(parents=True)
    (remote.home / ".config/fish/config.fish").write_text(f"echo a banner\nset -gx PATH {path.parent} $PATH\n")
    (remote.home / ".local/share/fish").mkdir(parents=True)
    (remote.home / ".cache").mkdir()
    if login == "fish":  # it makes files of its own
        remote.tree = set  # type: ignore[method-assign]
    found = remote.look()["jupyter"]
    assert [(each["path"], each["found"]) for each in found] == [(str(path), "PATH")]


def test_a_path_that_only_interactive_shells_have(remote: Remote) -> None:
    path = remote.environment("apps/j", jupyterlab="4.0.0")
    remote.env["SHELL"] = "/bin/bash"
    (remote.home / ".bashrc").write_text(f'case $- in *i*) PATH="{path.parent}:$PATH" ;; esac\n')
    (remote.home / ".bash_profile").write_text(". ~/.bashrc\n")
    assert [each["path"] for each in remote.look()["jupyter"]] == [str(path)]


def test_a_program_of_another_interpreter_is_no_python(remote: Remote) -> None:
    path = remote.environment("node", program="code-server", shebang="#!/usr/bin/env node\n")
    remote.model |= {"want": ["code-server"], "jupyter": str(path)}
    node = path.parent / "node"
    node.write_text("#!/bin/sh\necho '4.93.1 69df01185ce2 with Code 1.93.1'\n")
    node.chmod(0o755)
    answer = remote.look()
    (found,) = answer["jupyter"]
    assert (found["python"], found["answered"], found["fault"]) == ("", "4.93.1", "")
    assert answer["socket"][0]["home"] == "ok"


def test_a_login_shell_that_hangs(remote: Remote) -> None:
    (remote.home / ".profile").write_text("sleep 1000\n")
    path = remote.environment(".venv", jupyterlab="4.0.0")
    assert [each["path"] for each in remote.look()["jupyter"]] == [str(path)]
    mark = f"HOME={remote.home}".encode()
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert mark not in process.read_bytes().split(b"\0"), process
        except OSError:
            continue


@pytest.mark.parametrize(
    "shebang",
    [
        "#!{python}\n",
        "#! {python} -I\n",
        "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_the_interpreter_of_a_program(remote: Remote, shebang: str) -> None:
    path = remote.environment(".venv", shebang=shebang, jupyterlab="4.0.0")
    (found,) = remote.look()["jupyter"]
    assert (found["python"], found["jupyterlab"]) == (str(path.parent / PYTHON), "4.0.0")


def test_two_names_of_one_program_are_one(remote: Remote) -> None:
    path = remote.environment(".local/share/uv/tools/jupyterlab", jupyterlab="4.0.0")
    (remote.home / ".local/bin").mkdir()
    (remote.home / ".local/bin/jupyter-lab").symlink_to(path)
    (found,) = remote.look()["jupyter"]
    assert (found["path"], found["python"]) == (
        f"{remote.home}/.local/bin/jupyter-lab",
        str(path.parent / PYTHON),
    )


def test_all_the_usual_places(remote: Remote) -> None:
    places = ["anaconda3", "miniconda3/envs/a", "elsewhere", ".pixi/envs/b", "venv", ".pyenv/versions/3.11.2"]
    paths = [str(remote.environment(place, jupyterlab="4")) for place in places]
    (remote.home / ".conda").mkdir()
    (remote.home / ".conda/environments.txt").write_text(f"{remote.home}/elsewhere\n/gone\n")
    shim = remote.environment(".pyenv/shims/x", shebang="#!/usr/bin/env bash\n")
    remote.env["PATH"] += f":{shim.parent}"
    assert [each["path"] for each in remote.look()["jupyter"]] == paths


def test_what_the_setup_lines_lead_to_comes_first(remote: Remote) -> None:
    remote.environment(".venv", jupyterlab="4")
    path = remote.environment("modules/j", jupyterlab="3.6.8")
    remote.model["setup"] = ["echo loading", "false", f"PATH={path.parent}:$PATH"]
    found = remote.look()["jupyter"]
    assert (found[0]["path"], found[0]["found"]) == (str(path), "setup")
    remote.model["setup"] = [f'exec env PATH={path.parent}:/bin "$@"']  # as with conda run
    assert remote.look()["jupyter"][0]["path"] == str(path)


@pytest.mark.parametrize("asked", ["{path}", "~/.venv/bin/jupyter-lab", ".venv/bin/jupyter-lab", "~/.venv", ".venv/"])
def test_the_program_that_is_asked_for(remote: Remote, asked: str) -> None:
    path = remote.environment(".venv", jupyterlab="4")
    remote.environment("venv", jupyterlab="4")
    remote.model["jupyter"] = asked.format(path=path)
    (found,) = remote.look()["jupyter"]
    assert (found["path"], found["asked"]) == (str(path), remote.model["jupyter"])


def test_nothing_of_the_kind_but_something_else(remote: Remote) -> None:
    path = remote.environment("venv", program="jupyter-notebook", notebook="6.5.7")
    remote.model["jupyter"] = "/gone/jupyter-lab"
    (found,) = remote.look()["jupyter"]
    assert (found["path"], found["program"], found["notebook"]) == (str(path), "jupyter-notebook", "6.5.7")


@pytest.fixture
def alone(remote: Remote) -> Remote:
    """Let the probe run as a user of its own, whose part of /tmp no other test touches."""
    if os.getuid():
        pytest.skip("needs root, to be another user")
    remote.uid = 200_000 + os.getpid()  # pids of tests at the same time differ
    os.chown(remote.home, remote.uid, remote.uid)
    return remote


def of_user(uid: int) -> list[Path]:
    """Return what a user has in /tmp; what goes away meanwhile is somebody else's."""
    found = []
    for path in Path("/tmp").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += [path] * (path.lstat().st_uid == uid)
    return found


def test_nothing_of_a_look_is_left_in_tmp(alone: Remote) -> None:
    assert alone.look()["socket"][0]["tmp"] == "ok"
    assert of_user(alone.uid) == [alone.home]


def test_a_look_makes_no_folder_that_another_one_could_be_using_when_it_goes(remote: Remote) -> None:
    python = remote.home / "bin/python3"
    python.parent.mkdir()
    python.write_text(
        '#!/bin/sh\n[ "$1$2$3" = -I-S-c ] || exit 1\nprogram=$4\nshift 4\n'
        f'exec {sys.executable} -I -S -c "import os; del os.mkdir, os.rmdir; $program" "$@"\n'
    )
    python.chmod(0o755)
    remote.env["PATH"] = f"{python.parent}:{remote.env['PATH']}"
    assert remote.look()["socket"][0]["home"] == "ok"


def test_a_folder_of_somebody_else_in_tmp(alone: Remote) -> None:
    folder = Path(f"/tmp/nbssh-{alone.uid}")
    folder.symlink_to(alone.home)
    try:
        assert alone.look()["socket"][0]["tmp"] == "SQUATTED"
    finally:
        folder.unlink()


def test_a_home_that_cannot_be_written(remote: Remote) -> None:
    (remote.home / ".local").touch()
    assert remote.look()["socket"][0]["home"] == "ENOTDIR"


def test_a_torn_probe_says_nothing(remote: Remote) -> None:
    script = render(Probe(**remote.model))
    done = subprocess.run(
        ["dash"],
        input=script[: script.rindex("probe </dev/null")],
        text=True,
        capture_output=True,
        check=False,
        env=remote.env,
    )
    assert done.stdout == ""


# --- the forwarding test ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(shell: list[str], path: Path | str, **options: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401  Popen's
    """Let the host listen as a connection does: compound commands without input. Give what it said."""
    script = render(ForwardTest(nonce=NONCE, python=sys.executable, path=str(path), port=0))
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(f"(\n{script}\n) </dev/null\n")
        child.stdin.flush()
        mark, made, port, _, pid = child.stdout.readline().split()
        assert mark == f"nbssh-{NONCE}-listen"
        yield made, int(port)
        child.stdin.write(f"(\n{render(ForwardEnd(pid=values.pid(pid)))}\n) </dev/null\n")
        child.stdin.close()
        assert child.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_forwarding_answers_the_word_on_both(remote: Remote, shell: str) -> None:
    path = remote.home / "deep/er/sock"
    with listening(SHELLS[shell], path, env=remote.env) as (made, port):
        assert made == "made"
        for family, address in ((socket.AF_UNIX, str(path)), (socket.AF_INET, ("127.0.0.1", port))):
            with socket.socket(family) as client:
                client.connect(address)
                assert client.makefile().read() == f"{NONCE}\n"
    assert not list(remote.home.iterdir())


def test_forwarding_where_no_socket_can_be_made(remote: Remote) -> None:
    with listening(["dash"], f"{remote.home}/deep/er/{'x' * 120}") as (made, port):
        assert made == "-"
        # what the socket would have been in has gone by now: a launch may make the same folders at any moment
        assert not list(remote.home.iterdir())
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.makefile().read() == f"{NONCE}\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
