"""What `derive` and `differences` make of answers of `ssh -G`, of old and new releases; no ssh needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbssh.core.ssh.alias import Derived, Directive, denials, derive
from nbssh.core.ssh.answer import differences, lines, printed_forward
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence

FOREIGN = (
    ", from a block of the config that matches mybox-nb too; where that port is taken mybox-nb ends at once: "
    "put !mybox-nb into the Host line of that block"
)
BASE = "host mybox\nuser alice\nhostname 10.0.0.5\nport 22\nforwardagent no\nidentityfile ~/.ssh/id_rsa\n"


def answer(*lines: str, without: str = "") -> str:
    """Give BASE with other lines in place of those with the same keyword."""
    keywords = {line.partition(" ")[0] for line in lines} | {without}
    kept = [line for line in BASE.splitlines() if line.partition(" ")[0] not in keywords]
    return "".join(f"{line}\n" for line in (*kept, *lines))


class FakeSsh:
    """An ssh whose wildcard blocks give our alias `present`; our directives win, unless refused."""

    def __init__(self, present: str, refused: Sequence[Directive] = ()) -> None:
        self.present = present
        self.refused = set(refused)

    def __call__(self, directives: Sequence[Directive]) -> str:
        """Give what `ssh -G` would print."""
        if self.refused & set(directives):
            raise NbsshError("ssh refuses the config")
        ours = {keyword.lower() for keyword, _ in directives}
        kept = [line for line in self.present.splitlines() if line.partition(" ")[0] not in ours]
        lines = [f"{keyword.lower()} {argument}" for keyword, argument in directives]
        return "".join(f"{line}\n" for line in (*kept, *lines))


def derived(base: str, present: str, *refused: Directive) -> Derived:
    """Derive against a FakeSsh."""
    return derive(base, "mybox", "mybox-nb", FakeSsh(present, refused))


def test_only_the_difference_is_written() -> None:
    """What a wildcard block gives the alias anyway is not written again; the host name always is."""
    found = derived(BASE, answer("user root", "hostname mybox-nb"))
    assert found == Derived((("HostName", "10.0.0.5"), ("User", "alice")), ())


class CanonicalSsh(FakeSsh):
    """One that asks DNS: `gpu` is a host of example.org."""

    def __call__(self, directives: Sequence[Directive]) -> str:
        return super().__call__(directives).replace("hostname gpu\n", "hostname gpu.example.org\n")


@pytest.mark.parametrize(
    ("known", "written"), [(("gpu",), "gpu"), (("other",), "gpu.example.org"), ((), "gpu.example.org")]
)
def test_a_name_that_ssh_makes_canonical_is_left_to_it(known: Sequence[str], written: str) -> None:
    base = answer("hostname gpu.example.org", "canonicalizehostname true")
    ssh = CanonicalSsh(answer("hostname mybox-nb", "canonicalizehostname true"))
    found = derive(base, "mybox", "mybox-nb", ssh, names=known)
    assert found == Derived((("HostName", written),), ())


def test_the_order_is_fixed() -> None:
    """Host name, user and port first, the rest by name, whatever order ssh prints."""
    base = answer("compression yes", "addressfamily inet", "port 2222", "user bob", "proxyjump gate")
    found = derived(base, answer("compression no", "addressfamily any"))
    names = [keyword for keyword, _ in found.directives]
    assert names == ["HostName", "User", "Port", "ProxyJump", "AddressFamily", "Compression"]
    assert (
        derived("".join(reversed(base.splitlines(keepends=True))), answer("compression no", "addressfamily any"))
        == found
    )


def test_a_refused_directive_is_said_and_the_others_stay() -> None:
    """One directive that ssh does not accept costs only itself."""
    found = derived(answer("user bob", "port 2222"), BASE, ("Port", "2222"))
    assert found.directives == (("HostName", "10.0.0.5"), ("User", "bob"))
    assert found.unexpressed == ("port is 22 for mybox-nb, but 2222 for mybox",)


def test_a_config_that_ssh_refuses_altogether_raises() -> None:
    """If it is not our directives, ssh's own words reach the user."""
    with pytest.raises(NbsshError, match="ssh refuses"):
        derived(BASE, BASE, ("HostName", "10.0.0.5"))


def test_an_ssh_that_never_settles_is_an_end() -> None:
    """A `Match exec` that answers otherwise each time does not keep us for ever; the difference is said."""
    ports = iter(range(1000))
    found = derive(BASE, "mybox", "mybox-nb", lambda _: answer(f"port {next(ports) + 100}"))
    assert [sentence.partition(" ")[0] for sentence in found.unexpressed] == ["port"]


def test_tokens_that_mean_the_alias_are_no_equality() -> None:
    """The same text with `%n` in it is another command for another alias."""
    line = "proxycommand via %n %%n %h"
    (sentence,) = differences(answer(line), answer(line), "mybox", "mybox-nb")
    assert sentence == "proxycommand is via mybox-nb %%n %h for mybox-nb, but via mybox %%n %h for mybox"
    assert ("ProxyCommand", "via mybox %%n %h") in derived(answer(line), answer(line)).directives


def test_key_alias_token() -> None:
    """`%k` is the HostKeyAlias where there is one, so the same text is the same file."""
    lines = ("hostkeyalias farm", "certificatefile ~/%k")
    assert differences(answer(*lines), answer(*lines), "mybox", "mybox-nb") == ()


@pytest.mark.parametrize("keyword", ["streamlocalbindmask", "syslogfacility"])
def test_what_ssh_applies_to_every_host_is_never_written(keyword: str) -> None:
    """In our file it would change all other hosts."""
    found = derived(answer(f"{keyword} LOCAL1"), answer(f"{keyword} USER"))
    assert found.directives == (("HostName", "10.0.0.5"),)
    assert found.unexpressed == (f"{keyword} is LOCAL1 for mybox, but ssh cannot set it for one host alone",)


def test_tag_is_never_written() -> None:
    """OpenSSH before 9.4 refuses a file with Tag in it, for every host."""
    assert derived(answer("tag work"), BASE) == Derived((("HostName", "10.0.0.5"),), ())


def test_compression_of_openssh_9_9() -> None:
    """9.9 prints UNKNOWN for yes; `yes` is written."""
    found = derive(
        answer("compression UNKNOWN"),
        "mybox",
        "mybox-nb",
        lambda directives: answer(f"compression {'UNKNOWN' if ('Compression', 'yes') in directives else 'no'}"),
    )
    assert found == Derived((("HostName", "10.0.0.5"), ("Compression", "yes")), ())


def test_percent_is_written_as_this_release_reads_it() -> None:
    """User expands tokens since 10.0 and did not before: what ssh confirms is taken."""
    new = derive(
        answer("user a%b"),
        "mybox",
        "mybox-nb",
        lambda directives: answer("user " + dict(directives).get("User", "root").replace("%%", "%")),
    )
    old = derive(answer("user a%b"), "mybox", "mybox-nb", FakeSsh(answer("user root")))
    assert (dict(new.directives)["User"], dict(old.directives)["User"]) == ("a%%b", "a%b")
    assert new.unexpressed == old.unexpressed == ()


def test_forwards_that_are_not_ours_are_said() -> None:
    """Ours are known, with the second line that ssh prints for a socket; others are named."""
    ours = printed_forward("127.0.0.1:8888", "/run/sock")
    assert ours == "localforward [127.0.0.1]:8888 /run/sock"
    alias = answer(ours, "dynamicforward [127.0.0.1]:8888", "localforward 9 [db]:9", "dynamicforward 1080")
    assert differences(answer("localforward 9 [x]:9"), alias, "mybox", "mybox-nb", forwards=(ours,)) == (
        f"dynamicforward: mybox-nb also has 1080{FOREIGN}",
        f"localforward: mybox-nb also has 9 [db]:9{FOREIGN}",
    )


@pytest.mark.parametrize(
    ("listen", "target", "line"),
    [
        ("127.0.0.1:8888", "localhost:1008", "localforward [127.0.0.1]:8888 [localhost]:1008"),
        ("[::1]:8888", "[::1]:1008", "localforward [::1]:8888 [::1]:1008"),
        ("8888", "/a b/sock", "localforward 8888 /a b/sock"),
    ],
)
def test_printed_forward(listen: str, target: str, line: str) -> None:
    """Forwards are named as ssh prints them."""
    assert printed_forward(listen, target) == line


def test_windows_line_ends() -> None:
    """Windows' ssh ends its lines with CR LF."""
    assert differences(BASE.replace("\n", "\r\n"), BASE, "mybox", "mybox-nb") == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_ssh_prints_ends_its_lines_as_its_system_does_and_nowhere_else(end: str) -> None:
    odd = "user a\u2028connecttimeout 5"
    assert lines(f"proxyjump none{end}{odd}{end}") == ["proxyjump none", odd, ""]


def test_what_makes_no_difference_to_a_connection_is_none() -> None:
    base = answer("sendenv LANG", "sendenv LC_*", "connecttimeout none", "compression UNKNOWN")
    alias = answer("sendenv LC_*", "sendenv LANG", "sendenv LANG", "connecttimeout 0", "compression yes")
    assert differences(base, alias, "mybox", "mybox-nb") == ()
    # a wildcard block would win over `none`
    assert derived(answer("connecttimeout none"), answer("connecttimeout 30")).directives[1:] == (
        ("ConnectTimeout", "0"),
    )


@pytest.mark.parametrize(
    ("wanted", "present", "said"),
    [
        (("a", "b"), ("a",), "identityfile: mybox-nb lacks b"),
        (("a",), ("c", "a", "d"), "identityfile: mybox-nb also has c, d"),
        (("a", "b"), ("b", "c"), "identityfile: mybox-nb also has c and mybox-nb lacks a"),
        (("a", "b"), ("b", "a"), "identityfile: mybox-nb has them in another order, b, a"),
        ((), ("a",), "identityfile is a for mybox-nb, but not set for mybox"),
    ],
)
def test_of_lists_it_is_said_what_differs(wanted: Sequence[str], present: Sequence[str], said: str) -> None:
    base, alias = (
        answer(*(f"identityfile {file}" for file in files), without="identityfile") for files in (wanted, present)
    )
    assert differences(base, alias, "mybox", "mybox-nb") == (said,)


def test_an_agent_that_is_not_set_is_the_default_of_ssh() -> None:
    assert differences(BASE, answer("identityagent SSH_AUTH_SOCK"), "mybox", "mybox-nb") == ()
    assert differences(answer("identityagent none"), BASE, "mybox", "mybox-nb") == (
        "identityagent is not set for mybox-nb, but none for mybox",
    )


def test_without_ignoreunknown_ssh_would_not_read_the_file_at_all() -> None:
    """The alias takes it over where ssh refuses even the host name alone."""

    def ask(directives: Sequence[Directive]) -> str:
        if "IgnoreUnknown" not in dict(directives):
            raise NbsshError("Bad configuration option: useapplekeychain")
        return FakeSsh(answer("hostname mybox-nb"))(directives)

    found = derive(answer("ignoreunknown UseAppleKeychain"), "mybox", "mybox-nb", ask)
    assert set(found.directives) == {("HostName", "10.0.0.5"), ("IgnoreUnknown", "UseAppleKeychain")}
    assert found.unexpressed == ()


def test_what_a_session_could_hand_over_stays_here_unless_it_is_said() -> None:
    base = answer("forwardx11 yes", "forwardagent yes")
    assert dict(denials(base, ())) == {"ForwardAgent": "no", "ForwardX11": "no"}
    assert dict(denials(base, {"forwardagent"})) == {"ForwardX11": "no"}
    # a ssh without GSSAPI would complain of its options
    assert ("GSSAPIDelegateCredentials", "no") in denials(answer("gssapidelegatecredentials yes"), ())
    assert denials("user alice\n", ()) == ()
