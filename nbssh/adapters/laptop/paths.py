"""Every local path of the program, made from HOME and the XDG variables. Creates nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from nbssh.adapters.laptop.client_system import ClientSystem


@dataclass(frozen=True)
class Paths:
    """The local files of one user; HOME is honoured where ssh honours it, XDG paths on macOS too.

    What a thousand profiles ask for is put together once.
    """

    home: Path
    system: ClientSystem = SYSTEM

    @classmethod
    def of_user(cls) -> Paths:
        """Return the paths of the user who runs us."""
        home = SYSTEM.home()
        try:
            # Path.is_dir hides from Python 3.14 on why it cannot tell
            found = home.is_absolute() and stat.S_ISDIR(home.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            found = False
        except OSError as error:  # another user's, after su or sudo that kept HOME
            raise NbsshError(
                f"the home directory '{home}': {error.strerror}", "set HOME to your home directory"
            ) from None
        if not found:
            raise NbsshError(f"the home directory '{home}' is no directory", "set HOME to your home directory")
        return cls(home)

    @cached_property
    def _xdg(self) -> tuple[Path, Path]:
        return self.system.folders(self.home)

    @cached_property
    def ssh_dir(self) -> Path:
        """~/.ssh."""
        return self.home / ".ssh"

    @cached_property
    def user_config(self) -> Path:
        """The user's own file: one Include line in it is ours."""
        return self.ssh_dir / "config"

    @cached_property
    def conf_dir(self) -> Path:
        """What our Include line names."""
        return self.ssh_dir / "nbssh.d"

    def conf(self, name: str) -> Path:
        """Return the ssh_config file of one profile."""
        return self.conf_dir / f"{name}.conf"

    def control_socket(self, name: str) -> Path:
        """Return the ControlPath of one profile's sessions."""
        return self.conf_dir / f"{name}.ctl"

    def node_socket(self, name: str) -> Path:
        """Return the ControlPath of one profile's NAME-node."""
        return self.conf_dir / f"{name}.node"

    def known_hosts(self, name: str) -> Path:
        """Return the file with the host keys of the nodes of one profile's cluster."""
        return self.conf_dir / f"{name}.known_hosts"

    @cached_property
    def opener(self) -> Path:
        """The script that opens the browser, started by ssh's LocalCommand."""
        return self.conf_dir / self.system.client.opener_name

    @cached_property
    def profiles_dir(self) -> Path:
        """Where the declarations are."""
        return self._xdg[0] / "profiles"

    def profile(self, name: str) -> Path:
        """Return the declaration of one profile."""
        return self.profiles_dir / f"{name}.toml"

    @property
    def templates_dir(self) -> Path:
        """Templates of the user's own, in place of those of the package."""
        return self._xdg[0] / "templates"

    @property
    def ejected(self) -> Path:
        """Which text of the package's each of them was made from."""
        return self.templates_dir / ".ejected.json"

    @cached_property
    def state(self) -> Path:
        """Secrets, backups, lock and log."""
        return self._xdg[1]

    @cached_property
    def secrets_dir(self) -> Path:
        """Password hashes and tokens."""
        return self.state / "secrets"

    def secret(self, name: str) -> Path:
        """Return the file with one profile's password hash and token."""
        return self.secrets_dir / f"{name}.json"

    def key(self, name: str) -> Path:
        """Return one profile's own ssh key, which opens nothing but the sshd to which its way leads."""
        return self.secrets_dir / f"{name}.key"

    def redirect(self, name: str) -> Path:
        """Return the page that takes the browser to a token profile, so that no token is ever in argv."""
        return self.secrets_dir / f"{name}.html"

    def redirect_once(self, name: str) -> Path:
        """Return the page that takes the browser to what `nbssh open NAME PATH` named; no profile's name has a +."""
        return self.secrets_dir / f"{name}+open.html"

    def unit(self, name: str) -> Path:
        """Return the file by which the system keeps one profile's tunnel up."""
        return self.system.unit(self.home, self._xdg[0], name)

    @property
    def backups(self) -> Path:
        """Old contents of files that are not ours, or were edited by hand."""
        return self.state / "backups"

    @cached_property
    def laptop(self) -> Path:
        """What this laptop is called on its hosts, where each says which program its aliases name."""
        return self.state / "laptop"

    @cached_property
    def derived(self) -> Path:
        """Checksums of the aliases that need not be derived again. On a shared home no profile has such a name."""
        return self.state / ".derived"

    @property
    def edits_dir(self) -> Path:
        """What was typed in `nbssh edit` and could not be taken up yet."""
        return self.state / "edits"

    def draft(self, name: str) -> Path:
        """Return the file with what was typed for one profile."""
        return self.edits_dir / f"{name}.toml"

    @cached_property
    def tunnels_dir(self) -> Path:
        """What tells of the tunnels in the background, where ssh cannot go there by itself."""
        return self.state / "tunnels"

    def tunnel(self, name: str) -> Path:
        """Return the file by which the ssh of one profile's tunnel is found again."""
        return self.tunnels_dir / f"{name}.json"

    def tunnel_log(self, name: str) -> Path:
        """Return the file with what that ssh said."""
        return self.tunnels_dir / f"{name}.log"

    @property
    def lock(self) -> Path:
        """Held while files are written."""
        return self.state / "lock"

    @property
    def log(self) -> Path:
        """Where a bug's traceback goes."""
        return self.state / "log"

    def shown(self, path: Path | str) -> str:
        """Return `path` as a person writes it, with `~` for the home."""
        text, home = str(path), str(self.home)
        return "~" + text[len(home) :] if text == home or text.startswith(home + os.sep) else text
