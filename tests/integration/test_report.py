"""`nbssh doctor --report`: Markdown that can be pasted as it is, complete, with no secret in it."""

from __future__ import annotations

import json
import platform
import re
import tomllib
from typing import TYPE_CHECKING

from ports import free_port

from nbssh import __version__
from nbssh.core.markdown import fenced

if TYPE_CHECKING:
    from bed import Bed

TOLD = "hunter2hunter2"


def fences(report: str) -> dict[str, str]:
    """Return what stands in the blocks of a report, by their languages."""
    return {found[2]: found[3] for found in re.finditer(r"(?ms)^(`{3,})(\w+)\n(.*?\n)\1$", report)}


def test_a_report_has_everything_but_secrets_and_stays_whole(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--password-stdin", "--yes", "--port", str(free_port()), stdin=f"{TOLD}\n")
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    secret = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["hash"]
    assert secret.startswith("argon2:")
    said = profile.read_text()
    setup = [f"export TOKEN='{TOLD}'", f'export A_PASSWORD="{TOLD}"', "echo ```` ```", f"echo {secret}", "secret:"]
    assert "setup" not in said
    profile.write_text(f"# {TOLD}\nsetup = {json.dumps(setup)}\n{said}")
    bed.nbssh("apply", "box", "--offline", "--yes")
    (bed.local_home / ".config/nbssh/profiles/broken.toml").write_text(f"password = '{TOLD}'\n")
    (bed.local_home / ".ssh/nbssh.d/a```b.conf").write_text("# mine\n")
    (bed.local_home / ".ssh/nbssh.d/a```b.conf").chmod(0o600)

    done = bed.run("nbssh", "doctor", "--report", "--local", "box")
    report = done.stdout
    assert done.returncode == bed.run("nbssh", "doctor", "--local", "box").returncode == 0
    assert TOLD not in report + done.stderr
    assert secret not in report
    assert secret.partition("$")[2] not in report
    assert report.startswith(f"## nbssh {__version__}: doctor box\n\n- nbssh {__version__}, ")
    assert f"- {platform.platform()}\n" in report
    assert "\n- OpenSSH_" in report
    blocks = fences(report)
    shown = tomllib.loads(blocks["toml"])
    assert shown["destination"] == "box"
    assert shown["setup"] == ["export TOKEN=***", "export A_PASSWORD=***", "echo ```` ```", "echo ***", "secret:"]
    lines = blocks["text"].splitlines()
    at = next(number for number, line in enumerate(lines) if "a```b.conf belongs to no profile" in line)
    assert lines[at].split()[:3] == ["warning", "here", "files"]
    assert lines[at + 1].strip().startswith("-> rm ")
    assert re.sub(r"(?ms)^(`{3,})\w+\n.*?\n\1$", "", report).count("`") == 2, "of the profile's name"

    # all profiles, one of which cannot be read: its status is doctor's, and its text, unchecked, stays away
    done = bed.run("nbssh", "doctor", "--local", "--report")
    assert done.returncode == bed.run("nbssh", "doctor", "--local").returncode == 1
    assert done.stdout.startswith(f"## nbssh {__version__}: doctor\n")
    assert re.search(r"error +broken +profile ", fences(done.stdout)["text"])
    assert TOLD not in done.stdout
    assert bed.run("nbssh", "doctor", "--report", "--json").returncode == 2


def test_a_fence_is_longer_than_what_is_inside() -> None:
    assert fenced("console", "$ x\n", "y") == "```console\n$ x\ny\n```\n"
    assert fenced("text", "a ```` b", "```") == "`````text\na ```` b\n```\n`````\n"
    assert fences(fenced("text", "```\n````x")) == {"text": "```\n````x\n"}
