"""What the fake batch systems share: a queue that is a folder, and the running of jobs in it.

Not a scheduler: a job starts at once unless the test says otherwise in QUEUE/behaviour.json: `{"pending": REASON}` lets
jobs wait, `{"refuse": MESSAGE}` refuses them, `{"down": true}` lets every command fail, and with `{"linger": SECONDS}`
a job is shown as one that runs when its processes have ended; `{"expected": SECONDS}`, since the epoch, is when waiting
ones may start (PBS). The queue is $FAKE_QUEUE.
Jobs run on this machine, or, where QUEUE/nodes lists hosts, on those: each runs `batch.py node QUEUE`.
As a program it needs nothing but the system's Python. Jobs have the rights of whoever submits them, so has the queue.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK = 0.05  # seconds between two looks
GRACE = 2.0  # seconds from TERM to KILL
QUEUED, RUNNING, ENDED = "queued", "running", "ended"
WALLTIME, CANCELLED = "walltime", "cancelled"  # why a job ended, if not by itself

Job = dict[str, Any]


def queue() -> Path:
    """Return the folder of the queue."""
    folder = Path(os.environ.get("FAKE_QUEUE") or Path.home() / ".fake-queue")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def behaviour(folder: Path) -> dict[str, Any]:
    """Return what the test wants to go wrong."""
    with contextlib.suppress(OSError, ValueError):
        told: dict[str, Any] = json.loads((folder / "behaviour.json").read_text())
        return told
    return {}


def submit(folder: Path, script: str, **facts: Any) -> int:  # noqa: ANN401  anything JSON knows
    """Put a job into the queue and return its number.

    `facts`: name, owner, queue, interpreter, cwd, env, out, err (paths, `%J` is the number; None: thrown away), limit
    (seconds or None), late (more of env; %J, %H the node, %D the job's folder), and what the batch system remembers.
    """
    number = 1
    while True:
        with contextlib.suppress(FileExistsError):
            (folder / str(number)).mkdir()
            break
        number += 1
    own = folder / str(number)
    (own / "script").write_text(script)
    (own / "script").chmod(0o700)
    _write(folder, number, {"number": number, "state": QUEUED, "submitted": time.time(), **facts})
    if not (folder / "nodes").exists():
        command = [sys.executable, __file__, "run", str(folder), str(number)]
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(command, start_new_session=True, cwd="/", **nowhere)  # type: ignore[call-overload]
    return number


def jobs(folder: Path) -> list[Job]:
    """Return all jobs in the order of their submission, those that have ended too."""
    numbers = sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal())
    return [job for job in (read(folder, number) for number in numbers) if job]


def read(folder: Path, number: int) -> Job | None:
    """Return one job, None if there is none of this number."""
    with contextlib.suppress(OSError):
        job: Job = json.loads((folder / str(number) / "job.json").read_text())
        if job["state"] == QUEUED:
            job["reason"] = behaviour(folder).get("pending", "")
        return job
    return None


def cancel(folder: Path, number: int) -> None:
    """End a job that waits or runs; returns before it has ended."""
    (folder / str(number) / "cancel").touch()
    if _claim(folder, number):
        _finish(folder, number, why=CANCELLED)


def lasted(job: Job) -> float:
    """Return how many seconds the job has run."""
    if job["state"] == QUEUED or not job.get("started"):
        return 0.0
    return float((job.get("ended") or time.time()) - job["started"])


def _write(folder: Path, number: int, job: Job) -> None:
    new = folder / str(number) / "job.new"
    new.write_text(json.dumps(job))
    new.replace(new.with_name("job.json"))


def _claim(folder: Path, number: int) -> bool:
    """Make this process the only one that may change the job from now on."""
    try:
        (folder / str(number) / "claim").mkdir()
    except FileExistsError:
        return False
    return True


def _finish(folder: Path, number: int, *, why: str = "", status: int = 0) -> None:
    """Note the end. `status`: as subprocess counts, negative for a signal."""
    job = read(folder, number)
    assert job
    _write(folder, number, {**job, "state": ENDED, "ended": time.time(), "why": why, "status": status})


def _run(folder: Path, number: int) -> None:
    """Wait until the job may start, run it to its end."""
    while behaviour(folder).get("pending"):
        if (folder / str(number) / "claim").exists():
            return  # cancelled
        time.sleep(LOOK)
    if not _claim(folder, number):
        return
    job, own = read(folder, number), folder / str(number)
    assert job
    script = own / "script"
    with script.open() as file:
        command = [str(script)] if file.read(2) == "#!" else [job["interpreter"], str(script)]
    node = os.uname().nodename
    (own / "nodefile").write_text(f"{node}\n")
    late = {
        key: re.sub("%[JHD]", lambda m: {"%J": str(number), "%H": node, "%D": str(own)}[m[0]], value)
        for key, value in job["late"].items()
    }
    # as in the real ones, what the job says is only seen when it has ended
    with (own / "out").open("wb") as out, (own / "err").open("wb") as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err if job["err"] else out,
            cwd=job["cwd"],
            env={**job["env"], **late},
            start_new_session=True,
        )
    _write(folder, number, {**job, "state": RUNNING, "started": time.time(), "node": node, "session": process.pid})
    why = _watch(process, own / "cancel", job["limit"])
    time.sleep(behaviour(folder).get("linger", 0))
    for name in ("out", "err"):
        if job[name]:
            with contextlib.suppress(OSError):
                shutil.copy(own / name, job[name].replace("%J", str(number)))
    _finish(folder, number, why=why, status=process.returncode)


def _watch(process: subprocess.Popen[bytes], cancelled: Path, limit: float | None) -> str:
    """Wait for the end of the process and end what it leaves; return why it had to be ended."""
    start, why = time.monotonic(), ""
    while process.poll() is None:
        late = limit is not None and time.monotonic() - start > limit
        if not why and (late or cancelled.exists()):
            why, told = WALLTIME if late else CANCELLED, time.monotonic()
            _signal(process.pid, signal.SIGTERM)
        if why and time.monotonic() - told > GRACE:
            _signal(process.pid, signal.SIGKILL)
        time.sleep(LOOK)
    _signal(process.pid, signal.SIGKILL)
    return why


def _signal(session: int, number: int) -> None:
    """Send the signal to every process of the job: it is a session of its own, in which shells make groups."""
    groups = set(_groups(session)) or {session}
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _groups(session: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(") ")[2].split()
            if int(fields[3]) == session:
                yield int(fields[2])


def nodes(folder: Path) -> list[str]:
    """Return the hosts that run jobs."""
    file = folder / "nodes"
    return file.read_text().split() if file.exists() else [os.uname().nodename]


def _serve(folder: Path) -> None:
    """Be a node: run the jobs whose turn it is, for ever."""
    hosts = nodes(folder)
    mine = hosts.index(os.uname().nodename)
    seen: set[int] = set()
    running: list[subprocess.Popen[bytes]] = []
    while True:
        running = [process for process in running if process.poll() is None]
        for job in jobs(folder):
            number = job["number"]
            wanted = job.get("wanted") or hosts[(number - 1) % len(hosts)]
            if number not in seen and wanted == hosts[mine]:
                seen.add(number)
                running.append(subprocess.Popen([sys.executable, __file__, "run", str(folder), str(number)]))
        time.sleep(LOOK)


if __name__ == "__main__":
    if sys.argv[1] == "node":
        _serve(Path(sys.argv[2]))
    else:
        _run(Path(sys.argv[2]), int(sys.argv[3]))
