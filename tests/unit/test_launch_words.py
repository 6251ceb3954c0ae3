"""What nbssh reads on the screen of a session is what the program on the host prints there."""

from __future__ import annotations

import pytest

from nbssh.core.files.render import templates_dir
from nbssh.core.server import launch
from nbssh.core.server.launch import Greeting, greeting


@pytest.mark.parametrize("words", [launch.READY, "started on ", "is already running on "])
def test_the_program_says_these_words(words: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in templates_dir().rglob("*.sh")]
    assert any(words in text for text in texts)


@pytest.mark.parametrize(
    ("screen", "wanted"),
    [
        ("Welcome!\r\nnbssh: JupyterLab started on gpu1 in 2.1 s\r\n", ("JupyterLab started on gpu1 in 2.1 s", True)),
        ("nbssh: Jupyter is already running on a since 9:00", ("Jupyter is already running on a since 9:00", False)),
        ("gpu1 was started on Monday\r\n", ("ready", False)),
        ("nbssh: x\x1b[2J started on y", (r"x\x1b[2J started on y", True)),
        ("", ("ready", False)),
    ],
)  # fmt: skip
def test_the_greeting_is_read_as_a_value(screen: str, wanted: tuple[str, bool]) -> None:
    assert greeting(screen) == Greeting(*wanted)
