"""The quoting of each language: a word comes back as it was, and what no quoting can carry is refused."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from nbssh.core.files import quoting
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ["plain", "", "a b", "it's", '"q"', "$HOME `id`", "a\\", "*?[", "100%", "-rf", "\u00fc\U0001f40d", "a\nb"]


@pytest.mark.not_on_windows("it has no sh")
def test_a_shell_reads_each_word_as_it_was() -> None:
    script = f"printf '%s\\0' {quoting.shwords(WORDS)}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{word}\0" for word in WORDS)


@pytest.mark.parametrize(
    ("quote", "value", "quoted"),
    [
        (quoting.cmd, r"C:\Users\me", r"C:\Users\me"),
        (quoting.cmd, "a b", '"a b"'),
        (quoting.cmd, "50%HOME%", '"50"^%"HOME"^%""'),
        (quoting.cmd, "a b\\", '"a b\\\\"'),
        (quoting.cmd, 8888, "8888"),
        (quoting.argv, "a|b", "a|b"),
        (quoting.argv, "a b", '"a b"'),
        (quoting.argv, "", '""'),
        (quoting.argv, 'say "hi"', r'"say \"hi\""'),
        (quoting.argv, r"a \"b\ ", r'"a \\\"b\ "'),
        (quoting.argv, "a b\\", '"a b\\\\"'),
        (quoting.fish, "a-b_1", "a-b_1"),
        (quoting.fish, "it's \\", "'it\\'s \\\\'"),
        (quoting.powershell, "it\u2019s", "'it\u2019\u2019s'"),
        (quoting.comment, "a\nb\x1b[2J", "a?b?[2J"),
        (quoting.line, "plain 'text' $x", "plain 'text' $x"),
        (quoting.systemd, ["/bin/x", "a b", '$H 50% "q" \\'], '/bin/x "a b" "$$H 50%% \\"q\\" \\\\"'),
    ],
)
def test_a_value_is_quoted(quote: Callable[..., str], value: object, quoted: str) -> None:
    assert quote(value) == quoted


@pytest.mark.parametrize(
    ("quote", "value", "words"),
    [
        (quoting.sh, "a\0b", "NUL byte"),
        (quoting.cmd, 'a"b', "cannot be written into a command of Windows"),
        (quoting.cmd, "a\nb", "cannot be written into a command of Windows"),
        (quoting.argv, "a\x1bb", "cannot be written into a command of Windows"),
        (quoting.systemd, ["/bin/x", "a\nb"], "cannot be written into a unit"),
        (quoting.line, "a\nb", "cannot stand in a line of a file"),
        (quoting.line, "a\rb", "cannot stand in a line of a file"),
        (quoting.line, "a\0b", "cannot stand in a line of a file"),
    ],
)
def test_what_no_quoting_can_carry_is_refused_in_printable_words(
    quote: Callable[..., str], value: object, words: str
) -> None:
    with pytest.raises(NbsshError, match=words) as caught:
        quote(value)
    assert caught.value.message.isprintable()
    assert caught.value.hint
