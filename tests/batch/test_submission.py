"""Submissions that get no answer, and numbers that are another job's by now: none is left behind or mistaken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_batch_parts import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

# Slurm's commands, whose queue is the file `queue`.
SLURM = {
    "squeue": "cat queue",
    "scancel": 'echo "$@" >cancelled',
    "sinfo": "exit 1",
}
RUNS = "RUNNING|7|c1|9:58|N/A|N/A|c1|None"


def put_commands(folder: Path, commands: dict[str, str]) -> None:
    """Put these commands on the PATH that `submit` gives."""
    for name, body in commands.items():
        (folder / name).write_text(f"#!/bin/sh\ncd {folder}\n{body}\n")
        (folder / name).chmod(0o755)


def submit(state: Path, script: str, kind: str = "slurm") -> subprocess.CompletedProcess[str]:
    """Run `script` as `job` would, with two seconds of patience at most."""
    around = f"""
        PATH=$state:$PATH
        . "$program/server/lib.sh"
        . "$program/batch/{kind}.sh"
        . "$program/batch/submit.sh"
        . "$program/batch/try.sh"
        share=$state home=$state user_umask=022 user_has_lc_all='' user=ada
        hand_in_seconds=1
        doze() {{ :; }}
        exec 3>&1 4</dev/null
        {script}
    """
    return run(state, around)


@pytest.mark.parametrize("says", ["sleep 30", "echo sbatch: error: Socket timed out >&2; exit 1", "echo wird erledigt"])
def test_a_job_whose_submission_got_no_answer_is_found(tmp_path: Path, says: str) -> None:
    (tmp_path / "queue").touch()
    put_commands(tmp_path, SLURM | {"sbatch": f"echo '{RUNS}' >queue; {says}"})
    done = submit(tmp_path, "submit serve; echo $job_id")
    assert done.stdout == "nbssh: Slurm did not say so, but job 7 was submitted\n7\n", done.stderr


def test_a_scheduler_that_does_not_answer_a_submission_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "queue").touch()
    put_commands(tmp_path, SLURM | {"sbatch": "sleep 30"})
    # nobody waits for the rest in a test
    done = submit(tmp_path, "now_s=0; now() { now_s=$((now_s + 10)); }; submit serve")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [
            "nbssh: error: Slurm has not said for 1 s whether it takes the job, and shows none named 'nbssh-gpu'",
            "nbssh: hint: should it come yet, the next session finds it: ssh gpu-nb",
        ],
    )


def test_a_trial_that_comes_late_is_cancelled(tmp_path: Path) -> None:
    (tmp_path / "queue").touch()
    put_commands(tmp_path, SLURM | {"sbatch": "echo >>asked; /bin/sleep 30", "sleep": "exec /bin/sleep 0.05"})
    script = f"""
        trial=yes job_name=try-nbssh-gpu job_file=try.sh
        now_s=0
        now() {{ now_s=$((now_s + 10)); }}
        (submit batch/try) || echo '{RUNS}' >$state/queue
        until [ -e $state/cancelled ]; do /bin/sleep 0.05; done
    """
    done = submit(tmp_path, script)
    assert "it is cancelled; whether its queue answers, on " in done.stderr
    assert (tmp_path / "cancelled").read_text() == "7\n"
    assert (tmp_path / "asked").read_text() == "\n", "a second one would be one more to wait for"


def test_what_a_scheduler_says_of_a_job_that_it_does_not_take_is_shown(tmp_path: Path) -> None:
    (tmp_path / "queue").touch()
    put_commands(tmp_path, SLURM | {"sbatch": "echo sbatch: error: Invalid account >&2; exit 1"})
    done = submit(tmp_path, "submit serve")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [
            "sbatch: error: Invalid account",
            "nbssh: error: Slurm does not take the job",
            "nbssh: hint: the options of the profile: nbssh edit gpu: scheduler.options",
        ],
    )


PBS = """case $* in
*7*) echo "Job Id: 7.pbs
    Job_Name = {name}
    Job_Owner = {owner}@login
    job_state = R
    exec_host = c1/0
    Output_Path = login:$PWD/job.log" ;;
*) exit 1 ;;
esac"""
PJM = """echo 'JOB_ID     JOB_NAME   MD ST  USER     START_DATE      ELAPSE_LIM
7          {name} NM RUN {owner}   11/27 10:00:00  0001:00:00'"""
OAR = """echo 'Job_Id: 7
    job_array_id = 7
    name = {name}
    owner = {owner}
    state = Running
    assigned_hostnames = c1
    startTime = 2026-11-27 10:00:00
    walltime = 1:0:0'"""
ASKED = {
    "pbs": ("qstat", PBS),
    "lsf": ("bjobs", "case $* in *stat*) echo '{name}|RUN|c1|0:59 L|-' ;; *{name}*) echo 7 ;; esac"),
    "pjm": ("pjstat", PJM),
    "oar": ("oarstat", OAR),
    "flux": ("flux", "echo 'RUN|7|c1|60.0||{name}'"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_a_number_that_is_another_jobs_by_now_is_not_taken_for_ours(tmp_path: Path, kind: str) -> None:
    command, says = ASKED[kind]
    (tmp_path / "job").write_text("7\n")
    (tmp_path / "where").write_text("7 c1\n")
    script = "job_id=7; look_job && echo look; find_job && echo find; echo $job_found"
    found = {}
    for name, owner in (("nbssh-gpu", "ada"), ("nbssh-box", "ada"), ("nbssh-gpu", "mallory")):
        if owner != "ada" and kind in ("lsf", "flux"):
            continue  # shows hers alone
        put_commands(tmp_path, {command: says.format(name=name, owner=owner)})
        found[name, owner] = submit(tmp_path, f"set +e; {script}", kind).stdout.split()
    assert found.pop(("nbssh-gpu", "ada")) == ["look", "find", "found"]
    assert set(map(tuple, found.values())) == {("none",)}


@pytest.mark.parametrize("kind", ["pbs", "lsf", "pjm", "oar", "flux"])
def test_a_job_whose_number_was_never_written_down_is_found_by_its_name(tmp_path: Path, kind: str) -> None:
    command, says = ASKED[kind]
    put_commands(tmp_path, {"qselect": "echo 3.pbs; echo 7.pbs", command: says.format(name="nbssh-gpu", owner="ada")})
    (tmp_path / "where").write_text("7 c1\n")
    done = submit(tmp_path, "find_job && echo $job_id $job_node", kind)
    assert done.stdout == f"7{'.pbs' if kind == 'pbs' else ''} c1\n", done.stderr


def test_a_step_that_does_not_start_is_no_sshd(tmp_path: Path) -> None:
    put_commands(tmp_path, {"srun": "sleep 30"})
    script = """
        . "$program/batch/stream.sh"
        cluster=bed ask_seconds=1 job_id=7 job_node=c1
        ! has_sshd srun && echo "none$step_asked"
    """
    done = submit(tmp_path, script)
    assert done.stdout == "none\n", done.stderr
