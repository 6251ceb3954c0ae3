"""Parts of the script on the login node alone: what it makes of a scheduler's words, and of its own end."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PARTS = REPOSITORY / "templates"
LATER, BEFORE = "2199-01-01T00:00:00", "2001-01-01T00:00:00"


def run(state: Path, script: str, *words: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    """Run `script` where what `job` reads at its beginning was read."""
    around = f"""
        set -eu
        newline='
'
        IFS=' 	'$newline
        program={PARTS} state={state} name=gpu options='' host=login
        . "$program/batch/jobs.sh"
        {script}
    """
    return subprocess.run(
        [shell, "-c", around, shell, *words], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("RUNNING|2|c1|9:58|N/A|N/A|c1|None", "found running 2 c1 598"),
        ("RUNNING|2|c1|1-08:09:10|N/A|N/A|c1|None", "found running 2 c1 115750"),
        ("RUNNING|2|login|UNLIMITED|N/A|N/A|rack[0-1]node[07-9,12]-x,d3|None", "found running 2 rack0node07-x "),
        ("PENDING|12||10:00|N/A|N/A||Resources\nRUNNING|13_2|c2|8:00|N/A|N/A|c2|None", "found running 13_2 c2 480"),
        ("RUNNING|13|c2|8:00|N/A|N/A|c2|None\nRUNNING|7|c1|8:00|N/A|N/A|c1|None", "found running 7 c1 480"),
        ("PENDING|12_[1-3]||10:00|N/A|N/A||Resources", "found queued 12_[1-3]  600"),
        (f"COMPLETING|2|c1|9:57|{BEFORE}|{BEFORE}|c1|None", "none ended   "),
        # put back, and what ran before is still ending
        (f"COMPLETING|2|c1|10:00|{BEFORE}|{LATER}|c1|None", "found queued 2  600"),
        (f"SPECIAL_EXIT|8|n/a|10:00|{LATER}|{LATER}||job requeued in held state", "found queued 8  600 release 8"),
        ("PENDING|8|n/a|10:00|N/A|N/A||launch failed requeued held", "found queued 8  600 release 8"),
        ("A_NEW_STATE|8|n/a|10:00|N/A|N/A||None", "found queued 8  600"),
        ("TIMEOUT|2|c1|0:00|N/A|N/A|c1|None\nCLUSTER: bed", "none ended   "),
        ("slurm: the queue is closed for maintenance | see the news", "none ended   "),
        ("", "none ended   "),
    ],
)
def test_what_squeue_says_of_a_job(tmp_path: Path, lines: str, found: str) -> None:
    script = """
        . "$program/batch/slurm.sh"
        has_script() { return 1; }
        find_lines=$1
        read_jobs || :
        echo "$job_found $job_state $job_id $job_node $job_left ${job_advice:+${job_advice#*scontrol }}"
    """
    done = run(tmp_path, script, lines)
    assert (done.stdout.rstrip("\n").rstrip(), done.stderr) == (found.rstrip(), "")


@pytest.mark.parametrize(
    ("scheduler", "words", "refused"),
    [
        ("slurm", "--array=0-3", "--array=0-3"),
        ("slurm", "--account=a\n-a0-3", "-a0-3"),
        ("slurm", "-Aarray\n--acctg-freq=30", ""),
        ("pbs", "-J\n0-3", "-J"),
        ("pbs", "-joe", ""),
        ("lsf", "-a\nfluent", ""),
    ],
)
def test_options_that_make_many_jobs_of_one(tmp_path: Path, scheduler: str, words: str, refused: str) -> None:
    script = f"""
        fail() {{ echo "$1"; }}
        . "$program/batch/{scheduler}.sh"
        options="$1$newline"
        refuse_array
    """
    done = run(tmp_path, script, words)
    told = f"'{refused}' makes many jobs of one, and Jupyter runs in one\n" if refused else ""
    assert (done.stdout, done.stderr) == (told, "")


def test_of_her_jobs_the_one_with_that_number_counts(tmp_path: Path) -> None:
    script = """
        . "$program/batch/slurm.sh"
        find_lines=$1
        for id in 12 2 1; do (only_line $id; echo "$find_lines"); done
    """
    lines = ["RUNNING|1_2|c1", "RUNNING|12|c2", "PENDING|2|"]
    assert run(tmp_path, script, "\n".join(lines)).stdout.split("\n") == [lines[1], lines[2], "", ""]


@pytest.mark.parametrize("scheduler", ["slurm", "gridengine", "pbs", "lsf", "flux", "oar", "pjm"])
def test_a_scheduler_that_never_answers_keeps_nobody_waiting(tmp_path: Path, scheduler: str) -> None:
    for name in ("squeue", "qstat", "bjobs", "flux", "oarstat", "pjstat"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 100\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "job").write_text("2\n")
    script = f"""
        PATH=$state:$PATH now_s=0
        now() {{ now_s=$((now_s + 3)); }}
        . "$program/batch/{scheduler}.sh"
        . "$program/batch/submit.sh"
        ask() {{ echo "$ask_seconds $1" >>"$state/asked"; command timeout 0.05 "$@"; }}
        find_saying
        cat "$state/asked"
        echo "$job_found"
    """
    done = run(tmp_path, script)
    first, *rest = done.stdout.splitlines()
    assert (first.endswith(" does not answer yet"), done.stderr) == (True, "")
    assert [line.partition(" ")[0] for line in rest] == ["3", "30", "silent"]


def test_a_number_is_written_down_whatever_ends_what_submits(tmp_path: Path) -> None:
    script = """
        . "$program/batch/submit.sh"
        find_patiently() { job_id=''; }
        streams=''
        submit_lock() { :; }
        submit_unlock() { :; }
        put() { shift; echo "put $*"; }
        submit() { kill -TERM $$; job_id=7; }
        program_id=1
        find_or_submit
    """
    done = run(tmp_path, script)
    assert (done.returncode, done.stdout, done.stderr) == (143, "put 1\nput 7\n", "")


def test_a_job_that_waits_again_has_not_failed_to_start(tmp_path: Path) -> None:
    now = int(time.time())
    for node, job, since in (("c1", 2, now - 90), ("c2", 2, now + 20), ("c3", 3, now - 90)):
        (tmp_path / node).mkdir()
        (tmp_path / node / "record").write_text(f"pid 77\nsince {since}\njob {job}\n")
    script = """
        . "$program/server/lib.sh"
        . "$program/batch/await.sh"
        job_id=2
        forget_first_run
    """
    done = run(tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.parent.name for path in sorted(tmp_path.glob("*/record"))] == ["c2", "c3"]


def test_a_session_whose_job_waits_again_is_told_so(tmp_path: Path) -> None:
    script = """
        . "$program/batch/stream.sh"
        now() { now_s=5; }
        job_id=2 job_node=c1
        look_job() { job_found=found job_state=queued; }
        for status in 1 3; do explain_join $status; done
    """
    told = "nbssh: error: job 2 was put back into the queue\nnbssh: hint: wait for it again: ssh gpu-nb\n"
    assert run(tmp_path, script).stdout == told * 2


def test_what_listens_in_place_of_the_jobs_sshd_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:

        def greet() -> None:
            with stranger.accept()[0] as connection:
                connection.sendall(b"220 mail\r\n")

        port = stranger.getsockname()[1]
        script = f"""
            . "$program/server/lib.sh"
            . "$program/server/log.sh"
            . "$program/batch/stream.sh"
            job_id=2 job_node=127.0.0.1 way=relay
            job_port() {{ echo {port}; }}
            exec 3>&1 4</dev/null
            join relay || refuse_join
        """
        greeting = threading.Thread(target=greet)
        greeting.start()
        done = run(tmp_path, script)
        greeting.join()
    assert (done.returncode, done.stdout) == (1, ""), "nothing of it reaches ssh"
    where = f"what listens on 127.0.0.1 port {port} does not answer as a sshd does"
    assert done.stderr.splitlines() == [
        f"nbssh: error: job 2 runs on 127.0.0.1, but no session gets there by 'relay': {where}",
        "nbssh: hint: once more: ssh gpu-nb",
        "nbssh: hint: another job has another port: ssh gpu-nb-kill, then ssh gpu-nb",
    ]


def test_a_python_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    for name, line in (("broken", "echo no module named encodings >&2; exit 1"), ("ended", "kill -TERM $$")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    script = """
        for python in "$state/none" "$state/broken" "$state/ended" ''; do
            run_python 'import sys; sys.exit(int(sys.argv[1]))' 4 || echo $?
        done
        PATH=$state
        run_python '' || echo $?
    """
    assert run(tmp_path, script).stdout.split() == ["4", "4", "143", "4", "127"]
