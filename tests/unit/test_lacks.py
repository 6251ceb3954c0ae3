"""What a start needs on its host and the probe did not find: what is said of it, and whether it stops a start."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nbssh.core.profile.profile import Profile
from nbssh.core.server.facts import Facts
from nbssh.core.server.needs import Lack, lacks

FACTS = Facts(home="/home/alice", uid=1000, host="gpu1", os="Linux")
PROFILE = Profile(destination="box", port=8888, setup=["module load a", "conda activate \x1b[2J"])

ALIVE = 'setup_shell = ["bash", "-l", "-i"]'


def found(**change: Any) -> list[Lack]:  # noqa: ANN401  any key of the facts
    return lacks("box", PROFILE, msgspec.structs.replace(FACTS, **change))


def test_where_all_is_there_nothing_is_said() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("change", "key", "message", "repair", "fatal"),
    [
        (
            {"shell_missing": "zsh"}, "setup_shell",
            "the shell of the setup lines, 'zsh', is not on gpu1", "nbssh edit box: setup_shell", True,
        ),
        (
            {"failed_lines": ((1, 127),)}, "setup",
            "setup line 1 ('module load a') ended with status 127 on gpu1",
            f"try it in a terminal there; what works only in one takes {ALIVE}, then nbssh edit box: setup", False,
        ),
        (
            {"setup_late": True, "setup_ended": False}, "setup",
            "the setup lines did not come to their end within 20 s on gpu1",
            "if one of them waits for something: nbssh edit box: setup", False,
        ),
        (
            {"setup_ended": False}, "setup",
            "a setup line ends its shell on gpu1, so Jupyter is not reached",
            'take exit, or exec without "$@", out of it: nbssh edit box: setup', True,
        ),
        (
            {"folder_missing": "/home/alice/notes"}, "dir",
            "the notebooks' folder /home/alice/notes is not on gpu1, or cannot be entered",
            "make it there: mkdir -p '/home/alice/notes'; or nbssh edit box: dir", True,
        ),
    ],
)  # fmt: skip
def test_one_thing_is_missing(
    change: dict[str, Any],
    key: str,
    message: str,
    repair: str,
    fatal: bool,  # noqa: FBT001  parametrized
) -> None:
    assert found(**change) == [Lack(key, message, repair, fatal)]


def test_a_shell_that_is_as_a_terminals_is_not_made_more_so() -> None:
    for words, told in ((["zsh"], '["zsh", "-i"], then '), (["bash", "-l", "-i"], "there, then ")):
        profile = msgspec.structs.replace(PROFILE, setup_shell=words)
        (lack,) = lacks("box", profile, msgspec.structs.replace(FACTS, failed_lines=((1, 127),)))
        assert lack.repair.endswith(f"{told}nbssh edit box: setup")


def test_all_that_is_missing_is_said_in_order() -> None:
    said = found(shell_missing="zsh", failed_lines=((1, 1), (2, 2)), setup_ended=False, folder_missing="/x")
    assert [lack.key for lack in said] == ["setup_shell", "setup", "setup", "setup", "dir"]


def test_a_line_of_any_number_is_shown_safely() -> None:
    """The numbers come from the host."""
    said = [lack.message for lack in found(failed_lines=((2, 1), (0, 1), (9, 1)))]
    assert said == [
        r"setup line 2 ('conda activate \x1b[2J') ended with status 1 on gpu1",
        "setup line 0 ('') ended with status 1 on gpu1",
        "setup line 9 ('') ended with status 1 on gpu1",
    ]
