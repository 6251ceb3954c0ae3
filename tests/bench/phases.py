"""Where the time goes: what Python imports, what the kernel is asked, what ssh waits for. Only for the JSON file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from bed import BIN

if TYPE_CHECKING:
    from stage import Stage

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")
_STEPS = {
    "connected": "Connection established",
    "keys exchanged": "expecting SSH2_MSG_EXT_INFO|SSH2_MSG_SERVICE_ACCEPT received",
    "authenticated": "Authenticated to|Authentication succeeded",
    "session open": "Entering interactive session",
    "command sent": "Sending command",
    "command ended": "rtype exit-status",
}


def phases(stage: Stage) -> dict[str, Any]:
    """Return all that is cheap to find out; seconds everywhere."""
    found: dict[str, Any] = {
        "imports of nbssh list": imports(stage, [str(BIN / "nbssh"), "list"]),
        "imports of nbssh apply": imports(stage, [str(BIN / "nbssh"), "apply", "--offline"]),
        "imports of jupyter-lab": imports(stage, [str(BIN / "jupyter-lab"), "--version"]),
        "steps of ssh box true": steps(stage, "box", "true"),
    }
    stage.server_runs()
    found["steps of ssh box-nb, attaching"] = steps(stage, "box-nb")
    stage.nothing_runs()
    if shutil.which("strace"):
        found["system calls of nbssh list"] = calls(stage, [str(BIN / "nbssh"), "list"])
    return found


def imports(stage: Stage, command: list[str], top: int = 12) -> list[tuple[str, float]]:
    """Return the modules whose own code takes longest at import."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], env=stage.env, capture_output=True, text=True, check=False
    )
    rows = [(match[4], int(match[1]) / 1e6) for match in _IMPORT.finditer(done.stderr)]
    return sorted(rows, key=lambda row: -row[1])[:top]


def calls(stage: Stage, command: list[str], top: int = 8) -> list[str]:
    """Return strace's summary, its longest lines."""
    done = subprocess.run(["strace", "-f", "-c", *command], env=stage.env, capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[: top + 2]


def steps(stage: Stage, *words: str) -> dict[str, float]:
    """Return after how many seconds ssh says what, until it ends or `command sent` was half a second ago."""
    argv = stage.argv("ssh", "-vvv", "-o", "RequestTTY=no", *words)
    began = time.monotonic()
    child = subprocess.Popen(
        argv, env=stage.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    found: dict[str, float] = {}
    assert child.stderr
    for line in child.stderr:
        for step, pattern in _STEPS.items():
            if step not in found and re.search(pattern, line):
                found[step] = round(time.monotonic() - began, 4)
        if "command sent" in found and words != ("box", "true"):
            break
    child.terminate()
    child.wait()
    found["end"] = round(time.monotonic() - began, 4)
    return found
