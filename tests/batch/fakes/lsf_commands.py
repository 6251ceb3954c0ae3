"""Fakes of LSF's bsub, bjobs and bkill: options, output, messages and statuses as IBM Spectrum LSF 10.1 has them.

From its command reference and the outputs that sites publish: errors are status 255 and go to stderr. Only what a
user's job script needs; no arrays, no interactive jobs.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from pathlib import Path
from typing import NoReturn

import batch

QUEUES = ("normal", "gpu")
ERROR = 255
# LSF's options have one dash and several letters; those with a value
_BSUB = ("J", "q", "o", "oo", "e", "eo", "W", "n", "R", "M", "P", "G", "gpu", "cwd", "env", "L", "m", "app", "u", "We")
_BSUB_FLAGS = ("N", "B", "H", "x", "r", "rn", "ptl")
_BJOBS = ("J", "u", "o", "q", "m")
_BJOBS_FLAGS = ("a", "noheader", "w", "r", "p", "d", "W", "X")
_BKILL = ("J", "u", "q", "s")


def _fail(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    sys.exit(ERROR)


def _open() -> Path:
    folder = batch.queue()
    if batch.behaviour(folder).get("down"):
        _fail("Failed in an LSF library call: LIM is down; try later")
    return folder


def _parse(
    program: str, words: list[str], valued: tuple[str, ...], flags: tuple[str, ...] = ()
) -> tuple[dict[str, str], list[str]]:
    """Return the options, each under its name without the dash, and the rest."""
    chosen: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name = rest.pop(0)[1:]
        if name in flags:
            chosen[name] = ""
        elif name in valued and rest:
            chosen[name] = rest.pop(0)
        else:
            _fail(f"{program}: illegal option -- {name}")
    return chosen, rest


def bsub(words: list[str]) -> int:
    """Submit a script from stdin, whose #BSUB lines count, or a command, and say its number."""
    folder = _open()
    said, command = _parse("bsub", words, _BSUB, _BSUB_FLAGS)
    script = shlex.join(command) + "\n" if command else sys.stdin.read()
    chosen: dict[str, str] = {}
    if not command:
        for line in script.splitlines():
            if line.startswith("#BSUB "):
                chosen |= _parse("bsub", shlex.split(line[6:], comments=True), _BSUB, _BSUB_FLAGS)[0]
    chosen |= said
    refusal = batch.behaviour(folder).get("refuse")
    if refusal:
        _fail(f"{refusal}. Job not submitted.")
    destination = chosen.get("q", QUEUES[0])
    if destination not in QUEUES:
        _fail(f"{destination}: No such queue. Job not submitted.")
    slots = int(chosen.get("n", "1").partition(",")[0])
    here = os.environ.get("PWD") or str(Path.cwd())
    name = chosen.get("J") or (shlex.join(command) if command else script.partition("\n")[0])
    number = batch.submit(
        folder,
        script,
        name=name,
        owner=os.environ.get("USER") or os.environ.get("LOGNAME", "nobody"),
        queue=destination,
        interpreter="/bin/sh",
        cwd=chosen.get("cwd", here),
        env={**os.environ, "LSB_JOBNAME": name, "LSB_QUEUE": destination, "LSB_SUB_HOST": os.uname().nodename},
        out=_path(here, chosen.get("oo") or chosen.get("o")),
        err=_path(here, chosen.get("eo") or chosen.get("e")),
        limit=_limit(chosen.get("W")),
        wanted=chosen.get("m"),
        host=os.uname().nodename,
        slots=slots,
        late={"LSB_JOBID": "%J", "LSB_BATCH_JID": "%J", "LSB_HOSTS": "%H", "LSB_MCPU_HOSTS": f"%H {slots}"},
    )
    default = "" if "q" in chosen else "default "
    sys.stdout.write(f"Job <{number}> is submitted to {default}queue <{destination}>.\n")
    return 0


def _path(here: str, given: str | None) -> str | None:
    return str(Path(here, given)) if given else None  # LSF would send a mail


def _limit(given: str | None) -> int | None:
    """Return the seconds of [HOURS:]MINUTES."""
    if not given:
        return None
    hours, _, minutes = given.partition("/")[0].rpartition(":")
    return int(hours or 0) * 3600 + int(minutes) * 60


def _state(job: batch.Job) -> str:
    if job["state"] == batch.ENDED:
        return "EXIT" if job["status"] or job["why"] else "DONE"
    return {batch.QUEUED: "PEND", batch.RUNNING: "RUN"}[job["state"]]


def _chosen_jobs(folder: Path, chosen: dict[str, str], rest: list[str], *, ended: bool) -> tuple[list[batch.Job], int]:
    """Return the jobs that are meant, and a status; complains about those that are not there."""
    status, found = 0, []
    for word in rest:
        job = batch.read(folder, int(word)) if word.isdecimal() else None
        if job:
            found.append(job)
        else:
            sys.stderr.write(f"Job <{word}> is not found\n")
            status = ERROR
    if rest:
        return found, status
    found = [job for job in batch.jobs(folder) if ended or job["state"] != batch.ENDED]
    user = chosen.get("u", os.environ.get("USER") or os.environ.get("LOGNAME", ""))
    found = [job for job in found if user in {"all", job["owner"]} and job["queue"] == chosen.get("q", job["queue"])]
    if "J" in chosen:
        pattern = re.escape(chosen["J"]).replace(r"\*", ".*")
        found = [job for job in found if re.fullmatch(pattern, job["name"])]
    if not found:
        nobody = (
            f"Job <{chosen['J']}> is not found" if "J" in chosen else f"No {'' if ended else 'unfinished '}job found"
        )
        sys.stderr.write(nobody + "\n")
        status = ERROR
    return found, status


def bjobs(words: list[str]) -> int:
    """Show jobs: a table, or the fields that -o names."""
    folder = _open()
    chosen, rest = _parse("bjobs", words, _BJOBS, _BJOBS_FLAGS)
    found, status = _chosen_jobs(folder, chosen, rest, ended="a" in chosen or "d" in chosen)
    for flag, states in (("r", ("RUN",)), ("p", ("PEND",)), ("d", ("DONE", "EXIT"))):
        if flag in chosen:
            found = [job for job in found if _state(job) in states]
    if not found:
        return status
    if "o" in chosen:
        _print_fields(found, chosen["o"], header="noheader" not in chosen)
        return status
    row = "{:<7} {:<7} {:<5} {:<10} {:<11} {:<11} {:<10} {}\n"
    if "noheader" not in chosen:
        sys.stdout.write("JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME\n")
    for job in found:
        name = job["name"] if "w" in chosen else job["name"][-10:]
        start = time.strftime("%b %e %H:%M", time.localtime(job["submitted"]))
        cells = (job["number"], job["owner"][:7], _state(job), job["queue"], job["host"], _hosts(job), name)
        sys.stdout.write(row.format(*cells, start))
    return status


def _print_fields(found: list[batch.Job], wish: str, *, header: bool) -> None:
    delimiter = " "
    if match := re.search(r"""delimiter=(?:'([^']*)'|"([^"]*)"|(\S))""", wish):
        delimiter = next(part for part in match.groups() if part is not None)
        wish = wish.replace(match[0], "")
    names = [word.partition(":")[0].lower() for word in wish.split()]
    if unknown := [name for name in names if name not in _fields(found[0])]:
        _fail(f'Field name "{unknown[0]}" is invalid.')
    if header:
        sys.stdout.write(delimiter.join(name.upper() for name in names) + "\n")
    for job in found:
        fields = _fields(job)
        sys.stdout.write(delimiter.join(fields[name] or "-" for name in names) + "\n")


def _fields(job: batch.Job) -> dict[str, str]:
    """Return the fields of -o; what is empty is shown as a dash."""
    state, limit, began, ended = _state(job), job["limit"], job.get("started"), job.get("ended")
    reason = job.get("reason") or "New job is waiting for scheduling"
    left, code, why = "", 0, ""
    if state == "RUN" and limit is not None:
        minutes = max(0, int(limit - batch.lasted(job))) // 60
        left = f"{minutes // 60}:{minutes % 60} L"
    if state == "EXIT":
        code = 128 - job["status"] if job["status"] < 0 else job["status"]
        why = {
            batch.CANCELLED: "TERM_OWNER: job killed by owner",
            batch.WALLTIME: "TERM_RUNLIMIT: job killed after reaching LSF run time limit",
        }.get(job["why"], "")
    return {
        "jobid": str(job["number"]),
        "id": str(job["number"]),
        "stat": state,
        "user": job["owner"],
        "queue": job["queue"],
        "job_name": job["name"],
        "from_host": job["host"],
        "exec_host": _hosts(job),
        "first_host": job.get("node", ""),
        "pend_reason": f"{reason};" if state == "PEND" else "",
        "submit_time": _stamp(job["submitted"]),
        "start_time": _stamp(began),
        "finish_time": f"{_stamp(ended)} {'L' if limit is not None else ''}".strip() if ended else "",
        "run_time": f"{int(batch.lasted(job))} second(s)",
        "runtimelimit": f"{limit / 60:.1f}" if limit is not None else "",
        "time_left": left,
        "exit_code": str(code) if code else "",
        "exit_reason": why,
        "exec_cwd": job["cwd"] if began else "",
        "output_file": (job["out"] or "").replace("%J", str(job["number"])),
    }


def _hosts(job: batch.Job) -> str:
    """Return `HOST`, or `SLOTS*HOST` when there is more than one."""
    node = job.get("node", "")
    return f"{job['slots']}*{node}" if node and job["slots"] > 1 else node


def _stamp(when: float | None) -> str:
    return time.strftime("%b %e %H:%M", time.localtime(when)) if when else ""


def bkill(words: list[str]) -> int:
    """Cancel jobs."""
    folder = _open()
    chosen, rest = _parse("bkill", words, _BKILL)
    if not rest and not chosen:
        _fail("Job ID, name or queue missing")
    if "J" in chosen and "0" in rest:
        rest.remove("0")  # 0 means all that fit
    status = 0
    for word in rest:
        job = batch.read(folder, int(word)) if word.isdecimal() else None
        if not job:
            sys.stderr.write(f"Job <{word}>: No matching job found\n")
            status = ERROR
    found = [job for job in (batch.read(folder, int(word)) for word in rest if word.isdecimal()) if job]
    if not rest:
        found, status = _chosen_jobs(folder, chosen, rest, ended=False)
    for job in found:
        if job["state"] == batch.ENDED:
            sys.stderr.write(f"Job <{job['number']}>: Job has already finished\n")
            status = ERROR
        else:
            batch.cancel(folder, job["number"])
            sys.stdout.write(f"Job <{job['number']}> is being terminated\n")
    return status


def bhosts(words: list[str]) -> int:
    """Be bhosts -w: one line a host."""
    if words not in ([], ["-w"]):
        _fail(f"bhosts: only -w is known here: {words}")
    sys.stdout.write("HOST_NAME          STATUS          JL/U    MAX  NJOBS    RUN  SSUSP  USUSP    RSV\n")
    for node in batch.nodes(_open()):
        sys.stdout.write(f"{node:<18} ok              -        2      0      0      0      0      0\n")
    return 0
