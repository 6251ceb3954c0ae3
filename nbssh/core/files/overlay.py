"""Templates of the user's own, which stand in place of those of the package. Pure; the rim says how they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Source(NamedTuple):
    """A template of hers: the package's name for it, that of her file as it is shown, and its text."""

    name: str
    file: str
    text: str


class Overlay:
    """What lies over the package's templates; read once, when the first template is asked for."""

    def __init__(self) -> None:
        """Lay nothing over them."""
        self._read: Callable[[], tuple[Source, ...]] = tuple
        self._found: tuple[Source, ...] | None = None

    def lay(self, read: Callable[[], tuple[Source, ...]]) -> None:
        """Lay over them what `read` returns, which may raise NbsshError."""
        self._read, self._found = read, None

    def sources(self) -> tuple[Source, ...]:
        """Return all of hers; what is kept for later is kept for these."""
        if self._found is None:
            self._found = self._read()
        return self._found

    def get(self, name: str) -> Source | None:
        """Return her own template of this name, None where the package's counts."""
        return next((source for source in self.sources() if source.name == name), None)


OVERLAY = Overlay()
"""The one of this process; what is rendered goes by it."""
