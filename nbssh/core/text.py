"""Text for a terminal: whatever comes from elsewhere is cleaned here before anybody prints it. Pure."""

from __future__ import annotations


def printable(text: str, limit: int | None = None) -> str:
    """Escape all that a terminal could act on: control, format and bidirectional characters, odd spaces.

    Tab survives. A file from a server must not be able to move the cursor, set a title or hide text. What is longer
    than `limit` characters is cut, with an ellipsis at its end.
    """
    clean = "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode("ascii") for char in text
    )
    return clean if limit is None or len(clean) <= limit else clean[: limit - 1] + "…"
