"""A server that asks for a password: asked once, on the person's terminal, and remembered as one that asks."""

from __future__ import annotations

import pwd
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
from bed import needs, needs_root, unix_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed

SSH_PASSWORD = "ssh s3cret"
EXTRA = ["PasswordAuthentication yes", "PubkeyAuthentication no", "LogLevel VERBOSE", "UsePAM no"]


def finish(child: pexpect.spawn[str]) -> int:
    child.expect(pexpect.EOF)
    return int(child.wait())


def unstarted(user: str) -> str:
    """Give the user a Jupyter that is never started here; ours may lie where no other user gets."""
    program = Path(pwd.getpwnam(user).pw_dir, "bin", "jupyter-lab")
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    return str(program)


def test_one_password_for_all_of_add_and_nobody_is_asked_in_parallel(make_bed: Callable[..., Bed]) -> None:
    needs_root()
    needs("useradd", "chpasswd")
    with unix_user("/bin/bash") as name:
        subprocess.run(["chpasswd"], input=f"{name}:{SSH_PASSWORD}\n", text=True, check=True)
        bed = make_bed(user=name, extra=EXTRA)
        adding = bed.spawn("nbssh", "add", "box", "--token", "--yes", "--jupyter", unstarted(name), timeout=60)
        adding.expect("password: ")
        adding.sendline("wrong")
        adding.expect("password: ")
        adding.sendline(SSH_PASSWORD)
        adding.expect_exact("now type: ssh box-nb")
        assert finish(adding) == 0
        assert bed.server.log.read_text().count("Accepted password") == 1
        profile = tomllib.loads((bed.local_home / ".config/nbssh/profiles/box.toml").read_text())
        assert profile["server"]["prompts"] is True

        silent = bed.spawn("nbssh", "status")
        silent.expect_exact("not contacted, because it asks for a password or code")
        silent.expect_exact("nbssh status box")
        assert finish(silent) == 1
        applying = bed.spawn("nbssh", "apply")
        applying.expect_exact("not contacted")
        assert finish(applying) == 1
        assert bed.server.log.read_text().count("Failed password") == 1

        named = bed.spawn("nbssh", "status", "box")
        named.expect("password: ")
        named.sendline(SSH_PASSWORD)
        named.expect_exact("stopped")
        assert finish(named) == 0
        removing = bed.spawn("nbssh", "remove", "box")
        removing.expect("password: ")
        removing.sendline(SSH_PASSWORD)
        removing.expect_exact("'box' is removed")
        assert finish(removing) == 0


def test_ctrl_c_at_the_ssh_password_leaves_nothing(make_bed: Callable[..., Bed]) -> None:
    needs_root()
    needs("useradd")
    with unix_user("/bin/sh") as name:
        bed = make_bed(user=name, extra=EXTRA)
        adding = bed.spawn("nbssh", "add", "box", "--token", "--yes")
        adding.expect("password: ")
        adding.sendintr()
        assert finish(adding) == 130
        assert not (bed.local_home / ".config").exists()
        assert not (bed.local_home / ".ssh/nbssh.d").exists()
