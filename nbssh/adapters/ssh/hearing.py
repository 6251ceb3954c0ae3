"""What is heard of a script on a host: whether its last word has come, and whether its shell says nothing at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbssh.adapters.programs.conversation import Conversation

ANSWER_SECONDS = 60.0  # from the login to the first word of /bin/sh: nobody is asked any more, but rc files may be slow
AWAKE_SECONDS = 10.0  # from the first word of whatever shell it is to that of /bin/sh


class Ending:
    """Tells whether the mark and its line are there, looking at no byte twice: an answer may be long."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._seen = 0

    def __call__(self, out: bytearray) -> bool:
        """Return it."""
        at = out.find(self._mark, self._seen)
        if at < 0:
            self._seen = max(0, len(out) - len(self._mark))
            return False
        self._seen = at
        return out.find(b"\n", at + len(self._mark)) >= 0


class Silence:
    """Ends the stdin of a shell that says nothing: some (fish) read all of it before they do the first line.

    A host that says something, such as `Pushed a login request to your phone`, gets the time of a slow one: each
    further session may cost a further push.
    """

    def __init__(self, talk: Conversation, mark: bytes, logged_in: Callable[[], bool], *, known: bool) -> None:
        self._talk, self._mark, self._logged_in = talk, mark, logged_in
        self._over, self._since = known, 0.0
        self.broken = False

    def left(self, seconds: float, out: bytearray) -> float:
        """Return `seconds`, having looked at the clock."""
        self._over = self._over or self.broken or self._mark in out
        if not self._over and (self._since or self._logged_in()):
            self._since = self._since or time.monotonic()
            patience = ANSWER_SECONDS - AWAKE_SECONDS if out.strip() else AWAKE_SECONDS
            if time.monotonic() - self._since > patience:
                self.broken = True
                self._talk.hush()
        return seconds
