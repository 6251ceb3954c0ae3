"""`nbssh demo`: the whole thing on this machine alone."""

from __future__ import annotations

from nbssh.adapters.laptop.this_system import SYSTEM


def demo(*, once: bool) -> int:
    """Show it, with `once` without waiting for anybody; return the exit code."""
    SYSTEM.refuse_without_terminals("the demo")
    from nbssh.demo.show import run  # noqa: PLC0415  it needs modules that not every system has

    return run(once=once)
