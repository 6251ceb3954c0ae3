"""What was changed by hand in our own ssh_config file is named, option by option."""

from __future__ import annotations

import subprocess
import sys

from nbssh.core.files import laptop_files
from nbssh.core.profile.profile import Profile
from nbssh.core.ssh import edits

LOCAL = laptop_files.Local("/h/.ssh/nbssh.d/box.conf", "/h/.ssh/nbssh.d/open", "/h/.ssh/nbssh.d/box.ctl", "/h/box.html")
PROFILE = Profile(destination="box", port=8888)
TEXT = laptop_files.ssh_config("box", PROFILE, LOCAL, [("HostName", "10.0.0.5"), ("IdentityFile", "~/.ssh/a")])


def test_our_own_file_is_read_whole() -> None:
    blocks = edits.blocks(TEXT)
    assert list(blocks) == ["box-nb", "box-nb-kill", "box-nb box-nb-kill"]
    assert blocks["box-nb"]["localforward"] == ["127.0.0.1:8888 127.0.0.1:8888"]
    assert blocks["box-nb box-nb-kill"]["hostname"] == ["10.0.0.5"]
    assert sum(len(options) for options in blocks.values()) == TEXT.count("\n    ")


def test_no_change_is_none() -> None:
    assert edits.changes(TEXT, TEXT) == []
    assert edits.changes(TEXT + "# mine\n\n", TEXT) == []


def test_a_changed_an_added_and_a_missing_option_are_named() -> None:
    mine = TEXT.replace("10.0.0.5", "10.0.0.6").replace("    RequestTTY yes\n", "    Compression yes\n")
    assert edits.changes(mine, TEXT) == [
        "requesttty is missing in 'Host box-nb'",
        "compression yes was added in 'Host box-nb'",
        "hostname is 10.0.0.6 instead of 10.0.0.5 in 'Host box-nb box-nb-kill'",
    ]


def test_a_second_value_of_an_option_is_seen() -> None:
    mine = TEXT.replace("    IdentityFile ~/.ssh/a\n", "    IdentityFile ~/.ssh/a\n    IdentityFile ~/.ssh/b\n")
    assert edits.changes(mine, TEXT) == [
        "identityfile is ~/.ssh/a, ~/.ssh/b instead of ~/.ssh/a in 'Host box-nb box-nb-kill'"
    ]


def test_whole_blocks_are_named_and_nothing_can_steer_the_terminal() -> None:
    mine = TEXT.replace("Host box-nb-kill\n", "Host \x1b[2Jx\n")
    assert edits.changes(mine, TEXT) == [
        "the block 'Host box-nb-kill' is missing",
        "the block 'Host \\x1b[2Jx' was added",
    ]


def test_an_empty_file_misses_everything() -> None:
    assert len(edits.changes("", TEXT)) == 3


def test_no_warning_of_a_library_reaches_the_user() -> None:
    """Python 3.13 deprecates what sshconf 0.2.7 calls; -W error is what a user's PYTHONWARNINGS can be."""
    program = "from nbssh.core.ssh import edits; print(len(edits.blocks('Host a\\n    User me\\n')))"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
