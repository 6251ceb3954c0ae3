"""A Linux inside Windows (WSL): a Unix, beside which stands an ssh of Windows with files of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.core.server.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wsl(ClientSystem):
    """The system of a WSL."""

    def other_ssh(self, command: str) -> Iterator[Finding]:  # noqa: ARG002
        """Say that the ssh of Windows does not know the aliases of this one."""
        yield Finding(
            "ssh", "ok", "this is a WSL: the ssh of Windows has a config of its own and does not know these aliases; "
            "for that one run nbssh on Windows",
        )  # fmt: skip
