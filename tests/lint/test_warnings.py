"""What warns in our own code fails a test, whichever module of ours it is; what warns in a library does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
OURS = [found[1] for line in SETTINGS["filterwarnings"] if (found := re.fullmatch(r"error:::(.*)", line))]


def test_every_module_of_ours_is_named() -> None:
    folders = [path.parent for path in (REPOSITORY / "tests").glob("**/test_*.py")] + [REPOSITORY / "tests"]
    names = {path.stem for folder in folders for path in folder.glob("*.py")} | {"nbssh.core.text"}
    assert {name for name in names if not any(re.match(pattern, name) for pattern in OURS)} == set()


def test_no_library_is() -> None:
    for name in ("sshconf", "pexpect.pty_spawn", "pty", "jinja2", "typer.main", "hypothesis.core", "asyncio.events"):
        assert not any(re.match(pattern, name) for pattern in OURS), name
