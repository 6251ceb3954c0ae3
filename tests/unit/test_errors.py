"""What is said where this machine is at its end, and what stays a bug."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest

from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.errors import of_the_machine
from nbssh.windows.system import Windows


@pytest.mark.parametrize(("system", "hint"), [(ClientSystem, "df -h"), (Windows, "start ms-settings:storagesense")])
def test_a_full_disk_is_no_bug_wherever_it_is_met(system: type[ClientSystem], hint: str) -> None:
    hints = system.at_its_end
    said = of_the_machine(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), hints)
    assert said
    assert (said.message, said.hint) == ("No space left on device: /tmp/x", f"look for space: {hint}")
    assert of_the_machine(OSError(errno.ENOENT, "No such file or directory", "/tmp/x"), hints) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere/at/all"])
        patch.setattr(tempfile, "tempdir", None)
        with pytest.raises(FileNotFoundError) as caught:
            tempfile.gettempdir()
    said = of_the_machine(caught.value, hints)
    assert said
    assert said.message == "No usable temporary directory found in ['/nowhere/at/all']"
    assert said.hint == f"set TMPDIR to a folder that can be written, or look for space: {hint}"
    assert of_the_machine(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), hints) is None
    assert of_the_machine(ValueError("x"), hints) is None
