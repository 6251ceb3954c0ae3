"""Fixtures of these tests: the laptop without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dotfiles import Laptop, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """Give a home with an ssh config, which is this process' own too, so that `dotfiles.run_here` works in it."""
    with scratch() as folder:
        made = Laptop(folder / "h")
        made.write()
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made
