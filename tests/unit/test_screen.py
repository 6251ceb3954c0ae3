"""Nothing that comes from elsewhere steers a terminal: there is one way to it, and that cleans."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbssh
from nbssh.adapters.terminal import screen
from nbssh.adapters.terminal.table import print_findings, print_rows
from nbssh.adapters.terminal.ui import Ui, columns
from nbssh.core.server.doctor import Finding
from nbssh.core.text import cleaned, printable, span
from nbssh.errors import NbsshError

PACKAGE = Path(nbssh.__file__).parent
EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202eevil\u2066\rover\b\x7f\x00\u200b\ud800"


def is_tame(text: str) -> bool:
    return all(char.isprintable() or char in "\n\t" for char in text.replace("\r\n", "\n"))


@given(st.text())
def test_whatever_is_cleaned_is_tame_and_stays_what_it_is(text: str) -> None:
    assert is_tame(cleaned(text))
    assert is_tame(printable(text))
    assert "\n" not in printable(text)
    assert cleaned(cleaned(text)) == cleaned(text)
    if is_tame(text):
        assert cleaned(text) == text


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_pieces_of_bytes_are_tame_wherever_they_are_cut(pieces: list[bytes]) -> None:
    made = screen.Pieces()
    shown = "".join(made.cleaned(piece) for piece in pieces) + made.cleaned(b"", final=True)
    assert is_tame(shown)
    text = b"".join(pieces).decode("utf-8", "replace")
    assert shown == "\n".join(printable(line) for line in re.split(r"\r{0,2}\n", text))


def test_the_line_ends_of_ssh_in_a_terminal_are_no_characters_to_show() -> None:
    made = screen.Pieces()
    assert made.cleaned(b"closed.\r") + made.cleaned(b"\r\nnext\r\n") == "closed.\nnext\n"
    assert made.cleaned(b"\r\r\r\n") == "\\r\n"


@pytest.mark.parametrize("when", ["always", "never"])
def test_every_way_to_say_something_cleans(capsys: pytest.CaptureFixture[str], when: str) -> None:
    ui = Ui(when)  # type: ignore[arg-type]
    ui.product(EVIL)
    ui.product(columns([[EVIL, "b"], ["c", EVIL]]))
    ui.say(EVIL)
    ui.warn(EVIL)
    ui.error(NbsshError(EVIL, EVIL))
    ui.talk(EVIL)
    ui.json(said=EVIL)
    print_findings([Finding(EVIL, "error", EVIL, EVIL, EVIL)], color=when == "always")
    print_rows([["A", "B"], [EVIL, EVIL]], color=when == "always", styles={}, wrapped=["B"], spared=[])
    seen = "".join(capsys.readouterr())
    for style in ("31;1", "36", "33", "1;31", "1", "0", "32"):  # our own colours
        seen = seen.replace(f"\x1b[{style}m", "")
    assert is_tame(seen)
    assert "\\x1b]52;c;" in seen


def test_a_line_end_in_a_message_begins_no_line_that_looks_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    Ui("never").error(NbsshError("odd\nnbssh: hint: rm -rf ~", "see\r\nnbssh: done"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["nbssh: error: odd\\nnbssh: hint: rm -rf ~", "nbssh: hint: see\\r\\nnbssh: done"]


def test_paint_is_put_on_what_was_cleaned() -> None:
    stream = io.StringIO()
    screen.write(stream, "a\x1b[31m\nb\n", paint=lambda line: f"<{line}>")
    assert stream.getvalue() == "<a\\x1b[31m>\n<b>\n"


@pytest.mark.not_on_windows("it has none of these programs")
def test_what_a_program_says_is_shown_cleaned_and_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    said = b"\xf0\x9f\x98\x80 \x1b]0;title\x07\xc2\x9bx\r\nlast words"
    with screen.relay() as errors:
        for number in range(len(said)):
            os.write(errors, said[number : number + 1])
        subprocess.run(["sh", "-c", "echo more; printf end"], stdout=errors, check=True)
    assert capsys.readouterr().err == "\U0001f600 \\x1b]0;title\\x07\\x9bx\nlast wordsmore\nend"


# --- nobody goes another way -----------------------------------------------------------------------------------------

# the printer, and the one that hands its text to rich
WRITERS = {"adapters/terminal/screen.py", "adapters/terminal/table.py"}
CONSTANT = (ast.Constant,)
# the demo shows what it starts on this machine itself
WHOLE = sorted(path for path in PACKAGE.rglob("*.py") if "demo" not in path.relative_to(PACKAGE).parts)


def raw_writes(source: str) -> list[int]:
    """Return where something that is no literal goes to stdout or stderr."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        raw = name == "print" or name.endswith(("stdout.write", "stderr.write", "stdout.buffer.write"))
        if raw and not all(isinstance(argument, CONSTANT) for argument in node.args):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_but_the_screen_writes(path: Path) -> None:
    found = raw_writes(path.read_text(encoding="utf-8"))
    name = path.relative_to(PACKAGE).as_posix()
    if name == "__main__.py":
        assert len(found) == 1, "our own version alone"
    elif name not in WRITERS:
        assert found == []


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_program_inherits_our_stdout_or_stderr(path: Path) -> None:
    """An editor is the user's own; whatever else is started has its outputs read, dropped, filed or relayed."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name != "interact":
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in {"subprocess.Popen", "_started"}:
                    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
                    if None in given:  # **options, which the callers of that function give
                        continue
                    assert given.get("stdout", "None") != "None", f"{path}:{call.lineno}"
                    assert given.get("stderr", "None") != "None", f"{path}:{call.lineno}"


def test_lines_survive_and_nothing_else_does() -> None:
    assert cleaned("a\r\nb\x1b[2J\n\rc") == "a\r\nb\\x1b[2J\n\\rc"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (44.6, "45 s"), (60, "1 min"), (630, "10 min"), (3600, "1 h"), (80000, "22 h"), (172800, "2 d")],
)
def test_a_time_is_said_in_the_largest_fitting_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


def shown(rows: int, text: str) -> tuple[list[str], tuple[int, int]]:
    """Return the rows of a terminal that got `text`, and where its cursor is: VT100's moves, and IL of the VT102."""
    lines, row, column, kept = [""] * rows, 0, 0, (0, 0)
    for word in re.findall(r"\x1b\[L|\x1b.|.", text, re.DOTALL):
        if word in {"\n", "\x1bD"}:
            column = 0 if word == "\n" else column
            if row == rows - 1:
                lines = [*lines[1:], ""]
            else:
                row += 1
        elif word == "\x1bM":
            assert row, "it would scroll back"
            row -= 1
        elif word == "\r":
            column = 0
        elif word == "\x1b7":
            kept = row, column
        elif word == "\x1b8":
            row, column = kept
        elif word == "\x1b[L":
            lines = [*lines[:row], "", *lines[row:-1]]
        else:
            lines[row] = f"{lines[row]:{column}}"[:column] + word + lines[row][column + 1 :]
            column += 1
    return lines, (row, column)


@pytest.mark.parametrize("above", range(5))
def test_a_line_comes_above_a_question_that_waits_wherever_that_is(above: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, asked = io.StringIO(), "me@box's password: "
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(stream, "fileno", lambda: 7)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((40, 3)))
    monkeypatch.setenv("TERM", "xterm")
    stream.write("x\n" * above + asked)
    screen.write_above(stream, "Permission denied\x1b[2J")
    told = [*["x"] * above, "Permission denied\\x1b[2J", asked, *[""] * (1 - above)]
    assert shown(3, stream.getvalue()) == (told[-3:], (min(above + 1, 2), len(asked)))


def test_without_a_terminal_that_can_a_line_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for term, columns_there, line in (("dumb", 40, "short"), ("xterm", 40, "l" * 40), ("xterm", 40, "\u00e9" * 20)):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: True)
        monkeypatch.setattr(stream, "fileno", lambda: 7)
        monkeypatch.setattr("os.get_terminal_size", lambda _, wide=columns_there: os.terminal_size((wide, 3)))
        monkeypatch.setenv("TERM", term)
        screen.write_above(stream, line)
        assert stream.getvalue() == f"{line}\n"
