"""Quoting for ssh_config and splitting its lines, judged by the real `ssh -G` where one is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbssh.core.ssh.grammar import parse_line, percent, spelled, spellings, word
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None and not os.environ.get("CI"), reason="no ssh here")

FUZZ_EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "60"))
SPECIAL = "ab \\\"'#=%$*?!,;`~é鍵"


def read_by_ssh(directory: Path, keyword: str, lines: list[str]) -> list[str]:
    """Give the values that `ssh -G` prints for `keyword` in a config of these lines."""
    config = directory / "config"
    config.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = ["ssh", "-F", str(config), "-G", "box"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    printed = [line.partition(" ") for line in done.stdout.decode().split("\n")]
    return [value for name, _, value in printed if name == keyword]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("~/.ssh/id_ed25519", "~/.ssh/id_ed25519"),
        ("+aes128-cbc,aes256-ctr", "+aes128-cbc,aes256-ctr"),
        ("%h.example.com", "%h.example.com"),
        ("::1", "::1"),
        ("a b", '"a b"'),
        (" a ", '" a "'),
        ("#a", '"#a"'),
        ("a#b", "a#b"),
        ("A=1", '"A=1"'),
        ("=a", '"=a"'),
        ("it's", '"it\'s"'),
        ('a"b', r'"a\"b"'),
        (r"DOM\alice", r'"DOM\alice"'),
        (r"\\host\share", r'"\\\host\share"'),
        ("trailing\\", '"trailing\\\\"'),
        ("ünï", '"ünï"'),
        ("\u2028", '"\u2028"'),
    ],
)
def test_word_is_plain_where_it_can_be(value: str, written: str) -> None:
    """A value is quoted only where ssh would read it as something else."""
    assert word(value) == written


@pytest.mark.parametrize("value", ["", "a\nb", "a\0", "\t", "a\rb", "\x1b[31m", "\x7f"])
def test_word_refuses_what_no_line_can_carry(value: str) -> None:
    """An empty value and control characters are an error that can be printed on a terminal."""
    with pytest.raises(NbsshError) as caught:
        word(value)
    assert caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("value", ["", "a", "%h", "100%", "%%"])
def test_percent_is_undone_by_ssh(value: str) -> None:
    """After ssh has read `%%` as `%`, the value is back."""
    assert percent(value).replace("%%", "%") == value


@needs_ssh
@settings(max_examples=FUZZ_EXAMPLES, derandomize=True, deadline=None, database=None)
@given(values=st.lists(st.text(SPECIAL, min_size=1, max_size=12), min_size=1, max_size=40))
def test_ssh_reads_every_word_as_it_was(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    """Every value written by `word` comes out of ssh unchanged and as one argument."""
    wanted = list(dict.fromkeys(values))
    lines = [f"IdentityFile {word(value)}" for value in wanted]
    assert read_by_ssh(tmp_path_factory.mktemp("word"), "identityfile", lines) == wanted


@given(values=st.lists(st.text(min_size=1).filter(lambda text: all(ord(letter) > 31 for letter in text)), min_size=1))
def test_parse_line_reads_every_word_as_it_was(values: list[str]) -> None:
    """Our reader agrees with our writer."""
    values = [value.replace("\x7f", "") or "x" for value in values]
    assert parse_line("  Key  " + " ".join(word(value) for value in values) + " # end") == ("key", values)


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("Host mybox", ("host", ["mybox"])),
        ("host\tmybox\t db \r\n", ("host", ["mybox", "db"])),
        ("HOST=mybox", ("host", ["mybox"])),
        ("Host = mybox", ("host", ["mybox"])),
        ("Host =mybox", ("host", ["mybox"])),
        ("Host= mybox", ("host", ["mybox"])),
        ("Host == mybox", ("host", ["=", "mybox"])),
        ("=Host mybox", ("host", ["mybox"])),
        ('"Host" mybox', ("host", ["mybox"])),
        ('Ho"st" mybox', ("host", ["mybox"])),
        ('Host"mybox"', None),
        ('Host "my box" b', ("host", ["my box", "b"])),
        ("Host 'my box'", ("host", ["my box"])),
        ("Host my\\ box", ("host", ["my box"])),
        ('Host a"b c"d', ("host", ["ab cd"])),
        ("Host a # b", ("host", ["a"])),
        ("Host a#b", ("host", ["a#b"])),
        ("Include ~/a nbssh.d/*.conf", ("include", ["~/a", "nbssh.d/*.conf"])),
        ('User ""', ("user", [""])),
        ("User a\f", ("user", ["a"])),
        ("# Host a", None),
        ("  # Host a", None),
        ("#Host a", None),
        ("", None),
        (" ", None),
        ("\n", None),
        ("=", None),
        ('"', None),
        ("Host", None),
        ("Host ", None),
        ("Host # a", None),
        ('Host "a', None),
        ("Host it's", None),
        ("\ufeffHost a", ("\ufeffhost", ["a"])),
        ("\u212aey a", ("\u212aey", ["a"])),
        ("Host a\0b c", ("host", ["a"])),
    ],
)
def test_parse_line(line: str, parsed: tuple[str, list[str]] | None) -> None:
    """Lines are split as ssh splits them."""
    assert parse_line(line) == parsed


@needs_ssh
@settings(max_examples=FUZZ_EXAMPLES * 4, derandomize=True, deadline=None, database=None)
@given(rest=st.text("ab \t\\\"'#=", max_size=8), before=st.sampled_from(["", " ", "\t", "=", "  "]))
def test_parse_line_agrees_with_ssh(tmp_path_factory: pytest.TempPathFactory, before: str, rest: str) -> None:
    """Any line that starts with a known keyword is read by us as it is by ssh, refusals included."""
    line = f"{before}IdentityFile{rest}"
    directory = tmp_path_factory.mktemp("line")
    config = directory / "config"
    config.write_text(f"{line}\n", encoding="utf-8")
    command = ["ssh", "-F", str(config), "-G", "box"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    parsed = parse_line(line)
    if done.returncode != 0:
        assert parsed is None or parsed[0] != "identityfile" or len(parsed[1]) != 1 or parsed[1] == [""]
        return
    printed = [text[13:] for text in done.stdout.decode().split("\n") if text.startswith("identityfile ")]
    if parsed is None:  # a keyword whose quote never ends is no error: ssh skips the line, its default keys remain
        assert printed == read_by_ssh(directory, "identityfile", [])
    else:
        assert parsed == ("identityfile", printed)


@given(line=st.text())
def test_parse_line_never_raises(line: str) -> None:
    """Whatever stands in the user's file, the answer is a line or None."""
    parsed = parse_line(line)
    assert parsed is None or (parsed[0] and parsed[1])


@pytest.mark.parametrize(
    ("keyword", "wanted", "present", "first"),
    [
        ("user", ["a b"], ["root"], ('"a b"',)),
        ("user", ["true"], ["root"], ("true",)),
        ("hostname", ["fe80::1%eth0"], [], ("fe80::1%%eth0",)),
        ("pubkeyauthentication", ["true"], ["false"], ("yes",)),
        ("compression", ["UNKNOWN"], ["no"], ("yes",)),
        ("obscurekeystroketiming", ["80"], ["yes"], ("interval:80",)),
        ("channeltimeout", ["session=5m x11=1m"], ["none"], ('"session=5m" "x11=1m"',)),
        ("escapechar", ["\\^B"], ["~"], ("^B",)),
        ("userknownhostsfile", ["/a b /c"], ["/k"], ('"/a b" /c',)),
        ("userknownhostsfile", ["none"], ["/k"], ("none",)),
        ("globalknownhostsfile", ["a b"], ["/k"], ("a b",)),
        ("proxyjump", [], ["gate"], ("none",)),
        ("proxycommand", ["nc '%h' # %p"], [], ("nc '%h' # %p",)),
        ("identityfile", ["a", "b", "c"], ["b", "c"], ("a",)),
        ("identityfile", ["b", "a"], ["a", "b"], ("b",)),
        ("identityfile", ["a b"], ["x"], ('"a b"',)),
        ("sendenv", ["A", "B", "B"], ["A"], ("B",)),
        ("setenv", ["A=1 2", "B=3"], [], ('"A=1 2" "B=3"',)),
        ("ciphers", ["a,b,c"], ["a,b"], ("+c",)),
        ("ciphers", ["a,c"], ["a,b,c"], ("-b",)),
        ("ciphers", ["c,a,b"], ["a,b,c"], ("^c",)),
        ("ciphers", ["a"], ["a,b,c"], ("+a",)),
    ],
)
def test_spellings_best_first(keyword: str, wanted: list[str], present: list[str], first: tuple[str, ...]) -> None:
    """What is tried first for a printed value."""
    assert spellings(keyword, wanted, present)[0] == first


@pytest.mark.parametrize(
    ("keyword", "wanted"),
    [("identityfile", ["a\tb"]), ("user", ["a\x01"]), ("bindaddress", []), ("sendenv", ["A"])],
)
def test_no_spelling(keyword: str, wanted: list[str]) -> None:
    """Where nothing can be written, there is no spelling, and no error."""
    assert spellings(keyword, wanted, ["A"]) == []


def test_old_names_are_written() -> None:
    """Names that were changed in 8.5 are written so that older releases read them."""
    assert spelled("pubkeyacceptedalgorithms") == "PubkeyAcceptedKeyTypes"
    assert spelled("hostbasedacceptedalgorithms") == "HostbasedKeyTypes"
    assert spelled("identityfile") == "IdentityFile"
    assert spelled("somethingnew") == "somethingnew"
