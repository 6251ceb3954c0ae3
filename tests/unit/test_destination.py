"""What users type or paste as a destination, and what becomes of it."""

from __future__ import annotations

import pytest

from nbssh.core.ssh.destination import Destination, parse, suggested_name, typed, typed_there
from nbssh.errors import NbsshError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mybox", Destination("mybox")),
        ("alice@10.0.0.5", Destination("10.0.0.5", "alice")),
        ("alice@10.0.0.5:2222", Destination("10.0.0.5", "alice", 2222)),
        ("ssh://alice@host:22/", Destination("host", "alice", 22)),
        ("[2001:db8::1]:2222", Destination("2001:db8::1", "", 2222)),
        ("2001:db8::1", Destination("2001:db8::1")),
        ("alice@corp@gate", Destination("gate", "alice@corp")),
        ("müller@höhle", Destination("höhle", "müller")),
        (r"CORP\alice@host", Destination("host", r"CORP\alice")),
        ("alice@corp#root@10.0.0.5@psmp", Destination("psmp", "alice@corp#root@10.0.0.5")),
        ("a!b,c*d?e=f%g@host", Destination("host", "a!b,c*d?e=f%g")),
    ],
)
def test_destinations(text: str, expected: Destination) -> None:
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "@host", "user@", "-oProxyCommand=touch x", "user@-host", "-l@host", "ho st", "host;id", "host:",
        "host:ssh", "host:0", "host:65536", "$(touch x)", "a`id`", "${HOME}", "a\nb", "host:٣", "a'b", 'a"b',
        "a\\b", "*", "a,b", "a#b",
        "a\\@host", "a b@host", "a$b@host", "a`b@host", "a'b@host", "a;b@host", "a(b@host",
    ],
)  # fmt: skip
def test_what_ssh_would_refuse_or_a_shell_expand_is_refused(text: str) -> None:
    with pytest.raises(NbsshError, match="is no destination"):
        parse(text)


@pytest.mark.parametrize("host", ["127.0.0.1:8888", "box"])
def test_a_token_in_what_is_no_destination_is_not_repeated(host: str) -> None:
    with pytest.raises(NbsshError) as caught:
        parse(f"http://{host}/lab?token=0123456789abcdef")
    assert "0123456789abcdef" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("box", "ssh box true"),
        ("al@10.0.0.1:47599", "ssh -p 47599 al@10.0.0.1 true"),
        ("ssh://al@[::1]:22", "ssh -p 22 al@::1 true"),
        (r"CORP\al@box", r"ssh 'CORP\al@box' true"),
    ],
)
def test_what_a_user_types_is_what_ssh_knows(text: str, command: str) -> None:
    assert typed(text, "true") == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("pip install 'a[b]' && ~/.venv/bin/x", "ssh -p 2222 al@box \"pip install 'a[b]' && ~/.venv/bin/x\""),
        ("echo $HOME", "ssh -p 2222 al@box 'echo $HOME'"),
        ('x"; `touch here`; "', "ssh -p 2222 al@box 'x\"; `touch here`; \"'"),
    ],
)
def test_what_is_typed_for_the_hosts_shell_no_shell_here_touches(line: str, command: str) -> None:
    assert typed_there("al@box:2222", line) == command


def test_arguments_for_ssh() -> None:
    assert Destination("h", "u", 22).arguments() == ["-p", "22", "u@h"]
    assert Destination("h").arguments() == ["h"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mybox", "mybox"),
        ("alice@gpu1.example.org", "gpu1"),
        ("ssh://alice@gpu1.example.org:22", "gpu1"),
        ("alice@10.0.0.5", "10.0.0.5"),
        ("[2001:db8::1]:22", "2001-db8-1"),
        ("alice@a-very-long-host-name-that-nobody-types.example.org", "a-very-long-host-name-that-nobod"),
        ("alice@-.example.org", ""),
        ("höhle.example.org", "h-hle"),
    ],
)
def test_the_name_that_a_destination_gives(text: str, name: str) -> None:
    assert suggested_name(parse(text.replace("@-", "@_"))) == name
