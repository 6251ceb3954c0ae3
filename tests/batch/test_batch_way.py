"""The pure part of batch jobs: which ways there are, whom to trust on a node, and what ssh is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
from types import SimpleNamespace
from typing import Literal

import pytest

from nbssh.batch import doctor, said
from nbssh.batch.way import BatchWay
from nbssh.core.files.laptop_files import Local, ssh_config
from nbssh.core.profile.profile import Profile, Server, from_dict
from nbssh.core.profile.scheduler import Kind, Scheduler, Via
from nbssh.core.way import Login, known_hosts
from nbssh.errors import NbsshError
from nbssh.wings import way_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4e"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5f"
RSA = "ssh-rsa AAAAB3NzaC1yc2E"


def profile(kind: Kind = "slurm", via: str = "auto", found: Via | Literal["auto"] | None = None) -> Profile:
    server = Server(
        home="/home/alice", uid=1000, hostname="login", os="Linux", jupyter="/j", forward="socket", socket="/tmp/s",
        via=found or "", host_keys=[KEY],
    )  # fmt: skip
    said = Scheduler(kind=kind, via=via)  # type: ignore[arg-type]  what the tests give
    return Profile(destination="alice@login:2222", port=8888, scheduler=said, server=server if found else None)


def way(kind: Kind = "slurm", via: str = "auto", found: Via | Literal["auto"] | None = None) -> BatchWay:
    declared = profile(kind, via, found)
    assert declared.scheduler
    return BatchWay(declared, declared.scheduler)


@pytest.mark.parametrize(
    ("kind", "via", "ways"),
    [
        ("slurm", "auto", ("node", "srun", "relay")),
        ("gridengine", "auto", ("node", "relay")),
        ("pbs", "auto", ("node", "relay")),
        ("lsf", "relay", ("relay",)),
        ("flux", "auto", ("node", "relay")),
    ],
)
def test_the_best_way_is_tried_first_and_a_declared_one_alone(kind: Kind, via: str, ways: tuple[Via, ...]) -> None:
    assert way(kind, via).to_try == ways


def test_a_lone_host_has_the_straight_way() -> None:
    straight = way_of(Profile(destination="box", port=8888))
    assert (straight.leads_on, straight.part, straight.keywords(), straight.settings()) == (False, "", frozenset(), [])


def test_what_was_found_counts_then_what_was_declared_then_the_likeliest() -> None:
    assert way("slurm", "relay", "node").via == "node"
    assert way("slurm", "relay").via == "relay"
    assert way("slurm").via == "srun"
    assert way("lsf").via == "node"


def test_only_a_sshd_of_our_own_asks_for_our_own_key() -> None:
    assert not way(found="node").own_key
    # where the way is still to be found, with it or with one of the user's
    assert way(found="auto").own_key
    assert not way(found="auto").key_alone
    assert way(found="srun").key_alone
    assert way(found="relay").own_key
    assert "identityfile" in way(found="srun").keywords()
    assert "identityfile" not in way(found="node").keywords()


def test_the_proxy_runs_the_job_script_on_the_login_node() -> None:
    login = Login(["ssh", "alice@login"], "0123456789abcdef", "gpu", persists=False)
    job = "/home/alice/.local/share/nbssh/program/0123456789abcdef/batch/job"
    assert way(found="node").proxy(login) == ["ssh", "alice@login", "exec", "/bin/sh", job, "gpu", "node"]
    # ssh sends the stderr of a ProxyCommand nowhere once there is a ControlPersist
    assert way(found="node").proxy(login._replace(persists=True))[:2] == ["sh", "-c"]


def test_the_proxy_logs_in_as_the_destination_says() -> None:
    declared = profile(found="node")
    text = ssh_config(
        "gpu",
        declared,
        Local("/x", "/o", "/c", "/r", "/known", "/key", ssh=("ssh", "-F", "my config")),
        [],
        way_of(declared),
    )
    proxy = next(line.strip() for line in text.splitlines() if line.startswith("    ProxyCommand "))
    assert "ssh -F 'my config' " in proxy
    assert " -p 2222 alice@login exec /bin/sh " in proxy


def test_all_nodes_are_known_by_one_name() -> None:
    assert known_hosts("gpu", [KEY, OTHER]) == f"nbssh-gpu {KEY}\nnbssh-gpu {OTHER}\n"
    assert known_hosts("gpu", []) == ""


def spoken(nodes: list[str], lines: list[str]) -> bytes:
    return "".join([*(f"node {node}\n" for node in nodes), *(f"known {line}\n" for line in lines)]).encode()


def hashed(host: str) -> str:
    salt = b"0123456789abcdef0123"
    digest = hmac.new(salt, host.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (f"c1 {KEY}", True),
        (f"login,c1.cluster.edu,10.0.0.1 {KEY} a comment", True),
        (f"c* {KEY}", True),
        (f"c?,!c1 {KEY}", False),
        (f"{hashed('c1')} {KEY}", True),
        (f"{hashed('c2')} {KEY}", False),
        (f"|1|%% {KEY}", False),
        (f"c10 {KEY}", False),
        (f"@cert-authority * {KEY}", False),
        (f"@revoked c1 {KEY}", False),
        (f"# c1 {KEY}", False),
        ("c1 ssh-ed25519", False),
        ("c1 ssh-ed25519 not$base64", False),
        ("c1 256 1234567", False),
        ("", False),
    ],
)
def test_a_key_is_taken_from_the_lines_that_name_the_node(line: str, known: bool) -> None:  # noqa: FBT001
    assert said.chosen_keys(spoken(["c1", "x"], [line]), "c1")[0] == ([KEY] if known else [])


def test_without_a_list_of_nodes_every_known_host_may_be_one() -> None:
    assert said.chosen_keys(spoken([], [f"c1 {KEY}", f"c2 {OTHER}"]), "c1") == ([KEY, OTHER], [])
    assert said.chosen_keys(spoken([], [f"c1 {KEY}", f"c2 {OTHER}"]), "c3") == ([], ["c3"])


def test_of_every_node_one_key_and_the_best() -> None:
    text = spoken(["c1", "c2", "c3", "c1", "-x", "a b"], [f"c1 {RSA}", f"c1 {KEY}", f"c2 {KEY}", f"other {OTHER}"])
    assert said.chosen_keys(text, "c4") == ([KEY], ["c4", "c3"])
    assert said.scanned_keys(f"c3 {RSA}\nc3 {OTHER}\n# c4:22 SSH-2.0\nc4 {KEY}\n".encode()) == [OTHER, KEY]
    assert said.scanned_keys(b"c3 ssh-dss AAAA\nc3 sk-ssh-ed25519@openssh.com AAAA\n") == [
        "sk-ssh-ed25519@openssh.com AAAA"
    ]


def test_a_profile_says_its_scheduler() -> None:
    base = {"destination": "cluster", "port": 8888}
    made = from_dict(base | {"scheduler": {"kind": "slurm", "options": ["--time=8:00:00"]}}, "gpu.toml")
    assert made.scheduler == Scheduler(kind="slurm", options=["--time=8:00:00"])
    assert made.fingerprint() != from_dict(base, "gpu.toml").fingerprint()
    for wrong in ({"kind": "condor"}, {"options": []}, {"kind": "slurm", "vai": "node"}):
        with pytest.raises(NbsshError, match=r"gpu\.toml"):
            from_dict(base | {"scheduler": wrong}, "gpu.toml")
    server: dict[str, object] = {"home": "/h", "uid": 1, "hostname": "l", "os": "L", "jupyter": "/j"}
    server["forward"] = "socket"
    server["host_keys"] = ["ssh-rsa AAAA\n@cert-authority *"]
    with pytest.raises(NbsshError, match=r"gpu\.toml"):
        from_dict(base | {"server": server}, "gpu.toml")


@pytest.mark.parametrize(
    ("found", "said", "level", "words"),
    [
        ("node", "ok", "ok", "a session goes by 'node': not tried now, for no job runs"),
        ("node", "reaches c1\nok", "ok", "a session goes by 'node', and a sshd answers on c1"),
        ("relay", "lost c1\nok", "error", "the job runs on c1, where no sshd answers: a session goes by 'relay', and"),
        ("auto", "ok", "warning", "the way to a node was never tried"),
        ("auto", "way telnet\nok", "warning", "the way to a node was never tried"),
        ("auto", "way srun\nreaches c1\nok", "ok", "goes by 'srun', which the first one has found, and a sshd answers"),
        ("auto", "way srun\nlost c1\nok", "error", "no sshd answers: a session goes by 'srun', which the first one"),
        ("node", "reaches c1\nrefused no account", "error", "Slurm would not take the job: no account"),
    ],
)
def test_the_doctor_says_of_the_way_what_was_tried(
    found: Literal["auto"] | Via, said: str, level: str, words: str
) -> None:
    made = way(found=found)
    declared = SimpleNamespace(name="gpu", server=made.profile.server)
    (finding,) = doctor.examine(made, declared, lambda *_: f"{said}\n".encode())  # type: ignore[arg-type]
    assert (finding.level, words in finding.message) == (level, True), finding
