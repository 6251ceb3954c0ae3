"""Markdown that is pasted into a report. Pure."""

from __future__ import annotations

import re


def fenced(language: str, *parts: str) -> str:
    """Return `parts`, a line or more each, as one block of code, whose fence nothing inside can end."""
    text = "\n".join(part.rstrip("\n") for part in parts)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", text))])
    return f"{fence}{language}\n{text}\n{fence}\n"
