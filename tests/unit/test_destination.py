"""What users type or paste as a destination, and what becomes of it."""

from __future__ import annotations

import pytest

from nbssh.core.ssh.destination import Destination, parse, parse_recipe
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
    ],
)  # fmt: skip
def test_what_ssh_would_refuse_or_a_shell_expand_is_refused(text: str) -> None:
    with pytest.raises(NbsshError, match="is no destination"):
        parse(text)


def test_the_recipe_of_many_years_gives_destination_and_ports() -> None:
    recipe = parse_recipe("ssh -L localhost:10090:localhost:10080 alice@10.0.0.5")
    assert (str(recipe.destination), recipe.local_port, recipe.remote_port) == ("alice@10.0.0.5", 10090, 10080)
    assert recipe.dropped == ()


def test_options_after_the_host_and_bundled_ones_count_too() -> None:
    recipe = parse_recipe(
        "/usr/bin/ssh alice@gpu -p 2222 -NfL 9000:127.0.0.1:8888 -J 'gate' -i '~/my key' -o Compression=yes"
    )
    assert str(recipe.destination) == "alice@gpu:2222"
    assert recipe.options == ("ProxyJump=gate", "IdentityFile=~/my key", "Compression=yes")
    assert (recipe.local_port, recipe.remote_port, recipe.dropped) == (9000, 8888, ())


def test_what_is_not_taken_over_is_named() -> None:
    recipe = parse_recipe(
        "ssh -L 9000:localhost:8888 -L 9001:db:5432 -L /tmp/a:/tmp/b -X -D 1080 "
        "-o RemoteCommand=x -F other box jupyter lab"
    )
    assert recipe.dropped == (
        "the remote command 'jupyter lab'",
        "-L 9001:db:5432",
        "-L /tmp/a:/tmp/b",
        "-X",
        "-D 1080",
        "-o RemoteCommand=x",
        "-F other",
    )


@pytest.mark.parametrize("text", ["ssh", "ssh -L", "ssh -Z host", "ssh 'host", "ssh -L 1:localhost:2"])
def test_a_broken_command_is_refused(text: str) -> None:
    with pytest.raises(NbsshError):
        parse_recipe(text + " ")


def test_arguments_for_ssh() -> None:
    assert Destination("h", "u", 22).arguments() == ["-p", "22", "u@h"]
    assert Destination("h").arguments() == ["h"]
