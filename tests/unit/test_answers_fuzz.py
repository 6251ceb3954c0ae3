"""Whatever a host says, each parser of it gives a bounded value or an error in words: never a bug, never much memory.

NBSSH_FUZZ_ANSWERS says how many answers each is fed; `make fuzz` says 100,000.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from nbssh.batch import said
from nbssh.core import answers
from nbssh.core.server import archive, facts, launch, survey, values
from nbssh.errors import NbsshError
from nbssh.steps import server_files
from nbssh.steps.server_status import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("NBSSH_FUZZ_ANSWERS", "2000"))
MEASURED = 500  # answers whose memory is looked at: that takes ten times as long
PEAK = 64 << 20  # bytes, for an answer of some KiB

KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4e"
PROBE = (
    b"nbssh-00-begin\nhost home=/home/u uid=1000 host=h os=Linux homefs=ext4\njupyter path=/x/jupyter-lab "
    b"program=jupyter-lab asked= python=/x/python jupyterlab=4.0 argon2=1\nsocket home=ok tmp=ok limit=107\n"
    b"login told=no\nopen path=/home why=x repair=y\nnbssh-00-end\n"
)
STATUS = (
    b'{"nbssh":1,"name":"box","host":"h","state":"running","pid":12,"version":"2.21","kernels":1,"sessions":2,'
    b'"since":1,"last_activity":2,"log":"/x","elsewhere":["y"],"job":{"id":"4711","node":"c1","state":"RUNNING"}}\n'
)
SURVEY = b"clock 1700000000\nhost h\nfree /home 12345\nquota x\nkills yes\nprofile box\nrun box h record\nopen /x y\n"
READ = b"program 0123456789abcdef sha256 00 00\nlaptop 0000000000000000\nfile 1 0600 /home/u/x\n"
LAUNCH = b"nbssh: JupyterLab (server 2.21) started on h in 0.3 s\r\nnbssh: open http://127.0.0.1:8888/\r\n"


def tar() -> bytes:
    """Return a small archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as file:
        for name in ("home/u/profile", "x" * 150):
            member = tarfile.TarInfo(name)
            member.size = 3
            file.addfile(member, io.BytesIO(b"abc"))
    return made.getvalue()


def tar_or_odd(data: bytes) -> None:
    """Read an archive as the reader of a host's files does."""
    with contextlib.suppress(archive.OddArchiveError):
        archive.files(data, 1 << 20)


def each_value(data: bytes) -> None:
    """Make every kind of value of each word."""
    for word in answers.words(answers.text(data)):
        for make in (values.server_path, values.host_name, values.word, values.port, values.far_socket):
            with contextlib.suppress(NbsshError):
                assert len(str(make(word))) <= 4200


def noted(data: bytes) -> None:
    """Note each line of what a host has."""
    present = server_files.Present()
    for row in answers.rows(data):
        if row:
            server_files._note(row, "/home/u/.local/share/nbssh", {}, present)


PARSERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "probe": (PROBE, lambda data: facts.parse(data, "00", "box")),
    "status": (STATUS, lambda data: answers.record(data, Answer)),
    "doctor": (SURVEY, survey.parse),
    "read": (READ, noted),
    "files": (tar(), tar_or_odd),
    "files, packed": (gzip.compress(tar(), mtime=0), tar_or_odd),
    "job": (b"job 4711 c1\nqueued 4712\nnode c1\n", said.begun),
    "host keys": (
        b"node c1\nknown c1 " + KEY + b"\nknown |1|aa=|bb= " + KEY + b"\n",
        lambda d: said.chosen_keys(d, "c1"),
    ),
    "scanned keys": (b"c1 " + KEY + b"\n# c1:22 SSH-2.0\n", said.scanned_keys),
    "own key": (KEY + b" nbssh box\n", said.own_key),
    "forwarding": (b"nbssh-00-listen made 12345\n", each_value),
    "launch": (LAUNCH, lambda data: launch.greeting(answers.text(data))),
}
PIECES = [
    *(b"\0", b"\n", b"\r\n", b"\x1b]52;c;AAAA\x07", b"\xff\xfe", b"\xe2\x80\xae", b"=", b" ", b"%", b"%0a"),
    *(b"${HOME}", b"|1|"),
    *(
        b"-oProxyCommand=x",
        b"../" * 40,
        b"9" * 400,
        b"1e999",
        b"-1",
        b"0x10",
        b"x" * 5000,
        b"{",
        b"[" * 500,
        b'"',
        b"|1|",
    ),
]


def answer(honest: bytes, chance: random.Random) -> bytes:
    """Return an honest answer that was cut, stretched, overwritten and repeated here and there, or plain bytes."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(300))
    text = honest
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        end = at + chance.choice([0, 0, 1, 4, 30])
        piece = chance.choice(PIECES) if chance.random() < 0.6 else chance.randbytes(chance.randrange(8))
        text = text[:at] + piece + text[end:]
    return text * chance.choice([1] * 20 + [60])


@pytest.mark.parametrize("parser", PARSERS)
def test_a_hosts_words_never_make_a_bug(parser: str) -> None:
    """Not by hypothesis, which draws some hundred of these a second: what fails is small enough to be read."""
    honest, parse = PARSERS[parser]
    chance = random.Random(f"{parser} {EXAMPLES}")  # noqa: S311  the same answers each time
    for number in range(EXAMPLES):
        data = answer(honest, chance)
        if number == EXAMPLES // 2:
            tracemalloc.start()
        try:
            with contextlib.suppress(NbsshError):
                parse(data)
        except Exception as error:
            raise AssertionError(f"{parser}, answer {number}: {data!r}") from error
        if number == EXAMPLES // 2 + MEASURED:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak <= PEAK
