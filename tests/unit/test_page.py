"""What is opened: which addresses a path gives, quoted, and which paths are refused."""

from __future__ import annotations

import pytest

from nbssh.core.profile.page import View, page
from nbssh.core.profile.profile import Profile, Server, from_dict
from nbssh.errors import NbsshError

SERVER = Server(home="/home/alice", uid=1000, hostname="gpu1", os="Linux", jupyter="/j", forward="socket", socket="/s")


def profile(app: str = "lab", folder: str = "notes", *, known: bool = True) -> Profile:
    return Profile(destination="box", port=8888, app=app, dir=folder, server=SERVER if known else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("app", "path", "view", "wanted"),
    [
        ("lab", "", "", ""),
        ("lab", "runs/today.ipynb", "", "lab/tree/runs/today.ipynb"),
        ("lab", "runs/", "tree", "tree/runs"),
        ("notebook", "a.ipynb", "", "tree/a.ipynb"),
        ("notebook", "a.ipynb", "lab", "lab/tree/a.ipynb"),
        ("server", "a", "lab", "lab/tree/a"),
        ("lab", "", "lab", "lab"),
        ("lab", "", "tree", "tree"),
        ("lab", ".", "", "lab"),
        ("lab", "/home/alice/notes/a.ipynb", "", "lab/tree/a.ipynb"),
        ("lab", "~/notes/a.ipynb", "", "lab/tree/a.ipynb"),
        ("lab", "b/../a.ipynb", "", "lab/tree/a.ipynb"),
        ("lab", "my notes/50%?#&\"'$(id)`;é", "", "lab/tree/my%20notes/50%25%3F%23%26%22%27%24%28id%29%60%3B%C3%A9"),
        ("lab", "http://evil.example/", "", "lab/tree/http%3A/evil.example"),
    ],
)  # fmt: skip
def test_the_address(app: str, path: str, view: View, wanted: str) -> None:
    assert page(profile(app), path, "x", view) == wanted


@pytest.mark.parametrize(
    "path", ["..", "../a", "a/../../b", "/etc/passwd", "~/other", "~", "/home/alice/workshop", "~bob/../.."]
)
def test_what_is_outside_is_refused(path: str) -> None:
    with pytest.raises(NbsshError, match="is outside of the notebooks' folder, /home/alice/notes"):
        page(profile(), path, "x")


def test_without_a_folder_of_its_own_the_home_counts_and_unknown_homes_are_no_excuse() -> None:
    assert page(profile(folder=""), "~/a", "x") == "lab/tree/a"
    assert page(profile(folder="/"), "/a", "x") == "lab/tree/a"
    assert page(profile(known=False), "~/notes/a", "x") == "lab/tree/a"
    assert page(profile(known=False), "a", "x") == "lab/tree/a"
    for path in ("/home/alice/notes/a", "~/../a", "../../../a"):
        with pytest.raises(NbsshError, match="outside"):
            page(profile(known=False), path, "x")


def test_control_characters_and_a_bare_server_are_refused() -> None:
    with pytest.raises(NbsshError, match="control character"):
        page(profile(), "a\nb", "x")
    with pytest.raises(NbsshError, match="has no page") as caught:
        page(profile("server"), "a", "x")
    assert "--lab" in caught.value.hint


def test_a_profile_cannot_open_what_is_outside() -> None:
    with pytest.raises(NbsshError, match=r"p\.toml: 'open_path': '\.\./a' is outside"):
        from_dict({"destination": "box", "port": 8888, "open_path": "../a"}, "p.toml")
