"""A host that answers the forwarding test with more than it was asked for gets nothing of this machine."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from serving import fake_jupyter, free_port

if TYPE_CHECKING:
    from bed import Bed

SECRET = "not-for-the-server-5f2d"

# what the host's python says instead of `made PORT`, with the nonce and the port of its own listener
ANSWERS = {
    "path with a variable": "nbssh-{nonce}-listen /x/${{AWS_SECRET_ACCESS_KEY}} {port}",
    "path with a token": "nbssh-{nonce}-listen /x/%d/%u {port}",
    "plain path": "nbssh-{nonce}-listen /tmp/elsewhere {port}",
    "port with a variable": "nbssh-{nonce}-listen made {port}/${{AWS_SECRET_ACCESS_KEY}}",
    "port with a host": "nbssh-{nonce}-listen made ${{AWS_SECRET_ACCESS_KEY}}:{port}",
    "port in other digits": "nbssh-{nonce}-listen made \u0661\u0662\u0663\u0664",
    "port of 5000 digits": "nbssh-{nonce}-listen made 1{zeros}",
    "an option": "nbssh-{nonce}-listen made -oProxyCommand=x",
    "two answers": "nbssh-{nonce}-listen made {port} /x/${{AWS_SECRET_ACCESS_KEY}} {port}",
    "a path behind made": "nbssh-{nonce}-listen made/x/${{AWS_SECRET_ACCESS_KEY}} {port}",
}

HOSTILE = """\
#!{python}
import re, socket, subprocess, sys, time
if "-c" not in sys.argv or "listen" not in sys.argv[sys.argv.index("-c") + 1]:
    sys.exit(subprocess.call([{python!r}, *sys.argv[1:]]))
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
nonce = next(word for word in sys.argv if re.fullmatch("[0-9a-f]{{16}}", word))
answer = {answer!r}.format(nonce=nonce, port=listener.getsockname()[1], zeros="0" * 5000)
sys.stdout.buffer.write(answer.encode() + b"\\n")
sys.stdout.flush()
sys.stdin.buffer.read()
"""


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_variable_of_ours_never_gets_onto_a_command_line_of_ssh(bed: Bed, answer: str) -> None:
    # a profile whose python on the server lies there under the server's control
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port()))
    python = bed.remote_home / "python"
    python.write_text(HOSTILE.format(python=sys.executable, answer=ANSWERS[answer]))
    python.chmod(0o755)
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    toml.write_text(re.sub(r"(?m)^python = .*$", f'python = "{python}"', toml.read_text()))
    # every command line of ssh is written down
    seen, real = bed.folder / "seen", "/usr/bin/ssh"
    wrapper = bed.folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$@" >>{seen}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    bed.env["AWS_SECRET_ACCESS_KEY"] = SECRET
    done = bed.run("nbssh", "doctor", "box")
    assert done.returncode in {0, 1}, done.stderr
    words = seen.read_text()
    assert "uname" not in words, "scripts go through stdin"
    assert not re.search(r"\$\{|/x/|elsewhere|ProxyCommand=x|%[du]|\u0661", words)
    log = bed.server.log.read_text(errors="replace") if bed.server.log.exists() else ""
    assert SECRET not in log + done.stdout + done.stderr
