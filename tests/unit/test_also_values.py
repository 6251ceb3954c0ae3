"""Further tunnels: what an entry says, which are refused, and how a pasted command gives them."""

from __future__ import annotations

import pytest

from nbssh.core.profile import also
from nbssh.core.profile.also import Also
from nbssh.core.profile.profile import Profile, from_dict
from nbssh.core.profile.shared import KEYS
from nbssh.core.ssh.recipe import parse_recipe
from nbssh.errors import NbsshError


def profile(*entries: str, **keys: object) -> Profile:
    return from_dict({"destination": "box", "port": 8888, "also": list(entries), **keys}, "x.toml")


@pytest.mark.parametrize(
    ("text", "local", "far", "short"),
    [
        ("6006", 6006, "127.0.0.1:6006", "6006"),
        ("6006:6006", 6006, "127.0.0.1:6006", "6006"),
        ("18787:8787", 18787, "127.0.0.1:8787", "18787:8787"),
        ("localhost:6006", 6006, "127.0.0.1:6006", "6006"),
        ("1080:127.0.0.1:80", 1080, "127.0.0.1:80", "1080:80"),
        ("db.example.org:5432", 5432, "db.example.org:5432", "db.example.org:5432"),
        ("15432:10.0.0.5:5432", 15432, "10.0.0.5:5432", "15432:10.0.0.5:5432"),
        ("8080:[fe80::1]:80", 8080, "[fe80::1]:80", "8080:[fe80::1]:80"),
        ("5000:/home/alice/mlflow.sock", 5000, "/home/alice/mlflow.sock", "5000:/home/alice/mlflow.sock"),
    ],
)
def test_an_entry(text: str, local: int, far: str, short: str) -> None:
    (entry,) = profile(text).alsos()
    assert (entry.local, entry.far, entry.url) == (local, far, f"http://127.0.0.1:{local}/")
    assert str(entry) == short
    assert also.read([short], "") == [entry]


@pytest.mark.parametrize(
    ("text", "why", "better"),
    [
        ("80", "only root may open", "20000:80"),
        ("/run/x.sock", "names no local port", "20000:/run/x.sock"),
        ("0:6006", "no port", ""),
        ("70000", "no port", ""),
        ("99999:6006", "no port", ""),
        ("8888", "the local port of the notebook", "LOCAL:8888"),
        ("6006:~/sock", "is no port", ""),
        ("6006:/a/${SECRET}", "no path", ""),
        ("6006:/a/%h", "no path", ""),
        ("6006:/a b", "no path", ""),
        ("6006:-oProxyCommand:1", "is no port", ""),
        ("tensorboard", "is no port", ""),
        ("", "is no port", ""),
        ("6006 localhost:6006", "is no port", ""),
    ],
)
def test_what_is_none_is_refused(text: str, why: str, better: str) -> None:
    with pytest.raises(NbsshError) as caught:
        profile(text)
    assert "x.toml: 'also'" in caught.value.message
    assert why in caught.value.message
    assert better in caught.value.hint


def test_two_cannot_have_one_local_port() -> None:
    with pytest.raises(NbsshError, match="has the local port of '6006'"):
        profile("6006", "6006:8787")


def test_ports_of_this_laptop_are_not_shared_with_another_one() -> None:
    assert "also" not in KEYS


@pytest.mark.parametrize(
    "option", ["LocalForward=6006 localhost:6006", "localforward 6006 x:1", " LOCALFORWARD = 1 x:1"]
)
def test_a_forward_among_the_ssh_options_is_refused_with_the_way(option: str) -> None:
    with pytest.raises(NbsshError, match="LocalForward is not for the aliases") as caught:
        profile(ssh_options=[option])
    assert "also" in caught.value.hint
    with pytest.raises(NbsshError, match="RemoteForward is not for the aliases"):
        profile(ssh_options=["RemoteForward=1 x:1"])


def test_further_forwards_of_a_recipe_are_taken_over() -> None:
    recipe = parse_recipe(
        "ssh -L 9000:localhost:8888 -L localhost:6006:localhost:6006 -L 18787:127.0.0.1:8787 -L 9001:db:5432 "
        "-L 5000:/home/alice/mlflow.sock -o 'LocalForward 8265 localhost:8265' -L /tmp/a:/tmp/b box"
    )
    assert (recipe.local_port, recipe.remote_port) == (9000, 8888)
    assert recipe.also == ("6006", "18787:8787", "9001:db:5432", "5000:/home/alice/mlflow.sock", "8265")
    assert recipe.dropped == ("-L /tmp/a:/tmp/b",)


def test_forwards_over_two_hops_are_joined_where_they_meet() -> None:
    recipe = parse_recipe(
        "ssh gate -L 9000:localhost:9001 -L 6006:localhost:7006 -L 7:localhost:8 "
        "ssh node7 -L 9001:localhost:8888 -L 7006:localhost:6006"
    )
    assert (recipe.local_port, recipe.remote_port) == (9000, 8888)
    assert recipe.also == ("6006",)
    assert recipe.dropped == ("-L 7:8 (of gate)",)


@pytest.mark.parametrize(
    ("said", "present", "same"),
    [
        (["6006"], ["6006"], True),
        (["6006"], ["20123:6006"], True),
        (["16006:6006"], ["6006"], False),
        (["6006:6006"], ["6006"], True),
        (["6006"], ["6006", "8787"], False),
        (["/x"], ["20123:/x"], True),
        (["6007"], ["6006"], False),
    ],
)
def test_what_is_there_already(said: list[str], present: list[str], same: bool) -> None:  # noqa: FBT001
    assert also.is_same(said, present) is same


def test_an_entry_without_a_local_port_says_so() -> None:
    assert also.parse("/run/x", "").local == 0
    assert str(Also(0, also.parse("6006", "").far)) == "6006"
