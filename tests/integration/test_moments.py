"""What the user's ssh_config decides anew at each connection, the aliases decide anew too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dotfiles import Laptop

COMPARED = ("hostname ", "user ", "port ", "proxyjump ", "proxycommand ", "compression ", "identityfile ")


def answer(laptop: Laptop, host: str) -> list[str]:
    return [line for line in laptop.ssh_g(host).splitlines() if line.startswith(COMPARED)]


CONFIGS = {
    "another address at home": """
Match originalhost box exec "echo >>HOME/asked; test -e HOME/one"
    HostName 10.0.0.1
Host box
    HostName gate.example.org
    ProxyJump alice@gate.example.org:2222
""",
    "no jump at home": """
Match originalhost box exec "test -e HOME/one"
    ProxyJump none
Host box
    HostName 10.0.0.1
    ProxyJump gate
    User alice
""",
    "a jump where nothing answers": """
Host box
    HostName 10.0.0.1
Match originalhost box !exec "test -e HOME/one -a %n = box -a %h = 10.0.0.1"
    ProxyJump gate
    Compression yes
""",
    "for whatever host": """
Match exec "test -e HOME/one"
    ProxyJump none
    User bob
Host box
    ProxyJump gate
""",
    "two of them": """
Match originalhost box exec "test -e HOME/one"
    HostName 10.0.0.1
    Port 23
Match originalhost box exec "test -e HOME/two"
    User bob
    HostName 10.0.0.2
Match originalhost box !exec "test -e HOME/two" exec "test -e HOME/one"
    Port 24
Host box
    HostName 10.0.0.3
""",
    "in a file of its own": "Include extra\n",
}


@pytest.mark.parametrize("case", CONFIGS)
def test_the_alias_follows_the_destination(laptop: Laptop, case: str) -> None:
    laptop.write(CONFIGS[case].replace("HOME", str(laptop.home)).encode())
    (laptop.home / ".ssh/extra").write_text(CONFIGS["two of them"].replace("HOME", str(laptop.home)))
    laptop.add("box")
    seen = set()
    for present in ((), ("one",), ("two",), ("one", "two")):
        for name in ("one", "two"):
            (laptop.home / name).unlink(missing_ok=True)
        for name in present:
            (laptop.home / name).touch()
        wanted = answer(laptop, "box")
        seen.add(tuple(wanted))
        assert answer(laptop, "box-nb") == wanted, present
        assert answer(laptop, "box-nb-kill") == wanted, present
        # what was derived on another day is the same
        assert laptop.nbssh("apply", "--check", "--offline").returncode == 0
    assert len(seen) > 1


def test_a_session_asks_once_and_add_hardly_ever(laptop: Laptop) -> None:
    laptop.write(CONFIGS["another address at home"].replace("HOME", str(laptop.home)).encode())
    asked = laptop.home / "asked"
    laptop.add("box")
    assert len(asked.read_text().splitlines()) <= 2
    asked.unlink()
    laptop.ssh_g("box-nb")
    assert asked.read_text() == "\n"


def test_what_holds_for_all_hosts_alike_is_asked_by_her_own_line_alone(laptop: Laptop) -> None:
    asked = laptop.home / "asked"
    laptop.write(f'Match exec "echo >>{asked}"\n    Compression yes\nHost box\n    HostName 10.0.0.1\n'.encode())
    laptop.add("box")
    asked.unlink()
    laptop.ssh_g("box-nb")
    assert asked.read_text() == "\n"
    assert answer(laptop, "box-nb") == answer(laptop, "box")


def test_what_cannot_be_followed_is_said(laptop: Laptop) -> None:
    laptop.write(b'Match originalhost box exec "test -e /tmp/%C"\n    HostName 10.0.0.1\n')
    said = laptop.add("box")
    assert 'exec "test -e /tmp/%C"' in said
    assert "its answer of today stays" in said
