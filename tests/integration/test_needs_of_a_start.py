"""What a start of Jupyter needs beside the program is tried by add and doctor: setup lines, their shell, the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving import PASSWORD, ended, fake_jupyter, free_port, kill, start

if TYPE_CHECKING:
    from bed import Bed

FATAL = "Jupyter cannot start before"

# options of add, what add and doctor say, what a session says
NEEDS = [
    (["--setup", "module load nosuch"], "setup line 1 ('module load nosuch') ended with status 127", ""),
    (
        ["--setup", ":", "--setup", "conda activate 'no such'"],
        "setup line 2 ('conda activate 'no such'') ended with",
        "",
    ),
    (["--setup", "exit 3"], "a setup line ends its shell", "setup line 1 ended its shell with status 3"),
    (["--setup", ":", "--setup-shell", "nosuchsh -l"], "'nosuchsh', is not on", "nosuchsh, was not found"),
    (["--dir", "/nonexistent"], "the notebooks' folder /nonexistent is not on", "cannot enter the notebooks' folder"),
]


@pytest.mark.parametrize(("words", "told", "refused"), NEEDS, ids=[" ".join(words) for words, _, _ in NEEDS])
def test_what_is_not_there_is_told(bed: Bed, words: list[str], told: str, refused: str) -> None:
    options = ["--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    done = bed.nbssh("add", "box", "--yes", "--password-stdin", *options, *words, stdin=f"{PASSWORD}\n")
    assert told in done.stderr
    assert (FATAL in done.stderr) == bool(refused)
    assert ("done; now type" in done.stderr) != bool(refused)
    doctor = bed.run("nbssh", "doctor", "box")
    assert doctor.returncode == bool(refused)
    assert told in " ".join(doctor.stdout.split())
    session = bed.ssh("box-nb") if refused else start(bed)
    if refused:
        status, said = ended(session)
        assert status == 1
        assert refused in said
    else:
        assert f"nbssh: warning: {told}" in str(session.before)
        kill(bed)


def test_lines_that_become_another_program_are_well(bed: Bed) -> None:
    options = ["--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    options += ["--setup", 'exec env FAR=1 "$@"', "--dir", "."]
    done = bed.nbssh("add", "box", "--yes", "--password-stdin", *options, stdin=f"{PASSWORD}\n")
    assert "setup line" not in done.stderr
    assert "done; now type" in done.stderr
    start(bed)
    kill(bed)
