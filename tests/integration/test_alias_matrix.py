"""The alias of a profile behaves like its destination: judged by the real `ssh -G`, config by config."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from nbssh.core.ssh.alias import Derived, Directive, derive
from nbssh.core.ssh.answer import OWN, differences, printed_forward
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None and not os.environ.get("CI"), reason="no ssh here")

FUZZ_EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "60"))
SOCKET = "/home/alice/.local/state/nbssh/mybox/sock"
FORWARDS = (printed_forward("127.0.0.1:8888", SOCKET),)
OTHERS = ("otherbox", "mybox-nbx", "10.0.0.5")

REMOTE = (
    "test -r ~/.local/share/nbssh/program/0123456789abcdef/{script} && "
    "exec /bin/sh ~/.local/share/nbssh/program/0123456789abcdef/{script} {words}; "
    "echo nbssh: error: mybox is not installed on this host; "
    "echo nbssh: hint: on your laptop: nbssh apply mybox; exit 1"
)
BLOCK = f"""\
Host mybox-nb
    LocalForward 127.0.0.1:8888 {SOCKET}
    RemoteCommand {REMOTE.format(script="launch", words="mybox 8888")}
    RequestTTY yes
    ExitOnForwardFailure yes
    PermitLocalCommand yes
    LocalCommand sh /home/me/.ssh/nbssh.d/open mybox 8888 0123456789abcdef
    ControlMaster auto
Host mybox-nb-kill
    RemoteCommand {REMOTE.format(script="kill", words="mybox")}
    ControlMaster no
Host mybox-nb mybox-nb-kill
    ControlPath /tmp/nbssh-test-mybox.ctl
    ControlPersist 5
    ServerAliveInterval 10
    ServerAliveCountMax 3
"""


class Home:
    """A home with an ssh config whose first line includes our directory, and the `ssh -G` of that config."""

    def __init__(self, path: Path, config: str, files: dict[str, str] | None = None) -> None:
        self.path = path
        (path / ".ssh" / "nbssh.d").mkdir(parents=True, exist_ok=True)
        for name, text in {"config": f"Include nbssh.d/*.conf\n{config}", **(files or {})}.items():
            file = path / ".ssh" / name
            file.write_text(text, encoding="utf-8", errors="surrogateescape")
            file.chmod(0o600)

    def install(self, directives: Sequence[Directive] | None) -> None:
        """Put our block in place with these directives; None takes it away."""
        file = self.path / ".ssh" / "nbssh.d" / "mybox.conf"
        file.unlink(missing_ok=True)
        if directives is not None:
            lines = "".join(f"    {keyword} {argument}\n" for keyword, argument in directives)
            file.write_text(BLOCK + lines, encoding="utf-8", errors="surrogateescape")
            file.chmod(0o600)

    def ssh(self, *arguments: str) -> str:
        """Give the output of `ssh -G` in this home."""
        env = {"HOME": str(self.path), "PATH": os.environ["PATH"], "NBSSH_TEST": "/tmp/from env"}
        command = ["ssh", "-F", str(self.path / ".ssh" / "config"), "-G", *arguments]
        done = subprocess.run(command, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
        if done.returncode != 0:
            raise NbsshError(f"ssh refuses: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def ask(self, directives: Sequence[Directive]) -> str:
        """Give what ssh makes of the alias with these directives."""
        self.install(directives)
        return self.ssh("mybox-nb")


def lines(answer: str, host: str) -> list[str]:
    """Give the lines that must be equal, with `%n` and `%k` replaced; written without nbssh's help."""
    key_alias = re.search(r"^hostkeyalias (.*)$", answer, re.MULTILINE)
    kept = []
    for line in answer.split("\n"):
        keyword = line.partition(" ")[0]
        if keyword in OWN:
            continue
        text = "compression yes" if line == "compression UNKNOWN" else line  # -C, since 9.9
        if keyword in {"proxycommand", "identityfile", "certificatefile", "knownhostscommand", "proxyjump"}:
            text = line.replace("%%", "\0").replace("%n", host.replace("%", "\0"))
            text = text.replace("%k", (key_alias[1] if key_alias else host).replace("%", "\0")).replace("\0", "%%")
        kept.append(text)
    return kept


def judge(home: Home, destination: Sequence[str], original: str) -> tuple[Derived, list[str], list[str]]:
    """Derive, install, and check what must hold for every config; return the two answers' lines too."""
    home.install(None)
    base = home.ssh(*destination)
    before = {host: home.ssh(host) for host in OTHERS}
    derived = derive(base, original, "mybox-nb", home.ask, forwards=FORWARDS)
    assert derive(base, original, "mybox-nb", home.ask, forwards=FORWARDS) == derived, "the second time is different"
    home.install(derived.directives)
    alias = home.ssh("mybox-nb")
    kill = home.ssh("mybox-nb-kill")
    assert differences(base, alias, original, "mybox-nb", forwards=FORWARDS) == derived.unexpressed
    assert {host: home.ssh(host) for host in OTHERS} == before, "another host's config changed"
    assert base == home.ssh(*destination)
    assert re.search(r"^hostname (.*)$", kill, re.MULTILINE)[0] == re.search(r"^hostname (.*)$", alias, re.MULTILINE)[0]  # type: ignore[index]
    return derived, lines(base, original), lines(alias, "mybox-nb")


@dataclass(frozen=True)
class Case:
    """A config, a destination, and what the alias cannot have equal (patterns; none in nearly all cases)."""

    name: str
    config: str
    destination: tuple[str, ...] = ("mybox",)
    original: str = "mybox"
    unexpressed: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    """Directives that must be there."""
    silent: tuple[str, ...] = ()
    """Keywords that must not be written."""
    same_text: bool = True
    """The answers are equal as text; else only in meaning, as the comment at the case says."""
    files: dict[str, str] = field(default_factory=dict)


HOST = "Host mybox\n  HostName 10.0.0.5\n  User alice\n"


def option(name: str, *text: str, **more: object) -> Case:
    """Make a case with one option (or some) for mybox alone."""
    return Case(name, HOST + "".join(f"  {line}\n" for line in text), **more)  # type: ignore[arg-type]


def against(name: str, wildcard: str, *text: str, **more: object) -> Case:
    """Make a case in which a wildcard block says otherwise."""
    return Case(name, HOST + "".join(f"  {line}\n" for line in text) + f"Host *\n  {wildcard}\n", **more)  # type: ignore[arg-type]


CASES = [
    Case("nothing at all", ""),
    Case("no block for the host", "Host other\n  User x\n", silent=("User",)),
    option("host name and user", says=("HostName 10.0.0.5", "User alice")),
    Case("no HostName", "Host mybox\n  User alice\n  Port 2222\n", says=("HostName mybox", "Port 2222")),
    Case("HostName with %h", "Host mybox\n  HostName %h.example.com\n", says=("HostName mybox.example.com",)),
    Case(
        "HostName with %h for all",
        "Host *\n  HostName %h.example.com\n",
        says=("HostName mybox.example.com",),
    ),
    Case("HostName with %%", "Host mybox\n  HostName fe80::1%%eth0\n", says=("HostName fe80::1%%eth0",)),
    Case(
        "HostName in capitals",
        "Host mybox\n  HostName MyBox.Example.COM\n",
        says=("HostName mybox.example.com",),
    ),
    Case("IPv6", "Host mybox\n  HostName 2001:db8::5\n  Port 2222\n"),
    Case("IPv6 destination", "Host 2001:*\n  User v6\n", ("::1", "-p", "2022"), "::1"),
    Case(
        "user at host",
        "Host 10.*\n  User bob\n  IdentityFile ~/.ssh/ten\n",
        ("alice@10.0.0.9", "-p", "2222"),
        "10.0.0.9",
    ),
    Case("uri", "", ("ssh://alice@10.0.0.9:2022",), "10.0.0.9", says=("User alice", "Port 2022")),
    Case("-i -J -o", HOST, ("-i", "/opt/my key", "-J", "u@gate:99", "-o", "Compression=yes", "mybox")),
    Case(
        "-4 -A -C -X",
        HOST,
        ("-4", "-A", "-C", "-X", "mybox"),
        says=("AddressFamily inet", "ForwardAgent yes"),
    ),
    Case(
        "-c -m -b -l",
        HOST,
        ("-c", "aes256-ctr", "-m", "hmac-sha2-256", "-b", "127.0.0.1", "-l", "bob", "mybox"),
    ),
    Case("-o with spaces", HOST, ("-o", "ProxyCommand=sh -c 'nc %h %p'", "-o", "SetEnv A='1 2'", "mybox")),
    Case("-L on the destination is not ours", HOST, ("-L", "localhost:1009:localhost:1008", "-N", "mybox")),
    Case("Key=Value", "Host=mybox\nHostName=10.0.0.5\nUser = alice\nPort =2222\n"),
    Case(
        "tabs, capitals and comments",
        'HOST\tmybox # mine\n\tHOSTNAME "10.0.0.5" # there\n\t# User x\n\tuser\talice\n',
    ),
    Case("CRLF", "Host mybox\r\n  HostName 10.0.0.5\r\n  User alice\r\n"),
    Case("no newline at the end", "Host mybox\n  HostName 10.0.0.5"),
    Case("several names on a line", "Host web mybox db\n  User alice\n  HostName 10.0.0.5\n"),
    Case("wildcard that matches mybox alone", "Host *box\n  User alice\n  IdentityFile ~/.ssh/k\n"),
    Case(
        "wildcard that matches both",
        "Host mybox*\n  User alice\n  IdentityFile ~/.ssh/k\n",
        silent=("User", "IdentityFile"),
    ),
    Case(
        "negation",
        "Host * !mybox\n  User everybody\n  Port 7\n  ForwardAgent yes\n",
        says=(f"User {pwd.getpwuid(os.getuid()).pw_name}",),
    ),
    Case("negation of the aliases", "Host * !*-nb\n  User alice\n"),
    Case("question mark", "Host my?ox\n  User alice\n"),
    Case("an option above all blocks", "User alice\nHost mybox\n  Port 5\n", silent=("User",)),
    Case("two blocks for one host", "Host mybox\n  User first\nHost mybox\n  User second\n  Port 5\n"),
    Case("Match host", "Match host mybox\n  User alice\n"),
    Case(
        "Match host by its address",
        HOST + "Match host 10.0.0.5\n  Port 77\n  IdentityFile ~/.ssh/m\n",
        silent=("Port",),
    ),
    Case("Match host above HostName", "Match host 10.0.0.5\n  Port 77\n" + HOST, says=("Port 22",)),
    Case(
        "Match host above HostName with a key",
        "Match host 10.0.0.5\n  IdentityFile ~/.ssh/m\n" + HOST + "  IdentityFile ~/.ssh/k\n",
        unexpressed=(r"identityfile: mybox-nb also has ~/.ssh/m$",),
    ),
    Case("Match originalhost", "Match originalhost mybox\n  User alice\n  HostName 10.0.0.5\n"),
    Case("Match user", HOST + "Match user alice\n  Port 77\n  ForwardAgent yes\n"),
    Case("Match user above", "Match user alice\n  Port 77\n" + HOST, says=("Port 22",)),
    Case(
        "Match localuser",
        HOST + "Match localuser root\n  Compression yes\nMatch localuser nobody\n  Port 1\n",
    ),
    Case(
        "Match exec",
        'Match originalhost mybox exec "true"\n  User alice\nMatch exec "test %n = mybox"\n  Port 77\n',
    ),
    Case("Match exec false", HOST + "Match exec false\n  Port 1\n"),
    Case(
        "Match exec that looks at the host",
        HOST + 'Match exec "test %h = 10.0.0.5"\n  Port 77\n',
        silent=("Port",),
    ),
    Case("Match all", HOST + "Match all\n  User bob\n  Compression yes\n", says=("User alice",)),
    Case("Match final", "Match final host 10.0.0.5\n  Port 77\n" + HOST),
    Case("Match final all", HOST + "Match final all\n  Port 77\n  IdentityFile ~/.ssh/final\n"),
    Case("Match final by alias name", HOST + "Match final originalhost mybox\n  Port 77\n"),
    Case(
        "Match final and Host by address",
        HOST + "Match final\n  Port 9\nHost 10.0.0.5\n  User tenner\n  Compression yes\n",
    ),
    Case("Match negated", "Match !host mybox\n  User other\n  Port 9\n"),
    Case("included file", "Include work.conf\n", files={"work.conf": HOST + "  Port 5\nHost *\n  User x\n"}),
    Case(
        "included in a block",
        "Host mybox\n  Include work.conf\n",
        files={"work.conf": "User alice\nHostName 10.0.0.5\n"},
    ),
    Case("included twice", "Include a.conf\n", files={"a.conf": "Include b.conf\n", "b.conf": HOST}),
    Case(
        "IgnoreUnknown for all",
        "IgnoreUnknown UseKeychain\nHost *\n  UseKeychain yes\n" + HOST,
        silent=("IgnoreUnknown",),
    ),
    option("IgnoreUnknown of the host alone", "IgnoreUnknown NoSuchThing", says=("IgnoreUnknown NoSuchThing",)),
    option("ProxyJump", "ProxyJump gate", says=("ProxyJump gate",), silent=("ProxyCommand",)),
    option("ProxyJump chain", "ProxyJump a@one:22,two,ssh://c@three:2022"),
    option("ProxyJump to IPv6", "ProxyJump [2001:db8::1]:2022"),
    option("ProxyJump to an address", "ProxyJump bob@192.0.2.1"),
    option("ProxyJump with %n", "ProxyJump gate-%n"),
    against("ProxyJump none", "ProxyJump gate", "ProxyJump none", says=("ProxyJump none",)),
    against("ProxyCommand beats ProxyJump", "ProxyJump gate", "ProxyCommand nc -X 5 %h %p", silent=("ProxyJump",)),
    against("ProxyJump beats ProxyCommand", "ProxyCommand nc %h %p", "ProxyJump gate", silent=("ProxyCommand",)),
    against("ProxyCommand none", "ProxyCommand nc %h %p", "ProxyCommand none", says=("ProxyCommand none",)),
    option(
        "ProxyCommand with every token",
        "ProxyCommand nc %h %p %r %n %% 100%%n",
        says=("ProxyCommand nc %h %p %r mybox %% 100%%n",),
    ),
    option("ProxyCommand with quotes", """ProxyCommand sh -c 'exec "$NC" "a b" %h:%p' # no comment"""),
    option("ProxyCommand with a variable", "ProxyCommand ${HOME}/bin/via --box=%n $USER `id -u` \\\\ %h"),
    option("ProxyCommand and ProxyUseFdpass", "ProxyUseFdpass yes", "ProxyCommand /bin/pass %h"),
    Case(
        "ProxyCommand with %n for all",
        HOST + "Host *\n  ProxyCommand via %n\n",
        says=("ProxyCommand via mybox",),
    ),
    Case("HostKeyAlias and %k", HOST + "  HostKeyAlias Box\nHost *\n  KnownHostsCommand /bin/keys %k %n %t\n"),
    Case(
        "%k without HostKeyAlias",
        HOST + "Host *\n  KnownHostsCommand /bin/keys %k\n",
        says=("KnownHostsCommand /bin/keys mybox",),
    ),
    against("KnownHostsCommand none", "KnownHostsCommand /bin/keys %H", "KnownHostsCommand none"),
    Case(
        "HostKeyAlias for all but one",
        HOST + "Host * !mybox\n  HostKeyAlias farm\n",
        unexpressed=("hostkeyalias is farm for mybox-nb, but not set for mybox",),
    ),
    option("SetEnv with spaces", 'SetEnv "A=1 2" B="x \\"y\\" z" C=plain D=#1'),
    option("SetEnv with quotes", r"""SetEnv "A=it's" 'B="q"' C=a\b D=\\\\host 'E=x\\' F=\g"""),
    option("SetEnv with %", "SetEnv A=100%% B=%h"),
    against("SetEnv, the first wins whole", "SetEnv A=9 Z=1", "SetEnv A=1 B=2"),
    Case(
        "SetEnv for all but one",
        HOST + "Host * !mybox\n  SetEnv A=1\n",
        unexpressed=("setenv is A=1 for mybox-nb, but not set for mybox",),
    ),
    option("SendEnv", "SendEnv FOO BAR_* LC_*", "SendEnv BAZ"),
    against("SendEnv adds up", "SendEnv LANG LC_*", "SendEnv FOO"),
    Case(
        "SendEnv taken back",
        "Host *\n  SendEnv FOO FOOBAR BAR\nHost mybox\n  SendEnv -FOO*\n",
        unexpressed=("sendenv: mybox-nb also has FOO, FOOBAR$",),
    ),
    Case(
        "SendEnv taken back for all",
        "Host *\n  SendEnv FOO\n" + HOST + "  SendEnv X\nHost *\n  SendEnv -FOO\n",
    ),
    # Order of SendEnv has no meaning, and ours come first.
    Case("SendEnv in another order", "Host *\n  SendEnv A\n" + HOST + "  SendEnv B\n", same_text=False),
    option("one key", "IdentityFile ~/.ssh/id_box", "IdentitiesOnly yes"),
    option("several keys", "IdentityFile ~/.ssh/a", "IdentityFile /tmp/b", "IdentityFile relative"),
    option("keys with spaces", 'IdentityFile "~/.ssh/my key"', "IdentityFile ~/.ssh/my\\ other\\ key"),
    option(
        "keys with tokens",
        "IdentityFile ~/.ssh/%r@%h.%p",
        "IdentityFile %d/.ssh/%n-%%-%u",
        "IdentityFile ${HOME}/k",
    ),
    against("keys add up", "IdentityFile ~/.ssh/all", "IdentityFile ~/.ssh/box"),
    against("no key", "IdentityFile ~/.ssh/all", "IdentityFile none"),
    option("key none", "IdentityFile none"),
    option("a default key written out", "IdentityFile ~/.ssh/id_ed25519"),
    Case(
        "keys interleaved",
        "IdentityFile ~/.ssh/one\n" + HOST + "  IdentityFile ~/.ssh/two\nHost *\n  IdentityFile ~/.ssh/three\n",
    ),
    Case(
        "keys for all but one",
        HOST + "Host * !mybox\n  IdentityFile ~/.ssh/all\n",
        unexpressed=(r"identityfile: mybox-nb also has ~/.ssh/all$",),
    ),
    Case(
        "key of the alias's name",
        HOST + "Host *\n  IdentityFile ~/.ssh/%n\n",
        unexpressed=(r"identityfile: mybox-nb also has ~/.ssh/mybox-nb$",),
    ),
    option(
        "certificates",
        "CertificateFile ~/.ssh/c-cert.pub",
        'CertificateFile "/tmp/d cert.pub"',
        "CertificateFile %d/%n",
    ),
    against("certificates add up", "CertificateFile ~/.ssh/all-cert.pub", "CertificateFile ~/.ssh/c-cert.pub"),
    Case(
        "certificate for all but one",
        HOST + "Host * !mybox\n  CertificateFile ~/.ssh/all-cert.pub\n",
        unexpressed=("certificatefile is ~/.ssh/all-cert.pub for mybox-nb, but not set for mybox",),
    ),
    option("HostKeyAlias", "HostKeyAlias farm"),
    option("UserKnownHostsFile with several", "UserKnownHostsFile ~/.ssh/a /tmp/b ~/.ssh/%n-%h"),
    option("UserKnownHostsFile with spaces", 'UserKnownHostsFile "~/.ssh/a b" /tmp/c "/tmp/d e f"'),
    option("UserKnownHostsFile with %", "UserKnownHostsFile /tmp/100%% ${NBSSH_TEST}"),
    option("UserKnownHostsFile relative", "UserKnownHostsFile known known2"),
    against("UserKnownHostsFile none", "UserKnownHostsFile /tmp/all", "UserKnownHostsFile none"),
    option("no known hosts", "UserKnownHostsFile /dev/null", "StrictHostKeyChecking no", "LogLevel ERROR"),
    option("GlobalKnownHostsFile", 'GlobalKnownHostsFile /etc/a "/etc/b c" ~/.ssh/d'),
    option("GlobalKnownHostsFile none", "GlobalKnownHostsFile none"),
    option("GSSAPI", "GSSAPIAuthentication no", "GSSAPIDelegateCredentials yes"),
    against(
        "no against yes",
        "ForwardAgent yes\n  ForwardX11 yes\n  GSSAPIAuthentication yes\n  Compression yes",
        "ForwardAgent no",
        "ForwardX11 no",
        "GSSAPIAuthentication no",
        "Compression no",
        says=("ForwardAgent no", "ForwardX11 no", "Compression no"),
    ),
    against(
        "the user's own multiplexing",
        "ControlMaster auto\n  ControlPath ~/.ssh/%r@%h\n  ControlPersist 1h",
        silent=("ControlPath",),
    ),
    option(
        "old names",
        "PubkeyAcceptedKeyTypes +ssh-rsa",
        "HostbasedKeyTypes +ssh-rsa",
        "ChallengeResponseAuthentication no",
        says=(
            "PubkeyAcceptedKeyTypes +ssh-rsa",
            "HostbasedKeyTypes +ssh-rsa",
            "KbdInteractiveAuthentication no",
        ),
    ),
    option(
        "new names",
        "PubkeyAcceptedAlgorithms ^ssh-rsa",
        "HostbasedAcceptedAlgorithms -ssh-rsa,rsa*",
        "KbdInteractiveAuthentication no",
        says=("PubkeyAcceptedKeyTypes ^ssh-rsa",),
    ),
    option(
        "algorithms added",
        "Ciphers +aes128-cbc",
        "MACs +hmac-md5",
        "KexAlgorithms +diffie-hellman-group1-sha1",
        "HostKeyAlgorithms +ssh-rsa",
        says=(
            "Ciphers +aes128-cbc",
            "MACs +hmac-md5",
            "KexAlgorithms +diffie-hellman-group1-sha1",
            "HostKeyAlgorithms +ssh-rsa",
        ),
    ),
    option(
        "algorithms removed",
        "Ciphers -aes*-ctr",
        "MACs -umac*",
        "KexAlgorithms -sntrup*",
        "HostKeyAlgorithms -ssh-ed25519",
    ),
    option(
        "algorithms first",
        "Ciphers ^aes256-ctr",
        "MACs ^hmac-sha1",
        "KexAlgorithms ^ecdh-sha2-nistp256",
        "HostKeyAlgorithms ^ssh-rsa",
        says=("Ciphers ^aes256-ctr", "HostKeyAlgorithms ^ssh-rsa"),
    ),
    option(
        "algorithms as a list",
        "Ciphers aes256-ctr",
        "MACs hmac-sha1,hmac-sha2-256",
        "KexAlgorithms ecdh-sha2-nistp256",
        says=("Ciphers aes256-ctr", "MACs hmac-sha1,hmac-sha2-256"),
    ),
    against(
        "algorithms against a list",
        "Ciphers aes256-ctr\n  KexAlgorithms ecdh-sha2-nistp256",
        "Ciphers +aes128-cbc",
    ),
    Case(
        "default algorithms against a list",
        HOST + "Host * !mybox\n  Ciphers aes256-ctr\n",
        says=("Ciphers +chacha20-poly1305@openssh.com",),
    ),
    option("CASignatureAlgorithms", "CASignatureAlgorithms +ssh-rsa", "RequiredRSASize 3072"),
    option("IPQoS", "IPQoS af21 cs1"),
    option("IPQoS none", "IPQoS none"),
    option("RekeyLimit", "RekeyLimit 1G 1h"),
    against("RekeyLimit default", "RekeyLimit 1G 1h", "RekeyLimit default 0"),
    option("address", "AddressFamily inet6", "BindAddress ::1", "BindInterface lo"),
    Case(
        "BindAddress for all but one",
        HOST + "Host * !mybox\n  BindAddress 127.0.0.9\n",
        unexpressed=("bindaddress is 127.0.0.9 for mybox-nb, but not set for mybox",),
    ),
    option("patience", "ConnectTimeout 17", "ConnectionAttempts 3", "TCPKeepAlive no"),
    # ssh knows no ConnectTimeout that beats a wildcard block and prints as none: 0 means the same.
    Case(
        "ConnectTimeout for all but one",
        HOST + "Host * !mybox\n  ConnectTimeout 10\n",
        says=("ConnectTimeout 0",),
        same_text=False,
    ),
    option("AddKeysToAgent", "AddKeysToAgent confirm 5m"),
    option("AddKeysToAgent with a time", "AddKeysToAgent 1h"),
    against("AddKeysToAgent no", "AddKeysToAgent yes", "AddKeysToAgent no"),
    option("IdentityAgent with spaces", 'IdentityAgent "~/Library/Group Containers/1 password/agent.sock"'),
    option("IdentityAgent none", "IdentityAgent none"),
    option("IdentityAgent from a variable", "IdentityAgent $NBSSH_TEST"),
    option("IdentityAgent with tokens", "IdentityAgent ${NBSSH_TEST}/%n-%%/%h"),
    against("IdentityAgent SSH_AUTH_SOCK", "IdentityAgent /tmp/agent", "IdentityAgent SSH_AUTH_SOCK"),
    # Not set and SSH_AUTH_SOCK are the same agent.
    Case("IdentityAgent for all but one", HOST + "Host * !mybox\n  IdentityAgent /tmp/agent\n", same_text=False),
    option("ForwardAgent", "ForwardAgent yes"),
    option("ForwardAgent to a path", "ForwardAgent /"),
    # ExitOnForwardFailure makes ssh end over a missing agent, which it only mentions otherwise.
    option(
        "ForwardAgent to a missing agent",
        "ForwardAgent /nonexistent/agent",
        unexpressed=("forwardagent is no for mybox-nb, but /nonexistent/agent for mybox",),
    ),
    option(
        "X11",
        "ForwardX11 yes",
        "ForwardX11Trusted no",
        "ForwardX11Timeout 3600",
        'XAuthLocation "/opt/x auth"',
    ),
    option("Tunnel", "Tunnel yes", "TunnelDevice 3:any"),
    against("Tunnel no", "Tunnel ethernet", "Tunnel no"),
    option("VisualHostKey", "VisualHostKey yes", "FingerprintHash md5", "HashKnownHosts no"),
    option("LogLevel", "LogLevel DEBUG1"),
    option("LogVerbose", "LogVerbose kex.c:*:1000"),
    option(
        "authentication",
        "PreferredAuthentications publickey,password",
        "NumberOfPasswordPrompts 1",
        "PasswordAuthentication no",
        "PubkeyAuthentication host-bound",
        "HostbasedAuthentication yes",
        "KbdInteractiveDevices bsdauth,pam",
    ),
    # Not set is the documented default.
    Case(
        "PreferredAuthentications for all but one",
        HOST + "Host * !mybox\n  PreferredAuthentications publickey\n",
        same_text=False,
    ),
    option("BatchMode", "BatchMode yes"),
    option(
        "host keys",
        "StrictHostKeyChecking accept-new",
        "VerifyHostKeyDNS ask",
        "CheckHostIP yes",
        "NoHostAuthenticationForLocalhost yes",
    ),
    option("StrictHostKeyChecking yes", "StrictHostKeyChecking yes"),
    option("UpdateHostKeys no", "UpdateHostKeys no"),
    # ssh itself turns `ask` off for a connection with a RemoteCommand.
    option(
        "UpdateHostKeys ask",
        "UpdateHostKeys ask",
        unexpressed=("updatehostkeys is false for mybox-nb, but ask for mybox",),
    ),
    option("RevokedHostKeys", 'RevokedHostKeys "/tmp/revoked keys"'),
    against("RevokedHostKeys none", "RevokedHostKeys /tmp/revoked", "RevokedHostKeys none"),
    option("PKCS11 and FIDO", "PKCS11Provider /usr/lib/p11.so", "SecurityKeyProvider /usr/lib/sk.so"),
    against(
        "no PKCS11, no FIDO",
        "PKCS11Provider /usr/lib/p11.so\n  SecurityKeyProvider /usr/lib/sk.so",
        "PKCS11Provider none",
        "SecurityKeyProvider none",
    ),
    option("escape", "EscapeChar ^B", "EnableEscapeCommandline yes"),
    option("escape none", "EscapeChar none"),
    option("escape backslash", "EscapeChar \\\\"),
    option("escape hash", 'EscapeChar "#"'),
    option("escape quote", "EscapeChar '\"'"),
    option(
        "StreamLocalBindMask is for all hosts",
        "StreamLocalBindMask 0111",
        "StreamLocalBindUnlink yes",
        silent=("StreamLocalBindMask",),
    ),
    option("SyslogFacility is for all hosts", "SyslogFacility LOCAL3", silent=("SyslogFacility",)),
    Case(
        "SyslogFacility on the destination",
        HOST,
        ("-o", "SyslogFacility=LOCAL3", "mybox"),
        unexpressed=("syslogfacility is LOCAL3 for mybox, but ssh cannot set it for one host alone",),
    ),
    option("PermitRemoteOpen", "PermitRemoteOpen localhost:80 [::1]:*"),
    against("PermitRemoteOpen any", "PermitRemoteOpen none", "PermitRemoteOpen any"),
    option(
        "canonical, but off",
        "CanonicalDomains example.com example.org",
        "CanonicalizeMaxDots 2",
        "CanonicalizeFallbackLocal no",
    ),
    against("CanonicalDomains none", "CanonicalDomains example.com", "CanonicalDomains none"),
    option(
        "canonical CNAMEs with a proxy",
        "ProxyCommand nc %h %p",
        "CanonicalizePermittedCNAMEs *.a.com:*.b.com,c.com d.com:*",
    ),
    option("unicode", "User ünïcode", 'IdentityFile "~/.ssh/ключ 鍵"', "SetEnv NAME=Zoë"),
    option("latin-1", "User \udcfcser", "IdentityFile ~/.ssh/\udce9"),
    option("a line separator that is none", "IdentityFile ~/.ssh/a\u2028b\u0085c"),
    option("user with everything", """User "DOM\\alice smith%x" """),
    option("user with quotes", """User "it's \\"me\\"" """),
    option("user with equals and hash", 'User "=a#b"', "PKCS11Provider '#p=1'"),
    Case(
        "forwards of the host are left out",
        HOST + "  LocalForward 5432 db:5432\n  RemoteForward 9000 localhost:9000\n  DynamicForward 1080\n",
    ),
    Case(
        "forwards for all hosts",
        HOST + "Host *\n  LocalForward 5432 db:5432\n  LocalForward 5433 /tmp/db\n  DynamicForward 1080\n",
        unexpressed=(
            r"dynamicforward: mybox-nb also has 1080,",
            r"localforward: mybox-nb also has 5432 \[db\]:5432,",
            r"localforward: mybox-nb also has 5433 /tmp/db,",
        ),
    ),
    Case(
        "sessions for all hosts",
        HOST + "Host *\n  SessionType none\n  StdinNull yes\n  ClearAllForwardings yes\n",
        says=("SessionType default", "StdinNull no", "ClearAllForwardings no"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_alias_equals_destination(case: Case, tmp_path: Path) -> None:
    """The two answers are equal, or differ in what is listed and nothing else; other hosts notice nothing."""
    home = Home(tmp_path, case.config, case.files)
    derived, base, alias = judge(home, case.destination, case.original)
    written = [f"{keyword} {argument}" for keyword, argument in derived.directives]
    assert len(derived.unexpressed) == len(case.unexpressed), derived.unexpressed
    assert all(re.match(pattern, said) for pattern, said in zip(case.unexpressed, derived.unexpressed, strict=True)), (
        derived.unexpressed
    )
    if not case.unexpressed and case.same_text:
        assert alias == base
    assert set(case.says) <= set(written), written
    assert not set(case.silent) & {line.partition(" ")[0] for line in written}, written
    assert written[0].startswith("HostName ")


def test_the_host_that_alone_can_read_the_file(tmp_path: Path) -> None:
    """A config that ssh can read for mybox only, by its IgnoreUnknown, can be read for mybox-nb too."""
    home = Home(tmp_path, HOST + "  IgnoreUnknown NoSuchThing\n  NoSuchThing yes\n  Port 77\n")
    base = home.ssh("mybox")
    derived = derive(base, "mybox", "mybox-nb", home.ask, forwards=FORWARDS)
    home.install(derived.directives)
    assert derived.unexpressed == ()
    assert lines(home.ssh("mybox-nb"), "mybox-nb") == lines(base, "mybox")


def test_a_config_that_ssh_refuses_is_an_error(tmp_path: Path) -> None:
    """Nothing is derived from a config that only a block of the user's own breaks for the alias."""
    home = Home(tmp_path, HOST)
    base = home.ssh("mybox")
    with (tmp_path / ".ssh" / "config").open("a") as config:
        config.write("Host other\n  NoSuchThing yes\n")
    with pytest.raises(NbsshError, match="nosuchthing"):
        derive(base, "mybox", "mybox-nb", home.ask)


def test_an_option_of_ours_is_left_alone(tmp_path: Path) -> None:
    """A keyword that the caller sets itself is neither written nor compared."""
    home = Home(tmp_path, HOST + "  LogLevel DEBUG\n")
    base = home.ssh("mybox")
    assert ("LogLevel", "DEBUG") in derive(base, "mybox", "mybox-nb", home.ask, forwards=FORWARDS).directives
    derived = derive(base, "mybox", "mybox-nb", home.ask, forwards=FORWARDS, own=("loglevel",))
    assert derived.directives == (("HostName", "10.0.0.5"), ("User", "alice"))
    assert derived.unexpressed == ()


HEADS = [
    "Host mybox",
    "Host mybox",
    "Host *",
    "Host *box",
    "Host mybox*",
    "Host * !mybox",
    "Host * !*-nb",
    "Host 10.0.0.*",
    "Match user alice",
    "Match !user alice",
    "Match host 10.0.0.5",
    "Match originalhost mybox",
    'Match exec "test %h = 10.0.0.5"',
    'Match exec "test %r-%n != alice-mybox"',
    "Match final all",
    "Match final user alice",
    "Match all",
]
OPTIONS = [
    "HostName 10.0.0.5",
    "HostName %h.example.com",
    "User alice",
    'User "bob b%ob"',
    "Port 22",
    "Port 2222",
    "IdentityFile ~/.ssh/a",
    'IdentityFile "~/.ssh/b c"',
    "IdentityFile ~/.ssh/%n",
    "IdentityFile none",
    "IdentitiesOnly yes",
    "CertificateFile ~/.ssh/a-cert.pub",
    "CertificateFile ~/.ssh/%k",
    "ProxyJump gate",
    "ProxyJump a@b:22,gate-%n",
    "ProxyJump none",
    "ProxyCommand nc '%h' %p # \"%n\" %%n",
    "ProxyCommand none",
    "SendEnv A B_*",
    "SendEnv C",
    "SendEnv -A -C",
    "SetEnv A=1 \"B=x 'y' %h\"",
    "SetEnv A=2",
    "ForwardAgent yes",
    "ForwardAgent no",
    "ForwardX11 yes",
    "Compression yes",
    "Compression no",
    "ConnectTimeout 10",
    "ConnectTimeout none",
    "HostKeyAlias Farm",
    "HostKeyAlias %h",
    "KnownHostsCommand /bin/keys %n %k",
    "KnownHostsCommand none",
    'UserKnownHostsFile ~/.ssh/k "/tmp/x y" /tmp/%n',
    "UserKnownHostsFile none",
    "GlobalKnownHostsFile /etc/k",
    "IdentityAgent none",
    "IdentityAgent SSH_AUTH_SOCK",
    'IdentityAgent "~/a b/%n"',
    "PreferredAuthentications publickey",
    "PasswordAuthentication no",
    "PubkeyAuthentication no",
    "StrictHostKeyChecking accept-new",
    "UpdateHostKeys no",
    "Ciphers +aes128-cbc",
    "Ciphers aes256-ctr,aes128-ctr",
    "KexAlgorithms ^ecdh-sha2-nistp384",
    "HostKeyAlgorithms -ssh-ed25519*",
    "PubkeyAcceptedKeyTypes +ssh-rsa",
    "MACs hmac-sha2-512",
    "RekeyLimit 1G 1h",
    "RekeyLimit default none",
    "AddKeysToAgent confirm 5m",
    "AddKeysToAgent no",
    "IPQoS none",
    "Tunnel ethernet",
    "EscapeChar ^]",
    "AddressFamily inet",
    "BindAddress 127.0.0.1",
    "GSSAPIAuthentication no",
    "LogLevel QUIET",
    "CanonicalDomains a.org b.org",
    "PermitRemoteOpen localhost:80",
    "StreamLocalBindMask 0111",
    "SyslogFacility LOCAL1",
    "LocalForward 5432 db:5432",
    "DynamicForward 1080",
    "ControlPath ~/.ssh/%n",
    "SessionType none",
    "IgnoreUnknown Foo*",
]
BLOCKS = st.lists(
    st.tuples(st.sampled_from(HEADS), st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)
CONFIGS = st.builds(
    lambda top, blocks: "".join(
        f"{line}\n" for line in (*top, *(line for head, options in blocks for line in (head, *options)))
    ),
    st.lists(st.sampled_from(OPTIONS), max_size=2),
    BLOCKS,
)
DESTINATIONS = st.sampled_from(
    [
        ("mybox",),
        ("mybox",),
        ("alice@mybox",),
        ("-p", "2022", "-o", "ProxyCommand=via %n", "mybox"),
        ("-i", "/opt/i", "mybox"),
    ]
)
INEXPRESSIBLE = {
    "bindaddress",
    "certificatefile",
    "dynamicforward",
    "hostkeyalias",
    "identityfile",
    "localforward",
    "sendenv",
    "setenv",
}


def meaning(answer_lines: list[str]) -> list[str]:
    """Drop what ssh treats alike: the order of SendEnv, an absent option and its default."""
    default = "preferredauthentications gssapi-with-mic,hostbased,publickey,keyboard-interactive,password"
    neutral = {
        default,
        "connecttimeout none",
        "connecttimeout 0",
        "identityagent SSH_AUTH_SOCK",
        "ignoreunknown Foo*",
    }
    kept = [line for line in answer_lines if line not in neutral and not line.startswith("sendenv ")]
    return kept + sorted({line for line in answer_lines if line.startswith("sendenv ")})


@settings(
    max_examples=FUZZ_EXAMPLES,
    derandomize="NBSSH_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(config=CONFIGS, destination=DESTINATIONS)
def test_alias_equals_destination_in_any_config(tmp_path: Path, config: str, destination: tuple[str, ...]) -> None:
    """What ssh cannot express is said, keyword by keyword; everything else is equal."""
    home = Home(tmp_path, config)
    home.install(None)
    try:
        for host in (destination, *((other,) for other in OTHERS)):
            home.ssh(*host)
    except NbsshError:
        reject()  # ssh refuses the config itself, such as a ProxyJump through the host itself
    derived, base, alias = judge(home, destination, "mybox")
    said = {re.match(r"[a-z0-9]+", sentence)[0] for sentence in derived.unexpressed}  # type: ignore[index]
    assert said <= INEXPRESSIBLE, derived.unexpressed
    assert meaning([line for line in alias if line.partition(" ")[0] not in said]) == meaning(
        [line for line in base if line.partition(" ")[0] not in said]
    )
    for keyword in said & {"identityfile", "certificatefile"}:  # those of the destination come first
        ours, theirs = ([line for line in part if line.startswith(keyword + " ")] for part in (alias, base))
        assert ours[: len(theirs)] == theirs
