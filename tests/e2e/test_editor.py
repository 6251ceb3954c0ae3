"""What an editor does with the address of `nbssh url`: a client that is not ours runs a cell through the tunnel."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY

if TYPE_CHECKING:
    from bed import Bed

PASSWORD = "corr ect h0rse"  # with a blank: it goes through a form


@pytest.mark.parametrize("secret", ["password", "token"])
def test_a_client_that_is_not_ours_runs_a_cell_with_the_address_of_nbssh(bed: Bed, secret: str) -> None:
    how = ["--token"] if secret == "token" else ["--password-stdin"]
    bed.nbssh("add", "box", "--yes", "--jupyter", str(bed.jupyter), *how, stdin=f"{PASSWORD}\n")
    child = bed.ssh("box-nb")
    child.expect_exact("Ctrl-C detaches")
    address = bed.nbssh("url", "box").stdout.strip()
    assert ("?token=" in address) == (secret == "token")
    done = bed.run(sys.executable, str(REPOSITORY / "tests" / "editor.py"), address, stdin=f"{PASSWORD}\n", timeout=120)
    assert (done.returncode, done.stdout) == (0, "pid True 42\n"), done.stderr
    # and who has neither gets nothing
    base = address.partition("?")[0]
    refused = bed.run(sys.executable, str(REPOSITORY / "tests" / "editor.py"), f"{base}?token=wrong", timeout=120)
    assert refused.returncode != 0
    assert refused.stdout == ""
    child.sendintr()
    child.expect_exact("detached")
    bed.nbssh("kill", "box")
