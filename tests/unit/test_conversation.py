"""A program that stays for several questions."""

from __future__ import annotations

import sys
import time

from nbssh.adapters.programs.conversation import conversation
from nbssh.adapters.programs.process import Clock, Stage

ECHO = [sys.executable, "-uc", "import sys\nfor line in sys.stdin: print(line.upper(), end='')"]


def plain(out: bytes) -> bytes:
    """Return what a program of Python printed, without what Windows adds to it."""
    return out.replace(b"\r\n", b"\n")


def test_each_question_has_its_own_answer() -> None:
    with conversation(ECHO) as talk:
        for word in (b"one", b"two"):
            answer = talk.ask(word + b"\n", Clock.of(30).left, lambda out: b"\n" in out, 100)
            assert (plain(answer.out), answer.limit, answer.status) == (word.upper() + b"\n", "", None)


def test_one_that_ends_says_how() -> None:
    with conversation(
        [sys.executable, "-c", "import sys; print('x'); print('oh', file=sys.stderr); sys.exit(3)"]
    ) as talk:
        answer = talk.ask(bytes(1_000_000), Clock.of(30).left, lambda _: False, 100)
    assert (plain(answer.out), plain(answer.err), answer.limit, answer.status) == (b"x\n", b"oh\n", "", 3)


def test_one_that_says_nothing_is_ended() -> None:
    with conversation([sys.executable, "-c", "import sys; sys.stdin.read(); sys.stdin.read()"]) as talk:
        answer = talk.ask(b"x\n", Clock.of(0.2).left, lambda _: False, 100)
    assert answer.limit == "time"
    assert answer.status


def test_one_that_says_too_much_is_ended() -> None:
    with conversation([sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 65536)"]) as talk:
        assert talk.ask(b"", Clock.of(30).left, lambda _: False, 100_000).limit == "output"


def test_a_stage_that_is_reached_gives_more_time() -> None:
    program = "import time; print('in', flush=True); time.sleep(2); print('out', flush=True); time.sleep(60)"
    clock = Clock.of(1.9)
    clock.stages = [Stage(lambda out: b"in" in out, 30.0)]
    with conversation([sys.executable, "-c", program]) as talk:
        assert talk.ask(b"", clock.left, lambda out: b"out" in out, 100).limit == ""
        talk.ask(b"", Clock.of(0).left, lambda _: False, 100)


def test_what_it_says_before_it_is_asked_belongs_to_the_first_answer() -> None:
    with conversation([sys.executable, "-uc", "import sys; print('early'); sys.stdin.read()"]) as talk:
        time.sleep(0.5)  # the time that a busy machine takes until it asks
        answer = talk.ask(b"", Clock.of(30).left, lambda out: b"early" in out and b"\n" in out, 100)
    assert plain(answer.out) == b"early\n"
