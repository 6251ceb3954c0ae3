"""What qstat of OpenPBS shows, in its layout; see pbs_commands.py."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import batch

SERVER = "pbs01"
_STATES = {batch.QUEUED: "Q", batch.RUNNING: "R", batch.ENDED: "F"}
_WIDTH = 78


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def letter(job: batch.Job) -> str:
    """Return the letter of the job's state."""
    return _STATES[job["state"]]


def _attributes(job: batch.Job) -> list[tuple[str, str]]:
    """Return what `qstat -f` shows, in its order; nothing has a place there before it has a value."""
    began, node, date = job.get("started"), job.get("node"), time.ctime
    expected = batch.behaviour(batch.queue()).get("expected")
    limit, state = job["limit"], letter(job)
    processors = job["processors"]
    vnode = f"({node}:ncpus={processors})" if node else ""
    comment = job.get("reason", "")
    if comment and not comment.startswith("Can Never Run: "):
        comment = f"Not Running: {comment}"
    if began:
        run_at = time.localtime(began)
        comment = f"Job run at {time.strftime('%a %b %d at %H:%M', run_at)} on {vnode}"
    code = 0
    if state == "F":
        code = 256 - job["status"] if job["status"] < 0 else job["status"]
        code = -29 if job["why"] == batch.WALLTIME else code
        comment += " and failed" if code else " and finished"
        if job["why"] == batch.CANCELLED:
            comment = comment.removesuffix(" and failed").removesuffix(" and finished") + " and terminated"
    number = str(job["number"])
    rows: list[tuple[str, Any]] = [
        ("Job_Name", job["name"]),
        ("Job_Owner", f"{job['owner']}@{job['host']}"),
        ("resources_used.cput", "00:00:00" if began else ""),
        ("resources_used.ncpus", str(processors) if began else ""),
        ("resources_used.walltime", _clock(batch.lasted(job)) if began else ""),
        ("job_state", state),
        ("queue", job["queue"]),
        ("server", SERVER),
        ("Checkpoint", "u"),
        ("ctime", date(job["submitted"])),
        ("Error_Path", f"{job['host']}:{job['err'] or job['out']}".replace("%J", number)),
        ("exec_host", f"{node}/0{f'*{processors}' if processors > 1 else ''}" if node else ""),
        ("exec_vnode", vnode),
        ("Hold_Types", "n"),
        ("Join_Path", "oe" if job["joined"] else "n"),
        ("Keep_Files", "n"),
        ("Mail_Points", "a"),
        ("mtime", date(job.get("ended") or began or job["submitted"])),
        ("Output_Path", f"{job['host']}:{job['out']}".replace("%J", number)),
        ("Priority", "0"),
        ("qtime", date(job["submitted"])),
        ("Rerunable", "True"),
        ("Resource_List.ncpus", str(processors)),
        ("Resource_List.nodect", "1"),
        ("Resource_List.place", "pack"),
        ("Resource_List.select", job["resources"].get("select", f"1:ncpus={processors}")),
        ("Resource_List.walltime", _clock(limit) if limit is not None else ""),
        ("stime", date(began) if began else ""),
        ("session_id", str(job.get("session", ""))),
        ("jobdir", job["cwd"] if began else ""),
        ("substate", {"Q": "10", "R": "42", "F": "91" if job.get("why") else "93" if code else "92"}[state]),
        ("Variable_List", ",".join(f"{key}={value}" for key, value in job["env"].items() if "PBS_O_" in key)),
        ("comment", comment),
        ("estimated.start_time", date(expected) if expected and not began else ""),
        ("etime", date(job["submitted"])),
        ("run_count", "1" if began else ""),
        ("Exit_status", str(code) if state == "F" and began else ""),
        ("Submit_arguments", job["arguments"]),
        ("history_timestamp", str(int(job["ended"])) if state == "F" else ""),
        ("project", "_pbs_project_default"),
    ]
    return [(name, value) for name, value in rows if value]


def _wrapped(name: str, value: str, *, wide: bool) -> str:
    """Return one attribute; long ones go on in lines that begin with a tab, broken anywhere (`wide`: -w)."""
    text = f"    {name} = {value}"
    if wide:
        return text + "\n"
    lines = [text[:_WIDTH]]
    text = text[_WIDTH:]
    while text:
        lines.append("\t" + text[: _WIDTH - 8])
        text = text[_WIDTH - 8 :]
    return "\n".join(lines) + "\n"


def print_full(shown: list[batch.Job], *, wide: bool) -> None:
    """Print everything about the jobs, as with -f; `wide`: as with -w, no line is broken."""
    for job in shown:
        lines = [_wrapped(name, value, wide=wide) for name, value in _attributes(job)]
        sys.stdout.write(f"Job Id: {job['number']}.{SERVER}\n" + "".join(lines) + "\n")


def print_json(shown: list[batch.Job]) -> None:
    """Print everything about the jobs, as with -f -F json."""
    whole: dict[str, Any] = {"timestamp": int(time.time()), "pbs_version": "23.06.06", "pbs_server": SERVER}
    if shown:
        whole["Jobs"] = {}
    for job in shown:
        flat = whole["Jobs"][f"{job['number']}.{SERVER}"] = {}
        for name, value in _attributes(job):
            group, dotted, key = name.partition(".")
            if dotted:
                flat.setdefault(group, {})[key] = value
            else:
                flat[name] = value
    sys.stdout.write(json.dumps(whole, indent=4) + "\n")


def print_table(shown: list[batch.Job]) -> None:
    """Print a line for each job."""
    row = "{:<17} {:<16} {:<17} {:>8} {:1} {:<16}\n"
    sys.stdout.write("Job id            Name             User              Time Use S Queue\n")
    sys.stdout.write("----------------  ---------------- ----------------  -------- - -----\n")
    for job in shown:
        used = "00:00:00" if job.get("started") else "0"
        cells = (f"{job['number']}.{SERVER}", job["name"][:16], job["owner"][:16], used, letter(job), job["queue"])
        sys.stdout.write(row.format(*cells))
