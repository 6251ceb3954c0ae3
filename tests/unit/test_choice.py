"""What is chosen on a server, and why, from what the probe found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nbssh.core.profile.profile import Profile
from nbssh.core.server import choice
from nbssh.core.server.choice import Permitted
from nbssh.core.server.facts import Candidate, Facts
from nbssh.errors import NbsshError

LAB = Candidate("/opt/a/bin/jupyter-lab", "jupyter-lab", jupyterlab="4.6.6", jupyter_server="2.21.1", argon2="25.1")
NOTEBOOK = Candidate("/opt/b/bin/jupyter-notebook", "jupyter-notebook", notebook="6.0.3")
FACTS = Facts(
    home="/home/alice", uid=1000, host="gpu1", os="Linux", home_filesystem="ext4", socket_at_home=True,
    socket_in_tmp=True, socket_limit=107, candidates=(LAB, NOTEBOOK),
)  # fmt: skip


def profile(**change: Any) -> Profile:  # noqa: ANN401
    return Profile(**{"destination": "box", "port": 8888, **change})


def test_the_socket_below_the_home_wins() -> None:
    way = choice.tunnel("box", profile(), FACTS, LAB, Permitted(socket=True, tcp=True), leads_on=False)
    assert (way.forward, way.socket) == ("socket", "/home/alice/.local/state/nbssh/box/sock")


@pytest.mark.parametrize(
    "change",
    [
        {"socket_at_home": False},
        {"home": "/home/" + "a" * 90},
        {"home": "/home/with blank"},
        {"home_filesystem": "nfs4"},
        {"home_filesystem": "lustre"},
    ],
)
def test_else_the_private_folder_in_tmp(change: dict[str, Any]) -> None:
    facts = msgspec.structs.replace(FACTS, **change)
    assert choice.tunnel("box", profile(), facts, LAB, Permitted(), leads_on=False).socket == "/tmp/nbssh-1000/box.sock"


def test_macos_has_shorter_socket_paths() -> None:
    home = "/Users/" + "a" * 70  # 106 bytes with the rest
    linux, mac = (msgspec.structs.replace(FACTS, home=home, socket_limit=limit) for limit in (107, 103))
    assert choice.socket_path("box", linux).startswith(home)
    assert choice.socket_path("box", mac).startswith("/tmp/")


@pytest.mark.parametrize(
    ("permitted", "facts", "candidate", "words"),
    [
        (Permitted(socket=False, tcp=True), FACTS, LAB, "AllowStreamLocalForwarding"),
        (Permitted(), FACTS, NOTEBOOK, "too old"),
        (Permitted(), msgspec.structs.replace(FACTS, socket_at_home=False, socket_in_tmp=False), LAB, "no unix socket"),
    ],
)
def test_tcp_where_no_socket_can_be_had_and_it_says_why(
    permitted: Permitted, facts: Facts, candidate: Candidate, words: str
) -> None:
    way = choice.tunnel("box", profile(), facts, candidate, permitted, leads_on=False)
    assert way.forward == "tcp"
    assert 10000 <= way.port < 30000
    assert words in way.why
    with pytest.raises(NbsshError, match="--forward socket"):
        choice.tunnel("box", profile(forward="socket"), facts, candidate, permitted, leads_on=False)


def test_a_declared_port_is_taken() -> None:
    way = choice.tunnel("box", profile(forward="tcp", remote_port=10080), FACTS, LAB, Permitted(), leads_on=False)
    assert (way.forward, way.port) == ("tcp", 10080)


def test_the_tunnel_to_a_port_ends_at_a_socket_of_hers_where_it_can() -> None:
    able = msgspec.structs.replace(LAB, python="/opt/a/bin/python")

    def gate(permitted: Permitted, facts: Facts = FACTS, found: Candidate = able) -> str:
        return choice.tunnel("box", profile(forward="tcp"), facts, found, permitted, leads_on=False).gate

    assert gate(Permitted(socket=True, tcp=True)) == f"{FACTS.home}/.local/state/nbssh/box/sock"
    # then the port itself need not be forwarded
    assert gate(Permitted(socket=True, tcp=False)) == f"{FACTS.home}/.local/state/nbssh/box/sock"
    assert gate(Permitted(socket=False, tcp=True)) == ""
    assert gate(Permitted()) == ""
    assert gate(Permitted(socket=True), found=msgspec.structs.replace(LAB, python="")) == ""
    # neither in /tmp, which is everybody's too
    assert gate(Permitted(socket=True), msgspec.structs.replace(FACTS, home_filesystem="nfs4")) == ""


def test_an_sshd_that_forbids_everything_is_an_error_that_names_the_options() -> None:
    for permitted in (Permitted(socket=False, tcp=False), Permitted(tcp=False)):
        with pytest.raises(NbsshError, match="forbids the tunnel") as caught:
            choice.tunnel("box", profile(forward="tcp"), FACTS, LAB, permitted, leads_on=False)
        assert "AllowTcpForwarding local" in caught.value.hint


def test_the_first_program_that_fits_the_app_is_taken() -> None:
    assert choice.candidate_for(profile(), FACTS) is LAB
    assert choice.candidate_for(profile(app="notebook"), FACTS) is NOTEBOOK


def test_a_missing_jupyter_is_an_error_with_what_there_is() -> None:
    with pytest.raises(NbsshError, match="no jupyter-server was found on gpu1") as caught:
        choice.candidate_for(profile(app="server"), FACTS)
    assert "--app lab" in caught.value.hint
    with pytest.raises(NbsshError, match="no jupyter-lab was found") as caught:
        choice.candidate_for(profile(), msgspec.structs.replace(FACTS, candidates=()))
    assert "--setup" in caught.value.hint


def test_a_declared_jupyter_must_be_one() -> None:
    true = Candidate("/bin/true", "jupyter-lab", asked="/bin/true")
    with pytest.raises(NbsshError, match="'/bin/true' on gpu1 is no jupyter-lab"):
        choice.candidate_for(profile(jupyter="/bin/true"), msgspec.structs.replace(FACTS, candidates=(true,)))
    with pytest.raises(NbsshError, match="is no jupyter-lab"):
        choice.candidate_for(profile(jupyter="/nowhere"), msgspec.structs.replace(FACTS, candidates=()))
    wrapper = Candidate(
        "/opt/wrapped/jupyter-lab", "jupyter-lab", asked="x"
    )  # no metadata to be seen, but the name says it
    assert choice.candidate_for(profile(jupyter="x"), msgspec.structs.replace(FACTS, candidates=(wrapper,))) is wrapper


@pytest.mark.parametrize(
    ("candidate", "able"),
    [
        (Candidate("x", "jupyter-lab", jupyter_server="1.9.0"), True),
        (Candidate("x", "jupyter-lab", jupyter_server="1.8.2"), False),
        (Candidate("x", "jupyter-notebook", notebook="6.1.0"), True),
        (Candidate("x", "jupyter-notebook", notebook="5.7"), False),
        (Candidate("x", "jupyter-lab"), True),
    ],
)
def test_which_versions_can_listen_on_a_socket(candidate: Candidate, *, able: bool) -> None:
    assert choice.supports_socket(candidate) is able


def test_descriptions() -> None:
    assert choice.describe(LAB, "lab") == "JupyterLab 4.6.6 at /opt/a/bin/jupyter-lab"
    assert choice.describe(NOTEBOOK, "notebook") == "Jupyter Notebook 6.0.3 at /opt/b/bin/jupyter-notebook"
    assert choice.describe(LAB, "server") == "Jupyter Server 2.21.1 at /opt/a/bin/jupyter-lab"


def test_who_loses_what_a_cell_prints_is_told_what_keeps_it() -> None:
    lab = msgspec.structs.replace(LAB, python="/opt/a/bin/python")
    said = choice.loses_outputs(lab, "lab")
    assert said.endswith("/opt/a/bin/python -m pip install 'jupyter_server_nbmodel[lab]'")
    assert "is lost" in said
    assert choice.loses_outputs(msgspec.structs.replace(lab, nbmodel="0.1.1"), "lab") == ""
    assert choice.loses_outputs(lab, "notebook") == ""
    assert choice.loses_outputs(msgspec.structs.replace(lab, jupyter_server="1.24"), "lab") == ""
