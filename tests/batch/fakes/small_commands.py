"""Fakes of Flux's and PJM's commands: options, output and statuses that nbssh uses, as their manuals have them.

From flux-batch(1), flux-jobs(1), flux-cancel(1) and RFC 19; the user's guide of Fugaku for pjsub, pjstat and pjdel.
Less than the fakes of OpenPBS and LSF.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import NoReturn

import batch

FLUX = {batch.QUEUED: "SCHED", batch.RUNNING: "RUN"}
PJM = {batch.QUEUED: "QUE", batch.RUNNING: "RUN"}
MARK = "ƒ"


def _fail(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    sys.exit(1)


def _open() -> Path:
    folder = batch.queue()
    if batch.behaviour(folder).get("down"):
        _fail("no connection")
    return folder


def _options(words: list[str], valued: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Return the options, long and short, each with its value or nothing, and the rest."""
    chosen: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, equals, value = rest.pop(0).partition("=")
        if not equals and name in valued:
            value = rest.pop(0)
        chosen[name] = value
    return chosen, rest


def _submit(folder: Path, script: str, *, name: str, out: str, limit: int | None, late: dict[str, str]) -> int:
    if refusal := batch.behaviour(folder).get("refuse"):
        _fail(refusal)
    environ = {**os.environ}
    here = str(Path.cwd())
    return batch.submit(
        folder, script, name=name, owner=os.environ.get("USER", "nobody"), queue="normal", interpreter="/bin/sh",
        cwd=here, env=environ, out=out, err=None, limit=limit, late=late,
    )  # fmt: skip


def _seconds(text: str) -> int | None:
    """Return the seconds of 3m, 1:00:00 or 60."""
    if not text:
        return None
    if match := re.fullmatch(r"(\d+)m", text):
        return 60 * int(match[1])
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total


def _listed(folder: Path, *, ended: bool = False) -> list[batch.Job]:
    return [job for job in batch.jobs(folder) if ended or job["state"] != batch.ENDED]


def _left(job: batch.Job) -> float:
    return max(0.0, job["limit"] - batch.lasted(job)) if job["limit"] and job["state"] == batch.RUNNING else 0.0


def _base58(number: int) -> str:
    digits, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", ""
    value = 7_000_000_000 + number  # they are large
    while value:
        value, digit = divmod(value, 58)
        text = digits[digit] + text
    return text


def flux(words: list[str]) -> int:
    """Be `flux batch`, `flux jobs` or `flux cancel`."""
    folder, command = _open(), words[0]
    by_id = {f"f{_base58(job['number'])}": job for job in batch.jobs(folder)}
    if command == "batch":
        chosen, rest = _options(words[1:], ("-n", "-N", "-t", "--nslots"))
        if not {"-n", "--nslots", "-N"} & chosen.keys():
            _fail("flux-batch: ERROR: Number of slots to allocate must be specified")
        script = Path(rest[0]).read_text()
        number = len(batch.jobs(folder)) + 1
        number = _submit(
            folder, script, name=chosen["--job-name"], out=chosen["--output"],
            limit=_seconds(chosen.get("--time-limit", chosen.get("-t", ""))),
            late={"FLUX_ENCLOSING_ID": f"{MARK}{_base58(number)}"},
        )  # fmt: skip
        sys.stdout.buffer.write(f"{MARK}{_base58(number)}\n".encode())
    elif command == "jobs":
        chosen, rest = _options(words[1:], ())
        for text, job in by_id.items():
            if text not in rest and (rest or job["state"] == batch.ENDED):
                continue
            why = {batch.CANCELLED: "CANCELED", batch.WALLTIME: "TIMEOUT"}
            ended = why.get(job.get("why") or "", "FAILED" if job.get("status") else "COMPLETED")
            node = job.get("node", "")
            fields = {
                "status": FLUX.get(job["state"], ended), "id.f58plain": text, "name": job["name"],
                "nodelist": f"{node[:-1]}[{node[-1]}-9]" if node else "", "t_remaining": f"{_left(job):.3f}",
                "annotations.sched.t_estimate": "",
            }  # fmt: skip
            line = re.sub(r"\{([^}]*)\}", lambda m: fields[m[1]], chosen["--format"])  # noqa: B023  used at once
            sys.stdout.write(line + "\n")
    else:
        batch.cancel(folder, by_id[words[1]]["number"])
    return 0


def pjsub(words: list[str]) -> int:
    """Submit a script."""
    folder = _open()
    chosen, rest = _options(words, ("-L", "-N", "-o", "-g"))
    limit = re.search(r"elapse=([\d:]+)", chosen.get("-L", ""))
    number = _submit(
        folder, Path(rest[0]).read_text(), name=chosen["-N"], out=chosen["-o"],
        limit=_seconds(limit[1]) if limit else 3600, late={"PJM_JOBID": "%J"},
    )  # fmt: skip
    sys.stdout.write(f"[INFO] PJM 0000 pjsub Job {number} submitted.\n")
    return 0


def pjstat(words: list[str]) -> int:
    """Print the table of one job, or of all; -H: of those that have ended."""
    folder = _open()
    chosen, rest = _options(words, ())
    wanted = [job for job in batch.jobs(folder) if not rest or str(job["number"]) in rest]
    shown = [job for job in wanted if (job["state"] == batch.ENDED) == ("-H" in chosen)]
    if shown:
        sys.stdout.write("JOB_ID JOB_NAME MD ST USER START_DATE ELAPSE_LIM NODE_REQUIRE VNODE CORE V_MEM\n")
    for job in shown:
        began = time.strftime("%m/%d %H:%M:%S", time.localtime(job["started"])) if job.get("started") else "-"
        state = PJM.get(job["state"], "CCL" if job.get("why") == batch.CANCELLED else "EXT")
        name = job["name"][:10]
        cells = (job["number"], name, "NM", state, job["owner"], began, _clock(job["limit"]), 1, "-", "-", "-")
        sys.stdout.write(" ".join(map(str, cells)) + "\n")
    return 0


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:04d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def pjdel(words: list[str]) -> int:
    """Cancel a job."""
    batch.cancel(_open(), int(words[0]))
    sys.stdout.write(f"[INFO] PJM 0100 pjdel Accepted job {words[0]}.\n")
    return 0
