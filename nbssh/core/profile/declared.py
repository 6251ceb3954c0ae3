"""One profile as it shall be, with its secret. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from nbssh.core.profile.profile import Profile, Server  # noqa: TC001  msgspec reads the annotations


class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """What opens one profile's notebook: Jupyter's password hash, or a token.

    `key` is the private half of the profile's own ssh key (OpenSSH's format), where its sessions end in a batch job;
    `public_key` is the line for authorized_keys.
    """

    hash: str = ""
    token: str = ""
    key: str = ""
    public_key: str = ""


class Declared(msgspec.Struct, frozen=True):
    """One profile as it shall be, with its secret."""

    name: str
    profile: Profile
    secret: Secret

    @property
    def folder(self) -> str:
        """The profile's folder on its server."""
        if self.profile.server is None:
            raise ValueError(f"nothing is known of the server of {self.name}")
        return server_folder(self.name, self.profile.server, "share")


def server_folder(name: str, server: Server, kind: Literal["share", "state"]) -> str:
    """Return the absolute folder of a profile on its server: files (`share`) or runtime (`state`)."""
    return f"{server.home}/.local/{kind}/nbssh/{name}"
