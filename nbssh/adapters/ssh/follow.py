"""What ssh says while it logs in, shown as it comes: it goes into a file, of which only some lines are for people."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SECONDS = 0.1  # between two looks: somebody sits at her password

# What LogLevel VERBOSE adds and nobody needs; from `Learned` on it is of UpdateHostKeys (clientloop.c, hostfile.c)
_NOISE = re.compile(
    "Authenticated |Transferred: |Bytes per second: |OpenSSH_|Connection to |Killed by signal |Canonicalized DNS |"
    r"Learned new hostkey: |Deprecating obsolete hostkey: |Adding new key for |Fixing match \(|"
    r"\S+:\d+: Removed \S+ key for "
)


def is_for_people(line: str) -> bool:
    """Tell whether ssh says `line` without LogLevel VERBOSE, too."""
    return not _NOISE.match(line)


@contextlib.contextmanager
def followed(
    lines: Callable[[], Sequence[str]], show: Callable[[Sequence[str]], None]
) -> Iterator[Callable[[], Sequence[str]]]:
    """For the time of the block show what `lines`, which grow at their end, have more each time.

    The newest one waits for a second look: ssh may end with it, and what says that ends with its reason. Yield what
    returns, after the block, those that are not shown yet: one at most.
    """
    ended = threading.Event()
    seen, there = 0, 0

    def more() -> None:
        nonlocal seen, there
        found = lines()
        ready = max(seen, len(found) if len(found) == there else len(found) - 1)
        show(found[seen:ready])
        seen, there = ready, len(found)

    def look() -> None:
        while not ended.wait(SECONDS):
            more()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lambda: lines()[seen:]
    finally:
        ended.set()
        thread.join()
        there = -1
        more()
