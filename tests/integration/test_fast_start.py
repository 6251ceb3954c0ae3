"""The quicker start: Jupyter goes without a slow import, and nothing else notices.

The user's PYTHONPATH on the server holds a module of the same name, which writes down who imports it.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import BIN, needs, until
from quick import quick
from serving import PASSWORD, add, detach, kill, program, server_pid, start
from test_generations import environment

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed

ZSH = "/usr/bin/zsh"
SPY = """\
import os
with open(os.environ["HOME"] + "/imported", "a") as file:
    file.write(f"{os.getpid()}\\n")
def is_valid_syntax(rule, text):
    return True
"""
WITHOUT = "def parse(text, rule):\n    return True\n"  # with rfc3987 jsonschema does not ask for rfc3987_syntax


@pytest.fixture
def users(make_bed: Callable[..., Bed]) -> Bed:
    """Give a bed whose login shell sets a PYTHONPATH of the user's own, with the spy on it."""
    needs(ZSH)
    bed = make_bed(shell=ZSH)
    mine = bed.remote_home / "mine"
    mine.mkdir()
    (mine / "rfc3987_syntax.py").write_text(SPY)
    (bed.remote_home / ".zshenv").write_text(f"export PYTHONPATH={mine}::/nowhere\n")
    return bed


def imported(bed: Bed) -> list[int]:
    """Return the processes that imported the user's own rfc3987_syntax."""
    file = bed.remote_home / "imported"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def seen_by_kernel(visitor: Visitor) -> tuple[str | None, list[str]]:
    """Return PYTHONPATH in a kernel, and what of its sys.path is nbssh's."""
    code = (
        "import os, sys; ours = os.path.realpath(os.path.expanduser('~/.local'));"
        "(os.environ.get('PYTHONPATH'), [path for path in sys.path if os.path.realpath(path).startswith(ours)])"
    )
    found: tuple[str | None, list[str]] = ast.literal_eval(visitor.run(visitor.start_kernel(), code))
    return found


def seen_by_terminal(bed: Bed, visitor: Visitor) -> str | None:
    """Return PYTHONPATH as the shell of a new terminal is given it."""
    assert visitor._ask("api/terminals", b"{}")[0] in {200, 201}
    shells = [pid for pid in children(server_pid(bed)) if b"zsh" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    given = dict(
        entry.split("=", 1)
        for entry in os.fsdecode(Path(f"/proc/{shells[-1]}/environ").read_bytes()).split("\0")
        if "=" in entry
    )
    return given.get("PYTHONPATH")


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def forget_probe(bed: Bed) -> None:
    """Forget what was imported so far: the probe has asked Jupyter for its version."""
    (bed.remote_home / "imported").unlink(missing_ok=True)


def visit(bed: Bed, port: int) -> Visitor:
    """Start the server, leave it running, and log in through a tunnel in the background."""
    forget_probe(bed)
    start(bed)
    until(lambda: bed.opened, "the browser is called")
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    return visitor


@pytest.mark.parametrize(
    ("jupyters", "app"), [("", "lab"), ("old", "lab"), ("old", "notebook"), ("new", "notebook"), ("new", "server")]
)
def test_jupyter_goes_without_and_kernels_and_terminals_see_nothing(users: Bed, jupyters: str, app: str) -> None:
    program = quick((environment(jupyters) if jupyters else BIN) / f"jupyter-{app}")
    port = add(users, "--app", app, jupyter=program)
    visitor = visit(users, port)
    assert imported(users) == []
    mine = f"{users.remote_home}/mine::/nowhere"
    assert seen_by_kernel(visitor) == (mine, [])
    assert seen_by_terminal(users, visitor) == mine
    arguments = Path(f"/proc/{server_pid(users)}/cmdline").read_bytes().split(b"\0")
    assert os.fsencode(program) in arguments
    kill(users)


def test_without_a_pythonpath_there_is_none_afterwards(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(shell=ZSH)
    visitor = visit(bed, add(bed, jupyter=bed.jupyter))
    assert seen_by_kernel(visitor) == (None, [])
    assert seen_by_terminal(bed, visitor) is None
    kill(bed)


def test_a_kernel_that_wants_the_real_module_gets_it(users: Bed) -> None:
    visitor = visit(users, add(users, jupyter=users.jupyter))
    kernel = visitor.start_kernel()
    assert visitor.run(kernel, "import rfc3987_syntax; rfc3987_syntax.__file__") == (
        f"'{users.remote_home}/mine/rfc3987_syntax.py'"
    )
    kill(users)


def test_kernels_see_nothing_where_jupyter_never_imports_it(users: Bed) -> None:
    (users.remote_home / "mine" / "rfc3987.py").write_text(WITHOUT)
    visitor = visit(users, add(users, jupyter=users.jupyter))
    cached = [path.name for path in program(users).glob("fast/__pycache__/*")]
    assert not [name for name in cached if name.startswith("rfc3987")], "it was imported: this proves nothing"
    mine = f"{users.remote_home}/mine::/nowhere"
    assert seen_by_kernel(visitor) == (mine, [])
    assert seen_by_terminal(users, visitor) == mine
    kill(users)


def test_it_works_through_a_program_that_starts_jupyter(users: Bed) -> None:
    port = add(users, "--setup", 'exec env FROM_SETUP=yes "$@"', "--setup-shell", "/bin/sh", jupyter=users.jupyter)
    visitor = visit(users, port)
    assert visitor.run(visitor.start_kernel(), "import os; os.environ['FROM_SETUP']") == "'yes'"
    assert imported(users) == []
    assert seen_by_kernel(visitor) == (f"{users.remote_home}/mine::/nowhere", [])
    kill(users)


def test_false_switches_it_off(users: Bed) -> None:
    port = add(users, jupyter=users.jupyter)
    forget_probe(users)
    session = start(users)
    assert imported(users) == []
    detach(session)
    kill(users)
    profile = users.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text("fast_start = false\n" + profile.read_text())
    users.nbssh("apply", "box")
    visitor = visit(users, port)
    assert imported(users) == [server_pid(users)]
    assert seen_by_kernel(visitor) == (f"{users.remote_home}/mine::/nowhere", [])
    kill(users)
