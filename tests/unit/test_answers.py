"""An answer of a host may be anything: one place takes it apart, and its words are counted before they are used."""

from __future__ import annotations

import ast
import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbssh.batch import said as batch
from nbssh.core import answers
from nbssh.core.server import facts, survey
from nbssh.errors import NbsshError
from nbssh.steps.server_status import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(__file__).resolve().parents[2] / "nbssh"
# What a Connection answers with.
ASKED = {"attempt"}
READERS: list[Callable[[bytes], Any]] = [
    survey.parse,
    batch.begun,
    batch.own_key,
    batch.scanned_keys,
    lambda out: batch.chosen_keys(out, "c1"),
    lambda out: facts.parse(b"nbssh-n-begin\n" + out + b"\nnbssh-n-end\n", "n", "box"),
]


@functools.cache
def modules() -> dict[Path, ast.Module]:
    return {path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


def test_text_lines_and_words() -> None:
    assert answers.text(b" gpu1\r\n") == "gpu1"
    assert answers.lines(b"a \x1b[2J\r\n\nb\xff\n") == ["a \\x1b[2J", "", "b\ufffd"]
    assert answers.rows(b"job 12  c1\n\n \t \nqueued\t7") == [["job", "12", "c1"], ["queued", "7"]]
    assert answers.rows(b"") == []
    assert answers.rows(b"abcdef gh", 3) == [["abc"]]


@pytest.mark.parametrize(
    ("said", "trial"),
    [
        (b"job 12 c1\n", ("12", "c1")),
        (b"queued 12\n", ("12", None)),
        (b"job 12 \n", None),  # the scheduler names no node
        (b"job\n", None),
        (b"queued 12 c1\n", None),
        (b"job 12 c1 c2\n", None),
        (b"job 12 c1\njob 13 c2\n", None),
        (b"", None),
    ],
)
def test_a_trial_job_is_one_line_of_three_words_or_of_two(said: bytes, trial: tuple[str, str | None] | None) -> None:
    assert batch.begun(said) == (trial and batch.Begun(*trial))


_WORDS = (
    "job", "queued", "node", "known", "own", "host", "socket", "jupyter", "clock", "free", "quota", "run", "profile",
    "c1", "7", "|1|a|b", "|1|", "|1|%|%", "ssh-ed25519", "AAAA", "#", "@revoked", "!c1,", "home=/h", "uid=1", "host=a",
    "limit=x", "=", "\x00", "path=/j", "program=jupyter-lab", "\ufffd", "\r",
)  # fmt: skip
_LINES = st.lists(st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join), max_size=6).map("\n".join)


@given(st.one_of(st.binary(max_size=200), _LINES.map(str.encode)))
def test_no_answer_makes_a_reader_fail(out: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(NbsshError):
            read(out)


def _calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            owner = ast.unparse(node.func.value)
            # os.path.split and msgspec.json.decode are other things, and so is a question to the user
            if not owner.endswith(("path", ".json", ".ui")):
                yield node


def _is_split(node: ast.AST) -> bool:
    return next(_calls(node, "split", "rsplit", "splitlines"), None) is node


def _by_position(function: ast.AST) -> Iterator[int]:
    """Return the lines in which words of a split are taken by their place, uncounted."""
    named = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _is_split(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant | ast.UnaryOp):
            first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
            # what is split at a character has a first part always; what is split at blanks may have none
            safe = first and _is_split(node.value) and bool(getattr(node.value, "args", ()))
            if (_is_split(node.value) and not safe) or (isinstance(node.value, ast.Name) and node.value.id in named):
                yield node.lineno
        elif isinstance(node, ast.Assign) and _is_split(node.value):
            tuples = [target for target in node.targets if isinstance(target, ast.Tuple)]
            if any(not isinstance(part, ast.Starred) for target in tuples for part in target.elts):
                yield node.lineno


def test_no_module_takes_words_by_their_place() -> None:
    found = {
        f"{path}:{line}"
        for path, tree in modules().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for line in _by_position(function)
    }
    assert found == set()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("words = out.split()\n    return words[2]", True),
        ("return out.decode().split()[0]", True),
        ("return out.splitlines()[-1]", True),
        ("kind, rest = out.split()", True),
        ("return out.split('x', 1)[0]", False),
        ("kind, _, rest = out.partition(' ')", False),
        ("words = out.split()\n    return words", False),
    ],
)
def test_the_test_above_has_teeth(code: str, found: bool) -> None:  # noqa: FBT001
    assert bool(list(_by_position(ast.parse(f"def f(out):\n    {code}\n")))) == found


def test_whoever_asks_a_host_leaves_its_answer_to_the_one_parser() -> None:
    asking = {path: tree for path, tree in modules().items() if path.parts[0] in {"commands", "steps", "batch"}}
    asking = {path: tree for path, tree in asking.items() if any(_calls(tree, *ASKED))}
    assert len(asking) > 8
    readers = {Path("batch/said.py"), Path("core/server/facts.py"), Path("core/server/survey.py")}
    for path in {*asking, *readers}:
        assert [call.lineno for call in _calls(modules()[path], "decode", "splitlines")] == [], path
    for path in readers:
        assert "nbssh.core" in {getattr(node, "module", "") for node in ast.walk(modules()[path])}


GOOD = b'{"state": "running", "host": "gpu1", "pid": 7, "since": 1700000000.5, "job": {"id": "7", "left": 60}}'


def test_a_record_is_taken_where_it_is_one() -> None:
    found = answers.record(b"\n " + GOOD + b"\n", Answer)
    assert found
    assert (found.state, found.host, found.pid) == ("running", "gpu1", 7)


@pytest.mark.parametrize(
    "out",
    [
        b"", b"null", b"[]", b"{}", b"{" * 1000, b"[" * 200_000, b'{"a":' * 100_000, b'{"state":"evil"}', GOOD + GOOD,
        b'{"state":"running","since":' + b"9" * 400 + b"}",
        b'{"state":"running","since":1e308}',
        b'{"state":"running","since":-1}',
        b'{"state":"running","kernels":' + b"9" * 400 + b"}",
        b'{"state":"running","kernels":1e3}',
        b'{"state":"running","pid":-1}',
        b'{"state":"running","host":"' + b"x" * 5000 + b'"}',
        b'{"state":"elsewhere","elsewhere":[' + b'"x",' * 100_000 + b'"y"]}',
        b'{"state":"running","job":{"id":"7","left":' + b"9" * 400 + b"}}",
        b'{"state":"running","job":{"id":"' + b"7" * 5000 + b'"}}',
        b'{"state":"running","host":"\xff"}',
        b'{"state":"running","host":"a"} trailing',
        b'{"state":"running","x":"' + b"x" * (1 << 20) + b'"}',
    ],
)  # fmt: skip
def test_anything_else_is_none(out: bytes) -> None:
    assert answers.record(out, Answer) is None
