"""Comments, docstrings, messages and papers are plain English: no words in the order of another language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
        (r"\bfor who (?!in )[a-z]", "for somebody who"),
        (r"\bfor to\b", "to, because"),
        (r", it too\b", "too"),
    ],
)
def test_a_word_order_of_another_language(odd: str, instead: str) -> None:
    found = {name: line for name, text in TEXTS.items() for line in text.splitlines() if re.search(odd, line)}
    assert found == {}, f"say: {instead}"
