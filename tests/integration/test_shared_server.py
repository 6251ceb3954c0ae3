"""Nobody else gets in: not another user of the server, not a squatter, and not the server itself into the laptop."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import needs, needs_root, until
from serving import (
    add,
    api,
    close_tunnel,
    detach,
    end,
    ended,
    free_port,
    kill,
    launches_end,
    long_home,
    named,
    server_pid,
    servers,
    start,
    tree,
)

from nbssh.core.files.program import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

pytestmark = pytest.mark.figure("attacks repelled")


def as_nobody(*command: str) -> list[str]:
    """Return the command as a user who has nothing to do with the notebook."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin", *command]


@contextlib.contextmanager
def watching(*secrets: str) -> Iterator[list[str]]:
    """Look at the arguments and the environment of every process, again and again; collect where a secret is seen."""
    seen: list[str] = []
    stop = threading.Event()
    words = [secret.encode() for secret in secrets]

    def watch() -> None:
        while not stop.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                if int(entry.name) == os.getpid():
                    continue
                for file in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        text = (entry / file).read_bytes()
                        seen.extend(f"{file} of {entry.name}: {text!r}" for word in words if word in text)
            stop.wait(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("door", ["password", "token"])
def test_no_secret_is_seen_in_any_process(bed: Bed, door: str) -> None:
    secrets = bed.local_home / ".local/state/nbssh/secrets/box.json"
    password = f"of test {os.getpid()} in {bed.folder.name}"  # other tests, which run beside this one, have another
    with watching(password, "argon2:$") as seen:
        add(bed, *(["--token"] if door == "token" else []), door=door, password=password)
    secret = json.loads(secrets.read_text())
    words = [value for value in secret.values() if isinstance(value, str) and value]
    assert words
    assert [each for each in seen if any(word in each for word in (password, *words))] == []
    with watching(password, *words) as seen:
        session = start(bed)
        until(lambda: bed.opened, "the browser is called")
        bed.nbssh("status", "box")
        bed.nbssh("apply", "box")
        bed.nbssh("diff", "box")
        detach(session)
        log = next((bed.remote_home / ".local/state/nbssh/box").glob("*/log")).read_text()
        kill(bed)
        bed.nbssh("remove", "box", "--yes")
    assert seen == []
    assert not any(word in log for word in words)


def test_another_user_at_the_port_needs_the_password(bed: Bed) -> None:
    needs_root()
    needs("setpriv", "curl")
    far = free_port()
    add(bed, "--forward", "tcp", "--remote-port", str(far), jupyter=bed.jupyter)
    session = start(bed)
    for path, allowed in (("api", True), ("api/status", False), ("api/contents", False), ("api/kernels?token=", False)):
        asked = subprocess.run(
            as_nobody("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{far}/{path}"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (asked.stdout == "200") is allowed, (path, asked.stdout)
    home = bed.remote_home
    for folder in (bed.folder, home):
        folder.chmod(0o755)  # as on many a cluster
    files = [*(home / ".local").rglob("*")]
    assert {"record", "log", "launch", "jupyter_server_config.json"} <= {path.name for path in files}
    listing = subprocess.run(
        as_nobody("sh", "-c", 'for f; do [ -d "$f" ] || cat "$f"; done 2>/dev/null', "sh", *map(str, files)),
        capture_output=True, check=False,
    )  # fmt: skip
    assert listing.stdout == b""
    detach(session)
    kill(bed)


# --- squatters -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def collector(path: Path) -> Iterator[list[bytes]]:
    """Be a stranger's server on a unix socket that everybody may connect to, and collect what comes."""
    got: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        os.chown(path, 65534, 65534)
        path.chmod(0o777)
        server.listen()
        server.settimeout(0.1)
        stop = threading.Event()

        def collect() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(2)
                        got.append(connection.recv(4096))
                        body = b'{"version": "4.6.6"}'
                        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        thread = threading.Thread(target=collect)
        thread.start()
        try:
            yield got
        finally:
            stop.set()
            thread.join()


# Looks like Jupyter to whoever asks only for the page.
SQUATTER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()
print("up", flush=True)
while True:
    with s.accept()[0] as c:
        c.recv(4096)
        c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n{"version": "4.6.6"}')
"""


@contextlib.contextmanager
def squatter(port: int) -> Iterator[None]:
    """Let another user of the server be first at a port of it."""
    with subprocess.Popen([sys.executable, "-c", SQUATTER, str(port)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("door", ["password", "token"])
def test_a_squatter_on_a_port_where_there_is_no_master_to_ask(make_bed: Callable[..., Bed], door: str) -> None:
    needs_root()
    bed = make_bed(extra=["MaxSessions 1"])
    far = free_port()
    add(bed, "--forward", "tcp", "--remote-port", str(far), *(["--token"] if door == "token" else []), door=door)
    session = start(bed)
    until(lambda: bed.opened, "a server that is ours gets the browser")
    detach(session)
    kill(bed)
    (bed.folder / "opened").unlink()
    login = bed.server.folder / "login"
    # launch comes late: there is time to ask the squatter, and to believe it
    login.write_text(login.read_text().replace("#!/bin/sh\n", "#!/bin/sh\nsleep 2\n"))
    with squatter(far):
        session = bed.ssh("box-nb", timeout=60)
        status, words = ended(session)
        assert (status, f"port {far} on" in words, "belongs to somebody else" in words) == (1, True, True), words
        done = bed.run("nbssh", "open", "box")
        assert (done.returncode, done.stdout) == (1, "")
        until(lambda: not named(bed, "nbssh.d/open"), "the opener gives up")
        assert bed.opened == []
    assert servers(bed) == []


def reaches(port: int) -> bool:
    """Ask through the tunnel as a page in a browser does again and again; tell whether there still is one."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5) as page:
        with contextlib.suppress(OSError):
            page.sendall(b"GET /api HTTP/1.0\\r\\n\\r\\n")
            page.recv(4096)
        return True
    return False


@pytest.mark.parametrize("how", ["a launch", "no launch any more"])
def test_a_squatter_after_our_server_does_not_inherit_the_open_page(make_bed: Callable[..., Bed], how: str) -> None:
    needs_root()
    bed = make_bed(listen=True)
    far = free_port()
    port = add(bed, "--forward", "tcp", "--remote-port", str(far))
    session = start(bed)
    if how == "no launch any more":
        detach(session)
        for _ in range(40):  # the page keeps the tunnel
            assert api(port)["version"] == "9.8.7"
            time.sleep(0.1)
    end(server_pid(bed))
    if how == "a launch":
        assert ended(session)[0] == 1
    with squatter(far):
        until(lambda: not reaches(port), "the tunnel is closed")
    launches_end(bed)
    # and a server that is ours is reached as ever: nobody takes its connection for an old one
    session = start(bed)
    end(server_pid(bed))
    assert ended(session)[0] == 1
    session = start(bed)
    for _ in range(40):
        assert api(port)["version"] == "9.8.7"
        time.sleep(0.1)
    detach(session)
    kill(bed)


def test_a_home_too_long_for_a_socket_has_it_tried_in_tmp(make_bed: Callable[..., Bed]) -> None:
    with long_home(make_bed, "AllowStreamLocalForwarding no") as (bed, program):
        port = add(bed, jupyter=program)
        # nothing of what was tried goes on, and takes folders away from under a launch
        assert not (bed.remote_home / ".local/state/nbssh").exists()
        assert named(bed, "-listen ") == []
        session = start(bed)
        assert api(port)["version"] == "9.8.7"
        detach(session)
        kill(bed)


@pytest.mark.parametrize("how", ["a folder of theirs", "a link to a folder of theirs", "a folder that all may write"])
def test_a_squatted_folder_in_tmp(make_bed: Callable[..., Bed], how: str) -> None:
    with long_home(make_bed) as (bed, program):
        user = pwd.getpwnam(bed.login)
        add(bed, jupyter=program)
        private = Path(f"/tmp/nbssh-{user.pw_uid}")
        session = start(bed)
        until(lambda: bed.opened, "the browser is called")
        assert (private / "box.sock").is_socket()
        detach(session)
        kill(bed)
        (bed.folder / "opened").unlink()
        private.rmdir()
        theirs = private if how != "a link to a folder of theirs" else Path(f"/tmp/nbs-{user.pw_uid}")
        theirs.mkdir(mode=0o777)
        theirs.chmod(0o777)
        owner = user.pw_uid if how == "a folder that all may write" else 65534
        os.chown(theirs, owner, 65534)
        if theirs != private:
            private.symlink_to(theirs)
            os.lchown(private, 65534, 65534)
        try:
            with collector(theirs / "box.sock") as got:
                session = bed.ssh("box-nb", timeout=60)
                status, words = ended(session)
                assert status == 1, words
                assert f"{private} on {os.uname().nodename} is not a private folder of this user" in words
                until(lambda: not bed.has_master(), "the tunnel is closed")
                assert got == []
            assert bed.opened == []
            assert servers(bed) == []
        finally:
            if theirs != private:
                private.unlink()
            shutil.rmtree(theirs)


# --- a hostile server ------------------------------------------------------------------------------------------------

# What answers instead of /bin/sh: reads each script that nbssh sends, and says what it likes between nbssh's own marks.
LIAR = r"""#!/usr/bin/python3 -IS
import base64, os, re, sys
mode, body = {mode!r}, base64.b64decode({body!r})
word = sys.argv[-1].split()[-1].encode()
out = sys.stdout.buffer
script = b""
while True:
    part = os.read(0, 65536)
    if not part:
        break
    script += part
    asked = re.search(rb"-end %s\\n' ([0-9a-f]{{16}}) \"\$\?\"\n\Z", script)
    if not asked:
        continue
    mark, nonce = asked.group(1), re.search(rb"(?m)^nonce='?([0-9a-f]{{16}})", script)
    script = b""
    out.write(b"\nnbssh-%s-awake \n\nnbssh-%s-begin %s . /bin/sh\n" % (mark, mark, word))
    out.write(body.replace(b"NONCE", nonce.group(1)) if nonce else body)
    out.flush()
    while mode == "endless":
        out.write(b"\x1b]0;owned\x07" * 8192)
        out.flush()
    out.write(b"\nnbssh-%s-end 0\n" % mark)
    out.flush()
"""

HOST = "host home=%s uid=1000 user=u host=h os=Linux arch=x shell=/bin/sh sh=/bin/sh umask=0022 homefs=ext4 tmp=yes"
JUPYTER = (
    "jupyter path=/x/bin/jupyter-lab program=jupyter-lab asked= python=/x/python found=PATH jupyterlab=4.0 argon2=1"
)


def probed(home: str = "/home/u", jupyter: str = JUPYTER, more: str = "") -> bytes:
    host = HOST % home
    return f"nbssh-NONCE-begin\n{host}\n{jupyter}\n{more}socket home=ok tmp=ok limit=107\nnbssh-NONCE-end\n".encode()


LIES = {
    "the laptop's environment": probed("/home/${AWS_SECRET_ACCESS_KEY}"),
    "a percent": probed("/home/%25h"),
    "a new line": probed("/home/u%0aHost%20*%0aProxyCommand%20touch%20owned"),
    "a command": probed("/home/$(touch%20owned)"),
    "a blank": probed("/home/u%20/x"),
    "no home": probed(""),
    "an escape": b"\x1b]0;owned\x07\x1b[2J" * 9 + probed("/home/\x1b[2J"),
    "no number": probed().replace(b"uid=1000", b"uid=1;touch"),
    "a path with a new line": probed(jupyter=JUPYTER.replace("/x/bin", "/x%0aowned")),
    "no answer": b"",
    "bytes": bytes(range(256)) * 64,
    "a torn answer": probed()[:-9],
    "megabytes": b"x" * (9 << 20),
    "many lines": probed("", more=(JUPYTER + "\n") * 50_000),
}


def lie(bed: Bed, body: bytes, mode: str = "") -> None:
    """Let every login from now on meet the liar."""
    text = LIAR.format(mode=mode, body=base64.b64encode(body).decode())
    if len(body) > 1 << 20:
        (bed.folder / "body").write_bytes(body)
        text = LIAR.format(mode=mode, body="").replace(
            "base64.b64decode('')", f'open("{bed.folder}/body", "rb").read()'
        )
    program = bed.server.folder / "liar"
    program.write_text(text)
    program.chmod(0o755)
    (bed.server.folder / "login").write_text(
        f'#!/bin/sh\ncd {bed.remote_home}\nexec env -i HOME={bed.remote_home} {program} "$SSH_ORIGINAL_COMMAND"\n'
    )


def unharmed(bed: Bed, words: tuple[str, ...], before: dict[str, bytes]) -> str:
    """Run nbssh, which must refuse in words fit for a terminal and change nothing here; return what it said."""
    bed.env["AWS_SECRET_ACCESS_KEY"] = "s3cr3t-of-the-laptop"
    done = bed.run("nbssh", *words, timeout=90)
    assert done.returncode == 1, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "nbssh: error: " in done.stderr
    assert "s3cr3t" not in said
    kept = tree(bed.local_home, without=lambda path: "/.local/state/nbssh" in path and path.endswith(("lock", "nbssh")))
    assert {path: text for path, text in kept.items() if text != b"folder"} == before
    assert not list(bed.folder.rglob("owned*"))
    return done.stderr


def files(bed: Bed) -> dict[str, bytes]:
    found = tree(bed.local_home, without=lambda path: path.endswith("lock"))
    return {path: text for path, text in found.items() if text != b"folder"}


@pytest.mark.parametrize("what", LIES)
def test_a_server_that_lies_to_add(bed: Bed, what: str) -> None:
    before = files(bed)
    lie(bed, LIES[what])
    unharmed(bed, ("add", "box", "--yes", "--token"), before)


def test_a_server_that_never_stops_talking(bed: Bed) -> None:
    before = files(bed)
    lie(bed, b"", "endless")
    assert "sends more than" in unharmed(bed, ("add", "box", "--yes", "--token"), before)


READ = {
    "a few bytes that stand for very many": (lambda: gzip.compress(bytes(64 << 20)), "more than 8 MiB"),
    "a stream that is cut off": (lambda: gzip.compress(os.urandom(4096))[:-9], "no tar stream"),
    "a stream of something else": (lambda: gzip.compress(b"hello"), "no tar stream"),
    "a stream with a wrong checksum": (lambda: gzip.compress(bytes(10240))[:-8] + bytes(8), "no tar stream"),
    "a stream that is none": (lambda: b"\x1f\x8b" + bytes(range(256)), "no tar stream"),
}


@pytest.mark.parametrize("what", READ)
def test_a_server_that_lies_of_its_files(bed: Bed, what: str) -> None:
    add(bed)
    before = files(bed)
    body, word = READ[what]
    lie(bed, f"program {program().id} missing\n\n".encode() + body())
    assert word in unharmed(bed, ("apply", "box", "--yes"), before)


STATUS = (
    b'{"nbssh":1,"name":"box","host":"h","state":"running","pid":1,"version":"4","kernels":0,"sessions":0,"since":1,'
)
TALES = [
    b"\x1b]0;owned\x07\x1b[2J",
    STATUS + b'"last_activity":1,"log":"/x","elsewhere":' + b"[" * 100_000,
    STATUS + b'"last_activity":1e999,"log":"/x","elsewhere":[]}',
    STATUS.replace(b'"running"', b'"owned"') + b'"last_activity":1,"log":"/x","elsewhere":[]}',
    b"[]",
    b"null\nnull",
    b"\xff" * 100_000,
]


@pytest.mark.parametrize("number", range(len(TALES)))
def test_a_server_that_turned_bad(bed: Bed, number: int) -> None:
    add(bed)
    before = files(bed)
    lie(bed, TALES[number])
    unharmed(bed, ("status", "box"), before)
    # what is read back for diff and apply is a tar; this is none
    unharmed(bed, ("diff", "box"), before)
    close_tunnel(bed)


def test_words_of_a_server_are_made_fit_for_a_terminal(bed: Bed) -> None:
    add(bed)
    lie(bed, b"\x1b]0;owned\x07\x1b[2Jstopped\n")
    for words in (("kill", "box"), ("logs", "box")):
        done = bed.run("nbssh", *words)
        assert "\x1b" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    lie(bed, STATUS.replace(b'"h"', rb'"h\u001b[2J"') + b'"last_activity":1,"log":"/x","elsewhere":["\\u001b[2J"]}')
    done = bed.run("nbssh", "status", "box")
    assert "\x1b" not in done.stdout + done.stderr
    assert "running" in done.stdout
