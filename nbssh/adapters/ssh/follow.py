"""What ssh says while it logs in, shown as it comes: it goes into a file, of which only some lines are for people."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SECONDS = 0.1  # between two looks: somebody sits at her password


@contextlib.contextmanager
def followed(lines: Callable[[], Sequence[str]], show: Callable[[Sequence[str]], None]) -> Iterator[None]:
    """For the time of the block show what `lines`, which grow at their end, have more each time."""
    ended = threading.Event()
    seen = 0

    def more() -> None:
        nonlocal seen
        found = lines()
        show(found[seen:])
        seen = max(seen, len(found))

    def look() -> None:
        while not ended.wait(SECONDS):
            more()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        more()
