"""What a host says reaches a command line, a configuration or a path here as a checked value alone."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbssh
from nbssh.adapters.ssh.second import Second
from nbssh.core.server import values
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(nbssh.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

GOOD = {
    values.server_path: ["/home/alice/.local/state/nbssh/box/sock", "/a", "/home/a+b/x=1,2-3@4"],
    values.host_name: ["gpu1", "node-3.cluster.example.org", "n" * 253, "10.0.0.5"],
    values.word: ["1234", "1234_7", "1234[7].server", "12.pbs-1"],
    values.port: ["1", "22", "65535"],
}
BAD = {
    values.server_path: [
        "", "x", "/", "/x/${HOME}", "/x/%d", "/x y", "/x\n", "/x\n/y", "/é", "/x:1", "/~", "/x\0", "/" + "x" * 5000,
        "-L/x", "/x\\y", "/x'y", '/x"y',
    ],
    values.host_name: [
        "", "-oProxyCommand=x", "a b", "a\n", "a/../b", "$HOME", "a" * 300, "é", "a\0", "*", "a%h", "[a]",
    ],
    values.word: ["", "-x", "1 2", "1\n", "${HOME}", "1" * 200, "1;2", "1`2`", "1%d", "²"],
    values.port: [
        "", "0", "-1", "01", "65536", "99999", "1e3", "²", "\uff11", " 1", "1\n", "1" * 5000, "1:${HOME}", "0x10",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("make", "text"), [(make, text) for make, texts in GOOD.items() for text in texts])
def test_what_is_right_is_taken_as_it_is(make: Callable[[str], object], text: str) -> None:
    assert str(make(text)) == text


@pytest.mark.parametrize(("make", "text"), [(make, text) for make, texts in BAD.items() for text in texts])
def test_everything_else_is_refused_in_printable_words(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(NbsshError) as caught:
        make(text)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@given(st.text())
def test_no_value_holds_what_ssh_or_a_shell_would_take_for_more_than_text(text: str) -> None:
    for make in (values.server_path, values.host_name, values.word, values.far_socket):
        try:
            made = make(text)
        except NbsshError:
            continue
        assert made == text
        assert not set(made) & set("${}%`'\"\\;&|<>()*?!# \t\n\r\0")
        assert not made.startswith("-")


def test_an_end_of_a_tunnel_is_a_path_or_a_port_of_the_hosts_own_loopback() -> None:
    assert values.far_socket("/run/sock") == "/run/sock"
    assert values.far_port(values.port("8888")) == "127.0.0.1:8888"
    for wrong in (0, -1, 65536):
        with pytest.raises(NbsshError, match="is no port"):
            values.far_port(wrong)


# --- the call sites --------------------------------------------------------------------------------------------------

TYPES = {"ServerPath", "Port", "HostName", "Word", "FarEnd"}
# calls whose result is what a host said; `with … as` counts too
SOURCES = {"attempt", "run", "ask", "lines"}
# parts of a process' end that no host chooses; its status is a number
HARMLESS = {"status", "limit"}
# functions of ours that check: what they return is not the host's text any more
CHECKED = {
    "trial", "server_path", "host_name", "word", "port", "far_socket", "far_port", "parse", "scanned_keys",
    "chosen_keys",
    "find_out", "look", "asked", "_node_keys", "_own_keys", "len", "bool", "isinstance",
}  # fmt: skip
# what makes a command line, or a configuration that ssh reads
BUILDERS = {"second", "reached", "_forward", "_arguments", "private", "of_profile", "resolve"}
# functions of `process` that start a program
STARTS = {"run", "conversation", "lines", "detach", "leave_running", "interact"}


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def starts(call: ast.Call) -> bool:
    """Tell `process.run([...])`, which starts a program, from `there.run("script")`, whose text goes to the host."""
    owner = getattr(getattr(call.func, "value", None), "id", "")
    return name_of(call) in {"Popen", "_started"} or (owner == "process" and name_of(call) in STARTS)


class Walk:
    """The names in one function that hold what a host said, and the calls that hand such a name to a program."""

    def __init__(self, function: ast.AST) -> None:
        self.tainted: set[str] = set()
        self.found: list[int] = []
        before = -1
        while len(self.tainted) != before:  # what is assigned later may be used earlier in a loop
            before = len(self.tainted)
            for node in ast.walk(function):
                self._learn(node)
        self.found = [
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Call)
            and (name_of(node) in BUILDERS or starts(node))
            and any(self._is_tainted(part) for part in self._argv(node))
        ]

    def _argv(self, call: ast.Call) -> list[ast.AST]:
        """Return what becomes words here: the first argument of a start, all of a builder's, no script."""
        if starts(call):
            return list(call.args[:1])
        return [*call.args, *(word.value for word in call.keywords)]

    def _learn(self, node: ast.AST) -> None:
        pairs: list[tuple[ast.AST, ast.AST]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            pairs = [(node.optional_vars, node.context_expr)]
        for target, value in pairs:
            if self._is_tainted(value):
                self.tainted |= {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}

    def _is_tainted(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.tainted
        if isinstance(node, ast.Attribute) and node.attr in HARMLESS:
            return False
        if isinstance(node, ast.Call):
            if name_of(node) in CHECKED:
                return False
            if name_of(node) in SOURCES:
                return True
        return any(self._is_tainted(child) for child in ast.iter_child_nodes(node))


def functions(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def handed_over(source: str) -> list[int]:
    """Return the lines where the text of a host is made a word of a command line here."""
    return sorted({line for function in functions(ast.parse(source)) for line in Walk(function).found})


@pytest.mark.parametrize("module", MODULES)
def test_no_text_of_a_host_becomes_a_word_of_a_command_line(module: str) -> None:
    assert handed_over((PACKAGE / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", [module for module in MODULES if not module.endswith("server/values.py")])
def test_the_types_are_made_nowhere_else(module: str) -> None:
    made = [
        node.lineno
        for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (name_of(node) in TYPES or (name_of(node) == "cast" and ast.unparse(node.args[0]).strip("'\"") in TYPES))
    ]
    # the profile's own Port is a bound of its file, and no call
    assert made == []


def test_what_forwards_takes_a_checked_end_alone() -> None:
    for function in (Second.reached, Second._forward):
        assert inspect.signature(function).parameters["far"].annotation == "FarEnd"


@pytest.mark.parametrize(
    "body",
    [
        "words = there.run('x').decode().split()\n    process.run(['ssh', words[0]], seconds=1)",
        "out, _ = there.attempt('x')\n    far = out.decode()\n    there.second(far)",
        "said = talk.ask(b'', left, answered, 1)\n    a = said.out.split()\n    there.second(a)",
        "for line in there.run('x').splitlines():\n        process.detach(['ssh', f'-L{line}'], seconds=1)",
        "word = trial.login.run('try')\n    return _arguments(trial, word)",
        "with private(ssh, [there.run('uname -n').decode()], 'x') as other:\n        pass",
        "if (said := there.run('x')):\n        process.leave_running(['ssh', *said.split()])",
    ],
)  # fmt: skip
def test_such_a_word_is_found(body: str) -> None:
    assert handed_over(f"def f():\n    {body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "words = there.run('x').decode().split()\n    there.second(values.far_socket(words[0]), folder)",
        "done = process.run(command, seconds=1)\n    process.run(['ssh', str(done.status)], seconds=1)",
        "out = there.run('x')\n    there.run(f'echo {out}')",
    ],
)
def test_a_checked_value_and_a_script_for_the_host_are_left_alone(body: str) -> None:
    assert handed_over(f"def f():\n    {body}\n") == []
