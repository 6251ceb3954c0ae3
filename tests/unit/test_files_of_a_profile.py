"""What the files of a profile say where the server, the way or the profile is another one than usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from nbssh.core.files import laptop_files, render, server_files
from nbssh.core.files.change import Change, Kind, Plan
from nbssh.core.files.installed import moves_tunnel, program_named
from nbssh.core.files.laptop_files import Local
from nbssh.core.files.program import program
from nbssh.core.files.server_record import summed
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile, Server
from nbssh.core.profile.scheduler import Scheduler
from nbssh.wings import way_of

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = Local(
    conf="/home/me/.ssh/nbssh.d/mybox.conf",
    opener="/home/me/.ssh/nbssh.d/open",
    control_socket="/home/me/.ssh/nbssh.d/mybox.ctl",
    redirect="/home/me/.local/state/nbssh/secrets/mybox.html",
    known_hosts="/home/me/.ssh/nbssh.d/mybox.known_hosts",
    key="/home/me/.local/state/nbssh/secrets/mybox.key",
)
LONG = msgspec.structs.replace(LOCAL, control_socket=f"/home/{'a' * 90}/mybox.ctl")
IN_HOME = Server(
    home="/home/alice", uid=1000, hostname="gpu1", os="Linux", jupyter="/opt/j/bin/jupyter-lab", forward="socket",
    socket="/home/alice/.local/state/nbssh/mybox/sock",
)  # fmt: skip
IN_TMP = msgspec.structs.replace(IN_HOME, socket="/tmp/nbssh-1000/mybox.sock")
PORT = msgspec.structs.replace(IN_HOME, forward="tcp", socket="", port=10080)
SECRET = Secret(token="t0ken")
SLURM = Scheduler(kind="slurm")


def profile(server: Server | None = IN_HOME, **change: Any) -> Profile:  # noqa: ANN401  any key of a profile
    return Profile(**{"destination": "mybox", "port": 8888, "server": server, **change})


def declared(made: Profile, secret: Secret = SECRET) -> Declared:
    return Declared("mybox", made, secret, "fedcba9876543210", way_of(made))


def opener_line(made: Profile, local: Local = LOCAL) -> str:
    start, _, _ = laptop_files.ssh_config("mybox", made, local, [], way_of(made)).partition("\nHost mybox-nb-kill\n")
    return next((line for line in start.splitlines() if line.startswith("    LocalCommand ")), "")


# --- what the opener is told -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "local", "word"),
    [
        (profile(IN_TMP), LOCAL, " tunnel=/tmp/nbssh-1000/mybox.sock"),
        (profile(PORT), LOCAL, " tunnel=port"),
        (profile(PORT, browser=False), LOCAL, " tunnel-only=port"),
        (profile(msgspec.structs.replace(IN_HOME, sessions_ask=True)), LOCAL, " page"),
        # without a master nobody can be asked but by a login
        (profile(PORT), LONG, " ask"),
        (profile(msgspec.structs.replace(PORT, prompts=True)), LONG, " hold"),
        (profile(None), LONG, " hold"),
        (profile(PORT, scheduler=SLURM), LONG, " hold"),
    ],
)
def test_the_opener_is_told_what_it_may_trust(made: Profile, local: Local, word: str) -> None:
    assert word in opener_line(made, local)


def test_where_nobody_else_can_listen_it_is_told_nothing_more() -> None:
    line = opener_line(profile())
    assert line
    assert not any(word in line for word in ("tunnel", " ask", " hold", " page"))
    assert not opener_line(profile(browser=False))


def test_a_session_that_shows_nothing_needs_the_opener_for_its_tunnel_alone() -> None:
    def unseen(server: Server) -> str:
        return laptop_files.local_command_unseen("mybox", profile(server), LOCAL, way_of(profile()))

    assert unseen(IN_HOME) == ""
    assert "tunnel-only=port" in unseen(PORT)


def test_another_page_is_shown_for_once() -> None:
    made = profile(open_path="a.ipynb")
    said = laptop_files.local_command_once("mybox", made, LOCAL, way_of(made), "lab/tree/b.ipynb")
    assert "once=lab/tree/b.ipynb" in said
    assert "a.ipynb" not in said
    assert "path=lab/tree/a.ipynb" in opener_line(made)


# --- what is read of installed files -----------------------------------------------------------------------------


def test_installed_aliases_name_their_program() -> None:
    blocks = laptop_files.ssh_config("mybox", profile(), LOCAL, []).encode()
    assert program_named(blocks) == program().id
    assert program_named(None) == program_named(b"Host mybox-nb\n    RemoteCommand ~/.nbssh/launch mybox\n") == ""


def test_an_open_master_is_out_of_date_where_more_than_its_commands_changed() -> None:
    def moved(old: str, new: str, kind: Kind = Kind.ALIASES) -> bool:
        return moves_tunnel([Change("/x", old.encode(), new.encode(), 0o600, 0o600, "", kind=kind)])

    blocks = laptop_files.ssh_config("mybox", profile(), LOCAL, [])
    assert not moved(blocks, blocks.replace(program().id, "0123456789abcdef").replace("# ", "# x"))
    assert not moved(blocks, laptop_files.ssh_config("mybox", profile(open_path="a.ipynb"), LOCAL, []))
    assert moved(blocks, laptop_files.ssh_config("mybox", profile(port=9999), LOCAL, []))
    assert moved(blocks, laptop_files.ssh_config("mybox", profile(PORT), LOCAL, []))
    assert not moved("a", "b", Kind.PROFILE)
    assert not moves_tunnel([])


# --- files on the server -----------------------------------------------------------------------------------------


def lines(made: Profile, secret: Secret = SECRET) -> list[str]:
    return server_files.settings_file(declared(made, secret)).text.splitlines()


def test_a_jupyter_of_hers_gets_no_configuration_and_its_token_is_not_in_the_clear() -> None:
    made = profile(msgspec.structs.replace(PORT, runtime="/run/user/1000/jupyter"), adopt=True)
    files = server_files.remote_files(declared(made))
    assert [file.kind for file in files] == [Kind.SETTINGS, Kind.REGISTRATION]
    said = lines(made)
    assert "hers /run/user/1000/jupyter" in said
    assert "hers_sum 4294967295 0" in lines(made, Secret())  # as cksum(1) says it
    assert not [line for line in said if "t0ken" in line or line.startswith("jupyter ")]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"fast_start": False}, "fast_start no"),
        ({"environment": "none"}, "environment none"),
        ({"app": "notebook"}, "title Jupyter Notebook"),
        ({"dir": "~/notes"}, "dir /home/alice/notes"),
        ({"dir": "~"}, "dir /home/alice"),
        ({"dir": "/data"}, "dir /data"),
        ({"jupyter": "/opt/k/bin/jupyter-lab"}, "jupyter /opt/k/bin/jupyter-lab"),
    ],
)
def test_the_program_is_told_what_is_not_as_usual(change: dict[str, Any], line: str) -> None:
    key = line.partition(" ")[0]
    assert line in lines(profile(**change))
    assert line not in lines(profile())
    assert sum(each.startswith(f"{key} ") for each in lines(profile(**change))) == 1


def test_a_folder_stays_relative_to_a_home_that_nobody_knows() -> None:
    unknown = msgspec.structs.replace(PORT, home="")
    assert "dir notes" in lines(profile(unknown, dir="~/notes"))
    assert not [line for line in lines(profile(unknown, dir="~")) if line.startswith("dir ")]


@pytest.mark.parametrize(("found", "action"), [("whole", "none"), ("damaged", "change"), ("missing", "create")])
def test_the_program_is_put_in_place_where_it_is_not_whole(found: str, action: str) -> None:
    change = server_files.program_change(declared(profile()), found)
    assert (change.action, Plan([change]).empty) == (action, action == "none")
    assert change.name == f"mybox:/home/alice/.local/share/nbssh/program/{program().id}"
    assert ("damaged" in change.why) is (found == "damaged")


def test_what_a_here_document_cannot_hold_is_not_sent() -> None:
    assert server_files.parcel("x", b"a\n", 0o600).text == "a\n"
    with pytest.raises(ValueError, match="x does not end in a line feed"):
        server_files.parcel("x", b"a", 0o600)


def test_the_sums_of_a_program_say_whether_it_is_whole() -> None:
    mine = program()
    assert mine.is_whole("sha256", [mine.sum])
    assert not mine.is_whole("sha256", [mine.sum[::-1]])
    assert mine.is_whole("cksum", summed(mine.stream).split())
    assert not mine.is_whole("cksum", summed(mine.stream + b"x").split())
    assert not mine.is_whole("md5", [mine.sum])
    assert not mine.is_whole("sha256", [])


# --- templates ---------------------------------------------------------------------------------------------------


def test_templates_are_the_packages_own_but_in_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(render, "_PACKAGE", tmp_path / "nbssh")
    (tmp_path / "templates").mkdir()
    assert render.templates_dir() == tmp_path / "nbssh" / "templates"
    (tmp_path / "pyproject.toml").touch()
    assert render.templates_dir() == tmp_path / "templates"


def test_a_model_fills_its_own_templates_alone() -> None:
    model = laptop_files.Redirect(name="mybox", url="http://127.0.0.1:8888/")
    assert "http://127.0.0.1:8888/" in render.render(model)
    with pytest.raises(ValueError, match=r"ssh/profile\.conf is no template of Redirect"):
        render.render(model, "ssh/profile.conf")


@pytest.mark.parametrize("asks", [False, True])
def test_a_kill_that_asks_for_a_password_says_why_it_was_not_let_in(asks: bool) -> None:  # noqa: FBT001
    server = msgspec.structs.replace(IN_HOME, prompts=asks, kill_joins=asks)
    profile = Profile(destination="mybox", port=8888, server=server)
    text = laptop_files.ssh_config("mybox", profile, LOCAL, [], way_of(profile))
    kill = text.partition("Host mybox-nb-kill\n")[2].partition("\nHost ")[0]
    assert ("LogLevel ERROR" in kill, "ControlPath none" in kill, "LocalCommand exec" in kill) == (not asks,) * 3
