"""What is said where this machine is at its end, and what stays a bug."""

from __future__ import annotations

import errno

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
    assert of_the_machine(ValueError("x"), hints) is None
