"""What ssh says while it logs in: each line is told once, as it comes or by what says that ssh ended with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbssh.adapters.ssh import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def test_a_line_is_shown_while_ssh_waits_and_the_one_it_ends_with_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SECONDS", 0.001)
    said, shown, come = ["Permission denied, please try again."], list[str](), threading.Event()

    def show(lines: Sequence[str]) -> None:
        shown.extend(lines)
        if lines:
            come.set()

    with follow.followed(lambda: said, show) as rest:
        assert come.wait(30)
    assert (shown, list(rest())) == (said, [])

    shown.clear()
    monkeypatch.setattr(follow, "SECONDS", 3600.0)
    with follow.followed(lambda: said, show) as rest:
        pass
    assert (shown, list(rest())) == ([], said)
    said.append("Permission denied (publickey,password).")
    with follow.followed(lambda: said, show) as rest:
        pass
    assert (shown, list(rest())) == (said[:1], said[1:])
