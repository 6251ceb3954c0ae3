"""`nbssh url`: the address, with its token, and nothing else on stdout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ports import free_port
from serving import add

if TYPE_CHECKING:
    from bed import Bed


def test_a_password_is_in_no_address(bed: Bed) -> None:
    port = add(bed)
    done = bed.nbssh("url", "box")
    assert (done.stdout, done.stderr) == (f"http://127.0.0.1:{port}/\n", "")


def test_a_token_is_in_it_and_a_lost_one_is_told(bed: Bed) -> None:
    port = free_port()
    bed.nbssh("add", "tok", "box", "--yes", "--port", str(port), "--jupyter", str(bed.jupyter), "--token")
    address = bed.nbssh("url", "tok")
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?token=[\w-]{{43}}\n", address.stdout)
    assert address.stderr == ""
    (bed.local_home / ".local/state/nbssh/secrets/tok.json").unlink()
    done = bed.run("nbssh", "url", "tok")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nbssh passwd tok --token" in done.stderr
