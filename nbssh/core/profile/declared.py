"""One profile as it shall be, with its secret. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from nbssh.core.profile.place import own_folder
from nbssh.core.profile.profile import Profile, Server  # noqa: TC001  msgspec reads the annotations
from nbssh.core.profile.shared import Synced  # noqa: TC001
from nbssh.core.way import STRAIGHT, Way


class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """What opens one profile's notebook: Jupyter's password hash, or a token.

    `key` is the private half of the profile's own ssh key (OpenSSH's format), where a way needs it;
    `public_key` is the line for authorized_keys. `synced` is what this laptop and the host agreed on last.
    """

    hash: str = ""
    token: str = ""
    key: str = ""
    public_key: str = ""
    synced: Synced | None = None


class Declared(msgspec.Struct, frozen=True):
    """One profile as it shall be, with its secret; `laptop` is what this machine is registered as on the host.

    `way` is how its sessions get there.
    """

    name: str
    profile: Profile
    secret: Secret
    laptop: str
    way: Way = STRAIGHT

    @property
    def folder(self) -> str:
        """The profile's folder on its host."""
        return server_folder(self.name, self.server, "share")

    def at_home(self, home: str) -> Declared:
        """Return it for another home on the host."""
        server = msgspec.structs.replace(self.server, home=home)
        return msgspec.structs.replace(self, profile=msgspec.structs.replace(self.profile, server=server))

    @property
    def server(self) -> Server:
        """What is known of the host; must not be asked where nothing is."""
        if self.profile.server is None:
            raise ValueError(f"nothing is known of the host of {self.name}")
        return self.profile.server


# Below the home of a server. In an alias it is the login shell that knows the home.
SHARE, STATES = ".local/share/nbssh", ".local/state/nbssh"


def share_folder(server: Server) -> str:
    """Return the absolute folder on the host that holds the programs and a folder for each profile."""
    return server.folder or f"{server.home}/{SHARE}"


def states_folder(server: Server) -> str:
    """Return the absolute folder on the host that holds a folder of runtime for each profile."""
    return states_below(server.home, server.folder)


def states_below(home: str, folder: str) -> str:
    """Return the same for a home and what `Server.folder` is. No profile's name begins with a dot."""
    return f"{folder}/.state" if folder else f"{home}/{STATES}"


def share_named(profile: Profile) -> str:
    """Return the same as an alias names it: below the home it is the login shell that knows the home."""
    folder = profile.server.folder if profile.server else own_folder(profile)
    return folder or f"~/{SHARE}"


def folders_shown(name: str, folder: str, between: str = " and ") -> str:
    """Return both folders of a profile for people; `folder` is what `Server.folder` is."""
    return f"{folder or f'~/{SHARE}'}/{name}{between}{states_below('~', folder)}/{name}"


def program_path(program: str, script: str, share: str = f"~/{SHARE}") -> str:
    """Return where `script` of the program with the id `program` lies; `share` as the shell or the host has it."""
    return f"{share}/program/{program}/{script}"


def server_folder(name: str, server: Server, kind: Literal["share", "state"]) -> str:
    """Return the absolute folder of a profile on its host: files (`share`) or runtime (`state`)."""
    return f"{share_folder(server) if kind == 'share' else states_folder(server)}/{name}"
