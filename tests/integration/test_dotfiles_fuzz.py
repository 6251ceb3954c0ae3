"""Generated ssh_configs through init, add, apply, remove and uninstall, judged by the real `ssh -G`.

NBSSH_FUZZ_EXAMPLES says how many; `make fuzz` sets it.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from dotfiles import Laptop, lasting, scratch, tree
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ports import free_port

from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.ssh.client import Ssh
from nbssh.adapters.terminal.ui import Ui
from nbssh.commands.add import add
from nbssh.commands.apply import apply
from nbssh.commands.init import init
from nbssh.commands.remove import remove, uninstall
from nbssh.errors import NbsshError
from nbssh.steps.context import Context
from nbssh.steps.request import Wish
from nbssh.wings import way_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PORT = free_port()
FUZZ = "NBSSH_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "40"))
SHARDS = 40  # xdist deals tests out in rows, and what a worker has begun nobody takes over
HOSTS = ("box", "gate", "x.corp")

HEADS = [
    "Host box",
    "Host gate",
    "host=box gate",
    "Host *",
    "Host * !box",
    'HOST "*.corp" gate',
    "\tHost  b?x\t#mine",
    "Host x.corp box",
    "Match host box",
    "Match originalhost gate,box",
    "Match user alice",
    "Match all",
    "Match host *.corp user root",
    "Match final host 10.*",
    "Host *-nb",
]
OPTIONS = [
    "HostName 10.0.0.5",
    "HostName %h.example",
    "HostName=gate.example.org",
    "User alice",
    'User "a b"',
    "User\tcaf\xe9",
    "Port 2222",
    "ProxyJump gate",
    "ProxyJump none",
    "ProxyCommand nc %h %p",
    "ProxyCommand ssh -W '[%n]:%p' gate",
    "IdentityFile ~/.ssh/id_%n",
    'IdentityFile "~/my keys/k"',
    "IdentityFile ~/.ssh/second",
    "IdentitiesOnly yes",
    "CertificateFile ~/.ssh/c-cert.pub",
    "ControlMaster auto",
    "ControlPath ~/.ssh/cm-%C",
    "ControlPersist 600",
    "ForwardAgent yes",
    "ForwardX11 yes",
    "SendEnv LANG LC_*",
    "SetEnv A=1 B=2",
    "LocalForward 8080 localhost:80",
    "RemoteForward 9000 localhost:22",
    "DynamicForward 1080",
    "RemoteCommand tmux a",
    "RequestTTY force",
    "LocalCommand notify-send %h",
    "PermitLocalCommand yes",
    "ServerAliveInterval 60",
    "Compression yes",
    "LogLevel QUIET",
    "StrictHostKeyChecking no",
    'UserKnownHostsFile /dev/null "~/k h"',
    "UserKnownHostsFile none",
    "HostKeyAlias theirs",
    "Ciphers +aes128-cbc",
    "KexAlgorithms ^ecdh-sha2-nistp256",
    "PubkeyAcceptedAlgorithms ssh-ed25519",
    "PreferredAuthentications publickey",
    "AddressFamily inet",
    "BindAddress 127.0.0.1",
    "ConnectTimeout 9",
    "GSSAPIAuthentication yes",
    "IgnoreUnknown UseKeychain,Foo*",
    "UseKeychain yes",
    "EscapeChar none",
    "Include other",
    "Include missing/*",
    "Include nbssh.d/*.conf",
    "Include ~/.ssh/nbssh.d/*.conf",
    "GlobalKnownHostsFile /dev/null",
    "StreamLocalBindMask 0117",
    "GatewayPorts yes",
    "ExitOnForwardFailure no",
    "Tunnel ethernet",
    "VisualHostKey yes",
    "Port=0022",
    "NoSuchOption 1",
    "",
    "# a comment",
    "#caf\xe9 \xff",
    "   ",
]
INDENTS = ["", "  ", "\t", "    "]
LINES = st.tuples(st.sampled_from(INDENTS), st.sampled_from(OPTIONS)).map("".join)
BLOCKS = st.tuples(st.sampled_from(HEADS), st.lists(LINES, max_size=4)).map(lambda block: [block[0], *block[1]])
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def configs(draw: st.DrawFn) -> bytes | None:
    """Give a user's whole file, None where there is none."""
    if draw(st.integers(0, 40)) == 0:
        return None
    lines = draw(st.lists(LINES, max_size=2))
    for block in draw(st.lists(BLOCKS, max_size=5)):
        lines += block
    end = draw(ENDS)
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    return text.encode("latin-1")


class Journey:
    """One config's way through all commands; what it did is counted in `counts`."""

    def __init__(self, laptop: Laptop, counts: Counter[str]) -> None:
        self.laptop, self.counts = laptop, counts
        ssh = Ssh(("ssh", "-F", str(laptop.config)))
        self.context = Context(paths=Paths(laptop.home), ssh=ssh, ui=Ui(yes=True, quiet=True), way_of=way_of)
        self.said = io.StringIO()

    def prepare(self, config: bytes | None, mode: int) -> None:
        if self.laptop.home.exists():
            shutil.rmtree(self.laptop.home)
        self.laptop.home.mkdir(mode=0o700)
        if config is not None:
            self.laptop.write(config, mode)
            other = self.laptop.home / ".ssh/other"
            other.write_bytes(b"Compression no\nHost gate\nUser from-other\n")
            other.chmod(0o600)

    def answers(self) -> dict[str, str]:
        if not self.laptop.config.exists():
            return {}
        return self.laptop.answers(HOSTS)

    def command(self, run: Callable[[], object]) -> NbsshError | None:
        try:
            with contextlib.redirect_stdout(self.said), contextlib.redirect_stderr(self.said):
                run()
        except NbsshError as error:
            return error
        return None

    def travel(self, config: bytes | None, edit: tuple[bytes, bytes], mode: int) -> None:
        """Go all the way; the user edits her own file before the apply."""
        self.prepare(config, mode)
        self.counts["configs tried"] += 1
        before, answers = tree(self.laptop.home), self.answers()
        error = self.command(lambda: init(self.context))
        if error:
            self.refused(error, before, answers)
            return
        assert config is None or self.laptop.config.read_bytes().endswith(config)
        wish = Wish.of("box", port=PORT, token=True, offline=True)
        error = self.command(lambda: add(self.context, wish))
        if error:
            self.refused(error, tree(self.laptop.home), answers)
            return
        assert self.answers() == answers or not answers
        self.edit(edit)
        edited = self.answers()
        error = self.command(lambda: apply(self.context, [], mode="apply", json=False, offline=True))
        assert error is None, error
        assert self.answers() == edited
        rest = tree(self.laptop.home)
        assert self.command(lambda: apply(self.context, [], mode="apply", json=False, offline=True)) is None
        assert tree(self.laptop.home) == rest, "twice is not the same as once"
        self.edit(edit, back=True)
        assert self.command(lambda: remove(self.context, "box", offline=True)) is None
        assert self.command(lambda: uninstall(self.context, offline=True)) is None
        after = {name: text for name, text in lasting(tree(self.laptop.home)).items() if "nbssh" in name}
        assert after == {}
        mine = {name: text for name, text in tree(self.laptop.home).items() if name.startswith(".ssh")}
        assert mine == before, "uninstall does not restore the file"
        self.counts["configs restored byte for byte"] += 1

    def refused(self, error: NbsshError, before: dict[str, str], answers: dict[str, str]) -> None:
        """Assert that a config which ssh itself refuses is left alone."""
        assert any(text.startswith("refused") for text in answers.values()), error
        after = {name: text for name, text in tree(self.laptop.home).items() if name.startswith(".ssh")}
        assert after == {name: text for name, text in before.items() if name.startswith(".ssh")}
        assert error.hint
        self.counts["configs that ssh refuses, left alone"] += 1

    def edit(self, edit: tuple[bytes, bytes], *, back: bool = False) -> None:
        """Swap two lines' texts in the user's part of the file, and back."""
        one, two = reversed(edit) if back else edit
        data = self.laptop.config.read_bytes()
        if one in data:
            self.laptop.config.write_bytes(data.replace(one, two))


EDITS = [
    (b"HostName 10.0.0.5", b"HostName 10.0.0.77"),
    (b"User alice", b"User elisabeth"),
    (b"ProxyJump gate", b"ProxyJump other-gate"),
    (b"Port 2222", b"Port 2299"),
    (b"IdentityFile ~/.ssh/second", b"IdentityFile ~/.ssh/fourth"),
]


@pytest.fixture
def memory() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.mark.parametrize("shard", range(SHARDS if FUZZ else 1))
def test_any_config_survives_all_commands(
    monkeypatch: pytest.MonkeyPatch, memory: Path, shard: int, record_property: Callable[[str, object], None]
) -> None:
    laptop = Laptop(memory / f"h{shard}")
    for name, value in laptop.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(memory)
    counts: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES // SHARDS if FUZZ else EXAMPLES,
        derandomize=not FUZZ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),  # an example takes a while: the first failure is good enough
        report_multiple_bugs=False,
    )
    @given(configs(), st.sampled_from(EDITS), st.sampled_from([0o600, 0o644, 0o400 | 0o200]))
    def go(config: bytes | None, edit: tuple[bytes, bytes], mode: int) -> None:
        Journey(laptop, counts).travel(config, edit, mode)

    go()
    assert counts["configs restored byte for byte"] > counts["configs tried"] // 3
    for name, number in counts.items():
        record_property("figure", (name, number))
