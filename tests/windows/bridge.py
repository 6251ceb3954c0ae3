r"""The Linux end of ssh.exe: runs this system's ssh for a laptop of Windows, as OpenSSH for Windows would run there.

What bridge.c sends is described there. Paths of Windows in the words and in ssh_config become those of this system, in
copies, and go back in what ssh answers. What ssh would give to a shell goes to cmd.exe. Abilities are those of the
release that NBSSH_BED_OPENSSH names, 7.7, 8.1 or 9.5, as its release notes and known bugs document them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import secrets
import selectors
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
from dataclasses import dataclass
from pathlib import Path

from translated import Config, Drives, before

# What `ssh -V` says, by release.
RELEASES = {
    "7.7": "OpenSSH_for_Windows_7.7p1, LibreSSL 2.6.5",
    "8.1": "OpenSSH_for_Windows_8.1p1, LibreSSL 3.0.2",
    "9.5": "OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2",
}
NEWEST = "9.5"
NO_LOCAL_COMMAND = "executing local command is not supported in Windows yet"


class Client:
    """A running ssh.exe at the other end."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.ready = b""

    def send(self, kind: bytes, data: bytes) -> None:
        """Send a frame, in pieces if it is long; a client that has gone hears nothing."""
        with contextlib.suppress(OSError):
            self.connection.sendall(kind + struct.pack(">I", len(data)) + data)

    def receive(self) -> tuple[bytes, bytes]:
        """Wait for a frame; nothing and nothing where the client has gone."""
        head = self._bytes(5)
        if len(head) < 5:
            return b"", b""
        (length,) = struct.unpack(">I", head[1:])
        return head[:1], self._bytes(length)

    def end(self) -> None:
        """Hang up, once the client has: what it still sends would otherwise take away what it has not read yet."""
        with contextlib.suppress(OSError), self.connection:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(5)
            while self.connection.recv(65536):
                pass

    def _bytes(self, wanted: int) -> bytes:
        found = b""
        while len(found) < wanted:
            try:
                part = self.connection.recv(wanted - len(found))
            except OSError:
                return b""
            if not part:
                return b""
            found += part
        return found


class Bridge:
    """Listens for the ssh.exe of the laptop whose C: is in `prefix`, and whose user lives in `home`."""

    def __init__(self, prefix: Path, home: Path, wine: dict[str, str]) -> None:
        self.drives, self.home = Drives(prefix), home
        self.scratch = prefix.parent / "bridge"
        self.scratch.mkdir()
        self.key = secrets.token_hex(16)
        self.running: set[int] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        (prefix / "drive_c" / "bridge").write_text(f"{port} {self.key}", encoding="ascii")
        self.shell = self.scratch / "shell"
        kept = " ".join(f"{name}={shlex.quote(value)}" for name, value in wine.items())
        # `$SHELL -c COMMAND` (LocalCommand, Match exec), `exec COMMAND` for a ProxyCommand
        self.shell.write_text(
            "#!/bin/sh\n"
            f'[ "$BED_OPENSSH" != 7.7 ] || [ "$2" != "${{2#exec }}" ] || {{ echo {shlex.quote(NO_LOCAL_COMMAND)} >&2; '
            'kill "$PPID"; exit 255; }\n'
            f'exec env {kept} wine bedshell.exe "${{2#exec }}"\n',
            encoding="utf-8",
        )
        self.shell.chmod(0o700)
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and end what still runs for this laptop."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pid in list(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        client = Client(connection)
        folder = Path(tempfile.mkdtemp(dir=self.scratch)) if self.scratch.is_dir() else self.scratch
        try:
            kind, data = client.receive()
            key, *fields = data.decode("utf-8", "surrogateescape").split("\0")[:-1]
            if kind == b"h" and secrets.compare_digest(key, self.key):
                Call(self, client, folder, *fields[:6], words=fields[6:]).serve()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            client.send(b"r", f"bridge: {error!r}\n".encode())
            client.send(b"x", b"\xff")
        finally:
            client.end()
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Call:
    """One ssh.exe: what it was given, as bridge.c lists it."""

    bridge: Bridge
    client: Client
    folder: Path
    program: str
    console: str
    columns: str
    rows: str
    cwd: str
    openssh: str
    words: list[str]
    resolves: bool = False

    def __post_init__(self) -> None:
        self.openssh = self.openssh or NEWEST
        self.resolves = self.program == "ssh" and "-G" in self.words

    def serve(self) -> None:
        """Answer it, or run the program of this system for it."""
        if self.program == "ssh" and self.words == ["-V"]:
            self._answer(0, err=RELEASES[self.openssh] + "\n")
            return
        here = self.bridge.drives.here
        words = [here(word) for word in self.words]
        # -oKEY=C:\file and -o KEY=C:\file
        words = [re.sub(r"(?i)^(-o)?([a-z]+[= ])([a-z]:[\\/].*)", lambda f: (f[1] or "") + f[2] + here(f[3]), word)
                 for word in words]  # fmt: skip
        if self.program == "ssh":
            words, config = self._with_config(words)
            if config.refused:
                self._answer(255, err=config.refused + f"{self.openssh}: terminating, 1 bad configuration options\n")
                return
            answer = {} if self.resolves else self._answer_of_g(words)
            if said := self._refuses_master(answer):
                self._answer(255, err=said)
                return
            # a release before 9 says so whatever LogLevel says
            closed = before(self.openssh, "9") and self.console == "stdin" and answer.get("loglevel") == "ERROR"
            farewell = f"Connection to {answer.get('hostname')} closed.\r\n" if closed else ""
            self._run(words, config.origins, farewell)
            return
        self._run(words, {})

    def _with_config(self, words: list[str]) -> tuple[list[str], Config]:
        """Return the words with `-F COPY` in front instead of the file they name, or the user's own."""
        config = Config(self.bridge.drives, self.folder, self.bridge.home, self.openssh, self.resolves)
        named, kept, rest = "", [], iter(words)
        for word in rest:
            if word == "-F":
                named = next(rest, "")
            elif word.startswith("-F"):
                named = self.bridge.drives.here(word[2:])
            else:
                kept.append(word)
        if named.lower() == "none":
            return ["-F", "none", *kept], config
        if named:
            path = Path(named) if named.startswith("/") else Path(self.bridge.drives.here(self.cwd), named)
            return ["-F", str(config.copy(path)), *kept], config
        # the user's, then the machine's, as ssh reads them
        users = self.bridge.home / ".ssh" / "config"
        machine = Path(self.bridge.drives.here("C:\\ProgramData\\ssh\\ssh_config"))
        top = self.folder / "top"
        lines = [f'Include "{config.copy(path)}"' for path in (users, machine) if path.exists()]
        if not self.resolves:
            known = self.bridge.home / ".ssh" / "known_hosts"
            lines.append(f'UserKnownHostsFile "{known}"\nGlobalKnownHostsFile none')
        top.write_text("\nMatch all\n".join(lines) + "\n", encoding="utf-8")
        return ["-F", str(top), *kept], config

    def _answer_of_g(self, words: list[str]) -> dict[str, str]:
        command = ["ssh", "-G", *words]
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())  # type: ignore[misc]

    def _refuses_master(self, answer: dict[str, str]) -> str:
        """Return what ssh says where it should be or use a master: Windows hands no descriptors over."""
        if answer.get("controlpath", "none") == "none" or answer.get("controlmaster") == "false":
            return ""
        return f"getsockname failed: Not a socket\nRead from remote host {answer.get('hostname')}: Unknown error\n"

    def _answer(self, status: int, *, out: str = "", err: str = "") -> None:
        for kind, text in ((b"o", out), (b"r", err)):
            if text:
                self.client.send(kind, text.replace("\n", "\r\n").encode("utf-8", "surrogateescape"))
        self.client.send(b"x", bytes([status & 255]))

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.bridge.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "SHELL": str(self.bridge.shell),
            "BED_OPENSSH": self.openssh,
        }

    def _run(self, words: list[str], origins: dict[str, str], farewell: str = "") -> None:
        """Run the program with the client's streams; end it when the client goes."""
        folder = self.bridge.drives.here(self.cwd + "\\")
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(self.rows), int(self.columns), 0, 0))
        on_terminal = self.console == "stdin"
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        if on_terminal:
            streams = dict.fromkeys(streams, terminal)
        process = subprocess.Popen(
            [self.program, *words],
            env=self._environment(),
            cwd=folder if Path(folder).is_dir() else "/",
            start_new_session=True,
            preexec_fn=None if self.console == "none" else lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),  # noqa: PLW1509  the only thread of the child
            **streams,
        )
        self.bridge.running.add(process.pid)
        os.close(terminal)
        incoming = threading.Thread(target=self._feed, args=(process, master), daemon=True)
        incoming.start()
        try:
            self._pass_output(process, master, origins)
            status = process.wait()
            self.client.send(b"r", farewell.encode())
            self.client.send(b"x", bytes([status & 255 if status >= 0 else 255]))
        finally:
            self.bridge.running.discard(process.pid)
            with contextlib.suppress(OSError):
                self.client.connection.shutdown(socket.SHUT_WR)
            incoming.join(5)
            os.close(master)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _feed(self, process: subprocess.Popen[bytes], master: int) -> None:
        while True:
            kind, data = self.client.receive()
            with contextlib.suppress(OSError, ValueError):
                if kind == b"t":
                    os.write(master, data)
                elif kind == b"i" and process.stdin:
                    if data:
                        process.stdin.write(data)
                        process.stdin.flush()
                    else:
                        process.stdin.close()
            if not kind:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                return

    def _pass_output(self, process: subprocess.Popen[bytes], master: int, origins: dict[str, str]) -> None:
        """Pass on what it says until it has ended and its pipes are empty; who else holds them is not waited for."""
        kinds = {master: b"o" if self.console == "stdin" else b"t"}
        for stream, kind in ((process.stdout, b"o"), (process.stderr, b"r")):
            if stream:
                kinds[stream.fileno()] = kind
        read, write = os.pipe()
        watch = threading.Thread(target=lambda: (process.wait(), os.close(write)), daemon=True)
        watch.start()
        with selectors.DefaultSelector() as selector:
            for descriptor in (*kinds, read):
                selector.register(descriptor, selectors.EVENT_READ)
            ended = False
            while len(selector.get_map()) > (0 if ended else 1):
                ready = selector.select(0 if ended else None)
                if ended and not ready:
                    break
                for key, _ in ready:
                    if key.fd == read:
                        ended = True
                        selector.unregister(read)
                        continue
                    try:
                        data = os.read(key.fd, 65536)
                    except OSError:  # a terminal that nobody holds any more
                        data = b""
                    if data:
                        self.client.send(kinds[key.fd], self._translated(kinds[key.fd], data, origins))
                    else:
                        selector.unregister(key.fd)
        watch.join()
        os.close(read)

    def _translated(self, kind: bytes, data: bytes, origins: dict[str, str]) -> bytes:
        """Return output with paths of Windows, where it names files: complaints, and the answer of -G."""
        if kind != b"r" and not self.resolves:
            return data
        text = data.decode("utf-8", "surrogateescape")
        text = text.replace(f"{Path.home()}/.ssh/", f"{self.bridge.home}/.ssh/")
        for copied, origin in sorted(origins.items(), key=lambda item: -len(item[0])):
            text = text.replace(copied, origin)
        return self.bridge.drives.there(text).encode("utf-8", "surrogateescape")
