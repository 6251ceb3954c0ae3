"""The files of OAR on a cluster bed's hosts: what Debian's packages would make when they are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = 7299
PASSWD = f"oar:x:{NUMBER}:{NUMBER}::/var/lib/oar:/usr/lib/oar/oarsh_shell"
GROUP = f"oar:x:{NUMBER}:\n"
OAR = Path(sys.prefix) / "oar"  # unpacked by tests/schedulers.sh
_SETTINGS = {
    "DB_HOSTNAME": "login",
    "DB_BASE_PASSWD": "any",  # the database asks nobody for one
    "DB_BASE_PASSWD_RO": "any",
    "SERVER_HOSTNAME": "login",
    "SCHEDULER_MIN_TIME_BETWEEN_2_CALLS": "1",  # a job that can run runs soon
    "FINAUD_FREQUENCY": "0",
}
# no cgroups, as with the other schedulers of the bed
_WITHOUT = ("JOB_RESOURCE_MANAGER_PROPERTY_DB_FIELD", "CPUSET_PATH", *_SETTINGS)
_SSH = """\
Host *
    StrictHostKeyChecking no
    IdentityFile ~/.ssh/id
"""
_SHELL = 'export PATH="/usr/lib/oar/oardodo:$PATH"\n'


def write(root: Path, hosts: Sequence[str]) -> None:
    """Write /etc/oar, which all hosts share, and on each the home of OAR's own user, who goes from host to host."""
    etc, share = root / "etc/oar", OAR / "usr/share/oar"
    etc.mkdir()
    (root / "var-lib/oar").mkdir(parents=True)  # where that home is mounted
    lines = (share / "oar-common/oar.conf").read_text().splitlines()
    lines = [line for line in lines if not re.match("|".join(_WITHOUT), line)]
    lines += [f'{key}="{value}"' for key, value in _SETTINGS.items()]
    (etc / "oar.conf").write_text("\n".join([*lines, ""]))
    os.chown(etc / "oar.conf", NUMBER, 0)
    for name in ("oar-node/prologue", "oar-node/epilogue", "oar-server/server_prologue", "oar-server/server_epilogue"):
        shutil.copy(share / name, etc)
    (etc / "scheduler_quotas.conf").touch()
    # what OpenSSH has given up since
    lines = (share / "oar-node/sshd_config").read_text().splitlines()
    lines = [
        line for line in lines if not re.match("UsePrivilegeSeparation|KeepAlive|Protocol|XAuthLocation|HostKey", line)
    ]
    lines += [beds.QUICK_EXCHANGE, "HostKey /etc/ssh/ssh_host_ed25519_key", "PidFile /run/oar-sshd.pid"]
    (etc / "sshd_config").write_text("\n".join([*lines, ""]))
    key = etc / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for host in hosts:
        home = root / "hosts" / host / "oar"
        (home / ".ssh").mkdir(parents=True)
        shutil.copy(key, home / ".ssh/id")
        (home / ".ssh/authorized_keys").write_text(f'environment="OAR_KEY=1" {key.with_suffix(".pub").read_text()}')
        (home / ".ssh/config").write_text(_SSH)
        for name in (".bashrc", ".bash_profile"):
            (home / name).write_text(_SHELL)
        for path in (home, *home.rglob("*")):
            os.chown(path, NUMBER, NUMBER)
        (home / ".ssh/id").chmod(0o600)
    key.unlink()
