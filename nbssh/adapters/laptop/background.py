"""What keeps an ssh in the background on a system whose ssh cannot go there by itself (ssh -f)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from nbssh.adapters.programs.lsof import Holder


class Known(NamedTuple):
    """By what a process is found again: its number, which another one may get later, and when it began."""

    pid: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
    began: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Hidden(Protocol):
    """A program that nobody sees. What it started, and itself, end with us, until it is let go."""

    known: Known

    def status(self) -> int | None:
        """Return the status that it ended with, None while it runs."""

    def owns(self, pid: int) -> bool:
        """Tell whether that process is it or what it started; 0, which nobody can name, may be."""

    def let_go(self) -> None:
        """Let it outlive us."""


class Background(Protocol):
    """The programs in the background."""

    def start(self, command: Sequence[str], *, errors: BinaryIO, cwd: Path) -> AbstractContextManager[Hidden]:
        """Start one that reads nothing and writes its stderr to `errors`; at the end of the block it ends."""

    def lasts(self, known: Known) -> bool:
        """Tell whether it is still there."""

    def end(self, known: Known) -> None:
        """End it, if it is still there."""

    def listeners(self, port: int) -> Sequence[Holder]:
        """Return who listens on a port of 127.0.0.1; one that nobody can name has the number 0."""
