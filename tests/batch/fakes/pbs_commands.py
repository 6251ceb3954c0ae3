"""Fakes of OpenPBS's qsub, qstat, qselect and qdel: options, output, messages and statuses as in OpenPBS 23.

From its man pages, qstat.c's layout and the outputs that sites publish: a finished job is status 35 (PBSE_HISTJOBID,
15139, modulo 256), an unknown one 153 (PBSE_UNKJOBID, 15001), an unknown queue 170 (PBSE_UNKQUE, 15018). Only what a
user's job script needs; no arrays, no interactive jobs.
"""

from __future__ import annotations

import getopt
import os
import re
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import batch
from pbs_output import SERVER, letter, print_full, print_json, print_table

QUEUES = ("workq", "gpu")
HISTORY, UNKNOWN_JOB, UNKNOWN_QUEUE = 35, 153, 170
_QSUB = "a:A:c:C:e:fhI:j:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"


def _fail(text: str, status: int) -> NoReturn:
    sys.stderr.write(text + "\n")
    sys.exit(status)


def _open(program: str) -> Path:
    folder = batch.queue()
    if batch.behaviour(folder).get("down"):
        _fail(f"Connection refused\n{program}: cannot connect to server {SERVER} (errno=15010)", 2)
    return folder


def _directives(script: str) -> list[str]:
    """Return the words of the #PBS lines: those before the first line that is no comment."""
    words: list[str] = []
    for line in script.splitlines():
        if line.startswith("#PBS "):
            words += shlex.split(line[5:], comments=True)
        elif line.strip() and not line.startswith(("#", ":")):
            break
    return words


def qsub(words: list[str]) -> int:
    """Submit a script, from a file or from stdin, and print `NUMBER.SERVER`."""
    folder = _open("qsub")
    # The real one leaves a daemon for a minute, which holds whatever descriptors its caller had open.
    links = [link for link in Path("/proc/self/fd").iterdir() if int(link.name) > 2]
    held = [os.readlink(link) for link in links if link.is_symlink()]  # noqa: PTH115  what a pipe is called
    (folder / "held").write_text("".join(f"{what}\n" for what in held if what.startswith(("pipe:", "socket:"))))
    try:
        said, rest = getopt.getopt(words, _QSUB)
        script = Path(rest[0]).read_text() if rest else sys.stdin.read()
        options = [*getopt.getopt(_directives(script), _QSUB)[0], *said]  # the command line wins
    except getopt.GetoptError as error:
        _fail(f"qsub: {error}\nusage: qsub [-a date_time] [-A account_string] …", 2)
    except OSError:
        _fail(f"qsub: script file {rest[0]} cannot be loaded", 1)
    chosen = dict(options)
    refusal = batch.behaviour(folder).get("refuse")
    if refusal:
        _fail(f"qsub: {refusal}", 1)
    name = chosen.get("-N") or (Path(rest[0]).name if rest else "STDIN")
    if not re.fullmatch(r"[A-Za-z0-9_+.-]{1,230}", name):
        _fail("qsub: illegal -N value", 1)
    destination = chosen.get("-q", QUEUES[0]).partition("@")[0]
    if destination not in QUEUES:
        _fail("qsub: Unknown queue", UNKNOWN_QUEUE)
    resources: dict[str, str] = dict(
        item.partition("=")[::2] for key, value in options if key == "-l" for item in value.split(",")
    )
    known = {"walltime", "select", "ncpus", "mem", "ngpus", "nodes", "place", "host"}
    if unknown := set(resources) - known:
        _fail(f"qsub: Unknown resource: {min(unknown)}", 1)
    here, joined = os.environ.get("PWD") or str(Path.cwd()), chosen.get("-j", "n") in {"oe", "eo"}
    host = re.search(r"(?:^|:)host=([\w.-]+)", f"{resources.get('select', '')}:host={resources.get('host', '')}")
    env = _environment(chosen, name, destination, here)
    number = batch.submit(
        folder,
        script,
        name=name,
        owner=env["PBS_O_LOGNAME"],
        queue=destination,
        interpreter=chosen.get("-S") or env["SHELL"],
        cwd=env["HOME"],  # not where it was submitted
        env=env,
        out=_output(chosen.get("-o"), here, f"{name}.o%J"),
        err=None if joined else _output(chosen.get("-e"), here, f"{name}.e%J"),
        limit=_seconds(resources.get("walltime")),
        wanted=host and host[1],
        host=os.uname().nodename,
        resources=resources,
        processors=_processors(resources),
        arguments=shlex.join(words),
        joined=joined,
        late={
            "NCPUS": str(_processors(resources)),
            "PBS_JOBID": f"%J.{SERVER}",
            "PBS_NODEFILE": "%D/nodefile",
            "PBS_JOBDIR": env["HOME"],
        },
    )
    if "-z" not in chosen:
        sys.stdout.write(f"{number}.{SERVER}\n")
    return 0


def _environment(chosen: dict[str, str], name: str, destination: str, here: str) -> dict[str, str]:
    """Return a job's environment: hardly anything of the submitter's, unless asked for with -V or -v."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME", "nobody")
    home = os.environ.get("HOME", "/")
    shell = os.environ.get("SHELL", "/bin/sh")
    env = dict(os.environ) if "-V" in chosen else {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    for item in filter(None, chosen.get("-v", "").split(",")):
        key, given, value = item.partition("=")
        env[key] = value if given else os.environ.get(key, "")
    env |= {"HOME": home, "USER": user, "LOGNAME": user, "SHELL": shell, "PBS_JOBNAME": name}
    env |= {"PBS_ENVIRONMENT": "PBS_BATCH", "PBS_QUEUE": destination, "PBS_O_QUEUE": destination}
    env |= {"PBS_O_HOME": home, "PBS_O_LOGNAME": user, "PBS_O_SHELL": shell, "PBS_O_WORKDIR": here}
    env |= {"PBS_O_HOST": os.uname().nodename, "PBS_O_PATH": os.environ.get("PATH", "")}
    return env


def _output(given: str | None, here: str, default: str) -> str:
    path = Path(here, (given or "").rpartition(":")[2])
    return str(path / default if not given or path.is_dir() else path)


def _processors(resources: dict[str, str]) -> int:
    """Return ncpus, of the job or of its first chunk."""
    found = re.search(r"(?:^|:)ncpus=(\d+)", f"{resources.get('select', '')}:ncpus={resources.get('ncpus', 1)}")
    return int(found[1]) if found else 1


def _seconds(walltime: str | None) -> int | None:
    """Return the seconds of [[HH:]MM:]SS."""
    if not walltime:
        return None
    total = 0
    for part in walltime.partition(".")[0].split(":"):
        total = total * 60 + int(part)
    return total


def _find(program: str, folder: Path, word: str) -> batch.Job | None:
    """Return the job of the identifier `N` or `N.SERVER`; complain and return None."""
    match = re.fullmatch(rf"(\d+)(\.{SERVER})?(@{SERVER})?", word)
    if not match:
        sys.stderr.write(f"{program}: illegally formed job identifier: {word}\n")
        return None
    job = batch.read(folder, int(match[1]))
    if not job:
        sys.stderr.write(f"{program}: Unknown Job Id {match[1]}.{SERVER}\n")
    return job


def qstat(words: list[str]) -> int:
    """Show jobs: a table, or everything about them (-f), also those that have ended (-x)."""
    folder = _open("qstat")
    try:
        options, ids = getopt.getopt(words, "aefF:GHiJMnpQqrstTu:wWxE1")
    except getopt.GetoptError as error:
        _fail(f"qstat: {error}\nusage:\nqstat [-f] [-J] [-p] [-t] [-x] [-E] [-F format] [ job_identifier... ]", 2)
    chosen = dict(options)
    history, status, shown = "-x" in chosen or "-H" in chosen, 0, []
    for word in ids:
        job = _find("qstat", folder, word)
        if not job:
            status = UNKNOWN_JOB
        elif job["state"] == batch.ENDED and not history:
            text = "Job has finished, use -x or -H to obtain historical job information"
            sys.stderr.write(f"qstat: {job['number']}.{SERVER} {text}\n")
            status = HISTORY
        else:
            shown.append(job)
    if not ids:
        shown = [job for job in batch.jobs(folder) if history or job["state"] != batch.ENDED]
        shown = [job for job in shown if job["owner"] in chosen.get("-u", job["owner"]).split(",")]
    if chosen.get("-F") == "json":
        print_json(shown)
    elif "-f" in chosen:
        print_full(shown, wide="-w" in chosen)
    elif shown:
        print_table(shown)
    return status


def qselect(words: list[str]) -> int:
    """Print the identifiers of the jobs that have all the given properties."""
    folder = _open("qselect")
    options, _ = getopt.getopt(words, "a:A:c:h:HJl:N:p:P:q:r:s:t:Tu:x")
    chosen = dict(options)
    for job in batch.jobs(folder):
        ended = job["state"] == batch.ENDED
        if (
            (not ended or "-x" in chosen or "-H" in chosen)
            and job["name"] == chosen.get("-N", job["name"])
            and job["owner"] in chosen.get("-u", job["owner"]).split(",")
            and job["queue"] == chosen.get("-q", job["queue"])
            and letter(job) in chosen.get("-s", "QRF")
        ):
            sys.stdout.write(f"{job['number']}.{SERVER}\n")
    return 0


def qdel(words: list[str]) -> int:
    """Cancel jobs."""
    folder, status = _open("qdel"), 0
    _, ids = getopt.getopt(words, "W:x")
    for word in ids:
        job = _find("qdel", folder, word)
        if not job:
            status = UNKNOWN_JOB
        elif job["state"] == batch.ENDED:
            sys.stderr.write(f"qdel: Job has finished {job['number']}.{SERVER}\n")
            status = HISTORY
        else:
            batch.cancel(folder, job["number"])
    return status


def pbsnodes(words: list[str]) -> int:
    """Be pbsnodes -a: a stanza a vnode."""
    folder = _open("pbsnodes")
    if words != ["-a"]:
        _fail("usage:\tpbsnodes -[C|c|d|D|r|o|O|l|a|v]", 1)
    for node in batch.nodes(folder):
        sys.stdout.write(f"{node}\n     Mom = {node}\n     ntype = PBS\n     state = free\n     pcpus = 2\n\n")
    return 0
