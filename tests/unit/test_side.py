"""Who runs nbssh, and where ssh looks for that user's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.adapters.laptop.paths import Paths
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

NOBODY_HAS = 1_234_567


on_posix = pytest.mark.not_on_windows("it has no password database")


@on_posix
def test_a_user_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_HAS)
    with pytest.raises(NbsshError, match=f"no user with the uid {NOBODY_HAS}, and without one ssh does not work"):
        ClientSystem().password_home()


@on_posix
def test_the_home_is_that_of_the_password_database_whatever_home_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    assert ClientSystem().password_home().is_dir()


@on_posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_home_that_only_somebody_else_can_enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "home").mkdir(parents=True)
    theirs.chmod(0o700)
    monkeypatch.setenv("HOME", str(theirs / "home"))
    os.seteuid(NOBODY_HAS)
    try:
        with pytest.raises(NbsshError, match=r"the home directory '.*/theirs/home': Permission denied"):
            Paths.of_user()
    finally:
        os.seteuid(0)
