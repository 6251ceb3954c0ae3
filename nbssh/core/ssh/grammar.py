"""ssh_config as ssh itself reads and prints it: quote one value, split one line, write a printed option.

The one quoting filter of the program for ssh_config. Pure text: it must not read files and must not know of
profiles. The grammar is that of `process_config_line_depth` in OpenSSH's readconf.c and of `strdelim` and
`argv_split` in misc.c. What is written here means the same to every release from 7.6 to 10, except a value
with a double quote or a doubled backslash, which no release before 8.7 can carry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLANKS: Final = " \t\r\n"  # WHITESPACE in misc.c
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+,./:~^*?!\[\](){}<>;&|$`-][A-Za-z0-9_@%+,./:~^*?!\[\](){}<>;&|$`#-]*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def word(value: str) -> str:
    """Write `value` as exactly one ssh_config argument: plain where that is safe, otherwise in double quotes.

    Raises NbsshError for an empty value and for control characters: ssh reads no argument out of those.
    A `%` stays single: whether ssh expands it depends on the option, see `percent`.
    """
    if not value:
        raise NbsshError("an empty value cannot be written to ssh_config", "give a value, or leave the option out")
    if found := _CONTROL.search(value):
        shown = ascii(value)
        raise NbsshError(
            f"the control character {found.group()!a} in {shown} cannot be written to ssh_config",
            "remove it from the name or the path",
        )
    if _PLAIN.match(value):
        return value
    # Outside quotes a blank, `#`, `=` or a quote would end, cut or open an argument. Inside, a backslash is
    # an escape only in front of a quote or another backslash (8.7 and later), otherwise it is literal everywhere.
    escaped = re.sub(r"\\(?=[\\'\"]|\Z)", r"\\\\", value)
    escaped = re.sub(r'"', r"\"", escaped)
    return f'"{escaped}"'


def percent(value: str) -> str:
    """Double every `%`, for options in which ssh expands tokens (TOKENS in ssh_config(5))."""
    return value.replace("%", "%%")


def parse_line(line: str) -> tuple[str, list[str]] | None:
    """Split one line as ssh does: the keyword in lower case and its arguments, unquoted.

    None for a blank line, a comment, and what ssh refuses as a line: no argument, a quote that never ends.
    """
    text = line[:1] + line[1:].rstrip(_BLANKS + "\f")
    text = text.partition("\0")[0]
    head = _delimited(text)
    if head is not None and head[0] == "" and head[1] is not None:
        head = _delimited(head[1])  # leading blanks
    if head is None:
        return None
    keyword, rest = head
    if not keyword or keyword[0] in "#\n" or rest is None:
        return None
    arguments = _arguments(rest.lstrip(_BLANKS))
    if not arguments:
        return None
    return _lower(keyword), arguments


def _lower(keyword: str) -> str:
    """Lower case as C's tolower in the C locale does: `K` with a Kelvin sign is no `k`."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in keyword)


def _delimited(text: str) -> tuple[str, str | None] | None:
    """Do as `strdelim`: the first token and what follows (None: nothing); None if a quote never ends."""
    found = re.search(r'[ \t\r\n"=]', text)
    if found is None:
        return text, None
    at = found.start()
    if text[at] == '"':
        end = text.find('"', at + 1)
        if end < 0:
            return None
        return text[:at] + text[at + 1 : end], text[end + 1 :].lstrip(_BLANKS)
    rest = text[at + 1 :].lstrip(_BLANKS)
    if text[at] != "=" and rest.startswith("="):
        rest = rest[1:].lstrip(_BLANKS)
    return text[:at], rest


def _arguments(text: str) -> list[str] | None:
    """Do as `argv_split` with comments: the arguments, or None if a quote never ends."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text[at] == "#":
            break
        argument, at = _argument(text, at)
        if argument is None:
            return None
        found.append(argument)
    return found


def _argument(text: str, at: int) -> tuple[str | None, int]:
    """Read one argument from `at` on, unquoted, and where it ends; None if a quote never ends."""
    quote = ""
    letters: list[str] = []
    while at < len(text):
        letter, following = text[at], text[at + 1 : at + 2]
        if letter == "\\" and following and (following in "'\"\\" or (not quote and following == " ")):
            letters.append(following)
            at += 1
        elif not quote and letter in " \t":
            break
        elif not quote and letter in "'\"":
            quote = letter
        elif letter == quote:
            quote = ""
        else:
            letters.append(letter)
        at += 1
    return (None if quote else "".join(letters)), at


Spelling = tuple[str, ...]
"""One way to write an option: the argument texts of its lines, quoted; most options have one line."""

_SPELLED: Final = """
AddKeysToAgent AddressFamily BatchMode BindAddress BindInterface CanonicalDomains CanonicalizeFallbackLocal
CanonicalizeHostname CanonicalizeMaxDots CanonicalizePermittedCNAMEs CASignatureAlgorithms CertificateFile
ChannelTimeout CheckHostIP Ciphers ClearAllForwardings Compression ConnectionAttempts ConnectTimeout
EnableEscapeCommandline EnableSSHKeysign EscapeChar FingerprintHash ForkAfterAuthentication ForwardAgent
ForwardX11 ForwardX11Timeout ForwardX11Trusted GlobalKnownHostsFile GSSAPIAuthentication
GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange
GSSAPIRenewalForcesRekey GSSAPIServerIdentity GSSAPITrustDns HashKnownHosts HostbasedAuthentication
HostbasedKeyTypes HostKeyAlgorithms HostKeyAlias HostName IdentitiesOnly IdentityAgent IdentityFile
IgnoreUnknown IPQoS KbdInteractiveAuthentication KbdInteractiveDevices KexAlgorithms KnownHostsCommand
LogLevel LogVerbose MACs NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming
PasswordAuthentication PermitRemoteOpen PKCS11Provider Port PreferredAuthentications ProxyCommand ProxyJump
ProxyUseFdpass PubkeyAcceptedKeyTypes PubkeyAuthentication RekeyLimit RequiredRSASize RevokedHostKeys
SecurityKeyProvider SendEnv SessionType SetEnv StdinNull StreamLocalBindUnlink StrictHostKeyChecking
TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys User UserKnownHostsFile VerifyHostKeyDNS VersionAddendum
VisualHostKey WarnWeakCrypto XAuthLocation
"""
_NAMES: Final = {spelling.lower(): spelling for spelling in _SPELLED.split()} | {
    # Renamed in 8.5; every release from 7.7 on reads the old names.
    "pubkeyacceptedalgorithms": "PubkeyAcceptedKeyTypes",
    "hostbasedacceptedalgorithms": "HostbasedKeyTypes",
}
_ALGORITHM_LISTS: Final = """
casignaturealgorithms ciphers hostbasedacceptedalgorithms hostbasedkeytypes hostkeyalgorithms kexalgorithms
macs pubkeyacceptedalgorithms pubkeyacceptedkeytypes
"""
_ALGORITHMS: Final = frozenset(_ALGORITHM_LISTS.split())
_SEVERAL_WORDS: Final = """
addkeystoagent canonicaldomains canonicalizepermittedcnames channeltimeout ipqos logverbose permitremoteopen
rekeylimit
"""
_WORDS: Final = frozenset(_SEVERAL_WORDS.split())
_COMMANDS: Final = frozenset(("knownhostscommand", "proxycommand", "proxyjump", "versionaddendum"))  # rest of line
_PATHS: Final = frozenset(("globalknownhostsfile", "revokedhostkeys", "userknownhostsfile"))
_LINES: Final = frozenset(("certificatefile", "identityfile"))  # one line each, printed as they were written
_NAMED: Final = frozenset(("bindinterface", "hostkeyalias", "hostname", "user"))  # there `true` is just a name
_EXPANDED: Final = frozenset(  # printed after expansion: a `%` in the answer is a `%`
    ("forwardagent", "hostname", "identityagent", "revokedhostkeys", "setenv", "user", "userknownhostsfile")
)
_UNSET: Final = {  # what to write against a wildcard block where the destination has nothing
    "identityagent": "SSH_AUTH_SOCK",
    "knownhostscommand": "none",
    "pkcs11provider": "none",
    # The default in ssh_config(5).
    "preferredauthentications": "gssapi-with-mic,hostbased,publickey,keyboard-interactive,password",
    "proxycommand": "none",
    "proxyjump": "none",
    "revokedhostkeys": "none",
    "securitykeyprovider": "none",
}


def spelled(keyword: str) -> str:
    """Give a keyword that `ssh -G` printed in the case of ssh_config(5); unknown ones as they are."""
    return _NAMES.get(keyword, keyword)


def spellings(keyword: str, wanted: Sequence[str], present: Sequence[str]) -> list[Spelling]:
    """Find ways to write an option so that `ssh -G` prints `wanted` again, best first; [] if there is none.

    `wanted` and `present` are the printed values (one per line) of the destination and of the alias so far.
    `ssh -G` prints values without quotes, some of them expanded: a spelling is a guess until ssh confirms it.
    """
    found: list[Spelling]
    try:
        if not wanted:
            found = [(_UNSET[keyword],)] if keyword in _UNSET else []
        elif keyword in _LINES:
            found = _lines(wanted, present)
        elif keyword == "sendenv":
            found = [(" ".join(word(name) for name in dict.fromkeys(wanted) if name not in present),)]
        elif keyword == "setenv":  # one line: the first SetEnv wins whole
            found = _with_tokens(keyword, wanted)
        else:
            found = _one_value(keyword, wanted[0], present)
    except NbsshError:  # a control character
        return []
    return [spelling for spelling in dict.fromkeys(found) if any(spelling)]


def _one_value(keyword: str, value: str, present: Sequence[str]) -> list[Spelling]:
    if keyword in _COMMANDS:
        return [(value,)]
    if keyword in _PATHS:
        return _with_tokens(keyword, _split_paths(value))
    if keyword in _WORDS:
        return [(" ".join(word(part) for part in value.split(" ")),)]
    if keyword in _ALGORITHMS and present:
        return [(word(text),) for text in (*_relative(value.split(","), present[0].split(",")), value)]
    return _with_tokens(keyword, [_read_back(keyword, value)])


def _read_back(keyword: str, value: str) -> str:
    """Give the argument for which ssh prints `value`, where it is another text."""
    if keyword == "escapechar":  # printed through vis(3): a backslash in front of `^B` and of another backslash
        return value[1:] if value.startswith("\\") and len(value) > 1 else value
    if keyword == "obscurekeystroketiming" and value.isdigit():
        return f"interval:{value}"
    if keyword in _NAMED:
        return value
    # Some flags print `true`, older releases want `yes`; 9.9 prints the Compression of `-C` as UNKNOWN.
    return {"true": "yes", "false": "no", "UNKNOWN": "yes"}.get(value, value)


def _lines(wanted: Sequence[str], present: Sequence[str]) -> list[Spelling]:
    """Write options that add up: as few lines before the present ones as give the wanted ones, otherwise all."""
    every = tuple(word(file) for file in wanted)
    for count in range(1, len(wanted)):
        ours = wanted[:count]
        if [*ours, *(file for file in present if file not in ours)] == list(wanted):
            return [every[:count], every]
    return [every]


def _with_tokens(keyword: str, values: Sequence[str]) -> list[Spelling]:
    """Read `%` both ways: ever more options expand it (User and SetEnv since 10.0)."""
    plain = " ".join(word(value) for value in values)
    doubled = " ".join(word(percent(value)) for value in values)
    return [(doubled,), (plain,)] if keyword in _EXPANDED else [(plain,), (doubled,)]


def _split_paths(value: str) -> list[str]:
    """Part paths that are printed in a row without quotes: a new one starts at a `/` or `~` after a blank."""
    if value.startswith(("/", "~")):
        return re.split(r"[ \t]+(?=[/~])", value)
    return value.split(" ")


def _relative(wanted: list[str], present: list[str]) -> list[str]:
    """Give the list as a change to ssh's default, so that it does not pin what a newer ssh would offer."""
    found = []
    added, removed = wanted[len(present) :], [item for item in present if item not in wanted]
    if added and wanted[: len(present)] == present:
        found.append("+" + ",".join(added))
    if 0 < len(removed) < len(wanted) and wanted == [item for item in present if item in wanted]:
        found.append("-" + ",".join(removed))
    for count in range(1, len(wanted) // 2 + 1):
        if wanted[count:] == [item for item in present if item not in wanted[:count]]:
            found.append("^" + ",".join(wanted[:count]))
            break
    return [*found, f"+{wanted[0]}"]  # the last is the default itself: nothing is added that it does not have
