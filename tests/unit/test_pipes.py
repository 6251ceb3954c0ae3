"""Talking to a process by threads, as on Windows, gives what talking by select(2) gives."""

from __future__ import annotations

import sys

import pytest

from nbssh.adapters.programs import process

by_select = pytest.param(False, id="select", marks=pytest.mark.not_on_windows("select takes no pipes there"))


@pytest.fixture(params=[by_select, pytest.param(True, id="threads")])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BY_THREADS", request.param)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.mark.usefixtures("_way")
class TestRun:
    """`run`, in both ways."""

    def test_what_it_says_comes_back(self) -> None:
        program = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('oh'); sys.exit(3)"
        done = process.run(python(program), script=b"abc", seconds=30)
        assert (done.status, done.out, done.err, done.limit) == (3, b"ABC", b"oh", "")

    def test_much_in_both_directions_blocks_nobody(self) -> None:
        program = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
        script = bytes(3_000_000)
        assert process.run(python(program), script=script, seconds=60).out == script

    def test_one_that_does_not_read_is_no_failure(self) -> None:
        assert process.run(python("import sys; sys.stdout.write('x')"), script=bytes(1_000_000), seconds=30).out == b"x"

    def test_the_time_is_bounded(self) -> None:
        done = process.run(python("import time; print('a', flush=True); time.sleep(60)"), seconds=1.5)
        assert done.limit == "time"
        assert done.status != 0

    def test_the_output_is_bounded(self) -> None:
        program = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
        done = process.run(python(program), seconds=60, output=100_000)
        assert done.limit == "output"
        assert len(done.out) > 100_000

    def test_errors_are_cut(self) -> None:
        done = process.run(python("import sys; sys.stderr.write('x' * 300_000)"), seconds=30)
        assert (len(done.err), done.status, done.limit) == (process.ERROR_BYTES, 0, "")
