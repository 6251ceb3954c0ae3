"""The straight way, which adds nothing to ssh, and the one into a batch job, where it says more."""

from __future__ import annotations

import msgspec
import pytest

from nbssh.core.profile.profile import Profile, Server, all_aliases
from nbssh.core.profile.scheduler import Scheduler
from nbssh.core.way import STRAIGHT, Login, Way, known_hosts
from nbssh.wings import way_of

LOGIN = Login(("ssh", "box"), "0123456789abcdef", "mybox", persists=False)
SERVER = Server(home="/home/a", uid=1, hostname="h", os="Linux", jupyter="j", forward="tcp", port=10000)
PROFILE = Profile(destination="box", port=8888, server=SERVER)


def job(via: str = "auto", kind: str = "slurm") -> Way:
    scheduler = msgspec.convert({"kind": kind, "via": via, "options": ["--gres=gpu:1"]}, Scheduler)
    return way_of(msgspec.structs.replace(PROFILE, scheduler=scheduler))


def test_without_a_scheduler_the_way_is_straight_and_adds_nothing() -> None:
    way = way_of(PROFILE)
    assert not way.leads_on
    assert not way.own_key
    assert way.proxy(LOGIN) == way.joining(LOGIN, submits=True) == []
    assert way.submitting(["--x"]) == ()
    assert way.options == way.settings() == way.carried_keys("key", "public", "opens") == []
    assert (way.unseen_via, way.removing()) == ("", "")
    assert way.keywords() == STRAIGHT.keywords() == frozenset()


def test_into_a_job_ssh_is_led_on_by_a_script_on_the_login_node() -> None:
    way = job()
    script = ["ssh", "box", "exec", "/bin/sh", "/home/a/.local/share/nbssh/program/0123456789abcdef/batch/job"]
    assert way.proxy(LOGIN) == [*script, "mybox", "srun"]
    assert way.joining(LOGIN, submits=True)[-2:] == ["attach", "submits"]
    assert way.joining(LOGIN, submits=False)[-1] == "attach"
    assert way.submitting(["--mem=1G"]) == ("batch/job", "submit", "--mem=1G")
    assert way.options == ["--gres=gpu:1"]
    assert [name for name, _ in way.carried_keys("k", "p", "o")] == [
        "sshd/host_key",
        "sshd/host_key.pub",
        "sshd/authorized_keys",
    ]


@pytest.mark.parametrize(("via", "own"), [("node", False), ("srun", True), ("relay", True)])
def test_the_key_is_another_one_where_the_sshd_is_our_own(via: str, *, own: bool) -> None:
    way = job(via)
    assert way.own_key is own
    assert ("identityfile" in way.keywords()) is own
    assert "proxycommand" in way.keywords()


@pytest.mark.parametrize(
    ("via", "kind", "unseen"),
    [("auto", "slurm", "srun"), ("auto", "pbs", "relay"), ("node", "slurm", "srun"), ("relay", "slurm", "relay")],
)
def test_a_host_that_nobody_looked_at_gets_a_sshd_of_our_own(via: str, kind: str, unseen: str) -> None:
    assert job(via, kind).unseen_via == unseen


def test_the_keys_of_all_nodes_are_known_under_one_name() -> None:
    assert known_hosts("mybox", ["ssh-ed25519 AAAA", "ssh-rsa BBBB"]) == (
        "nbssh-mybox ssh-ed25519 AAAA\nnbssh-mybox ssh-rsa BBBB\n"
    )


def test_a_way_that_leads_on_has_an_alias_more() -> None:
    assert all_aliases("mybox", leads_on=False) == ("mybox-nb", "mybox-nb-kill")
    assert all_aliases("mybox", leads_on=True) == ("mybox-nb", "mybox-nb-kill", "mybox-node")
