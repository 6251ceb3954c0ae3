"""What two laptops changed comes together key by key: who differs from what both had last has changed it."""

from __future__ import annotations

import ast
import inspect
import itertools
from typing import Any

import msgspec
import pytest

from nbssh.core.files import server_files, server_record
from nbssh.core.files.change import seal
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile, Server, from_dict
from nbssh.core.profile.shared import FOUND as FOUND_KEYS
from nbssh.core.profile.shared import KEYS, OWN, SECRET, SEEN, Shared, merge, onto
from nbssh.core.way import STRAIGHT
from nbssh.errors import NbsshError

FOUND = {"jupyter": "/home/a/bin/jupyter-lab", "forward": "socket", "socket": "/home/a/s"}
SERVER = {"home": "/home/a", "uid": 1, "hostname": "h", "os": "Linux", "prompts": True, "host_keys": [], **FOUND}
TOML = {"destination": "box", "port": 20000, "browser": False, "dir": "old"}
PROFILE = from_dict({**TOML, "server": {**SERVER, "probed_for": "x"}}, "test")
BASE = Shared.of(PROFILE, Secret(hash="old"))


def with_(**declared: object) -> Shared:
    return msgspec.structs.replace(BASE, declared=BASE.declared | declared)


def with_secret(hashed: str = "", token: str = "") -> Shared:
    return msgspec.structs.replace(BASE, hash=hashed, token=token)


def with_found(jupyter: str, **declared: object) -> Shared:
    return msgspec.structs.replace(with_(**declared), found=FOUND | {"jupyter": jupyter})


def test_every_key_of_a_profile_is_a_laptops_own_or_shared() -> None:
    assert set(KEYS) | OWN == set(Profile.__struct_fields__)
    assert BASE.declared == {"dir": "old"}
    assert BASE.found == FOUND, "whether a login asks, and the keys of hosts, are each laptop's own"


def test_nothing_changed_changes_nothing() -> None:
    assert merge(BASE, BASE, BASE) == (BASE, (), (), (), False)
    assert merge(BASE, None, BASE) == (BASE, (), (), (), False)


def test_without_anything_on_the_host_mine_shall_be() -> None:
    assert merge(BASE, with_(dir="x"), None).shared == BASE


def test_what_the_other_changed_is_taken_over() -> None:
    theirs = msgspec.structs.replace(with_(dir="new"), hash="new")
    assert merge(BASE, BASE, theirs) == (theirs, ("dir", SECRET), (), (), False)


def test_what_was_taken_out_there_is_taken_out_here() -> None:
    theirs = msgspec.structs.replace(BASE, declared={})
    assert merge(BASE, BASE, theirs).shared.declared == {}


def test_what_was_changed_here_is_sent() -> None:
    mine = msgspec.structs.replace(with_(dir="new"), token="t", hash="")
    assert merge(mine, BASE, BASE) == (mine, (), ("dir", SECRET), (), False)


def test_changes_of_different_keys_come_together() -> None:
    found = merge(with_(dir="mine"), BASE, with_(idle_hours=2.0))
    assert found.shared == with_(dir="mine", idle_hours=2.0)
    assert (found.taken, found.sent, found.clashing) == (("idle_hours",), ("dir",), ())


def test_the_same_change_on_both_is_none() -> None:
    new = with_(dir="new")
    assert merge(new, BASE, new) == (new, (), (), (), False)


@pytest.mark.parametrize("base", [BASE, None])
def test_two_changes_of_one_key_clash_until_somebody_decides(base: Shared | None) -> None:
    mine, theirs = with_(dir="mine"), with_(dir="theirs")
    assert merge(mine, base, theirs).clashing == ("dir",)
    here, there = merge(mine, base, theirs, prefer="here"), merge(mine, base, theirs, prefer="there")
    assert (here.shared, here.sent, here.clashing) == (mine, ("dir",), ())
    assert (there.shared, there.taken, there.clashing) == (theirs, ("dir",), ())


def test_who_is_preferred_does_not_take_back_what_the_other_alone_changed() -> None:
    assert merge(BASE, BASE, with_(dir="theirs"), prefer="here").taken == ("dir",)
    assert merge(with_(dir="mine"), BASE, BASE, prefer="there").sent == ("dir",)


def test_passwords_clash_as_one_and_a_new_one_that_was_typed_counts() -> None:
    mine, theirs = with_secret("mine"), with_secret(token="theirs")
    assert merge(mine, BASE, theirs).clashing == (SECRET,)
    assert merge(mine, BASE, theirs, decided={SECRET}).shared == mine
    assert merge(BASE, BASE, theirs, decided={SECRET}).sent == (SECRET,)


def test_a_secret_that_cannot_be_read_there_takes_none_away() -> None:
    assert merge(BASE, BASE, with_secret()).shared == BASE


def test_what_was_found_goes_with_the_keys_that_it_was_found_for() -> None:
    notebook = with_found("/n", app="notebook")
    assert merge(BASE, BASE, notebook).shared == notebook
    assert merge(with_(dir="mine"), BASE, notebook).shared == with_found("/n", app="notebook", dir="mine")
    # mine was found for another program, however fresh it is
    assert merge(with_found("/l2"), BASE, notebook, looked=True).shared == notebook
    assert merge(notebook, BASE, with_(dir="theirs")).shared == with_found("/n", app="notebook", dir="theirs")


def test_a_mixture_that_nobody_looked_for_is_looked_for() -> None:
    found = merge(with_found("/n", app="notebook"), BASE, with_found("/l", setup=["x"]))
    assert found.looks_again
    assert found.shared.declared == {"dir": "old", "app": "notebook", "setup": ["x"]}


def test_two_findings_for_the_same_never_clash() -> None:
    mine, theirs = with_found("/1"), with_found("/2")
    assert merge(BASE, BASE, theirs) == (theirs, (SEEN,), (), (), False)
    assert merge(mine, BASE, BASE).sent == (SEEN,)
    assert merge(mine, BASE, theirs, looked=True).shared == mine
    assert merge(mine, BASE, theirs).shared == theirs


SOME = [BASE, with_(dir="new"), with_(idle_hours=1.0), with_secret("new"), with_found("/n", app="notebook")]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(SOME, 2)))
def test_in_any_order_both_agree_after_each_has_applied_and_for_ever(first: Shared, second: Shared) -> None:
    """Two laptops that agreed on BASE; each has its change, one applies, then the other, then the first again."""
    on_host = merge(first, BASE, BASE).shared
    one = (on_host, on_host)
    found = merge(second, BASE, on_host)
    assert not found.clashing
    on_host = found.shared
    two = (on_host, on_host)
    one = (merge(*one, on_host).shared,) * 2
    for mine, base in (one, two, one):
        assert merge(mine, base, on_host) == (on_host, (), (), (), False)


def test_a_laptops_own_values_stay_its_own() -> None:
    theirs = msgspec.structs.replace(with_found("/n", app="notebook"), token="t", hash="")
    merged = onto(PROFILE, theirs, "test")
    assert (merged.app, merged.auth, merged.port, merged.browser) == ("notebook", "token", 20000, False)
    assert merged.server
    assert (merged.server.jupyter, merged.server.prompts, merged.server.probed_for) == ("/n", True, "x")
    assert Shared.of(merged, Secret(token="t")) == theirs


def test_nothing_of_a_server_is_taken_over_before_this_laptop_looked_at_it() -> None:
    merged = onto(msgspec.structs.replace(PROFILE, server=None), with_found("/n", app="notebook"), "test")
    assert (merged.app, merged.server) == ("notebook", None)


@pytest.mark.parametrize("declared", [
    {"dir": 7}, {"setup": ["a\nb"]}, {"app": "x"}, {"scheduler": {"kind": "x"}}, {"remote_port": 7}, {"setup": {}},
])  # fmt: skip
def test_a_value_of_a_host_is_checked_as_one_of_a_file(declared: dict[str, Any]) -> None:
    with pytest.raises(NbsshError, match="'box' on h"):
        onto(PROFILE, with_(**declared), "'box' on h")


def test_a_socket_that_ssh_would_expand_is_refused() -> None:
    bad = msgspec.structs.replace(BASE, found=FOUND | {"socket": "/tmp/${HOME}"})
    with pytest.raises(NbsshError, match="characters that ssh would expand"):
        onto(PROFILE, bad, "h")


# --- what lies on the host -------------------------------------------------------------------------------------------

DECLARED = Declared("box", PROFILE, Secret(hash="argon2:x"), "0" * 16, STRAIGHT)
DATA = DECLARED.folder


def files(declared: Declared = DECLARED) -> dict[str, tuple[bytes, int]]:
    return {file.path: (file.text.encode(), file.mode) for file in server_files.remote_files(declared)}


def changed(path: str, old: str, new: str, *, sealed: bool = True) -> dict[str, tuple[bytes, int]]:
    found = files()
    text = found[path][0].decode().replace(old, new)
    assert text.encode() != found[path][0]
    return found | {path: ((seal(text) if sealed else text).encode(), 0o600)}


def test_what_one_laptop_wrote_another_one_reads() -> None:
    record = server_record.read(files(), DATA)
    assert record.over(Shared()) == Shared.of(PROFILE, Secret(hash="argon2:x"))
    assert not record.newer
    assert not record.damaged


def test_an_empty_host_says_nothing() -> None:
    assert server_record.read({}, DATA) == server_record.Record()
    assert server_record.Record().over(BASE) is None


@pytest.mark.parametrize(("old", "new"), [
    ('shared {"', "shared {"), ("shared {", "shared ["), ('"found": {', '"found": 7, "x": {'),
    ("shared {", "shared " + '{"a":' * 5000),
])  # fmt: skip
def test_a_line_that_is_none_is_damage(old: str, new: str) -> None:
    record = server_record.read(changed(f"{DATA}/profile", old, new), DATA)
    assert record.shared is None
    assert record.damaged


def test_a_file_that_was_edited_by_hand_says_nothing() -> None:
    record = server_record.read(changed(f"{DATA}/profile", "dir ", "dir x", sealed=False), DATA)
    assert (record.shared, record.damaged, record.secret) == (None, True, ("", ""))
    record = server_record.read(
        changed(f"{DATA}/config/jupyter_server_config.json", "argon2:x", "argon2:y", sealed=False), DATA
    )
    assert record.secret == ("", "")
    assert not record.damaged


@pytest.mark.parametrize(("form", "newer"), [
    ("2", True), ("99", True), ("1", False), ("0", False), ("x", False), ("9" * 40, False), ("²", False),
])  # fmt: skip
def test_a_newer_form_is_told(form: str, *, newer: bool) -> None:
    found = files() if form == "1" else changed(f"{DATA}/profile", "format 1", f"format {form}")
    assert server_record.is_newer(found, DATA) is newer


def test_the_sum_is_that_of_cksum() -> None:
    assert server_record.summed(b"") == "4294967295 0"
    assert server_record.summed(b"abc\n") == "1112837078 4"


def test_what_the_hosts_files_say_of_the_server_is_shared() -> None:
    """Two laptops would otherwise render them differently, and rewrite them in turns."""
    tree = ast.parse(inspect.getsource(server_files))
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "server"
    }
    assert named & set(Server.__struct_fields__) <= {*FOUND_KEYS, "home", "uid"}


@pytest.mark.parametrize("text", ["[", "7", '{"IdentityProvider": 7}', '{"a":' * 5000])
def test_a_configuration_of_jupyter_that_is_no_json_says_no_secret(text: str) -> None:
    """It is listed as installed, and so is no hand edit."""
    path = f"{DATA}/config/jupyter_server_config.json"
    found = files()
    old, new = (server_files.checksum(data) for data in (found[path][0], text.encode()))
    profile = seal(found[f"{DATA}/profile"][0].decode().replace(old, new)).encode()
    record = server_record.read(found | {path: (text.encode(), 0o600), f"{DATA}/profile": (profile, 0o600)}, DATA)
    assert (record.secret, record.damaged) == (("", ""), False)
    assert record.shared


def test_what_opens_the_page_is_said_in_a_word() -> None:
    assert (with_secret(token="t").opens, with_secret("hash").opens) == ("token", "password")
