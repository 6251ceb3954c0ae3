"""A Jupyter that can run is chosen, and what cannot is named with its reason: asked, not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving import PASSWORD, fake_jupyter, fake_program, free_port, start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

GONE = "#!/usr/bin/python3.8\nprint()\n"
BROKEN = {
    "gone": (GONE, "its interpreter /usr/bin/python3.8 is not there"),
    "gone by env": ("#!/usr/bin/env python3.8\n", "its interpreter python3.8 is not there"),
    "gone, a long path": (
        "#!/bin/sh\n'''exec' \"/opt/gone/bin/python\" \"$0\" \"$@\"\n' '''\n",
        "its interpreter /opt/gone/bin/python is not there",
    ),
    "empty": ("", "it is an empty file"),
    "from Windows": ("#!/usr/bin/python3\r\nprint()\r\n", "its lines end in CR LF"),
}
SILENT = {
    "a missing package": ("#!/usr/bin/python3\nimport nosuch_package\n", "No module named 'nosuch_package'"),
    "no end": ("#!/bin/sh\nyes 4.0.0\n", "it did not say its version"),
    "another program": ("#!/bin/sh\nexit 0\n", "it did not say its version"),
}


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    path.chmod(0o755)
    return path


def add(bed: Bed, *words: str) -> subprocess.CompletedProcess[str]:
    port = str(free_port())
    return bed.run("nbssh", "add", "box", "--yes", "--password-stdin", "--port", port, *words, stdin=f"{PASSWORD}\n")


@pytest.mark.parametrize("kind", BROKEN | SILENT)
def test_a_good_one_behind_a_bad_one_is_chosen(bed: Bed, kind: str) -> None:
    text, why = (BROKEN | SILENT)[kind]
    bad = put(bed.remote_home / ".local/bin/jupyter-lab", text)
    good = put(bed.remote_home / ".venv/bin/jupyter-lab", fake_program())
    fake_jupyter(bed, "elsewhere")
    done = add(bed)
    assert done.returncode == 0, done.stderr
    assert f" at {good}\n" in done.stderr
    assert f"{bad} on " in done.stderr
    assert why in done.stderr
    start(bed)
    bed.nbssh("kill", "box")


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("asked", [True, False])
def test_what_cannot_start_is_refused_with_its_reason(bed: Bed, kind: str, asked: bool) -> None:  # noqa: FBT001
    text, why = BROKEN[kind]
    bad = put(bed.remote_home / ".local/bin/jupyter-lab", text)
    done = add(bed, *(["--jupyter", str(bad)] if asked else []))
    assert done.returncode == 1
    assert f"{bad} on " in done.stderr
    assert "cannot be run: " in done.stderr
    assert why in done.stderr
    assert "--jupyter" in done.stderr.partition("hint: ")[2]


def test_a_wrapper_without_a_version_stays_possible(bed: Bed) -> None:
    real = fake_jupyter(bed)
    wrapper = put(
        bed.remote_home / ".local/bin/jupyter-lab", f'#!/bin/sh\n[ "$#" -eq 0 ] || exit 3\nexec {real} "$@"\n'
    )
    done = add(bed)
    assert done.returncode == 0, done.stderr
    assert f"{wrapper} on " in done.stderr
    assert "the first session will show whether it runs" in done.stderr
    start(bed)
    bed.nbssh("kill", "box")


@pytest.mark.parametrize("words", [[], ["--setup", "export ANY=1"]])
def test_one_that_the_quicker_start_breaks_says_its_version_without_it(bed: Bed, words: list[str]) -> None:
    real = fake_jupyter(bed)
    broken = put(
        bed.remote_home / ".local/bin/jupyter-lab",
        f'#!/bin/sh\ncase $PYTHONPATH in ?*) exit 3 ;; esac\nexec {real} "$@"\n',
    )
    done = add(bed, *words)
    assert done.returncode == 0, done.stderr
    assert f" at {broken}\n" in done.stderr
    assert "its version" not in done.stderr


def test_with_setup_lines_it_is_asked_through_them(bed: Bed) -> None:
    """Before the line it is no Jupyter that runs; the one that runs without the line comes second."""
    path = bed.remote_home / "module/bin"
    needs_line = put(
        bed.remote_home / ".local/bin/jupyter-lab",
        f'#!/bin/sh\ncase $LOADED in yes) exec {fake_jupyter(bed)} "$@" ;; esac\nexit 1\n',
    )
    put(bed.remote_home / ".venv/bin/jupyter-lab", fake_program())
    done = add(bed, "--setup", "export LOADED=yes", "--setup", f"PATH={path}:$PATH")
    assert done.returncode == 0, done.stderr
    assert f" at {needs_line}\n" in done.stderr
    assert "left out" not in done.stderr


def test_doctor_says_it_of_the_one_that_was_chosen(bed: Bed) -> None:
    jupyter = put(bed.remote_home / ".local/bin/jupyter-lab", fake_program())
    fake_jupyter(bed, "elsewhere")
    assert add(bed).returncode == 0
    put(jupyter, GONE)
    done = bed.run("nbssh", "doctor", "box")
    assert done.returncode == 1
    assert ": its interpreter /usr/bin/python3.8 is not there" in " ".join(done.stdout.split())


@pytest.mark.parametrize("line", ["exec /bin/sh --norc", "exec tmux new-session -A -s main"])
def test_a_login_shell_that_does_not_tell_its_path(make_bed: Callable[..., Bed], line: str) -> None:
    login = "/bin/bash"
    bed = make_bed(shell=login)
    (bed.remote_home / ".bash_profile").write_text(f"export PATH=$HOME/hidden:$PATH\n{line}\nexit\n")
    fake_jupyter(bed, "hidden")
    done = add(bed)
    assert done.returncode == 1
    assert "your login shell there did not tell its PATH" in done.stderr
    assert "--jupyter" in done.stderr
