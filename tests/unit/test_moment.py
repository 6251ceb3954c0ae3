"""What an ssh_config decides at each connection: found, settled in a copy, asked again by the alias."""

from __future__ import annotations

import pytest

from nbssh.core.ssh.moment import Condition, conditions, match_lines, settled

AT_HOME = Condition("exec", "test -e /tmp/at-home")
NETWORK = Condition("localnetwork", "10.0.0.0/8")


class NoDisk:
    """A disk without files."""

    home = "/home/me"

    def glob(self, pattern: str) -> list[str]:
        del pattern
        return []

    def read(self, path: str) -> bytes | None:
        del path
        return None

    def real(self, path: str) -> str:
        return path


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('Match exec "test -e /tmp/at-home"', [AT_HOME]),
        ('match originalhost home exec "test -e /tmp/at-home"', [AT_HOME]),
        ('Match originalhost "h*,!work" !exec "test -e /tmp/at-home"', [AT_HOME]),
        ("Match host other.example.org localnetwork 10.0.0.0/8", [NETWORK]),
        ('Match localnetwork=10.0.0.0/8 exec "test -e /tmp/at-home"', [NETWORK, AT_HOME]),
        ('Match final exec "test -e /tmp/at-home"', [AT_HOME]),
        ('Match originalhost work exec "test -e /tmp/at-home"', []),
        ('Match !originalhost home exec "test -e /tmp/at-home"', []),
        ('Match originalhost "*,!home" exec "test -e /tmp/at-home"', []),
        ("Match user alice", []),
        ('# Match exec "x"', []),
    ],
)
def test_conditions_of_a_host(line: str, found: list[Condition]) -> None:
    lines = match_lines(f"Host x\n  Port 1\n{line}\n  Port 2\n".encode(), NoDisk())
    assert conditions(lines, "home") == found


@pytest.mark.parametrize(
    ("line", "answer", "becomes"),
    [
        ('Match exec "test -e /tmp/at-home"', True, "Match all"),
        ('Match exec "test -e /tmp/at-home"', False, "Match originalhost !*"),
        ('Match !exec "test -e /tmp/at-home"', True, "Match originalhost !*"),
        (
            '  Match originalhost home exec "test -e /tmp/at-home" user "a b"',
            True,
            'Match originalhost home user "a b"',
        ),
        ('Match final exec "test -e /tmp/at-home"', True, "Match final"),
        ('Match exec "other"', True, None),
        ("  User match", True, None),
        ("  User other", True, None),
        ("Match", True, None),
        ('Host home # Match exec "test -e /tmp/at-home"', True, None),
    ],
)
def test_a_line_is_settled(line: str, answer: bool, becomes: str | None) -> None:  # noqa: FBT001  parametrized
    assert settled(line.encode(), {AT_HOME: answer}) == (becomes or line).encode()


def test_without_an_answer_nothing_is_settled() -> None:
    assert settled(b'Match exec "test -e /tmp/at-home"', {}) == b'Match exec "test -e /tmp/at-home"'


def test_tokens_of_the_destination_are_put_in() -> None:
    tokens = {"n": "home", "h": "h%1.example.org", "p": "22", "r": "alice"}
    asked = Condition("exec", "nc -z %h %p && test %n.%r.%u = x%%h").for_alias(tokens)
    assert asked == Condition("exec", "nc -z h%%1.example.org 22 && test home.alice.%u = x%%h")
    assert Condition("exec", "test -e %C").for_alias(tokens) is None


def test_a_criterion_without_a_command_is_asked_as_it_is() -> None:
    assert NETWORK.for_alias({}) is NETWORK
    assert Condition("localnetwork", "%h/8").for_alias({}) == Condition("localnetwork", "%h/8")


def test_a_condition_is_written_as_ssh_config_has_it() -> None:
    assert str(AT_HOME) == 'exec "test -e /tmp/at-home"'
    assert str(NETWORK) == "localnetwork 10.0.0.0/8"
