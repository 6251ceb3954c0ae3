"""The rules of a profile's values, and the words with which they are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nbssh.adapters.laptop import store
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import RESERVED, Profile, Server, check_name, from_dict, is_name, tcp_port, validated
from nbssh.errors import NbsshError

GOOD: dict[str, Any] = {"destination": "mybox", "port": 8888}
SERVER: dict[str, Any] = {
    "home": "/home/alice", "uid": 1000, "hostname": "gpu1", "os": "Linux", "jupyter": "/opt/j/bin/jupyter-lab",
    "forward": "socket", "socket": "/home/alice/.local/state/nbssh/mybox/sock",
}  # fmt: skip


@pytest.mark.parametrize("name", ["a", "0", "My.box_1-x", "a" * 32])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".a", "-a", "_a", "a" * 33, "a b", "a/b", "a\n", "ä", "$(id)", "a*", "a:b", "\x1b[2J"]
)
def test_bad_names_are_refused_without_touching_the_terminal(name: str) -> None:
    with pytest.raises(NbsshError, match="is no profile name") as caught:
        check_name(name)
    assert caught.value.message.isprintable()


def test_an_unknown_key_is_named_with_the_likely_one() -> None:
    with pytest.raises(NbsshError) as caught:
        from_dict({**GOOD, "prot": 1}, "x.toml")
    assert caught.value.message == "x.toml: unknown key 'prot'"
    assert caught.value.hint == "did you mean 'port'?"
    with pytest.raises(NbsshError, match="unknown key 'zzz'") as caught:
        from_dict({**GOOD, "zzz": 1}, "x.toml")
    assert "destination" in caught.value.hint


def test_the_client_of_old_is_named_with_what_to_do_instead() -> None:
    with pytest.raises(NbsshError, match=r"x\.toml: the key 'client' is no longer known") as caught:
        from_dict({**GOOD, "client": "windows"}, "x.toml")
    assert "run nbssh on that system" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": 1009}, "port 1009 is below 1024"),
        ({"port": 70000}, "70000 is no port"),
        ({"port": "x"}, "x is no port"),
        ({"remote_port": 1008}, "port 1008 is below 1024"),
        ({"dir": "a\nb"}, "'dir' holds a control character"),
        ({"setup": ["module load a\x00"]}, "'setup[0]' holds a control character"),
        ({"app": "emacs"}, "'app'"),
        ({"idle_hours": 0}, "'idle_hours'"),
        ({"destination": "x" * 5000}, "'destination'"),
    ],
)
def test_bad_values_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(NbsshError) as caught:
        from_dict({**GOOD, **change}, "x.toml")
    assert caught.value.message.startswith("x.toml: ")
    assert words in caught.value.message
    assert caught.value.hint
    assert "--" not in caught.value.hint, "a file has no options"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(NbsshError, match="the key 'port' is missing"):
        from_dict({"destination": "mybox"}, "x.toml")


@pytest.mark.parametrize(
    "home", ["/home/${AWS_SECRET_ACCESS_KEY}", "/home/a b", "/home/%h", "relative", "/home/a'b", "/h\tx"]
)
def test_a_home_that_ssh_would_expand_is_refused(home: str) -> None:
    with pytest.raises(NbsshError):
        from_dict({**GOOD, "server": {**SERVER, "home": home}}, "x.toml")


def test_the_fingerprint_changes_with_what_the_probe_depends_on() -> None:
    profile = from_dict(GOOD, "x")
    assert profile.fingerprint() == from_dict({**GOOD, "port": 9999, "idle_hours": 3.5}, "x").fingerprint()
    for change in ({"app": "notebook"}, {"jupyter": "/x"}, {"setup": ["a"]}, {"forward": "tcp"}, {"destination": "b"}):
        assert profile.fingerprint() != from_dict({**GOOD, **change}, "x").fingerprint()


HOSTILE = [
    "$( touch x )",
    "${HOME}",
    'it\'s "quoted" `id`',
    "%h %% %n",
    "-rf",
    "Ünïcödé 🐍",
    "a" * 255,
    "#no comment",
    "\\",
    "{{ x }}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_every_text_survives_toml_and_back(value: str) -> None:
    profile = Profile(
        destination="box", port=8888, jupyter=value, dir=value, setup=[value, value], setup_shell=[value],
        ssh_options=[value], server=msgspec.convert({**SERVER, "jupyter": value, "python": value}, Server),
    )  # fmt: skip
    text = store.text_of("box", profile)
    assert store.parse(text, "x") == profile
    assert store.text_of("box", profile, text) == text


def test_comments_and_order_of_a_hand_edited_file_survive() -> None:
    old = '# mine\nport = 8888 # keep\ndestination = "box"\n\n# about idle\nidle_hours = 2.0\n'
    profile = store.parse(old, "x")
    assert store.text_of("box", profile, old) == old
    new = store.text_of("box", msgspec.structs.replace(profile, port=9999, app="notebook"), old)
    assert "# mine" in new
    assert "port = 9999 # keep" in new
    assert "# about idle" in new
    assert store.parse(new, "x").app == "notebook"


def test_a_default_that_was_written_down_stays() -> None:
    old = 'destination = "box"\nport = 8888\napp = "lab"\nbrowser = true\n'
    assert store.text_of("box", store.parse(old, "x"), old) == old
    changed = msgspec.structs.replace(store.parse(old, "x"), browser=False)
    assert "browser = false" in store.text_of("box", changed, old)
    back = msgspec.structs.replace(changed, browser=True)
    assert "browser = false" not in store.text_of("box", back, store.text_of("box", changed, old))


def test_a_new_key_stands_above_the_server_table() -> None:
    with_server = Profile(destination="box", port=8888, server=msgspec.convert(SERVER, Server))
    text = store.text_of("box", with_server)
    changed = msgspec.structs.replace(with_server, dir="work")
    assert store.parse(store.text_of("box", changed, text), "x") == changed


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Secrets", "LOG"])
def test_names_under_which_nbssh_keeps_something_are_refused(name: str) -> None:
    with pytest.raises(NbsshError, match="cannot be a profile's name"):
        check_name(name)


def test_what_a_host_says_of_a_profile_is_checked_like_a_file() -> None:
    good = from_dict({**GOOD, "server": SERVER}, "test")
    assert validated(good, "what box says") is good
    bad = msgspec.structs.replace(good, server=msgspec.structs.replace(good.server, hostname="a\nb"))
    with pytest.raises(NbsshError, match="what box says"):
        validated(bad, "what box says")


def test_nothing_is_known_of_a_host_before_it_was_looked_at() -> None:
    with pytest.raises(ValueError, match="nothing is known of the host of box"):
        _ = Declared("box", from_dict(GOOD, "test"), Secret(), "0" * 16).server


def test_a_key_of_the_profile_in_a_table_is_told_where_it_belongs() -> None:
    text = 'destination = "mybox"\nport = 8888\n[scheduler]\nkind = "slurm"\ndir = "x"\n'
    with pytest.raises(NbsshError) as caught:
        store.parse(text, "x.toml")
    assert caught.value.message == "x.toml:5: 'dir' is no key of this table"
    assert caught.value.hint == "put it above the line [scheduler]"


@pytest.mark.parametrize("persist", ["soon", "-1", "10 m", "1h30x"])
def test_a_time_that_ssh_would_not_take_is_named(persist: str) -> None:
    with pytest.raises(NbsshError) as caught:
        from_dict({**GOOD, "persist": persist}, "x.toml")
    assert caught.value.message == f"x.toml: 'persist': '{persist}' is no time"
    assert "1h30m" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "key"),
    [({"dir": "x"}, "dir"), ({"forward": "socket"}, "forward"), ({"idle_hours": 2.0, "setup": ["a"]}, "setup")],
)
def test_what_is_for_a_jupyter_of_ours_does_not_go_with_one_of_hers(change: dict[str, Any], key: str) -> None:
    with pytest.raises(NbsshError, match=f"'{key}' is for a Jupyter that nbssh starts") as caught:
        from_dict({**GOOD, "adopt": True, **change}, "x.toml")
    assert caught.value.hint == f"leave out '{key}', or 'adopt'"
    assert from_dict({**GOOD, "adopt": True, "forward": "tcp"}, "x.toml").adopt


@pytest.mark.parametrize(
    ("name", "possible"), [("box", True), ("A.b_c-1", True), ("lock", False), ("Secrets", False), ("a b", False)]
)
def test_a_name_is_possible_where_it_would_be_taken(name: str, *, possible: bool) -> None:
    assert is_name(name) is possible


def test_the_ports_here_are_the_notebooks_and_the_further_ones() -> None:
    assert from_dict({**GOOD, "also": ["6006", "6007:db:5432"]}, "x.toml").local_ports() == [8888, 6006, 6007]


def test_only_what_is_said_is_handed_over() -> None:
    assert from_dict(GOOD, "x").handed_over() == frozenset()
    profile = from_dict({**GOOD, "forward_agent": True, "delegate_credentials": True}, "x")
    assert profile.handed_over() == {"forwardagent", "gssapidelegatecredentials"}


def test_the_port_there_is_the_declared_one_then_the_found_one_then_the_same_as_here() -> None:
    found = {**SERVER, "forward": "tcp", "socket": "", "port": 10080}
    assert tcp_port(from_dict({**GOOD, "remote_port": 9999, "server": found}, "x")) == 9999
    assert tcp_port(from_dict({**GOOD, "server": found}, "x")) == 10080
    assert tcp_port(from_dict(GOOD, "x")) == 8888
