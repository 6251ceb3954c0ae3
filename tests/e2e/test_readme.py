"""The README's transcript is what really happens; its commands and those of docs/ exist."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import REPOSITORY, until
from ports import only_user_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
REFERENCE = (REPOSITORY / "docs/reference.md").read_text(encoding="utf-8")
CLUSTERS = (REPOSITORY / "docs/clusters.md").read_text(encoding="utf-8")
ALL = "\n".join([README, *(path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "docs").glob("*.md")))])


def transcript() -> list[tuple[str, list[str]]]:
    """Return (command, lines of output) of the README's transcript."""
    block = README.split("<!-- transcript:")[1].split("```console\n")[1].split("```")[0]
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return [(command, output.strip().splitlines()) for command, output in zip(parts[::2], parts[1::2], strict=True)]


def normal(text: str, bed: Bed) -> list[str]:
    """Return the lines of `text` as the README has them: its names instead of this machine's, its figures."""
    text = text.replace("\r", "").replace("connection to 127.0.0.1 closed.", "connection to gpu1.example.org closed.")
    for ours, theirs in (
        (str(bed.local_home), "/home/me"),
        (str(bed.remote_home), "/home/alice"),
        (str(bed.jupyter.parent), "/home/alice/.venv/bin"),
        (platform.node(), "gpu1"),
    ):
        text = text.replace(ours, theirs).replace(ours.lstrip("/"), theirs.lstrip("/"))
    lines = [line.rstrip() for line in text.splitlines()]
    # root on the server, and a start that takes more than 3 s, are not the usual case: the README has no lines for them
    unusual = ("nbssh: you are root there", "nbssh: starting ")
    return [figures(line) for line in lines if line and not line.startswith(unusual)]


def figures(line: str) -> str:
    """Return a line without what differs from run to run: times, versions, process ids, the width of columns."""
    line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", line)
    line = re.sub(r"\d+\.\d+\.\d+(?!\.)", "V", line)
    line = re.sub(r"in \d+\.\d+ s", "in T s", line)
    line = re.sub(r"\d+ (s|min) ago", "T ago", line)
    line = re.sub(r"pid \d+", "pid N", line)
    return re.sub(r"  +", "  ", line)


@pytest.fixture
def alone() -> Iterator[None]:
    with only_user_of("the README's ports"):
        yield


@pytest.mark.usefixtures("alone")
def test_the_transcript_is_what_happens(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(listen=True)
    # the block of the README's user; where it really leads stands further down
    bed.ssh_config.write_text(
        "Host mybox\n    HostName gpu1.example.org\n    User alice\n"
        + re.sub(r"Host box|HostName .*|User .*", "#", bed.ssh_config.read_text())
    )
    block = bed.ssh_config.read_text()
    real = block.replace("gpu1.example.org", "127.0.0.1").replace("User alice", f"User {bed.login}")
    bed.env["NO_COLOR"] = "1"
    said = dict(transcript())
    assert list(said) == ["nbssh add mybox", "ssh mybox-nb", "nbssh status", "ssh mybox-nb-kill"]
    bed.ssh_config.write_text(real)
    (bed.remote_home / ".venv").symlink_to(bed.jupyter.parent.parent)

    adding = bed.spawn("nbssh", "add", "mybox", timeout=60)
    adding.expect_exact("[Y/n] ")
    seen = str(adding.before) + "[Y/n] y\n"
    adding.sendline("y")
    adding.expect(r"y\r\n((?:.*\r\n)*nbssh: password .*:) ")
    assert adding.match
    seen += str(adding.match.group(1)) + "\n"
    adding.sendline("secret")
    adding.expect(r"(nbssh: the same again:) ")
    assert adding.match
    seen += str(adding.match.group(1)) + "\n"
    adding.sendline("secret")
    adding.expect(pexpect.EOF)
    assert adding.wait() == 0
    seen += str(adding.before)
    seen = seen.replace("HostName 127.0.0.1", "HostName gpu1.example.org").replace(f"User {bed.login}", "User alice")
    assert normal(seen, bed) == [figures(line) for line in said["nbssh add mybox"]]

    session = bed.ssh("mybox-nb", timeout=90)
    session.expect(r"ssh mybox-nb-kill\)\r\n")
    shown = str(session.before) + str(session.after)
    until(lambda: bed.opened, "the browser is called")
    session.sendintr()
    session.expect(pexpect.EOF)
    assert normal(shown + str(session.before), bed) == [figures(line) for line in said["ssh mybox-nb"]]

    bed.tell_master("exit", "mybox")
    status = bed.run("nbssh", "status", "mybox")
    assert normal(status.stdout, bed) == [figures(line) for line in said["nbssh status"]]
    killed = bed.run("ssh", "mybox-nb-kill")
    assert normal(killed.stdout, bed) == [figures(line) for line in said["ssh mybox-nb-kill"]]


def test_the_commands_and_options_of_readme_and_docs_exist(bed: Bed) -> None:
    for name in sorted(set(re.findall(r"`nbssh ([a-z]+)", ALL))):
        assert bed.run("nbssh", name, "--help").returncode == 0, name
    help_text = bed.run("nbssh", "add", "--help").stdout
    for option in set(re.findall(r"`?nbssh add [^\n]*?(--[a-z-]+)", ALL)):
        assert option in help_text, option


def test_the_profile_in_the_docs_is_valid(bed: Bed) -> None:
    toml, table = (text.split("```toml\n")[1].split("```")[0] for text in (REFERENCE, CLUSTERS))
    folder = bed.local_home / ".config/nbssh/profiles"
    folder.mkdir(parents=True)
    (folder / "mybox.toml").write_text(toml, encoding="utf-8")
    (folder / "gpu.toml").write_text(f'destination = "cluster"\nport = 22224\n{table}', encoding="utf-8")
    for name in ("mybox", "gpu"):
        done = bed.run("nbssh", "show", name)
        assert done.returncode == 0, done.stderr
