"""What a server says of itself is data: sizes, characters and numbers are checked, and nothing of it is believed."""

from __future__ import annotations

import pytest

from nbssh.core.server import facts as probe
from nbssh.errors import NbsshError

HOST = "host home=/home/alice uid=1000 user=alice host=gpu1 os=Linux homefs=ext4"
LAB = (
    "jupyter path=/opt/my%20lab/bin/jupyter-lab program=jupyter-lab asked= python=/usr/bin/python3 found=PATH "
    "jupyterlab=4.6.6 notebook= jupyter_server=2.21.1 argon2=25.1.0"
)
SOCKET = "socket home=ok tmp=SQUATTED limit=107 python=/usr/bin/python3"


def said(*lines: str, before: str = "Welcome!\n", end: bool = True) -> bytes:
    text = before + "nbssh-n-begin\n" + "".join(f"{line}\n" for line in lines) + ("nbssh-n-end\n" if end else "")
    return text.encode()


def test_everything_is_read() -> None:
    facts = probe.parse(said(HOST, LAB, SOCKET), "n", "box")
    assert (facts.home, facts.uid, facts.host, facts.os) == ("/home/alice", 1000, "gpu1", "Linux")
    assert (facts.socket_at_home, facts.socket_in_tmp, facts.socket_limit) == (True, False, 107)
    (lab,) = facts.candidates
    assert lab.path == "/opt/my lab/bin/jupyter-lab"
    assert (lab.version("lab"), lab.version("notebook"), lab.version("server")) == ("4.6.6", "", "2.21.1")


def test_what_is_missing_or_odd_is_left_out() -> None:
    relative = LAB.replace("/opt/my%20lab/bin/", "")
    other = LAB.replace("program=jupyter-lab", "program=rm")
    facts = probe.parse(said(HOST, relative, other, "unknown a=b", "socket limit=x"), "n", "box")
    assert facts.candidates == ()
    assert facts.socket_limit == 0
    assert not facts.socket_at_home


@pytest.mark.parametrize(
    "home",
    [
        "%24%7BAWS_SECRET_ACCESS_KEY%7D",
        "/home/%24%7BHOME%7D",
        "/home/a%0AHost%20*",
        "/home/a%1b%5b2J",
        "relative",
        "",
        "/" + "a" * 5000,
        "/home/a%25h",
    ],
)
def test_a_home_that_ssh_would_expand_is_refused(home: str) -> None:
    with pytest.raises(NbsshError, match="box: ") as caught:
        probe.parse(said(HOST.replace("home=/home/alice", f"home={home}")), "n", "box")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("uid", ["", "x", "-1", "1" * 30, "٣"])
def test_a_uid_that_is_no_number_is_refused(uid: str) -> None:
    with pytest.raises(NbsshError, match="user or host is missing"):
        probe.parse(said(HOST.replace("uid=1000", f"uid={uid}")), "n", "box")


@pytest.mark.parametrize("out", [b"", b"\xff\xfe garbage", said(HOST, end=False), said(HOST).replace(b"-n-", b"-m-")])
def test_an_answer_without_its_frame_is_refused(out: bytes) -> None:
    with pytest.raises(NbsshError, match="did not come to its end"):
        probe.parse(out, "n", "box")


def test_an_endless_answer_is_cut() -> None:
    facts = probe.parse(said(HOST, *[LAB] * 10_000), "n", "box")
    assert len(facts.candidates) < 300


def test_terminal_escapes_never_reach_a_message() -> None:
    with pytest.raises(NbsshError, match="user or host is missing"):
        probe.parse(said(HOST.replace("host=gpu1", "host=%1b%5b2Jx")), "n", "box")
    facts = probe.parse(said(HOST.replace("os=Linux", "os=%07")), "n", "box")
    assert facts.os == ""


def test_what_she_runs_there_is_read() -> None:
    line = (
        "running pid=4711 kind=nbserver app=notebook port=8889 open=yes since=1700000000 folder=/run/user/1000 "
        "reached=yes secure=yes base=%2Fhub%2F token=t0ken password=yes python=/usr/bin/python3"
    )
    (hers,) = probe.parse(said(HOST, line), "n", "box").running
    assert hers == probe.Running(
        pid=4711, title="Jupyter Notebook", app="notebook", port=8889, open=True, since=1700000000,
        folder="/run/user/1000", reached=True, secure=True, base="/hub/", token="t0ken", password=True,
        python="/usr/bin/python3",
    )  # fmt: skip


def test_of_what_runs_only_numbers_and_yes_are_taken() -> None:
    line = "running pid=7 kind=odd app=rm port=-1 open=perhaps since=12x secure= password=1"
    assert probe.parse(said(HOST, line, "running pid=x", "running"), "n", "box").running == (
        probe.Running(pid=7, title="Jupyter"),
    )


def test_failed_setup_lines_are_read_with_their_status() -> None:
    lines = ("setup line=2 status=127", "setup line=x status=", "setup", "setupend came=no late=yes")
    facts = probe.parse(said(HOST, *lines), "n", "box")
    assert facts.failed_lines == ((2, 127), (0, 0), (0, 0))
    assert (facts.setup_ended, facts.setup_late) == (False, True)
