"""`nbssh logs`: Jupyter's log, its end and what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pexpect
from serving import add, detach, kill, run_folder, start

if TYPE_CHECKING:
    from bed import Bed


def test_before_the_first_start_there_is_none(bed: Bed) -> None:
    add(bed)
    for words in (["logs", "box"], ["logs", "box", "-f"]):
        done = bed.run("nbssh", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "nothing was started there yet" in done.stderr


def test_the_end_of_it_is_printed_while_it_runs_and_after(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    log = run_folder(bed) / "log"
    log.write_text("".join(f"line {number}\n" for number in range(1, 1501)))
    assert bed.nbssh("logs", "box").stdout.splitlines() == [f"line {number}" for number in range(501, 1501)]
    kill(bed)
    assert bed.nbssh("logs", "box").stdout.splitlines()[-1] == "line 1500"


def test_what_comes_is_shown_until_ctrl_c(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    log = run_folder(bed) / "log"
    with log.open("a") as file:
        file.write("so far\n")
    child = bed.spawn("nbssh", "logs", "box", "-f")
    child.expect_exact("so far")
    with log.open("a") as file:
        file.write("and this\n")
    child.expect_exact("and this")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert child.wait() == 130
    kill(bed)
