"""A host that writes escape sequences, overwrites lines or turns text round does not get them onto the terminal."""

from __future__ import annotations

import re
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest
from serving import PASSWORD, fake_jupyter, free_port

if TYPE_CHECKING:
    from bed import Bed

# OSC 52 fills the clipboard, CSI 2J clears, U+009B is CSI in one character, U+202E turns the text round
EVIL = rb"\033]52;c;ZXZpbA==\007\033[2J\033[8m\302\233\061mX\342\200\256Y\342\201\246Z\010\rover\n"
BAD = {*map(chr, (*range(9), *range(11, 32), *range(127, 160))), "\u202e", "\u2066", "\u200b"}


def raw(bed: Bed, *words: str, stdin: bytes = b"") -> str:
    """Run nbssh and return what it wrote, byte for byte as far as that is UTF-8."""
    with tempfile.TemporaryFile() as said:
        subprocess.run(
            bed._argv(["nbssh", *words]), env=bed.env, cwd=bed.local_home, input=stdin, stdout=said, stderr=said,
            timeout=60, check=False,
        )  # fmt: skip
        said.seek(0)
        return said.read().decode("utf-8", "surrogateescape")


def talkative(bed: Bed, *streams: int) -> None:
    """Let every login on the server write EVIL."""
    login = bed.server.folder / "login"
    lines = "".join(f"printf '{EVIL.decode()}' >&{stream}\n" for stream in streams)
    login.write_text(login.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{lines}"))


COMMANDS = (
    ("add", "box", "--yes", "--password-stdin"),
    ("status",),
    ("status", "box"),
    ("apply", "box"),
    ("apply", "--probe", "box"),
    ("diff", "box"),
    ("doctor",),
    ("doctor", "box"),
    ("logs", "box"),
    ("kill", "box"),
    ("passwd", "box", "--password-stdin"),
    ("remove", "box"),
)


@pytest.mark.parametrize("streams", [(2,), (1, 2)], ids=["stderr", "both"])
def test_no_command_lets_it_through(bed: Bed, streams: tuple[int, ...]) -> None:
    talkative(bed, *streams)
    seen = ""
    for words in COMMANDS:
        more = ("--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())) if words[0] == "add" else ()
        said = raw(bed, *words, *more, stdin=f"{PASSWORD}\n".encode())
        assert not BAD & set(said), (words, said)
        seen += said
    assert "\\x1b]52;c;ZXZpbA==\\x07" in seen, "it is shown, as text"


def test_a_log_that_is_followed_does_not_either(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port()))
    run = bed.remote_home / ".local/state/nbssh/box" / bed.on_server("uname -n").stdout.strip()
    run.mkdir(parents=True)
    (run / "log").write_bytes(b"one \x1b]0;title\x07\xc2\x9b two\n")
    talkative(bed, 2)
    child = bed.spawn("nbssh", "logs", "-f", "box")
    child.expect_exact("\\x9b two")
    seen = str(child.before)
    child.sendintr()
    child.expect("interrupted")
    assert not (BAD - {"\r"}) & set(seen + str(child.before))


def test_on_a_terminal_too_and_a_question_of_ssh_is_still_asked(bed: Bed) -> None:
    talkative(bed, 2)
    bed.ssh_config.write_text(
        bed.ssh_config.read_text()
        .replace(f"{bed.server.folder}/known_hosts", f"{bed.folder}/new_hosts")
        .replace("StrictHostKeyChecking yes", "StrictHostKeyChecking ask")
    )
    child = bed.spawn(
        "nbssh",
        "--color=never",
        "add",
        "box",
        "--token",
        "--yes",
        "--jupyter",
        str(fake_jupyter(bed)),
        "--port",
        str(free_port()),
    )
    child.expect("continue connecting")
    seen = str(child.before)
    child.sendline("yes")
    child.expect_exact("\\x1b]52;c;ZXZpbA==\\x07")
    seen += f"{child.before}{child.after}"
    child.expect("now type: ssh box-nb")
    seen += str(child.before)
    # our own moves, which put a line above the question that ssh asks (screen.write_above)
    told = re.sub("\x1bD\x1bM\x1b7\r\x1b\\[L([^\x1b]*)\x1b8\x1bD", r"\1", seen)
    assert not (BAD - {"\r"}) & set(told)


def test_a_destination_that_turns_the_text_round_and_a_stdout_that_cannot_say_it(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"box"', '"b\u202eox\u7528\u2713"'), encoding="utf-8")
    for encoding in ("utf-8", "latin-1", "ascii", "latin-1:strict"):
        bed.env["PYTHONIOENCODING"] = encoding
        for words in (("list",), ("show", "box"), ("status",), ("doctor", "--offline"), ("list", "--json")):
            with tempfile.TemporaryFile() as out:
                done = subprocess.run(
                    bed._argv(["nbssh", *words]), env=bed.env, cwd=bed.local_home, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=subprocess.PIPE, timeout=60, check=False,
                )  # fmt: skip
                out.seek(0)
                said = out.read() + done.stderr
            assert done.returncode in {0, 1}, (words, encoding, said)
            assert b"Traceback" not in said
            assert b"bug in nbssh" not in said
            assert b"\xe2\x80\xae" not in said
