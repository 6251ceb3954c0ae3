"""Where /proc shows a user nothing of others (hidepid): sshd's process that serves her is hidden, too."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING

from bed import needs, needs_root, not_applicable, until
from ports import free_port
from serving import (
    add,
    detach,
    ended,
    kill,
    launches_end,
    misbehave,
    named,
    run_folder,
    said,
    servers,
    start,
    users_bed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

PROC = "mount -t proc -o hidepid=2 proc /proc"
# as on Red Hat; no other shell understands as little of a redirection that fails
BASH = 'mount --bind "$(command -v bash)" "$(readlink -f /bin/sh)"'
# ssh itself ends nothing: what ends the connection is ours
STAYS = ("-o", "ControlPersist=yes")


@contextlib.contextmanager
def hidden_bed(make_bed: Callable[..., Bed], *extra: str, mounts: str = PROC) -> Iterator[tuple[Bed, str]]:
    """Give a bed whose user cannot see the sshd that serves her, and the fake Jupyter there."""
    needs_root()
    needs("unshare")
    within = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    if subprocess.run([*within, "true"], check=False, capture_output=True).returncode:
        not_applicable("/proc cannot be mounted here")
    with users_bed(make_bed, within=within, extra=list(extra)) as (bed, program):
        looked = bed.on_server("ls -d /proc/$PPID || kill -0 $PPID && echo hidden")
        assert looked.stdout == "hidden\n"
        yield bed, str(program)


def test_a_session_where_sshd_is_hidden(make_bed: Callable[..., Bed]) -> None:
    with hidden_bed(make_bed) as (bed, program):
        add(bed, jupyter=program)
        first = start(bed)
        until(lambda: bed.opened, "the browser opens")
        second = start(bed)
        assert "is already running on" in said(second)
        assert "ssh opens the browser only with a connection's first session: nbssh open box" in said(second)
        (told,) = json.loads(bed.nbssh("status", "box", "--json").stdout)["profiles"]
        assert (told["state"], told["sessions"], told["tunnel"]) == ("running", 2, True)
        detach(first)
        detach(second)
        assert "stopped JupyterLab on" in kill(bed)
        assert servers(bed) == []
        misbehave(bed, crash="no such luck")
        status, words = ended(bed.ssh(*STAYS, "box-nb"))
        assert (status, "no such luck" in words) == (1, True), words
        until(lambda: not bed.has_master(), "launch's refusal is told, and the tunnel closed")
        assert len(bed.opened) == 1


def test_a_tunnel_to_a_port_is_closed_with_jupyter_where_sshd_is_hidden(make_bed: Callable[..., Bed]) -> None:
    with hidden_bed(make_bed, "AllowStreamLocalForwarding no", mounts=f"{PROC} && {BASH}") as (bed, program):
        add(bed, "--forward", "tcp", "--remote-port", str(free_port()), jupyter=program)
        session = start(bed, *STAYS)
        assert list(run_folder(bed).glob("guard.*"))
        session.sendline("k")
        assert "stopped JupyterLab on" in ended(session)[1]
        until(lambda: not bed.has_master() and not named(bed, "sshd: "), "the connection is closed")
        launches_end(bed)
        assert list(run_folder(bed).glob("guard.*")) == []
