"""The registry of client systems: the one module of the base that knows which wing this laptop needs."""

from __future__ import annotations

import os
import sys

from nbssh.adapters.laptop.client_system import ClientSystem


def _this() -> ClientSystem:
    if sys.platform == "win32":
        from nbssh.windows.system import Windows  # noqa: PLC0415  no other system needs it

        return Windows()
    if os.environ.get("WSL_DISTRO_NAME"):
        from nbssh.windows.wsl import Wsl  # noqa: PLC0415  no other system needs it

        return Wsl()
    return ClientSystem()


SYSTEM = _this()
