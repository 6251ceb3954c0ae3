"""What of a pasted command counts, whatever a prompt, a PDF or another program has put around it."""

from __future__ import annotations

import pytest

from nbssh.core.ssh.recipe import is_command, parse_recipe
from nbssh.errors import NbsshError

PLAIN = "ssh -L localhost:10090:localhost:10080 alice@10.0.0.5"


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


@pytest.mark.parametrize(
    "text",
    [
        f"$ {PLAIN}",
        f"~$ {PLAIN}",
        f"alice@pc:~/notes$ {PLAIN}",
        f"(base) alice@pc ~ % {PLAIN}",
        f"PS C:\\Users\\alice> {PLAIN}",
        f"C:\\>{PLAIN}",
        f"\u276f {PLAIN}",
        f"  {PLAIN} &",
        f"{PLAIN} -N -f",
        f"nohup {PLAIN} &",
        f"exec {PLAIN}",
        PLAIN.replace("-L", "\u2013L"),
        PLAIN.replace("-L", "\u2014L").replace(" ", "\u00a0"),
        PLAIN.replace("ssh", "/usr/bin/ssh"),
        PLAIN.replace("ssh", "ssh.exe"),
        PLAIN.replace("alice@10.0.0.5", "“alice@10.0.0.5”"),
        PLAIN.replace("ssh", "autossh -M 0 -f -N"),
        PLAIN.replace("ssh", "autossh -M20000"),
        PLAIN.replace("ssh", "AUTOSSH_GATETIME=0 autossh -M 0"),
        f"alice@pc:~$ TERM=xterm {PLAIN}",
        f"env LC_ALL=C {PLAIN}",
        PLAIN.replace(" ", " \\\n    "),
        PLAIN.replace(" ", " `\r\n    "),
        f"{PLAIN};",
    ],
)
def test_it_is_the_same_command(text: str) -> None:
    recipe = parse_recipe(text)
    assert is_command(text)
    assert (str(recipe.destination), recipe.local_port, recipe.remote_port) == ("alice@10.0.0.5", 10090, 10080)
    assert (recipe.options, recipe.dropped) == ((), ())


@pytest.mark.parametrize("text", ["mybox", "alice@host", "ssh://alice@host", "sshbox", "ssh.example.org", "host:22"])
def test_a_destination_is_no_command(text: str) -> None:
    assert not is_command(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("gcloud compute ssh vm1 --zone z -- -L 8888:localhost:8888", "gcloud compute config-ssh"),
        ("tsh ssh alice@node", "tsh config"),
        ("$ mosh alice@host", "plain ssh"),
        ("sshpass -p geheim ssh alice@host", "from 'ssh' on"),
    ],
)
def test_another_program_is_named_with_the_way_to_plain_ssh(text: str, hint: str) -> None:
    with pytest.raises(NbsshError) as caught:
        parse_recipe(text)
    assert hint in caught.value.hint
    assert "geheim" not in caught.value.message + caught.value.hint


def test_two_hops_are_one_connection_through_the_first() -> None:
    recipe = parse_recipe("ssh -t alice@gate.example.org -L 9000:localhost:9001 ssh alice@node7 -L 9001:localhost:8888")
    assert str(recipe.destination) == "alice@node7"
    assert recipe.options == ("ProxyJump=alice@gate.example.org",)
    assert (recipe.local_port, recipe.remote_port, recipe.jump) == (9000, 8888, "alice@gate.example.org")


def test_two_hops_through_a_gateway_with_a_port_a_key_and_a_gateway_of_its_own() -> None:
    recipe = parse_recipe(
        "ssh -p 2222 -i ~/k -J outer -L 9000:localhost:9001 alice@gate 'ssh' -N -L 9001:localhost:8888 node7"
    )
    assert recipe.options == ("ProxyJump=outer,alice@gate:2222",)
    assert recipe.dropped == ("-o IdentityFile=~/k (of alice@gate:2222)",)


def test_an_address_of_ipv6_is_a_jump_in_brackets() -> None:
    """Without them ssh says: Invalid -J argument."""
    recipe = parse_recipe("ssh alice@2001:db8::1 -L 9000:localhost:9001 ssh node7 -L 9001:localhost:8888")
    assert recipe.options == ("ProxyJump=alice@[2001:db8::1]",)


@pytest.mark.parametrize(
    "command",
    [
        "ssh -t gate -L 9000:localhost:9001 'ssh -L 9001:localhost:8888 node7'",
        "ssh -L 9000:localhost:9001 gate 'exec ssh -L 9001:localhost:8888 node7'",
    ],
)
def test_the_second_hop_may_be_one_word(command: str) -> None:
    recipe = parse_recipe(command)
    assert (str(recipe.destination), recipe.local_port, recipe.remote_port) == ("node7", 9000, 8888)
    assert recipe.options == ("ProxyJump=gate",)


def test_three_hops_are_one_connection_through_two() -> None:
    recipe = parse_recipe("ssh -t a -L 1:localhost:2 ssh -t -L 2:localhost:3 b ssh -L 3:localhost:8888 c")
    assert (str(recipe.destination), recipe.options, recipe.jump) == ("c", ("ProxyJump=a,b",), "a,b")
    assert (recipe.local_port, recipe.remote_port, recipe.dropped) == (1, 8888, ())


@pytest.mark.parametrize("rest", ["; open http://localhost:9000", "&& firefox", "# my tunnel", "| cat"])
def test_what_follows_the_command_is_left_out_and_named(rest: str) -> None:
    recipe = parse_recipe(f"ssh -L 9000:localhost:8888 box{rest if rest[0] == ';' else ' ' + rest}")
    assert (str(recipe.destination), recipe.dropped) == ("box", (f"what follows: '{rest}'",))


def test_a_proxy_command_keeps_its_pipe_and_a_user_his_number_sign() -> None:
    recipe = parse_recipe("ssh -o ProxyCommand='nc %h %p | cat' alice@corp#root@10.0.0.5@psmp")
    assert recipe.options == ("ProxyCommand=nc %h %p | cat",)
    assert str(recipe.destination) == "alice@corp#root@10.0.0.5@psmp"


@pytest.mark.parametrize("text", ["sudo ssh box", "kubectl exec -it pod"])
def test_what_is_not_ssh_is_refused_with_that_reason(text: str) -> None:
    with pytest.raises(NbsshError, match=f"'{text.partition(' ')[0]}' is not ssh"):
        parse_recipe(text)


def test_user_and_port_may_come_as_options() -> None:
    recipe = parse_recipe("ssh -l alice -p 2222 -L 9000:localhost:8888 box")
    assert str(recipe.destination) == "alice@box:2222"


def test_a_further_forward_is_taken_and_one_to_no_port_is_dropped() -> None:
    recipe = parse_recipe("ssh -L 9000:localhost:8888 -L 6006:localhost:6006 -L 9001:db:99999 box")
    assert (recipe.local_port, recipe.also, recipe.dropped) == (9000, ("6006",), ("-L 9001:db:99999",))
