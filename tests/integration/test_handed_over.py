"""A session of days hands no agent, display or Kerberos ticket to the server, unless the profile says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

KEYS = {
    "forward_agent": ("forwardagent", "yes"),
    "forward_x11": ("forwardx11", "yes"),
    "delegate_credentials": ("gssapidelegatecredentials", "yes"),
}
HERS = ["ForwardAgent yes", "ForwardX11 yes", "ForwardX11Trusted yes", "GSSAPIDelegateCredentials yes"]


def resolved(bed: Bed, alias: str) -> dict[str, str]:
    """Return what ssh does for `alias`, by keyword."""
    lines = bed.run("ssh", "-G", alias).stdout.splitlines()
    return {keyword: value for keyword, _, value in (line.partition(" ") for line in lines)}


def profile(bed: Bed, *more: str) -> None:
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    toml.write_text("".join(f"{line}\n" for line in more) + toml.read_text())


def known(bed: Bed, keyword: str) -> bool:
    """Tell whether this ssh was built with it; without GSSAPI it would complain."""
    return keyword in resolved(bed, "box")


@pytest.mark.parametrize("where", ["her block", "for all hosts", "in the profile"])
def test_nothing_is_handed_over_and_that_is_no_difference(make_bed: Callable[..., Bed], where: str) -> None:
    bed = make_bed(host_lines=HERS if where == "her block" else ())
    if where == "for all hosts":
        bed.ssh_config.write_text(bed.ssh_config.read_text() + "Host *\n" + "".join(f"    {line}\n" for line in HERS))
    done = bed.nbssh("add", "box", "--token", "--yes", "--offline", "--port", str(free_port()))
    if where == "in the profile":
        profile(bed, f"ssh_options = {[line.replace(' ', '=') for line in HERS]}")
        done = bed.nbssh("apply", "--offline", "box")
    assert "equal" not in done.stderr
    for alias in ("box-nb", "box-nb-kill"):
        found = resolved(bed, alias)
        for keyword, _ in KEYS.values():
            assert found.get(keyword, "no") == "no"
    if where != "in the profile":
        assert resolved(bed, "box")["forwardagent"] == "yes", "hers stays as it is"
    assert "no ssh agent, no X11, no Kerberos ticket" in bed.nbssh("show", "box").stdout
    assert "up to date" in bed.nbssh("apply", "--offline", "box").stderr


@pytest.mark.parametrize("key", KEYS)
def test_the_profile_may_ask_for_each_of_them(make_bed: Callable[..., Bed], key: str) -> None:
    bed = make_bed(host_lines=HERS)
    keyword, value = KEYS[key]
    if not known(bed, keyword):
        pytest.skip("this ssh does not know it")
    bed.nbssh("add", "box", "--token", "--yes", "--offline", "--port", str(free_port()))
    profile(bed, f"{key} = true")
    bed.nbssh("apply", "--offline", "box")
    found = resolved(bed, "box-nb")
    assert found[keyword] == value
    assert all(found.get(other, "no") == "no" for other, _ in KEYS.values() if other != keyword)
    assert keyword in bed.nbssh("show", "box").stdout


def test_it_is_handed_over_as_the_destination_has_it(make_bed: Callable[..., Bed], tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.touch()  # with ExitOnForwardFailure ssh refuses one that is not there
    bed = make_bed(host_lines=[f"ForwardAgent {agent}"])
    bed.nbssh("add", "box", "--token", "--yes", "--offline", "--port", str(free_port()))
    assert resolved(bed, "box-nb")["forwardagent"] == "no"
    profile(bed, "forward_agent = true", "forward_x11 = true")
    bed.nbssh("apply", "--offline", "box")
    found = resolved(bed, "box-nb")
    assert found["forwardagent"] == str(agent)
    assert found["forwardx11"] == "no"


def test_a_pasted_command_that_asks_for_it_is_told_so(bed: Bed) -> None:
    done = bed.nbssh(
        "add", "box", "ssh -A -X -o ForwardAgent=yes box", "--token", "--yes", "--offline", "--port", str(free_port())
    )
    assert "not taken over from your command: -A" in done.stderr
    assert "not taken over from your command: -o ForwardAgent=yes" in done.stderr
    assert resolved(bed, "box-nb")["forwardagent"] == "no"
