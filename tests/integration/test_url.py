"""`nbssh url`: the address, with its token, and nothing else on stdout."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ports import free_port
from serving import add, fake_jupyter

if TYPE_CHECKING:
    from bed import Bed


def test_a_password_is_in_no_address(bed: Bed) -> None:
    port = add(bed)
    done = bed.nbssh("url", "box")
    assert (done.stdout, done.stderr) == (f"http://127.0.0.1:{port}/\n", "")


def test_a_token_is_in_it_and_a_lost_one_is_told(bed: Bed) -> None:
    port = free_port()
    bed.nbssh("add", "tok", "box", "--yes", "--port", str(port), "--jupyter", str(fake_jupyter(bed)), "--token")
    address = bed.nbssh("url", "tok")
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?token=[\w-]{{43}}\n", address.stdout)
    assert address.stderr == ""
    (bed.local_home / ".local/state/nbssh/secrets/tok.json").unlink()
    done = bed.run("nbssh", "url", "tok")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nbssh passwd tok --token" in done.stderr


def token_profile(bed: Bed, *words: str) -> int:
    port = free_port()
    bed.nbssh("add", "box", "--yes", "--port", str(port), "--jupyter", str(fake_jupyter(bed)), "--token", *words)
    return port


def test_json_has_both_ends(bed: Bed) -> None:
    port = token_profile(bed)
    said = json.loads(bed.nbssh("url", "box", "--json").stdout)
    secret = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())
    socket = str(bed.remote_home / ".local/state/nbssh/box/sock")
    assert said == {
        "nbssh": 1, "errors": [], "url": f"http://127.0.0.1:{port}/", "token": secret["token"], "socket": socket,
    }  # fmt: skip


def test_json_of_a_port_on_the_server_and_of_a_password(bed: Bed) -> None:
    far = free_port()
    port = add(bed, "--forward", "tcp", "--remote-port", str(far))
    said = json.loads(bed.nbssh("url", "box", "--json").stdout)
    assert said == {"nbssh": 1, "errors": [], "url": f"http://127.0.0.1:{port}/", "token": None, "port": far}


def test_a_shell_reads_its_lines(bed: Bed) -> None:
    port = token_profile(bed)
    secret = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())
    done = bed.nbssh("url", "box", "--env")
    read = bed.run("sh", "-c", f'{done.stdout}\nprintf \'%s %s\' "$JUPYTER_URL" "$JUPYTER_TOKEN"')
    assert read.stdout == f"http://127.0.0.1:{port}/ {secret['token']}"
    bed.nbssh("passwd", "box", "--password-stdin", stdin="pw\n")
    done = bed.nbssh("url", "box", "--env")
    assert "TOKEN" not in done.stdout
    assert "nbssh passwd box --token" in done.stderr


def test_two_forms_at_once_are_a_mistake(bed: Bed) -> None:
    token_profile(bed)
    assert bed.run("nbssh", "url", "box", "--env", "--json").returncode == 2
