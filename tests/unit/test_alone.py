"""When one of our installed files says all that ssh reads of ours about an alias."""

from __future__ import annotations

import pytest

from nbssh.core.ssh.alone import hosts, settled
from nbssh.core.ssh.include import COMMENT, INCLUDE, MARK

TOP = COMMENT + b"\n" + INCLUDE + b"\nHost other\n    User me\n"
A = b"# ours\n\nHost a-nb\n    User me\nHost a-nb a-nb-kill\n    Port 22\n"
B = b"Host b-nb B-nb-kill\n    LocalCommand echo host match\n"


def test_hosts_are_named_in_lower_case() -> None:
    assert hosts(A) == {"a-nb", "a-nb-kill"}
    assert hosts(B) == {"b-nb", "b-nb-kill"}
    assert hosts(b"# nothing\n") == frozenset()
    assert hosts(b'Match originalhost A-node,b exec "test -S *"\n    Port 22\n' + A) == {
        "a-node",
        "b",
        "a-nb",
        "a-nb-kill",
    }


@pytest.mark.parametrize(
    "text",
    [
        b"User me\n" + A,
        A + b"Host *\n    User me\n",
        A + b"Host c-nb !d-nb\n",
        A + b"Host c?nb\n",
        A + b"host=c-*\n",
        A + b'"Host" c-*\n',
        A + b"  MATCH all\n",
        A + b"Include /etc/passwd\n",
        b"Match exec true\n" + A,
        A + b"Match exec true originalhost c-nb\n",
        A + b"Match originalhost c-nb,*\n",
        A + b"Match originalhost !c-nb\n",
        A + b"Match !originalhost c-nb\n",
        A + b"Match originalhost\n",
    ],
)
def test_what_may_speak_of_others_is_unknown(text: bytes) -> None:
    assert hosts(text) is None
    assert settled(TOP, [B, text]) == frozenset()


def test_what_two_files_name_is_not_settled() -> None:
    assert settled(TOP, [A, B]) == {"a-nb", "a-nb-kill", "b-nb", "b-nb-kill"}
    assert settled(TOP, [A, B, b"Host A-nb\n    User else\n"]) == {"a-nb-kill", "b-nb", "b-nb-kill"}


@pytest.mark.parametrize("config", [b"", b"Host x\n" + TOP, b"Include nbssh.d/*.conf\n", b"User me\n" + TOP])
def test_our_line_must_be_the_first(config: bytes) -> None:
    assert settled(config, [A]) == frozenset()


@pytest.mark.parametrize("mark", [b"", MARK])
def test_files_of_windows_are_read_as_others(mark: bytes) -> None:
    """Each line ends with CR LF there, and Notepad may begin a file with a mark."""
    texts = [text.replace(b"\n", b"\r\n") for text in (TOP, A, B)]
    assert settled(mark + texts[0], texts[1:]) == settled(TOP, [A, B])


def test_a_file_that_cannot_be_read_settles_nothing() -> None:
    assert settled(TOP, [A, None]) == frozenset()
