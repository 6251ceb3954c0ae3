"""How to talk to the user. stdout is the product, stderr the talk; `screen` writes both, cleaned.

Errors are `nbssh: error: …`, followed by `nbssh: hint: …`; lower case, no full stop. Nothing waits for an answer
without a terminal. NO_COLOR and TERM=dumb are honoured, `--color` has the last word.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.terminal import screen
from nbssh.core.text import printable
from nbssh.errors import NbsshError, SaidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Paint = Callable[[str], str]

When = Literal["auto", "always", "never"]
_STYLES = {"error": "31;1", "hint": "36", "warning": "33", "bold": "1", "dim": "2", "good": "32"}


@dataclass
class Ui:
    """How to talk to this user: colours or not, questions or not."""

    when: When = "auto"
    yes: bool = False
    quiet: bool = False

    def colored(self, stream: TextIO) -> bool:
        """Tell whether `stream` gets colours."""
        if self.when != "auto":
            return self.when == "always"
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return stream.isatty() and not plain

    def style(self, text: str, name: str, stream: TextIO) -> str:
        """Return `text` in one of our few styles, where `stream` shows them."""
        return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if self.colored(stream) else text

    def product(self, text: str, *, paint: Paint | None = None) -> None:
        """Print what the command was asked for; `paint` colours a line of it where colours are wanted."""
        self._write(sys.stdout, text if text.endswith("\n") else text + "\n", paint)

    def json(self, **data: Any) -> None:  # noqa: ANN401  whatever JSON can say
        """Print the one object of `--json`: version of the envelope, then sorted keys."""
        import json  # noqa: PLC0415  only for a program

        self.product(json.dumps({"nbssh": 1, **data}, sort_keys=True, indent=2))

    def say(self, text: str) -> None:
        """Tell what was done."""
        if not self.quiet:
            self._line(text)

    def warn(self, text: str) -> None:
        """Tell what the user should know though it went well."""
        self._line(text, "warning")

    def error(self, error: NbsshError) -> None:
        """Print an expected failure and the way out, unless its host has."""
        if isinstance(error, SaidError):
            return
        self._line(error.message, "error")
        if error.hint:
            self._line(error.hint, "hint")

    def talk(self, text: str, *, paint: Paint | None = None) -> None:
        """Show something longer that is no product, a diff before a question for example."""
        self._write(sys.stderr, text, paint)

    def _write(self, stream: TextIO, text: str, paint: Paint | None) -> None:
        screen.write(stream, text, paint=paint if self.colored(stream) else None)

    def _line(self, text: str, kind: str = "") -> None:
        """Say one line: an end of a line in `text` cannot begin another, which would look like ours."""
        label = f"{kind}: " if kind else ""
        self._write(
            sys.stderr, f"nbssh: {label}{printable(text)}\n",
            lambda line: line.replace(label, self.style(label, kind, sys.stderr), 1) if label else line,
        )  # fmt: skip

    def ask(self, question: str, *, otherwise: str, default: bool = False) -> bool:
        """Ask for a yes; `--yes` is one, and Enter is what `default` says. What is no answer is asked again.

        Without a terminal it is an error with the hint `otherwise`.
        """
        if self.yes:
            return True
        if not is_terminal():
            raise NbsshError(f"{question} nobody can be asked without a terminal", SYSTEM.without_terminal(otherwise))
        answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
        while True:
            line = _answer(f"{question} {'[Y/n]' if default else '[y/N]'}")
            if line is None:
                return False
            if (said := line.lower()) in answers:
                return answers[said]

    @property
    def asks(self) -> bool:
        """Tell whether somebody can be asked for more than a yes."""
        return not self.yes and is_terminal()

    def line(self, question: str) -> str:
        """Ask for a line, where `asks`; return it without blanks around it, empty where nothing was typed."""
        return _answer(question) or ""

    def new_password(self, name: str) -> str:
        """Ask twice for the password of `name`, hidden; any password but an empty one is accepted."""
        if not is_terminal():
            raise NbsshError(
                "the notebook password cannot be asked for without a terminal",
                SYSTEM.without_terminal("give it with --password-stdin, or take a random token with --token"),
            )
        while True:
            first = _hidden(f"password for the notebooks of '{name}' (not your ssh password)")
            if not first:
                print("nbssh: an empty password would let everybody in; once more", file=sys.stderr)
                continue
            if _hidden("the same again") == first:
                return first
            print("nbssh: the two differ; once more", file=sys.stderr)

    def password(self, name: str) -> str:
        """Ask once for the password of `name`, hidden."""
        if not is_terminal():
            raise NbsshError(
                "the notebook password cannot be asked for without a terminal",
                SYSTEM.without_terminal("give it with --password-stdin"),
            )
        return _hidden(f"password for the notebooks of '{name}'")


def is_terminal() -> bool:
    """Tell whether somebody reads what is asked, and can answer."""
    # a stream that was closed (<&-) is None
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _hidden(question: str) -> str:
    """Return what is typed behind `question`, unseen."""
    import getpass  # noqa: PLC0415  only for a question

    try:
        return getpass.getpass(f"nbssh: {question}: ")
    except UnicodeDecodeError:
        raise _no_utf8() from None
    except KeyboardInterrupt:  # no ^C is echoed, and no end of the line
        screen.write(sys.stderr, "\n")
        raise


def _no_utf8() -> NbsshError:
    return NbsshError("the password is not UTF-8", "type it in a UTF-8 terminal")


def _answer(question: str) -> str | None:
    """Return what is typed behind `question`, without blanks around it; None for Ctrl-D."""
    screen.write(sys.stderr, f"nbssh: {printable(question)} ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        screen.write(sys.stderr, "\n")
        return None
    return line.strip()


def password_from_stdin() -> str:
    """Return the first line of stdin without its line end: the password for `--password-stdin`."""
    data = sys.stdin.buffer.readline().rstrip(b"\r\n") if sys.stdin is not None else b""
    if not data:
        raise NbsshError(
            "--password-stdin: the first line on stdin is empty", f"pipe the password in: {SYSTEM.to_pipe}"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _no_utf8() from None


def fitted(rows: Sequence[Sequence[str]], width: int, spared: Sequence[str]) -> list[list[str]]:
    """Return `rows` without those columns of `spared`, the first one first, that keep a line from fitting `width`."""
    heads = list(rows[0])
    for gone in spared:
        if sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) - 2 <= width:
            break
        rows = [[cell for head, cell in zip(heads, row, strict=True) if head != gone] for row in rows]
        heads.remove(gone)
    return [list(row) for row in rows]


def moment(seconds: float | None) -> str:
    """Return a time as people say it, `Monday, 23 November, 09:14`; nothing for none."""
    return time.strftime("%A, %d %B, %H:%M", time.localtime(seconds)) if seconds else ""


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Return `rows` as aligned columns, two blanks between; a table that other programs can read too."""
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))] if table else []
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in table
    )
