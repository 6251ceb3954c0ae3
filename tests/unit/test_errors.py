"""What is said where this machine is at its end, and what stays a bug."""

from __future__ import annotations

import errno

from nbssh.errors import of_the_machine


def test_a_full_disk_is_no_bug_wherever_it_is_met() -> None:
    said = of_the_machine(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"))
    assert said
    assert (said.message, said.hint) == ("No space left on device: /tmp/x", "look for space: df -h")
    assert of_the_machine(OSError(errno.ENOENT, "No such file or directory", "/tmp/x")) is None
    assert of_the_machine(ValueError("x")) is None
