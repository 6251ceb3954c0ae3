"""A laptop of Windows with the profile `box`, which leads to a real sshd and JupyterLab. ssh.exe is the bridge."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any

from bed import Bed, bed, until
from laptop import Laptop, laptop, lend_config
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pexpect

PASSWORD = "corr€ct horse"
UP = "k and Enter stop it"
SECONDS = 90


class Desk:
    """A laptop with the profile `box`, and the bed that this leads to."""

    def __init__(self, made: Laptop, lent: Bed) -> None:
        self.laptop, self.bed, self.port = made, lent, free_port()
        self.nbssh = made.nbssh

    def add(self) -> str:
        """Set up the profile box."""
        words = ["--yes", "--password-stdin", "--port", str(self.port), "--jupyter", str(self.bed.jupyter)]
        return self.nbssh("add", "box", *words, stdin=f"{PASSWORD}\n")

    @contextlib.contextmanager
    def session(self) -> Iterator[pexpect.spawn[str]]:
        """Type `ssh box-nb` in a console, and wait until its page answers."""
        with self.laptop.starts("ssh", "box-nb") as session:
            until(self.answers, "Jupyter answers through the tunnel", SECONDS)
            session.expect(UP, timeout=SECONDS)
            yield session

    def answers(self) -> bool:
        """Tell whether Jupyter answers on the laptop's port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/api")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """Return what `nbssh status --json` says of box."""
        (profile,) = json.loads(self.laptop.run("nbssh", "status", "--json").stdout)["profiles"]
        return dict(profile)


@contextlib.contextmanager
def desk_of_its_own(*extra: str) -> Iterator[Desk]:
    """Make such a laptop and its host; end and remove both. `extra`: lines of sshd_config that win."""
    with laptop("3.13") as made, bed(listen=True, extra=extra) as lent:
        lend_config(made, lent)
        yield Desk(made, lent)
