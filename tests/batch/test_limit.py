"""What a session in a job knows of the job's beginning, time limit and end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import REPOSITORY, needs

from nbssh.core.text import time_left

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


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (0, "0 s"),
        (25, "25 s"),
        (60, "1 min"),
        (1741, "30 min"),
        (3580, "1 h 0 min"),
        (5400, "1 h 30 min"),
        (86399, "1 d 0 h"),
        (170000, "1 d 23 h"),
    ],
)
def test_a_session_and_nbssh_say_what_is_left_in_the_same_words(left: int, said: str) -> None:
    parts = (REPOSITORY / "templates/batch/jobs.sh").read_text()
    done = subprocess.run(
        ["/bin/sh", "-euc", f'name=gpu state=/none\n{parts}\nin_words "$1"', "sh", str(left)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, time_left(left)) == (0, said, said), done.stderr


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


@pytest.mark.parametrize(
    ("lefts", "said"),
    [
        ("700 601 600 400 121 120 60", ["10", "2"]),
        ("3000 90 30", ["2"]),
        # what is nearer when the session begins has just been said
        ("590 580 121 119", ["2"]),
        ("100 50", []),
    ],
)
def test_a_session_is_reminded_ten_and_two_minutes_before_the_end(lefts: str, said: list[str]) -> None:
    script = """
        . "$program/batch/launch.sh"
        title=JupyterLab r_job=2 now_s=0
        now() { now_s=$((now_s + 10)); }
        say() { printf '%s\\n' "$1"; }
        look_limit() { limit_left=$left; }
        for left in $lefts; do remind; done
    """
    done = subprocess.run(
        ["/bin/sh", "-euc", script],
        env={"program": str(REPOSITORY / "templates"), "state": "/none", "lefts": lefts, "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [f"job 2 ends in {minutes} min, and JupyterLab with it: save your work" for minutes in said]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, lines, "")


TITLE, BELL = "\033[22;0t\033]0;gpu: JupyterLab on c1\007", "\007"


@pytest.mark.parametrize(
    ("terminal", "shown"),
    [
        ("TERM=xterm-256color", TITLE + BELL),
        ("TERM=tmux-256color", TITLE + BELL),
        ("TERM=xterm-256color LC_TERMINAL=iTerm2", TITLE + "\033]9;JupyterLab runs on c1\007"),
        ("TERM=xterm-kitty", TITLE + "\033]9;JupyterLab runs on c1\007"),
        ("TERM=foot", TITLE + "\033]777;notify;gpu;JupyterLab runs on c1\007"),
        ("TERM=rxvt-unicode-256color", TITLE + "\033]777;notify;gpu;JupyterLab runs on c1\007"),
        ("TERM=linux", BELL),
        ("TERM=dumb", BELL),
    ],
)
def test_a_terminal_is_told_in_its_own_way_that_the_job_runs(terminal: str, shown: str) -> None:
    ends = "asked=leave; session_lasts() { :; }; last_act"
    script = f"{terminal} job_began=1 name=gpu title=JupyterLab host=c1; . $program/batch/launch.sh; greet; {ends}"
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", script],
        env={"program": str(REPOSITORY / "templates"), "state": "/none", "PATH": "/usr/bin:/bin"},
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    # her title is there again, or none
    assert child.before == shown + ("\033]0;\007\033[23;0t" if TITLE in shown else "")
    quiet = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"program": str(REPOSITORY / "templates"), "state": "/none", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (quiet.stdout, quiet.stderr) == ("", "")


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ("job_found=found job_state=queued", "put back into the queue"),
        # it has begun again already, which takes the note of its end away
        ("job_found=found job_state=running; rm -f $state/over", "put back into the queue"),
        ("job_found=none job_state=ended; explain_end() { job_end=cancelled; }", "was cancelled"),
        ("job_found=none job_state=ended; explain_end() { job_end=timeout; }", "has reached its time limit"),
        # one that is about to be put back
        (
            "job_found=none; explain_end() { job_end=ended; look_job() { job_found=found job_state=queued; }; }",
            "put back",
        ),
        # of a Jupyter that ended by itself launch says more
        ("job_found=none job_state=ended; explain_end() { job_end=failed; }", ""),
        ("job_found=silent", ""),
        ("via=relay; job_found=found job_state=queued", ""),
    ],
)
def test_a_session_that_outlives_its_job_asks_why_it_ended(tmp_path: Path, look: str, said: str) -> None:
    batch = tmp_path / "batch"
    batch.mkdir()
    (batch / "jobs.sh").symlink_to(REPOSITORY / "templates/batch/jobs.sh")
    before, _, asked = look.partition("; ") if look.startswith("via=") else ("", "", look)
    (batch / "some.sh").write_text(f"scheduler_commands=true\nlook_job() {{ {asked}; }}\n")
    (tmp_path / "over").write_text("2\n")
    script = f"""
        program=$parts
        . "$parts/batch/launch.sh"
        now_s=0
        now() {{ now_s=$((now_s + 1)); }}
        program=$state scheduler=some via=node name=gpu r_job=2
        {before}
        tell_job_end
        echo more
    """
    done = subprocess.run(
        ["/bin/sh", "-euc", script],
        env={"parts": str(REPOSITORY / "templates"), "state": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == ((1, "") if said else (0, "more\n")), done.stderr
    assert said in done.stderr
    assert bool(said) == ("job 2 " in done.stderr)


OVER = "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit"
ACCOUNTED = """qname        main.q
owner        ada
failed       {failed}
exit_status  137                  (Killed)
ru_wallclock 26s
category     -l h_rt=1800
deleted_by   {deleted}
cwd          /home/ada
"""
OPENPBS = """    job_state = F
    Resource_List.walltime = 00:30:00
    Exit_status = {status}
    Variable_List = PBS_O_HOME=/home/ada
"""
KILLED = "=>> PBS: job killed: walltime 1825 exceeded limit 1800\n"


@pytest.mark.parametrize(
    ("part", "said", "log", "end"),
    [
        ("gridengine", ACCOUNTED.format(failed="0", deleted="NONE"), "", "ended"),
        ("gridengine", ACCOUNTED.format(failed=OVER, deleted="NONE"), "", "timeout"),
        ("gridengine", ACCOUNTED.format(failed="100 : assumedly after job", deleted="ada@login"), "", "cancelled"),
        ("pbs", OPENPBS.format(status="0"), "IOPub data rate exceeded.\n", "ended"),
        ("pbs", OPENPBS.format(status="-29"), "", "timeout"),
        ("pbs", OPENPBS.format(status="1"), KILLED, "timeout"),
        ("pbs", OPENPBS.format(status="271"), "", "cancelled"),
    ],
)  # fmt: skip
def test_what_a_job_asked_for_is_not_why_it_ended(tmp_path: Path, part: str, said: str, log: str, end: str) -> None:
    (tmp_path / "said").write_text(said)
    (tmp_path / "log").write_text(log)
    for name in ("qacct", "qstat"):
        (tmp_path / name).write_text(f"#!/bin/sh\ncat {tmp_path}/said\n")
        (tmp_path / name).chmod(0o755)
    script = 'ask() { "$@"; }; . "$part"; user=ada job_id=2 job_word= job_reason= job_log=$state/log; explain_end'
    env = {
        "part": str(REPOSITORY / f"templates/batch/{part}.sh"),
        "state": str(tmp_path),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    done = subprocess.run(
        ["/bin/sh", "-euc", f'{script}; echo "$job_end"'], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{end}\n", "")
