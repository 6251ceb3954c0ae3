"""The lines that README.md and docs/ tell a reader to type, typed: a laptop, one host, a real Jupyter."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import until
from ports import only_user_of
from quick import quick
from serving import UP, ended, environment, said
from typed import ADDING, APPS, EDITORS, EVERYDAY, PAPERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

SECRET = "corr ect h0rse"
# each question that a line may ask, and her answer
QUESTIONS = {
    r"\[Y/n\] ": "y",
    r"\[y/N\] ": "y",
    r"password for the notebooks of [^\n]*: ": SECRET,
    r"the same again: ": SECRET,
}


class Reader:
    """Somebody at the laptop who types what the papers say; `left` is what she has not typed yet."""

    def __init__(self, bed: Bed, lines: set[str]) -> None:
        self.bed, self.lines, self.left = bed, lines, set(lines)
        for name in ("ssh", "scp", "rsync"):
            self.program(
                name, f'exec /usr/bin/{name} {"-F " + shlex.quote(str(bed.ssh_config)) if name == "ssh" else ""} "$@"'
            )
        bed.env["NO_COLOR"] = "1"
        # the names of the papers lead to the bed's host, and alice is who the bed's host knows
        block = bed.ssh_config.read_text()
        bed.ssh_config.write_text(block.replace("Host box", "Host box mybox cluster 10.0.0.? *.example.org"))

    def program(self, name: str, script: str) -> None:
        """Put a program on the laptop's PATH."""
        path = self.bed.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def starts(self, line: str, *, before: str = "", behind: str = "") -> pexpect.spawn[str]:
        """Type a line of the papers into a terminal; `before` and `behind` are typed with it."""
        assert line in self.lines
        self.left.discard(line)
        return self.bed.spawn("sh", "-c", before + line.replace("alice", self.bed.login) + behind)

    def types(self, line: str, *, before: str = "", behind: str = "", status: int = 0) -> str:
        """Type a line of the papers, answer what it asks, and return what it said."""
        child, words = self.starts(line, before=before, behind=behind), ""
        while True:
            met = child.expect([*QUESTIONS, pexpect.EOF], timeout=90)
            words += said(child)
            if met == len(QUESTIONS):
                break
            child.sendline([*QUESTIONS.values()][met])
        child.wait()
        assert child.exitstatus == status, f"{line}: {child.exitstatus}\n{words}"
        return words.replace("\r\n", "\n")


@pytest.fixture
def reader(make_bed: Callable[..., Bed]) -> Iterator[Callable[[set[str]], Reader]]:
    """Give a maker of the reader, with Jupyters where the host's user has hers."""
    jupyter = quick(environment("new") / "jupyter-lab")

    def make(lines: set[str]) -> Reader:
        bed = make_bed()
        (bed.remote_home / ".venv").symlink_to(jupyter.parent.parent)
        return Reader(bed, lines)

    with only_user_of("the README's ports"):
        yield make


def test_every_way_to_add(reader: Callable[[set[str]], Reader]) -> None:
    she = reader(ADDING)
    here, there = she.bed.local_home, she.bed.remote_home
    (there / "work").mkdir()
    (there / ".bash_profile").write_text("module() { echo module $* >>~/did; }; conda() { echo conda $* >>~/did; }\n")
    she.bed.env["PASSWORD"] = SECRET
    for line in sorted(ADDING):
        words = she.types(line)
        name = "gpu1" if "@gpu1" in line else line.partition("add ")[2].split()[0]
        assert words.endswith(f"done; now type: ssh {name}-nb\n")
        profile = tomllib.loads((here / f".config/nbssh/profiles/{name}.toml").read_text())
        for option, key in (
            ("also", "also"),
            ("idle", "idle_hours"),
            ("app", "app"),
            ("dir", "dir"),
            ("setup", "setup"),
        ):
            assert (f"--{option} " in line) == (key in profile)
        assert ("10090" in line) == (profile["port"] == 10090)
        # as if there had been nothing
        for folder in (here / ".config", here / ".local", here / ".ssh/nbssh.d", there / ".local"):
            shutil.rmtree(folder)
    assert {"module load anaconda", "conda activate ml"} <= set((there / "did").read_text().splitlines())
    assert she.left == set()


def test_everyday(reader: Callable[[set[str]], Reader]) -> None:  # noqa: PLR0915  one day
    she = reader(EVERYDAY)
    bed = she.bed
    (bed.remote_home / "runs").mkdir()
    (bed.remote_home / "runs/today.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    assert she.types("nbssh init --print").endswith("\nInclude nbssh.d/*.conf\n")
    assert "Example: nbssh add mybox" in she.types("nbssh help add")
    she.types("nbssh init")
    assert bed.ssh_config.read_text().splitlines()[1] == "Include nbssh.d/*.conf"
    she.types("nbssh render mybox --to out")
    assert (bed.local_home / "out/README").exists()
    bed.nbssh("add", "mybox", "--yes", "--password-stdin", stdin=f"{SECRET}\n")

    session = she.starts("ssh mybox-nb")
    session.expect(UP)
    until(lambda: len(bed.opened) == 1, "the browser")
    assert "running  " in she.types("nbssh status")
    session.sendintr()
    assert "the server keeps running" in ended(session)[1]
    she.types("nbssh open mybox")
    she.types("nbssh open mybox runs/today.ipynb")
    until(lambda: len(bed.opened) == 3, "the browser")
    assert bed.opened[-1].endswith("/runs/today.ipynb")
    assert "is running" in she.types("nbssh logs mybox")
    log = she.starts("nbssh logs mybox -f")
    log.expect("is running")
    log.sendintr()
    log.expect(pexpect.EOF)
    she.types("ssh -O exit mybox-nb")
    until(lambda: not bed.has_master("mybox"), "the tunnel is closed")

    for line in ("nbssh list", "nbssh show mybox", "nbssh doctor", "nbssh doctor mybox", "nbssh doctor --report mybox"):
        assert "mybox" in she.types(line)
    for line in ("nbssh check mybox", "nbssh -v check mybox"):
        assert "kill" in she.types(line)
    assert "ExecStart=" in she.types("nbssh unit mybox")
    bed.env["EDITOR"] = "sed -i '1i idle_hours = 3.0'"
    assert "idle" in she.types("nbssh edit mybox")
    she.types("nbssh passwd mybox")
    assert she.types("nbssh diff") == ""
    for line in ("nbssh apply", "nbssh apply mybox", "nbssh apply --probe mybox", "nbssh apply mybox --prefer here"):
        she.types(line)
    for line in ("nbssh templates", "nbssh templates list"):
        assert "ssh/profile.conf" in she.types(line)
    for name in ("apps/marimo.toml", "ssh/profile.conf"):
        she.types(f"nbssh templates eject {name}")
        assert (bed.local_home / ".config/nbssh/templates" / name).exists()
    she.types("nbssh templates diff")
    several = "nbssh completions bash|zsh|fish|powershell"
    she.left.discard(several)
    for shell in several.rsplit(maxsplit=1)[-1].split("|"):
        assert "mybox" not in bed.nbssh("completions", shell).stdout

    assert "logged in" in she.types("ssh mybox", before="echo echo logged in | ")
    assert "stopped" in she.types("ssh mybox-nb-kill")
    she.types("nbssh kill mybox")
    she.types("nbssh remove mybox")
    assert not (bed.local_home / ".config/nbssh/profiles/mybox.toml").exists()
    she.types("nbssh uninstall")
    assert "nbssh" not in bed.ssh_config.read_text()
    assert she.left == set()


def test_editors(reader: Callable[[set[str]], Reader]) -> None:
    she = reader(EDITORS)
    bed = she.bed
    she.types("nbssh add mybox --editor")
    assert "token=" in she.types("nbssh passwd mybox --token", behind="; nbssh url mybox")
    bed.nbssh("open", "mybox")
    address = she.types("nbssh url mybox").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", address)
    assert (
        json.loads(she.types("nbssh url mybox --json")).items()
        >= {"url": address.split("?")[0], "token": address.split("=")[1]}.items()
    )
    told = 'set -a; eval "$(nbssh url mybox --env)"; set +a'
    base, token = address.split("?token=")
    assert she.types(told, behind="; sh -c 'echo \"$JUPYTER_URL $JUPYTER_TOKEN\"'") == f"{base} {token}\n"

    # the clients of the page, which are not ours
    apps = environment("apps")
    bed.env |= {"JUPYTER_URL": base, "JUPYTER_TOKEN": token, "PATH": f"{apps}:{bed.env['PATH']}"}
    (script,) = re.findall(r"^```python\n(.*?)^```", PAPERS["docs/editors.md"], re.MULTILINE | re.DOTALL)
    done = bed.run(str(apps / "python"), "-c", script)
    assert "'text/plain': '42'" in done.stdout, done.stderr
    (setting,) = re.findall(r"^```json\n(.*?)^```", PAPERS["docs/editors.md"], re.MULTILINE | re.DOTALL)
    server = json.loads(setting)["mcpServers"]["jupyter"]
    she.program("jupyter-mcp-server", 'echo "$* $JUPYTER_URL $JUPYTER_TOKEN"')
    done = bed.run(server["command"], *server["args"])
    assert done.stdout == f"start --transport stdio {base.rstrip('/')} {token}\n"
    bed.nbssh("kill", "mybox")
    bed.tell_master("exit", "mybox")
    assert she.left == set()


def test_another_app(reader: Callable[[set[str]], Reader]) -> None:
    she = reader(APPS)
    she.bed.remote_home.joinpath(".local/bin").mkdir(parents=True)
    she.bed.remote_home.joinpath(".local/bin/marimo").symlink_to(environment("apps") / "marimo")
    she.types("nbssh add mm mybox --app marimo")
    session = she.starts("ssh mm-nb")
    session.expect(UP)
    assert "access_token=" in she.types("nbssh url mm")
    she.types("ssh mm-nb-kill")
    session.expect(pexpect.EOF)
    assert she.left == set()
