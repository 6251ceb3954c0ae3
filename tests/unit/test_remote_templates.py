"""The server's scripts as text: parameters on top, the same program below, nothing a shell or linter stumbles over."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from nbssh.core.files.render import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCRIPTS = ["launch", "serve", "kill", "status", "wait", "remove", "probe", "forwardtest"]
SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"], ["ksh"]]
PLAIN: dict[str, Any] = {
    "name": "mybox",
    "version": "1.2.3",
    "seal": "# nbssh-checksum:",
    "home": "/home/alice",
    "data": "/home/alice/.local/share/nbssh/mybox",
    "state": "/home/alice/.local/state/nbssh/mybox",
    "port": 8888,
    "forward": "socket",
    "socket": "/home/alice/.local/state/nbssh/mybox/sock",
    "remote_port": 0,
    "app": "lab",
    "title": "JupyterLab",
    "jupyter": "/opt/jupyter/bin/jupyter-lab",
    "python": "/opt/jupyter/bin/python3",
    "setup": [],
    "setup_shell": ["/bin/sh"],
    "scheduler": "",
    "options": [],
    "job_variable": "",
    "via": "",
    "root_dir": "",
    "start_timeout": 120,
    "fast": "/home/alice/.local/share/nbssh/mybox/fast",
    "nonce": "0123abcd",
    "want": ["jupyter-lab"],
    "path": "/home/alice/.local/state/nbssh/try",
}
EVIL = "$(touch x)`touch x`'\"; touch x #\n%s \\ ${HOME} ünï -n *"
# what only one of a few words can be
CHOSEN = {"app", "port", "remote_port", "start_timeout", "seal", "scheduler", "via", "job_variable"}
HOSTILE = {key: EVIL for key in PLAIN if key not in CHOSEN} | {
    "app": "notebook",
    "port": 1,
    "remote_port": 2,
    "start_timeout": 3,
    "scheduler": "",
    "via": "",
    "job_variable": "",
    "seal": PLAIN["seal"],
    "setup": [EVIL, "module load x"],
    "setup_shell": [EVIL, "-l"],
    "want": [EVIL],
}
MODELS = {"plain": PLAIN, "hostile": HOSTILE, "setup": PLAIN | {"setup": ["conda activate 'my env'"]}}
JOBS = {
    kind: model | {"scheduler": kind, "job_variable": "JOB_ID", "via": "relay", "options": [EVIL]}
    for kind, model in {"slurm": PLAIN, "gridengine": HOSTILE, "pbs": HOSTILE, "lsf": HOSTILE}.items()
}
JOB_SCRIPTS = ("job", "try", "launch", "serve", "kill", "status", "wait", "remove")


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_parameter_reaches_the_program(script: str) -> None:
    mark = "\nset -eu\n"
    (plain, plain_program), (hostile, hostile_program) = (
        render(f"remote/{script}", **model).split(mark, 1) for model in (PLAIN, HOSTILE)
    )
    assert plain_program == hostile_program
    assert plain != hostile


@pytest.mark.parametrize("script", ["launch", "serve", "kill", "status", "wait", "remove"])
def test_the_header_says_whose_file_it_is(script: str) -> None:
    first, second, *rest = render(f"remote/{script}", **PLAIN).splitlines()
    assert first == "#!/bin/sh" or script == "remove"
    assert (second if script != "remove" else first).startswith("# ")
    assert {"# change: nbssh edit mybox, then nbssh apply mybox", "# remove: nbssh remove mybox"} <= set(rest)
    assert rest.count("# nbssh-checksum:") == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_same_input_gives_the_same_bytes(script: str) -> None:
    assert render(f"remote/{script}", **PLAIN) == render(f"remote/{script}", **PLAIN)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_linters_have_nothing_to_say(script: str, model: str, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("shellcheck", "shfmt")
    file = tmp_path / script
    file.write_text(render(f"remote/{script}", **MODELS[model]))
    for linter in (["shellcheck", "--shell=sh", "--enable=all"], ["shfmt", "-ln", "posix", "-i", "4", "-d"]):
        if model == "hostile" and linter[0] == "shellcheck":
            continue  # it has much to say about such values, and nothing that counts
        done = subprocess.run([*linter, str(file)], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_every_shell_reads_them(shell: list[str], tmp_path: Path, needs: Callable[..., None]) -> None:
    needs(shell[0])
    jobs = [(script, model) for model in JOBS.values() for script in JOB_SCRIPTS]
    for script, model in [*((script, HOSTILE) for script in SCRIPTS), *jobs]:
        file = tmp_path / script
        file.write_text(render(f"remote/{script}", **model))
        done = subprocess.run([*shell, "-n", str(file)], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr  # ksh -n also gives advice
