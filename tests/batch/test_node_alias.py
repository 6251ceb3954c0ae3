"""NAME-node: the node of the running job as a plain ssh host, for shells, editors, copies, git and forwards."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import ended
from test_cluster_sessions import PROFILE, WAYS, add, add_by, detach, fill, is_gone, logins, page, serve_board, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster


def submits(bed: Cluster) -> None:
    """Let `gpu-node` submit the job."""
    path = bed.client_home / PROFILE
    bed.write(path, f"node_submits = true\n{path.read_text()}", 0o600)
    bed.nbssh("apply", "gpu", "--offline")


EDITORS_SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the editor")
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("listening", server.server_port, flush=True)
server.handle_request()
"""


def edit(bed: Cluster, node: str) -> None:
    """Do what editors do: one ssh with a SOCKS proxy, whose stdin is a long script that starts a server there."""
    script = "".join(f": {number}\n" for number in range(20_000))  # they install what is missing
    script += f"python3 -c '{EDITORS_SERVER}' </dev/null; echo end $(uname -n)\n"
    with bed.piped("ssh", "-T", "-D", "127.0.0.1:19998", "-o", "ConnectTimeout=15", "gpu-node", "bash") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(script.encode())
        process.stdin.flush()
        word, port = process.stdout.readline().split()
        assert word == b"listening"
        with bed.network():
            proxied = socket.create_connection(("127.0.0.1", 19998), timeout=20)
        with proxied:
            proxied.sendall(b"\5\1\0")  # RFC 1928: version, one method, none to prove who one is
            assert proxied.recv(2) == b"\5\0"
            proxied.sendall(b"\5\1\0\1" + bytes((127, 0, 0, 1)) + int(port).to_bytes(2, "big"))
            assert proxied.recv(10)[:2] == b"\5\0"
            proxied.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: proxied.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.0 200")
        assert answer.endswith(b"the editor")
        process.stdin.close()
        assert process.stdout.read().split() == [b"end", node.encode()]
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == b""


@pytest.mark.parametrize("way", WAYS)
def test_it_is_a_plain_ssh_host(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**WAYS[way])
    add_by(bed, way, "--persist", "5m")
    until(is_gone(bed), "the job that tried the ways is gone")
    # nothing runs: a clear word, where nobody sees the stderr of a ProxyCommand, too
    for words in (("ssh", "gpu-node", "true"), ("scp", "gpu-node:x", "x")):
        done = bed.run(*words)
        assert done.returncode != 0
        assert "no job of 'gpu' runs; start one: ssh gpu-nb" in done.stderr
        assert "Bad packet" not in done.stderr
    assert bed.jobs() == []
    session = start(bed)
    before = logins(bed)
    done = bed.run("ssh", "gpu-node", "uname -n; echo $SLURM_JOB_ID")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == bed.jobs()[0].node
    assert logins(bed) == before, "it shares the connection of gpu-nb"
    detach(bed, session)
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-nb")
    # on its own, one login serves all that comes within a moment; since OpenSSH 10 scp and sftp make none to share
    assert bed.run("ssh", "gpu-node", "true").returncode == 0
    before = tuple(number + 1 for number in before)
    assert logins(bed) == before
    bed.write(bed.client_home / "here", "line\n" * 9999)
    assert bed.run("scp", "-q", "here", "gpu-node:there").returncode == 0
    assert bed.run("sftp", "-b", "-", "gpu-node", stdin="get there back\n").returncode == 0
    assert (bed.client_home / "back").read_text() == "line\n" * 9999
    assert bed.run("rsync", "-a", "gpu-node:there", "again").returncode == 0
    assert (bed.client_home / "again").read_text() == "line\n" * 9999
    bed.on(
        "login",
        "git init -q repository; cd repository; git -c user.name=a -c user.email=a commit -q --allow-empty -m first",
    )
    done = bed.run("git", "clone", "-q", "gpu-node:repository", "clone")
    assert (done.returncode, done.stderr) == (0, "")
    edit(bed, bed.jobs()[0].node)
    serve_board(bed, 6006)
    until(lambda: bed.on("c1", ": <>/dev/tcp/127.0.0.1/6006").returncode == 0, "the board is there")
    done = bed.run("ssh", "-f", "-N", "-L", "127.0.0.1:16006:127.0.0.1:6006", "gpu-node")
    assert (done.returncode, done.stderr) == (0, "")
    assert page(bed, 16006) == {}
    assert logins(bed) == before
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    assert bed.run("scp", "-q", "here", "gpu-node:there").returncode == 0
    assert logins(bed) == tuple(number + 1 for number in before)
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    done = bed.run("ssh", "-f", "-N", "-D", "127.0.0.1:19999", "gpu-node")
    assert (done.returncode, done.stderr) == (0, "")
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
    assert "no job of 'gpu' runs" in bed.run("ssh", "gpu-node", "true").stderr


def test_it_submits_only_on_a_terminal_and_where_the_profile_says_so(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    session = bed.ssh("gpu-node", "true", timeout=60)
    status, words = ended(session)
    assert (status, "no job of 'gpu' runs" in words) == (255, True)
    submits(bed)
    assert "no job of 'gpu' runs" in bed.run("ssh", "gpu-node", "true").stderr
    assert bed.jobs() == []
    fill(bed)
    session = bed.ssh("gpu-node", "uname -n", timeout=90)
    session.expect(r"job \d+ PENDING")
    done = bed.run("ssh", "gpu-node", "true")
    assert done.returncode == 255
    assert re.search(r"job \d+ of 'gpu' does not run yet \(PENDING", done.stderr)
    bed.on("login", "scancel --name=other")
    session.expect(r"runs on (c[12])")
    node = session.match.group(1) if session.match else ""
    status, words = ended(session)
    assert (status, node in words) == (0, True)
    bed.run("ssh", "gpu-nb-kill")
