"""The files of a cluster bed's hosts: users, keys, configuration of sshd, ssh and Slurm. Writes nowhere else."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import clusteroar

if TYPE_CHECKING:
    from collections.abc import Sequence

USER, NUMBER = "ada", 7301
OTHER, OTHER_NUMBER = "mallory", 7302
ADMIN, ADMIN_NUMBER = "sgeadmin", 7300
GRIDENGINE = Path(sys.prefix) / "gridengine"  # unpacked by tests/schedulers.sh
LOGIN_ADDRESS = "10.77.1.1"
ADDRESSES = {  # in the cluster's own network; the client and the login nodes have 10.77.1.x towards each other
    "login": "10.77.2.1",
    "login2": "10.77.2.3",
    "c1": "10.77.2.11",
    "c2": "10.77.2.12",
}
NODES = ("c1", "c2")
_PARTS = Path(__file__).resolve().parent / "cluster"

_SSHD = f"""\
{beds.QUICK_EXCHANGE}
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PasswordAuthentication no
PubkeyAuthentication yes
AuthorizedKeysFile .ssh/authorized_keys
UseDNS no
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
MaxStartups 100
Subsystem sftp internal-sftp
AcceptEnv LANG LC_*
"""
_NO_PAM = "UsePAM no\nKbdInteractiveAuthentication no\n"
_ADOPT_PAM = """\
auth     required   pam_permit.so
account  required   pam_unix.so
account  sufficient pam_slurm_adopt.so action_no_jobs=deny action_adopt_failure=deny
account  required   pam_deny.so
session  required   pam_permit.so
password required   pam_deny.so
"""
_PASSWORD_PAM = """\
auth     required   pam_unix.so
account  required   pam_unix.so
session  required   pam_permit.so
password required   pam_deny.so
"""
_BROWSER = """\
#!/bin/sh
printf '%s\\n' "$1" >>/srv/opened
"""


@dataclass(frozen=True)
class Options:
    """What a cluster is like."""

    scheduler: str = (
        "slurm"  # with Torque's commands; gridengine; oar; a fake of tests/batch/fakes: openpbs, lsf …; none
    )
    delay_ms: float = 0  # how long the client's cable is, one way
    adopt: bool = False  # ssh into a node only while a job of the user runs there (pam_slurm_adopt)
    login2: bool = False  # a second login node
    login_sshd: Sequence[str] = ()  # lines of the login nodes' sshd_config that win
    node_sshd: bool = True  # the nodes run an sshd
    node_lines: Sequence[str] = ()  # lines of the nodes' sshd_config that win
    slurm_lines: Sequence[str] = ()  # more of slurm.conf
    shell: str = "/bin/bash"  # the user's
    password: str = ""  # the login nodes ask for this and take no keys
    cluster_key: bool = True  # with a key of the cluster's the user may go from the login node to the nodes
    system_known_hosts: bool = True  # /etc/ssh/ssh_known_hosts on the cluster names all its hosts
    node_home: str = "shared"  # what the nodes have of the home: shared, readonly, missing
    home_size: str = ""  # how much the homes on the cluster can hold, such as 10m

    @property
    def hosts(self) -> tuple[str, ...]:
        """All machines, the client first."""
        return ("client", "login", *(["login2"] if self.login2 else []), *NODES)


def write_files(root: Path, options: Options) -> None:
    """Write what the hosts of the room `root` need, before any of them starts."""
    cluster = options.hosts[1:]
    if options.home_size:
        (root / "home-cluster").mkdir()
        size = f"mode=755,size={options.home_size}"
        _in_room(root, "mount", "-t", "tmpfs", "-o", size, "tmpfs", "/mnt/home-cluster")
    keys = {f"hosts/{host}/ssh/ssh_host_ed25519_key": host for host in cluster}
    keys |= {f"home-{where}/{USER}/.ssh/id_ed25519": f"{USER}@{where}" for where in ("client", "cluster")}
    for name in keys:
        (root / name).parent.mkdir(parents=True)
    # all at once: each takes longer than everything else here
    making = [
        subprocess.Popen(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(root / name)],
            stdin=subprocess.DEVNULL,
        )
        for name, comment in keys.items()
    ]
    _write_identities(root / "etc", options)
    for host in options.hosts:
        own = root / "hosts" / host
        for folder in ("ssh", "log", "spool/slurmd", "spool/slurmctld", "srv/bin"):
            (own / folder).mkdir(parents=True, exist_ok=True)
        (own / "ssh/ssh_config").touch()
        if host != "client":
            _write_sshd(own, host, options)
    _write_slurm(root / "etc", options)
    if options.scheduler == "gridengine":
        _write_gridengine(root)
    if options.scheduler == "oar":
        clusteroar.write(root, options.hosts[1:])
    _write_visible(root / "visible")
    _write_browser(root / "hosts/client/srv")
    for process in making:
        assert process.wait() == 0, process.args
    _write_homes(root, cluster, options)


def node_keys(root: Path, hosts: Sequence[str]) -> str:
    """Return known_hosts lines for `hosts`, each under its short name."""
    return "".join(f"{host} {_public(root / f'hosts/{host}/ssh/ssh_host_ed25519_key')}\n" for host in hosts)


def own(path: Path) -> None:
    """Give the file or folder to the user."""
    os.chown(path, NUMBER, NUMBER, follow_symlinks=False)


def _in_room(root: Path, *command: str) -> None:
    """Run a command that mounts something for all hosts; `root`: /proc/PID/root/mnt."""
    subprocess.run(["nsenter", f"--target={root.parts[2]}", "--mount", "--pid", "--", *command], check=True)


def _public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _write_identities(etc: Path, options: Options) -> None:
    etc.mkdir()
    kept = ("root:", "sshd:", "nobody:", "munge:", "slurm:")
    system = [line for line in Path("/etc/passwd").read_text().splitlines() if line.startswith(kept)]
    system.append(clusteroar.PASSWD)
    people = ((USER, NUMBER), (OTHER, OTHER_NUMBER), (ADMIN, ADMIN_NUMBER))
    system += [f"{name}:x:{number}:{number}::/home/{name}:{options.shell}" for name, number in people]
    (etc / "passwd").write_text("\n".join(system) + "\n")
    groups = (
        Path("/etc/group").read_text() + clusteroar.GROUP + "".join(f"{name}:x:{number}:\n" for name, number in people)
    )
    (etc / "group").write_text(groups)
    hashed = "*"
    if options.password:
        program = ["perl", "-e", 'print crypt(<STDIN>, "\\$6\\$throwaway\\$")']
        hashed = subprocess.run(program, input=options.password, capture_output=True, text=True, check=True).stdout
    secrets_ = {"root": "*", "oar": "*", USER: hashed, OTHER: "*", ADMIN: "*"}
    (etc / "shadow").touch(mode=0o600)
    (etc / "shadow").write_text("".join(f"{name}:{word}:19000:0:99999:7:::\n" for name, word in secrets_.items()))
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    lines = ["127.0.0.1 localhost", *(f"{address} {host}" for host, address in ADDRESSES.items())]
    (etc / "hosts").write_text("\n".join(lines) + "\n")
    lead_client(etc / "hosts-client", "login")


def lead_client(file: Path, cluster: str) -> None:
    """Write the client's /etc/hosts, in which `cluster.bed` is the login node `cluster`, and no node has a name.

    In place: it is mounted by itself.
    """
    lines = ["127.0.0.1 localhost", "10.77.1.2 client", f"{_outside(cluster)} cluster.bed"]
    lines += [f"{_outside(host)} {host}.bed" for host in ("login", "login2")]
    with file.open("w") as hosts:
        hosts.write("\n".join(lines) + "\n")


def _outside(login: str) -> str:
    return ADDRESSES[login].replace("10.77.2.", "10.77.1.")


def _write_sshd(own_: Path, host: str, options: Options) -> None:
    lines, pam = "", ""
    if host in NODES:
        lines = "".join(f"{line}\n" for line in options.node_lines)
        pam = _ADOPT_PAM if options.adopt else ""
    else:
        lines = "".join(f"{line}\n" for line in options.login_sshd)
        pam = _PASSWORD_PAM if options.password else ""
        if pam:
            lines += "AuthenticationMethods keyboard-interactive\nKbdInteractiveAuthentication yes\n"
    lines += "UsePAM yes\n" if pam else _NO_PAM
    if pam:
        (own_ / "pam").write_text(pam)
    (own_ / "ssh/sshd_config").write_text(lines + _SSHD)  # of two lines the first one counts


def _write_slurm(etc: Path, options: Options) -> None:
    (etc / "slurm/plugstack.conf.d").mkdir(parents=True)
    (etc / "slurm/plugstack.conf").touch()
    shutil.copy(_PARTS / "epilog.sh", etc / "slurm/epilog.sh")
    (etc / "slurm/epilog.sh").chmod(0o755)
    lines = [*options.slurm_lines, *(["PrologFlags=Contain"] if options.adopt else [])]
    text = (_PARTS / "slurm.conf").read_text()
    # left to itself slurmd looks which version the machine has, and refuses to start where it has both
    (etc / "slurm/cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (etc / "slurm/slurm.conf").write_text(text + "".join(f"{line}\n" for line in lines))
    (etc / "munge").mkdir(mode=0o700)
    (etc / "munge/munge.key").touch(mode=0o400)
    (etc / "munge/munge.key").write_bytes(secrets.token_bytes(128))


def _write_gridengine(root: Path) -> None:
    """Write what Debian's packages would make when they are installed: SGE_ROOT, and each host's spool."""
    (root / "var-lib/gridengine").mkdir(parents=True)  # where SGE_ROOT is mounted
    shared = root / "gridengine"
    shutil.copytree(GRIDENGINE / "var/lib/gridengine", shared, symlinks=True)
    common = shared / "default/common"
    common.mkdir(parents=True)
    shutil.copy(GRIDENGINE / "usr/share/gridengine/default-bootstrap", common / "bootstrap")
    (common / "act_qmaster").write_text("login\n")
    spools = [root / "hosts" / host / "spool/gridengine" for host in ("login", *NODES)]
    for spool in spools:
        for folder in ("qmaster/job_scripts", "spooldb", "execd"):
            (spool / folder).mkdir(parents=True)
    for tree in (shared, *spools):
        for path in (tree, *tree.rglob("*")):
            os.chown(path, ADMIN_NUMBER, ADMIN_NUMBER, follow_symlinks=False)


def _write_visible(folder: Path) -> None:
    """List what every user must see although it may lie in /root, in /home or in a host's own /tmp; see host.sh."""
    folder.mkdir()
    environments = (".venv-jupyter-old", ".venv-jupyter-new")
    trees = {beds.REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)}
    trees |= {(beds.REPOSITORY / name).resolve() for name in environments if (beds.REPOSITORY / name).exists()}
    trees = {tree for tree in trees if not (set(tree.parents) & trees or tree.is_relative_to("/usr"))}
    lines = []
    for number, tree in enumerate(sorted(trees)):
        closed = next((str(above) for above in reversed(tree.parents) if not above.stat().st_mode & 0o001), None)
        if closed and f"open {closed}" not in lines:
            lines.append(f"open {closed}")
        (folder / str(number)).mkdir()
        command = ["mount", "--bind", str(tree), f"/mnt/visible/{number}"]
        if not tree.stat().st_mode & 0o005:  # cloned with a strict umask
            command = ["bindfs", "-r", "-o", "allow_other", "--perms=a+rX", str(tree), f"/mnt/visible/{number}"]
        _in_room(folder.parent, *command)
        lines.append(f"{number} {tree}")
    lines.sort(key=lambda line: not line.startswith("open"))
    (folder / "list").write_text("".join(f"{line}\n" for line in lines))


def _write_browser(srv: Path) -> None:
    browser = srv / "bin/browser"
    browser.write_text(_BROWSER)
    browser.chmod(0o755)
    for name in ("xdg-open", "open"):
        (srv / "bin" / name).symlink_to("browser")
    own(srv)


def _write_homes(root: Path, cluster: Sequence[str], options: Options) -> None:
    client, shared = root / f"home-client/{USER}", root / f"home-cluster/{USER}"
    # the cluster's own key lets a user of the login node into the nodes
    authorised = [client, *([shared] if options.cluster_key else [])]
    keys = "".join((home / ".ssh/id_ed25519.pub").read_text() for home in authorised)
    (shared / ".ssh/authorized_keys").write_text(keys)
    if options.system_known_hosts:
        for host in cluster:
            (root / f"hosts/{host}/ssh/ssh_known_hosts").write_text(node_keys(root, cluster))
    logins = [host for host in cluster if host.startswith("login")]
    known = node_keys(root, logins).splitlines()
    lines = [f"{name},cluster.bed,{line.replace(' ', '.bed ', 1)}" for name, line in zip(logins, known, strict=True)]
    (client / ".ssh/known_hosts").write_text("".join(f"{line}\n" for line in lines))
    blocks = [f"Host {name}\n    HostName {name}.bed\n    User {USER}\n" for name in (*logins, "cluster")]
    (client / ".ssh/config").write_text("".join(blocks))
    queue = root / "home-cluster/.queue"  # of a fake batch system
    if options.scheduler in {"openpbs", "lsf", "flux", "pjm"}:
        queue.mkdir()
        (queue / "nodes").write_text("\n".join(NODES))
        own(queue)
    other = root / f"home-cluster/{OTHER}"
    other.mkdir(mode=0o750)
    os.chown(other, OTHER_NUMBER, OTHER_NUMBER)
    for home in (client, shared):
        home.chmod(0o750)
        (home / ".ssh").chmod(0o700)
        for path in (home, *home.rglob("*")):
            own(path)
    for path in (client / ".ssh").iterdir():
        path.chmod(0o600)
