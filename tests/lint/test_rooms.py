"""The rooms of pyproject.toml's contracts: every package has one, the docstrings name it, and a stranger is caught."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp

from nbssh.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent.parent
EVERYWHERE = {"msgspec"}  # what the values are made of
IMPORTED_AS = {"argon2-cffi": "argon2"}
SOURCES = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "nbssh").rglob("*.py")}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def rooms() -> dict[str, set[str]]:
    """Return package -> the modules that may import it, of the contracts that forbid it to all others."""
    found: dict[str, set[str]] = {}
    contracts: list[dict[str, Any]] = PROJECT["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["type"] == "forbidden" and contract["source_modules"] == ["nbssh"]:
            found |= {package: set() for package in contract["forbidden_modules"]}
            for room, package in (line.split(" -> ") for line in contract["ignore_imports"]):
                found[package].add(room)
    return found


def test_every_package_that_we_depend_on_has_a_room() -> None:
    needed = {re.split(r"[^A-Za-z0-9._-]", line)[0] for line in PROJECT["project"]["dependencies"]}
    assert {IMPORTED_AS.get(name, name) for name in needed} - EVERYWHERE == rooms().keys() - {
        "subprocess", "multiprocessing", "pty", "asyncio",
    }  # fmt: skip


def test_a_docstring_that_claims_a_package_is_right() -> None:
    claims = {}
    for path in (REPOSITORY / "nbssh").rglob("*.py"):
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        claims |= {package: {module} for package in re.findall(r"only module that imports (\w+)", said)}
    assert {"jinja2", "sshconf"} <= claims.keys()
    assert claims == {package: room for package, room in rooms().items() if package in claims}


def test_a_stranger_is_caught(tmp_path: Path) -> None:
    """Each of these contracts breaks, and no other, where a module imports what is not its own."""
    shutil.copytree(REPOSITORY / "nbssh", tmp_path / "nbssh", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    stranger = tmp_path / "nbssh/adapters/ssh/keygen.py"
    stranger.write_text(stranger.read_text() + "".join(f"import {package}\n" for package in rooms()))
    program = (
        "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    count = sum(
        contract["type"] == "forbidden" and contract["source_modules"] == ["nbssh"]
        for contract in PROJECT["tool"]["importlinter"]["contracts"]
    )
    assert f"5 kept, {count} broken" in done.stdout


def test_a_process_that_is_started_without_subprocess_is_caught(tmp_path: Path) -> None:
    """By ruff: import-linter sees no functions."""
    (tmp_path / "stranger.py").write_text("import os\n\nos.execv('/bin/sh', ['sh'])\nos.system('true')\n")
    command = ["ruff", "check", "--isolated", "--select", "S605,S606", "--output-format", "concise", "."]
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    done = subprocess.run([ruff, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.findall(r"S60\d", done.stdout) == ["S606", "S605"]
    ignored = PROJECT["tool"]["ruff"]["lint"]["ignore"]
    assert not {"S605", "S606", "S60", "S6", "S"} & set(ignored)


def test_no_module_is_long() -> None:
    long = {str(path): text.count("\n") for path, text in SOURCES.items() if text.count("\n") > 300}
    assert long == {}


def test_every_command_has_a_room_of_its_own_name() -> None:
    pairs = {"diff": "apply", "list": "show", "uninstall": "remove"}  # one plan, one table, one removal
    rooms = {pairs.get(name, name) for name in (str(command.name) for command in app.registered_commands)}
    folder = REPOSITORY / "nbssh/commands"
    found = {path.stem.rstrip("_") for path in folder.iterdir() if not path.name.startswith("_")}
    assert found == rooms


def test_no_modules_import_each_other_in_a_circle() -> None:
    """But for the parts of a system that start programs: what does that asks which system this is."""
    graph = grimp.build_graph("nbssh", exclude_type_checking_imports=True, cache_dir=None)
    below = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    below["nbssh.windows.system"] -= {"nbssh.windows.ssh", "nbssh.windows.background"}
    while leaves := {module for module, imported in below.items() if not imported & below.keys()}:
        for module in leaves:
            del below[module]
    assert set(below) == set()
