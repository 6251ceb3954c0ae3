"""Comments, docstrings, messages and papers are plain English: no words in the order of another language."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbssh.core.profile import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
TEXTS = {
    str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
    for folder in ("nbssh", "templates")
    for path in sorted((REPOSITORY / folder).rglob("*"))
    if path.is_file() and "__pycache__" not in str(path)
} | {
    str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
    for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
}


@pytest.mark.parametrize(
    ("odd", "instead"),
    [
        (r"\banew\b", "again"),
        (r"\bbesides\b", "beside, too, and"),
        (r"\b(would|could|which would) else\b", "otherwise"),
        (r"[.:;] Else\b", "Otherwise"),
        (r", else\b", "otherwise, or"),
        (r"\bfor who (?!in )[a-z]", "for somebody who"),
        (r"\bfor to\b", "to, because"),
        (r", it too\b", "too"),
    ],
)
def test_a_word_order_of_another_language(odd: str, instead: str) -> None:
    found = {name: line for name, text in TEXTS.items() for line in text.splitlines() if re.search(odd, line)}
    assert found == {}, f"say: {instead}"


# A host is the machine, Jupyter is what runs there: "server" could be either.
SERVER = re.compile(r"(?<![\w/.-])servers?(?![\w/-])", re.IGNORECASE)
# What is called so all the same
CALLED_SO = (
    "the server keeps running",  # at Ctrl-C: programs around nbssh wait for these words
    "(server ${api_version})",  # the version of the package Jupyter Server, as the next ones
    "jupyter server ",
    "Jupyter server,",  # an editor's own words for where the address goes
    "Jupyter Server",
    "lab|notebook|server",  # a value of --app
)
SAID = re.compile(
    r"""\b(say|fail)\ ["']  |  \bnbssh:\ (?!apply)  |  ^\s*printf\ '%s\\n'\ "
    |  \b(fate|message|hint|reason|repair|advice)=["']  |  \$said\ =""",
    re.VERBOSE,
)


def python_words(name: str, text: str) -> Iterator[str]:
    """Yield the strings of more than one word; of the docstrings only those that are help."""
    tree = ast.parse(text)
    silent = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and not name.startswith("nbssh/cli/")
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in silent:
            continue
        if re.search(r"\s\S*[^\W_]", node.value):
            yield node.value


def template_words(text: str) -> Iterator[str]:
    """Yield the lines that say something, and those that go on with it."""
    goes_on = False
    for line in text.splitlines():
        if not line.lstrip().startswith("#") and (goes_on or SAID.search(line)):
            yield line
            goes_on = line.endswith(("\\", "+"))


@functools.cache
def said_words() -> dict[str, list[str]]:
    """Return what each file says."""
    return {
        name: list(python_words(name, text) if name.endswith(".py") else template_words(text))
        for name, text in TEXTS.items()
        if name.startswith(("nbssh/", "templates/"))
    } | {
        "templates/carried/README": TEXTS["templates/carried/README"].splitlines(),
        schema.FILE: re.findall(r'"description": .*', schema.text()),
    }


def test_what_nbssh_says_is_found() -> None:
    said = "\n".join(line for lines in said_words().values() for line in lines)
    for words in (
        "could not be read, so its host",
        "the Jupyter of '${name}' runs on ${end_other}",
        "install curl or python3 there",
        "systemd here ends Jupyter",
        "window shows the same Jupyter",
        "once Jupyter is there, this prints",
        "Stop the Jupyter of one profile",
        "Your home on the host",
    ):
        assert words in said


def test_what_nbssh_says_tells_the_host_from_jupyter() -> None:
    ambiguous = {}
    for name, lines in said_words().items():
        for line in lines:
            rest = line
            for words in CALLED_SO:
                rest = rest.replace(words, "")
            if SERVER.search(rest):
                ambiguous[name] = line
    assert ambiguous == {}, "say host, or Jupyter"
