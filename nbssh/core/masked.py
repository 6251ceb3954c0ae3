"""Text that may be shown or sent: what looks like a secret is replaced. Pure; the one home of what "looks like" means.

No secret of ours is ever in argv. But a user's own words come through here too: `NBSSH_SSH_COMMAND='sshpass -p …'`, a
`--setup` line that exports a token, an address with `?token=` in it. Too much masked is no harm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGN = "***"
_WORDS = r"(?:passw(?:or)?d|passphrase|pwd|token|secret|credentials?|(?:api|access|secret)[_-]?key|proxy-auth|sshpass)"
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"'&;|,)}\]]+)"""
_PATTERNS = (
    # TOKEN=…, ?token=…, 'password': '…'; not PasswordAuthentication=no, whose name goes on
    re.compile(rf"""(?P<kept>{_WORDS}["']?\s*(?:=|:\s)\s*){_VALUE}""", re.IGNORECASE),
    # --token …, where both are in one word: a command line inside another
    re.compile(rf"(?P<kept>--?{_WORDS}\s+)(?!-){_VALUE}", re.IGNORECASE),
    re.compile(rf"(?P<kept>\bsshpass\s+-p\s*){_VALUE}"),
    re.compile(r"(?P<kept>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(r"(?P<kept>\bauthorization:\s*\w+\s+)\S+", re.IGNORECASE),
    re.compile(r"(?P<kept>\bargon2:)\$\S+"),
)
# Not --token, which of nbssh's own commands is a flag.
_TAKES_ONE = re.compile(r"--?(?:passw(?:or)?d|passphrase|secret|api-?key|proxy-auth)\Z", re.IGNORECASE)

_OF_SSHPASS = {"-p", "-P", "-f", "-d"}  # its options that take a value (sshpass(1)); what comes after them is a program


def text(value: str) -> str:
    """Return `value` with `***` in place of each secret."""
    for pattern in _PATTERNS:
        value = pattern.sub(rf"\g<kept>{SIGN}", value)
    return value


def words(argv: Iterable[str]) -> list[str]:
    """Return the words of a command with `***` in place of each secret, also of one that is a word of its own."""
    shown: list[str] = []
    before, sshpass = "", False
    for word in argv:
        if _TAKES_ONE.match(before) or (sshpass and before == "-p"):
            shown.append(SIGN)
        elif sshpass and word.startswith("-p") and word != "-p":
            shown.append(f"-p{SIGN}")
        else:
            shown.append(text(word))
        sshpass = word.rpartition("/")[2] == "sshpass" or (sshpass and (word.startswith("-") or before in _OF_SSHPASS))
        before = word
    return shown
