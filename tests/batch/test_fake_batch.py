"""The fake batch systems: what is documented of OpenPBS and LSF, so that tests that use them test something."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import fake_jupyter

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from bed import Bed

HOST = os.uname().nodename


@pytest.fixture
def pbs(make_bed: Callable[..., Bed]) -> Iterator[Bed]:
    bed = make_bed(batch="openpbs")
    yield bed
    at(bed, "qselect | xargs -r qdel")


@pytest.fixture
def lsf(make_bed: Callable[..., Bed]) -> Iterator[Bed]:
    bed = make_bed(batch="lsf")
    yield bed
    at(bed, "bjobs -noheader -o id | xargs -r bkill")


def at(bed: Bed, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the shell command as a login on the server would, without the time that ssh takes."""
    return bed.run(
        "env",
        *(f"{key}={value}" for key, value in bed.batch_environ.items()),
        f"HOME={bed.remote_home}",
        "sh",
        "-c",
        f"cd; {command}",
        stdin=stdin,
    )


def attribute(bed: Bed, job: str, name: str, options: str = "-x") -> str:
    text = at(bed, f"qstat -f {options} {job}").stdout
    match = re.search(rf"^    {re.escape(name)} = (.*)$", text, re.MULTILINE)
    return match[1] if match else ""


def test_pbs_runs_a_job_and_shows_it_as_documented(pbs: Bed) -> None:
    script = "#PBS -N mine -l walltime=1:00:00\n#PBS -l select=1:ncpus=1 -j oe\n"
    script += "pwd; echo $PBS_JOBID $PBS_O_WORKDIR $X\nsleep 60\n"
    assert at(pbs, "mkdir w; cd w; X=no qsub", stdin=script).stdout == "1.pbs01\n"
    until(lambda: attribute(pbs, "1", "job_state") == "R", "the job runs")
    text = at(pbs, "qstat -f 1.pbs01").stdout
    assert text.startswith("Job Id: 1.pbs01\n    Job_Name = mine\n    Job_Owner = ")
    assert text.endswith("\n\n")
    assert all(line.startswith(("    ", "\t")) and len(line) <= 78 for line in text.splitlines()[1:-1])
    assert f"    exec_host = {HOST}/0\n" in text
    assert "    Resource_List.walltime = 01:00:00\n" in text
    assert re.search(r"^    comment = Job run at \w{3} \w{3} \d\d at \d\d:\d\d on \(", text, re.MULTILINE)
    assert re.search(
        r"^1\.pbs01           mine             \S+ +00:00:00 R workq +$", at(pbs, "qstat").stdout, re.MULTILINE
    )
    whole = json.loads(at(pbs, "qstat -f -F json 1").stdout)
    assert whole["Jobs"]["1.pbs01"]["Resource_List"]["walltime"] == "01:00:00"
    assert at(pbs, "qselect -N mine -s QR").stdout == "1.pbs01\n"
    assert at(pbs, "qselect -N other").stdout == ""
    # its words are seen when it has ended
    assert not list(pbs.remote_home.glob("w/*"))
    assert at(pbs, "qdel 1").returncode == 0
    until(lambda: attribute(pbs, "1", "job_state") == "F", "the job has ended")
    home = pbs.remote_home
    assert (home / "w/mine.o1").read_text() == f"{home}\n1.pbs01 {home}/w\n"
    assert attribute(pbs, "1", "Exit_status") == "271"
    for command, status, error in (
        ("qstat 1", 35, "qstat: 1.pbs01 Job has finished, use -x or -H to obtain historical job information"),
        ("qdel 1", 35, "qdel: Job has finished 1.pbs01"),
        ("qstat 9", 153, "qstat: Unknown Job Id 9.pbs01"),
        ("qsub -q none /dev/null", 170, "qsub: Unknown queue"),
    ):
        done = at(pbs, command)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", f"{error}\n")
    assert at(pbs, "qstat").stdout == ""


def test_pbs_lets_wait_refuses_and_ends_jobs(pbs: Bed) -> None:
    (pbs.queue / "behaviour.json").write_text('{"pending": "Insufficient amount of resource: ngpus"}')
    for _ in range(2):
        at(pbs, "qsub -l walltime=1", stdin="sleep 60\n")
    assert attribute(pbs, "1", "comment", "-w") == "Not Running: Insufficient amount of resource: ngpus"
    assert (attribute(pbs, "1", "job_state"), attribute(pbs, "1", "exec_host")) == ("Q", "")
    at(pbs, "qdel 2")
    assert attribute(pbs, "2", "job_state") == "F"
    (pbs.queue / "behaviour.json").write_text('{"refuse": "Maximum number of jobs already in queue for user"}')
    until(lambda: attribute(pbs, "1", "job_state") == "F", "the job runs, and its time is over")
    assert at(pbs, "qsub", stdin="true\n").returncode == 1
    (pbs.queue / "behaviour.json").write_text('{"down": true}')
    assert "cannot connect to server" in at(pbs, "qstat").stderr
    (pbs.queue / "behaviour.json").unlink()


@pytest.mark.parametrize(("batch", "command"), [("openpbs", "qsub"), ("lsf", "bsub")])
def test_a_login_finds_the_commands(make_bed: Callable[..., Bed], batch: str, command: str) -> None:
    bed = make_bed(batch=batch)
    bed.run("ssh", "box", command, stdin="uname -n >here\n")
    until((bed.remote_home / "here").exists, "the job has run")


def test_lsf_runs_a_job_and_shows_it_as_documented(lsf: Bed) -> None:
    script = "#BSUB -J mine\n#BSUB -W 2:00\n#BSUB -o log.%J\npwd; echo $LSB_JOBID $X\nsleep 60\n"
    done = at(lsf, "mkdir w; cd w; X=yes bsub", stdin=script)
    assert done.stdout == "Job <1> is submitted to default queue <normal>.\n"
    fields = "bjobs -a -noheader -o \"stat exec_host pend_reason time_left exit_code delimiter='|'\" 1"
    until(lambda: at(lsf, fields).stdout == f"RUN|{HOST}|-|1:59 L|-\n", "the job runs")
    assert at(lsf, "bjobs -noheader -J mine -o jobid").stdout == "1\n"
    assert at(lsf, "bjobs").stdout.splitlines()[1].split()[:4:2] == ["1", "RUN"]
    assert at(lsf, "bkill 1").stdout == "Job <1> is being terminated\n"
    until(lambda: at(lsf, fields).stdout == f"EXIT|{HOST}|-|-|143\n", "the job has ended")
    assert (lsf.remote_home / "w/log.1").read_text() == f"{lsf.remote_home}/w\n1 yes\n"
    for command, error in (
        ("bkill 1", "Job <1>: Job has already finished"),
        ("bkill 9", "Job <9>: No matching job found"),
        ("bjobs 9", "Job <9> is not found"),
        ("bjobs -J none", "Job <none> is not found"),
        ("bjobs", "No unfinished job found"),
        ("bsub -q none true", "none: No such queue. Job not submitted."),
    ):
        done = at(lsf, command)
        assert (done.returncode, done.stdout, done.stderr) == (255, "", f"{error}\n")


def test_several_processors_are_shown_with_the_host(make_bed: Callable[..., Bed]) -> None:
    pbs, lsf = make_bed(batch="openpbs"), make_bed(batch="lsf")
    at(pbs, "qsub -l select=1:ncpus=4:mem=1gb", stdin="sleep 1\n")
    at(lsf, "bsub -n 4 sleep 1")
    until(lambda: attribute(pbs, "1", "exec_host") == f"{HOST}/0*4", "the job of four processors runs")
    shown = "bjobs -a -noheader -o exec_host 1"
    until(lambda: at(lsf, shown).stdout == f"4*{HOST}\n", "the job of four slots runs")


def test_lsf_lets_wait_and_ends_jobs(lsf: Bed) -> None:
    (lsf.queue / "behaviour.json").write_text('{"pending": "Job slot limit reached"}')
    for queue, words in (("gpu", "queue <gpu>"), ("normal", "queue <normal>")):
        done = at(lsf, f"bsub -q {queue} true")
        assert done.stdout.endswith(f"is submitted to {words}.\n")
    fields = "bjobs -noheader -o 'stat exec_host pend_reason delimiter=\"^\"'"
    assert at(lsf, f"{fields} 2").stdout == "PEND^-^Job slot limit reached;\n"
    at(lsf, "bkill 2")
    assert at(lsf, f"{fields} 2").stdout == "EXIT^-^-\n"
    (lsf.queue / "behaviour.json").unlink()
    until(lambda: at(lsf, f"{fields} 1").stdout == f"DONE^{HOST}^-\n", "the job runs, and ends")


def test_commands_that_only_a_login_shell_finds(lsf: Bed) -> None:
    fakes = lsf.batch_environ["PATH"].partition(":")[0]
    login = lsf.server.folder / "login"
    text = login.read_text()
    assert fakes in text
    login.write_text(text.replace(f"{fakes}:", ""))
    words = ("add", "box", "--token", "--yes", "--scheduler", "lsf", "--jupyter", str(fake_jupyter(lsf)))
    done = lsf.run("nbssh", *words)
    assert (done.returncode, "bsub was not found on" in done.stderr) == (1, True), done.stderr
    (lsf.remote_home / ".profile").write_text(f"PATH={fakes}:$PATH\n")
    lsf.nbssh(*words, timeout=120)
    done = lsf.run("ssh", "box-nb-kill")
    assert (done.returncode, done.stdout) == (0, "nbssh: not running\n")
    found = json.loads(lsf.run("nbssh", "status", "box", "--json").stdout)["profiles"]
    assert found[0]["state"] == "stopped"
    done = lsf.run("nbssh", "remove", "box", "--yes")
    assert (done.returncode, "still holds" in done.stderr) == (0, False), done.stderr
    assert not (lsf.remote_home / ".local/share/nbssh").exists()
