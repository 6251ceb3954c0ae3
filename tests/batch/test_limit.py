"""What a session in a job knows of the job's time limit, and of its end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY, needs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("shell", ["dash", "bash", "ksh"])
def test_a_clock_that_ctrl_c_keeps_from_answering_ends_no_session(tmp_path: Path, shell: str) -> None:
    needs(shell)
    (tmp_path / "date").write_text("#!/bin/sh\nexit 130\n")
    (tmp_path / "date").chmod(0o755)
    (tmp_path / "job.until").write_text("2 4000000000\n")
    script = 'set -eu; r_job=2; . "$program/batch/launch.sh"; look_limit; echo "left:${limit_left}"'
    done = subprocess.run(
        [shell, "-c", script],
        env={"program": str(REPOSITORY / "templates"), "state": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "left:\n", "")


@pytest.mark.parametrize(("left", "said"), [("61", "61"), ("0", "0"), ("-11", "0")])
def test_a_job_over_its_limit_has_no_time_less_than_none(left: str, said: str) -> None:
    parts = (REPOSITORY / "templates/batch/jobs.sh").read_text()
    done = subprocess.run(
        ["/bin/sh", "-euc", f'name=gpu state=/none\n{parts}\nset_left "$1"; echo "$job_left"', "sh", left],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{said}\n"), done.stderr


def test_a_job_that_ended_before_it_listened_is_waited_for_no_longer(tmp_path: Path) -> None:
    part = (REPOSITORY / "templates/batch/stream.sh").read_text()
    # nobody listens, and the scheduler knows the job no more
    around = f"""
        relay() {{ echo "$*"; return 1; }}
        look_job() {{ job_found=none; return 1; }}
        now() {{ now_s=5; }}
        state={tmp_path} job_node=c1 job_id=2
        join_listener
        echo $?
    """
    done = subprocess.run(["/bin/sh", "-uc", part + around], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "c1 20002 2\n1\n", "it was asked for once"
