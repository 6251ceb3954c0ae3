"""A throw-away sshd for the user who runs it, and the end of everything that was started below it.

`nbssh demo` and the tests share it. It needs no root and opens no port: a client reaches it with
`ProxyCommand sshd -i`. All its files lie in one folder. Must not touch the user's real home.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.client_system import password_entry
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PORTS = range(15000, 32000)
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

# A login on "another machine": its own home, its own login shell, nothing of the caller's environment.
# sshd takes home and shell from the password database, so ForceCommand is the only place to change them.
_LOGIN = """\
#!/bin/sh
home={home}
shell={shell}
cd "$home" || exit 1
set -- env -i HOME="$home" SHELL="$shell" USER="$USER" LOGNAME="$USER" PATH={path} {environ} \\
    SSH_CONNECTION="${{SSH_CONNECTION-}}" SSH_CLIENT="${{SSH_CLIENT-}}"
if [ -n "${{SSH_TTY-}}" ]; then set -- "$@" SSH_TTY="$SSH_TTY" TERM="${{TERM-dumb}}"; fi
if [ -n "${{SSH_ORIGINAL_COMMAND-}}" ]; then exec "$@" "$shell" -c "$SSH_ORIGINAL_COMMAND"; fi
exec "$@" "$shell" -l
"""


@dataclass(frozen=True)
class Server:
    """The files of one throw-away sshd, ready to be run."""

    folder: Path
    sshd: str
    user: str

    @property
    def config(self) -> Path:
        """Return its sshd_config."""
        return self.folder / "sshd_config"

    @property
    def log(self) -> Path:
        """Return where it writes what it has to say."""
        return self.folder / "sshd.log"

    def host_block(self, alias: str, port: int | None = None) -> str:
        """Return the ssh_config block that reaches it as `alias`: through `port`, or without any port."""
        # another machine does not hear that this terminal was closed
        detached = "setsid " if shutil.which("setsid") else ""
        through = f"ProxyCommand {detached}{self.sshd} -i -f {self.config} -E {self.log}"
        if port is not None:
            through = f"Port {port}"
        return "\n    ".join((
            f"Host {alias}",
            "HostName 127.0.0.1",
            through,
            f"User {self.user}",
            f"IdentityFile {self.folder}/id",
            "IdentitiesOnly yes",
            "IdentityAgent none",
            "HostKeyAlias throwaway",
            f"UserKnownHostsFile {self.folder}/known_hosts",
            "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes",
        )) + "\n"  # fmt: skip


def find_sshd() -> str:
    """Return the absolute path of sshd, which is on the PATH of root alone."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/lib/ssh"))
    found = shutil.which("sshd", path=path)
    if not found:
        raise NbsshError("sshd is not installed on this machine", "sudo apt-get install openssh-server")
    return str(Path(found).resolve())


def make_server(
    folder: Path,
    *,
    home: Path | None,
    shell: str = "/bin/sh",
    user: str = "",
    extra: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Server:
    """Write host key, client key and configuration of an sshd into `folder`.

    `home`: the home directory its logins get, or None for the real one of `user` (then with the real shell).
    `user`: who may log in; by default whoever runs this, and only root can serve another one. `extra`: lines
    of sshd_config that come first and so win. `environ`: what a login finds beside the usual variables.
    """
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    server = Server(folder, find_sshd(), user or password_entry().pw_name)
    for name in ("host_key", "id"):
        _keygen(folder / name)
    key = (folder / "id.pub").read_text(encoding="ascii")
    if home is not None:
        # bash run by sshd reads ~/.bashrc, for a command too (bash(1)): not that of the real home, whatever it does
        key = f'environment="HOME={folder}" {key}'
    (folder / "authorized_keys").write_text(key, encoding="utf-8")
    (folder / "authorized_keys").chmod(0o644)  # sshd reads it as the user who logs in
    public = (folder / "host_key.pub").read_text(encoding="ascii")
    (folder / "known_hosts").write_text(f"throwaway {public}", encoding="ascii")
    lines = [
        *extra,
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        f"AllowUsers {server.user}",
        f"UsePAM {'yes' if _is_locked(server.user) else 'no'}",
        "PidFile none",
        "StrictModes no",  # the folder lies in /tmp
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PrintMotd no",
        "PrintLastLog no",
        "PermitUserRC no",
        "Subsystem sftp internal-sftp",
    ]
    if home is not None:
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in sorted((environ or {}).items()))
        login = _LOGIN.format(home=shlex.quote(str(home)), shell=shlex.quote(shell), path=_PATH, environ=words)
        (folder / "login").write_text(login, encoding="utf-8")
        lines += ["PermitUserEnvironment yes", f"ForceCommand exec /bin/sh {folder}/login"]
    server.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if os.getuid() == 0:
        # sshd's empty directory for privilege separation; the service makes it at boot, a container has none
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _check(server)
    return server


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at this moment.

    From below the range that the system itself takes ports from, for outgoing connections and for `bind` to port 0
    (32768 and up on Linux, 49152 and up on macOS): one from there may be somebody else's before it is used.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
        return port


def gives_terminals() -> bool:
    """Tell whether an sshd that we run can give its sessions a terminal.

    It gives terminals the group `tty`, which only root may do: for everybody else the system must have done so
    (sshpty.c, pty_setowner; the mount option gid=5 of devpts). Otherwise sshd ends such a session with "chown failed".
    """
    if os.getuid() == 0:
        return True
    master, terminal = os.openpty()
    try:
        with contextlib.suppress(KeyError):
            return os.fstat(terminal).st_gid == grp.getgrnam("tty").gr_gid
        return True
    finally:
        os.close(master)
        os.close(terminal)


def processes(folder: Path) -> dict[int, str]:
    """Return pid and command line of what runs below `folder`: its HOME is there, or it is the sshd there.

    A shell or an editor that merely looks into the folder is somebody else's and is not meant.
    """
    found: dict[int, str] = {}
    home, config, log = f"HOME={folder}/".encode(), os.fsencode(folder), f"{folder}/"
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            argv = (entry / "cmdline").read_bytes()
            environ = _environ(entry)
            # a session's sshd has overwritten its arguments; its log is still open
            is_sshd = b"sshd" in argv and (config in argv or _has_open(entry, log))
            if is_sshd or any(word.startswith(home) for word in environ):
                found[int(entry.name)] = argv.replace(b"\0", b" ").decode(errors="replace").strip()
    if not Path("/proc/self").exists():  # macOS: the arguments are what can be seen
        command = ["ps", "-axww", "-o", "pid=,command="]
        listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        rows = (line.split(None, 1) for line in listing.splitlines() if f"{folder}/" in line)
        found = {int(row[0]): row[1] for row in rows if int(row[0]) != os.getpid()}
    return found


def end_processes(folder: Path, grace: float = 5.0) -> dict[int, str]:
    """End everything that runs below `folder`; return what it was. TERM first, KILL after `grace` seconds."""
    ended: dict[int, str] = {}
    for sent in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + grace
        told: set[int] = set()
        while (alive := processes(folder)) and time.monotonic() < until:
            ended |= alive
            for pid in alive.keys() - told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            told |= alive.keys()
            time.sleep(0.05)
    return ended


def _keygen(path: Path) -> None:
    # no `-C`: the comment would be the user's name and machine
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "throwaway", "-f", str(path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NbsshError(f"ssh-keygen could not make {path}: {done.stderr.strip()}", "check the free space there")


def _check(server: Server) -> None:
    """Let sshd read its configuration, so that a mistake is reported here and not as a lost connection."""
    command = [server.sshd, "-t", "-f", str(server.config)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NbsshError(f"sshd refuses {server.config}: {done.stderr.strip()}", f"run {shlex.join(command)}")


def _is_locked(user: str) -> bool:
    """Tell whether `user` has a `!` password: a locked account for sshd, unless PAM decides (sshd(8))."""
    with contextlib.suppress(OSError):
        for line in Path("/etc/shadow").read_text(encoding="utf-8", errors="replace").splitlines():
            name, secret, *_ = [*line.split(":"), ""]
            if name == user:
                return secret.startswith("!")
    return False


def _environ(process: Path) -> list[bytes]:
    with contextlib.suppress(OSError):  # sshd and ssh-agent hide theirs (prctl(2), PR_SET_DUMPABLE)
        return (process / "environ").read_bytes().split(b"\0")
    return []


def _has_open(process: Path, prefix: str) -> bool:
    with contextlib.suppress(OSError):
        return any(str(link.readlink()).startswith(prefix) for link in (process / "fd").iterdir())
    return False
