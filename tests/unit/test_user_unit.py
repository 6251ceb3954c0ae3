"""What the unit or agent runs that keeps a tunnel up, and its text."""

from __future__ import annotations

import plistlib

import msgspec

from nbssh.core.files import unit
from nbssh.core.files.laptop_files import Local
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile, Server

SERVER = Server(
    home="/home/alice", uid=1000, hostname="gpu1", os="Linux", jupyter="jupyter-lab", forward="socket",
    socket="/home/alice/.local/state/nbssh/mybox/sock",
)  # fmt: skip
PROFILE = Profile(destination="mybox", port=8888, server=SERVER)
LOCAL = Local(
    conf="/home/me/.ssh/nbssh.d/mybox.conf",
    opener="/home/me/.ssh/nbssh.d/open",
    control_socket="/home/me/.ssh/nbssh.d/mybox.ctl",
    redirect="/home/me/.local/state/nbssh/secrets/mybox.html",
    ssh=("ssh", "-F", "/home/me/it's 100% $mine"),
)
ALWAYS = ["-oBatchMode=yes", "-oControlPersist=no", "-oRequestTTY=no"]


def declared(server: Server = SERVER) -> Declared:
    return Declared("mybox", msgspec.structs.replace(PROFILE, server=server), Secret(), "0" * 16)


def test_it_asks_nothing_and_opens_no_browser() -> None:
    words = unit.command(declared(), LOCAL, "/usr/bin/ssh")
    assert words == ["/usr/bin/ssh", *LOCAL.ssh[1:], *ALWAYS, "-oPermitLocalCommand=no", "mybox-nb"]


def test_a_tunnel_that_the_opener_opens_is_opened_without_a_page() -> None:
    port = msgspec.structs.replace(SERVER, forward="tcp", socket="", port=10080)
    words = unit.command(declared(port), LOCAL, "/usr/bin/ssh")
    (opener,) = [word for word in words if word.startswith("-oLocalCommand=")]
    assert LOCAL.opener in opener
    assert "tunnel-only=port" in opener
    assert words[-1] == "mybox-nb"


def test_both_texts_run_the_same_words() -> None:
    words = unit.command(declared(), LOCAL, "/usr/bin/ssh")
    agent = plistlib.loads(unit.text(declared(), LOCAL, "/usr/bin/ssh", unit.AGENT).encode())
    assert agent["ProgramArguments"] == words
    assert agent["Label"] == "nbssh.mybox"
    service = unit.text(declared(), LOCAL, "/usr/bin/ssh", unit.SERVICE)
    assert (
        '\nExecStart=/usr/bin/ssh -F "/home/me/it\'s 100%% $$mine" -oBatchMode=yes -oControlPersist=no '
        "-oRequestTTY=no -oPermitLocalCommand=no mybox-nb\n" in service
    )
    assert "Description=nbssh tunnel to mybox\n" in service
