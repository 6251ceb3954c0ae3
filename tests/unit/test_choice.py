"""What is chosen on a server, and why, from what the probe found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nbssh.core.profile.profile import App, Profile
from nbssh.core.server import choice
from nbssh.core.server.choice import Permitted
from nbssh.core.server.facts import Candidate, Facts, Running
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


def test_a_socket_is_tried_where_one_of_any_name_has_room_and_where_no_session_is() -> None:
    home = "/home/" + "a" * 75  # 107 bytes with the shortest name
    long = msgspec.structs.replace(FACTS, home=home)
    assert choice.socket_path("b", long).startswith(home)
    assert choice.trial_path("0123456789abcdef", long).startswith(f"{home}/.local/state/nbssh/.")
    elsewhere = msgspec.structs.replace(FACTS, socket_at_home=False)
    assert choice.trial_path("0123456789abcdef", elsewhere) == "/tmp/nbssh-1000.0123456789abcdef/sock"


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
    said = choice.loses_outputs(lab, profile())
    assert said.endswith(""": ssh box "/opt/a/bin/python -m pip install 'jupyter_server_nbmodel[lab]'\"""")
    assert "is lost" in said
    assert choice.loses_outputs(msgspec.structs.replace(lab, nbmodel="0.1.1"), profile()) == ""
    assert choice.loses_outputs(lab, profile(app="notebook")) == ""
    assert choice.loses_outputs(msgspec.structs.replace(lab, jupyter_server="1.24"), profile()) == ""


@pytest.mark.parametrize(
    ("running", "began", "said"),
    [
        (Running(7, "Jupyter"), "", "Jupyter running there, pid 7"),
        (
            Running(7, "Jupyter Notebook", port=8888, open=True),
            "Monday",
            "Jupyter Notebook running there since Monday, pid 7, port 8888, open to the whole network",
        ),
    ],
)
def test_what_she_started_by_hand_is_described(running: Running, began: str, said: str) -> None:
    assert choice.describe_running(running, began) == said


@pytest.mark.parametrize(
    ("fault", "of", "said"),
    [
        ("empty", "", "it is an empty file"),
        ("lineends", "", "its lines end in CR LF, so its interpreter is not found"),
        ("interpreter", "/gone/python\x1b[2J", r"its interpreter /gone/python\x1b[2J is not there"),
        ("silent", "", "it did not say its version"),
        ("silent", "No module named 'x'", "it did not say its version: No module named 'x'"),
        ("slow", "", "it did not say its version within 20 s"),
        ("", "", ""),
        ("of a newer probe", "x", ""),
    ],
)
def test_why_a_program_said_no_version(fault: str, of: str, said: str) -> None:
    assert choice.fault(msgspec.structs.replace(LAB, fault=fault, fault_of=of)) == said


BROKEN = msgspec.structs.replace(LAB, asked="lab", fault="interpreter", fault_of="/gone/python")


def test_a_program_that_cannot_start_is_passed_over_for_one_that_can() -> None:
    silent = msgspec.structs.replace(LAB, path="/opt/c/bin/jupyter-lab", fault="silent")
    answering = msgspec.structs.replace(LAB, path="/opt/d/bin/jupyter-lab", answered="4.6.6")

    def chosen(*candidates: Candidate) -> Candidate:
        return choice.candidate_for(profile(), msgspec.structs.replace(FACTS, candidates=candidates))

    assert chosen(BROKEN, silent) is silent
    assert chosen(BROKEN, silent, answering) is answering


def test_where_all_are_broken_it_says_what_is_wrong_with_the_first() -> None:
    facts = msgspec.structs.replace(FACTS, candidates=(BROKEN, NOTEBOOK))
    said = "/opt/a/bin/jupyter-lab on gpu1 cannot be run: its interpreter /gone/python is not there"
    with pytest.raises(NbsshError) as caught:
        choice.candidate_for(profile(), facts)
    assert (caught.value.message, caught.value.hint.partition(",")[0]) == (said, "install jupyterlab there again")
    with pytest.raises(NbsshError) as caught:
        choice.candidate_for(profile(jupyter="lab"), facts)
    assert (caught.value.message, caught.value.hint.partition(",")[0]) == (said, "mend it")


def test_a_login_shell_that_did_not_tell_its_path_is_named_as_the_likely_cause() -> None:
    facts = msgspec.structs.replace(FACTS, candidates=(), login_told=False)
    with pytest.raises(NbsshError, match="your login shell there did not tell its PATH") as caught:
        choice.candidate_for(profile(), facts)
    assert "[ -t 0 ]" in caught.value.hint
    # what is installed there is told first
    with pytest.raises(NbsshError) as caught:
        choice.candidate_for(profile(), msgspec.structs.replace(facts, candidates=(NOTEBOOK,)))
    assert "say --app notebook" in caught.value.hint


def test_one_that_she_started_is_reached_at_its_port() -> None:
    way = choice.tunnel(
        "box", profile(adopt=True, remote_port=8889), FACTS, LAB, Permitted(socket=True, tcp=True), leads_on=False
    )
    assert (way.forward, way.socket, way.port, way.why) == ("tcp", "", 8889, "where you started it")


def test_the_next_port_is_another_one_that_could_be_chosen() -> None:
    assert choice.next_port(10000) == 10001
    assert choice.next_port(29999) == 10000
    assert choice.next_port(8888) in range(10000, 30000)


@pytest.mark.parametrize(
    ("app", "notebook", "server", "reads"),
    [
        ("notebook", "6.5.7", "1.24", "notebook6"),
        ("notebook", "7.0.0", "2.0", "server2"),
        ("lab", "6.5.7", "1.24", "server1"),
        ("lab", "", "2.21.1", "server2"),
        ("lab", "", "", ""),
        ("server", "", "unknown", ""),
    ],
)
def test_which_generation_reads_the_configuration(app: App, notebook: str, server: str, reads: str) -> None:
    assert choice.generation(Candidate("x", "y", notebook=notebook, jupyter_server=server), app) == reads


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("~/envs/ds", "~/envs/ds/bin/jupyter-lab"),
        ("/opt/j/", "/opt/j/bin/jupyter-lab"),
        ("~/.venv/bin/jupyter", "~/.venv/bin/jupyter-lab"),
        ("~/.venv/bin/python", "~/.venv/bin/jupyter-lab"),
        ("jupyter", "~/.venv/bin/jupyter-lab"),
        ("/nosuch/bin/jupyter-lab", "~/.venv/bin/jupyter-lab"),
        ("~/.venv/bin/jupyter-lab", "~/bin/jupyter-lab"),
    ],
)
def test_an_environment_that_was_named_is_told_what_is_meant(said: str, meant: str) -> None:
    with pytest.raises(NbsshError) as error:
        choice.candidate_for(profile(jupyter=said), FACTS)
    assert error.value.hint.endswith(f"the path of jupyter-lab itself, such as {meant}")
