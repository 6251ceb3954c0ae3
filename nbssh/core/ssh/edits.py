"""Reads our own NAME.conf back, to say in words which options were changed by hand.

The only module that imports sshconf, and only for text that nbssh generated: of a user's own file it misreads too
much. Pure: text in, sentences out.
"""

from __future__ import annotations

import warnings

from sshconf import SshConfigFile

from nbssh.core.text import printable

Blocks = dict[str, dict[str, list[str]]]
"""Host line -> option in lower case -> its values in order."""


def blocks(text: str) -> Blocks:
    """Return the Host blocks of a file that nbssh generated."""
    with warnings.catch_warnings():
        # sshconf 0.2.7 calls re.split(…, 1), which Python 3.13 and newer deprecate: nothing that a user can mend
        warnings.filterwarnings("ignore", "'maxsplit' is passed as positional argument", DeprecationWarning)
        config = SshConfigFile(text.replace("\r\n", "\n").split("\n"))
    return {
        host: {option: values if isinstance(values, list) else [values] for option, values in config.host(host).items()}
        for host in config.hosts()
    }


def changes(installed: str, wanted: str) -> list[str]:
    """Say what `installed` says otherwise than `wanted`; [] if only comments, blanks or unread lines differ."""
    present, should = blocks(installed), blocks(wanted)
    found: list[str] = []
    for host in dict.fromkeys((*should, *present)):
        if host not in present:
            found.append(f"the block 'Host {printable(host)}' is missing")
        elif host not in should:
            found.append(f"the block 'Host {printable(host)}' was added")
        else:
            found += [f"{sentence} in 'Host {printable(host)}'" for sentence in _options(present[host], should[host])]
    return found


def _options(present: dict[str, list[str]], should: dict[str, list[str]]) -> list[str]:
    found: list[str] = []
    for option in dict.fromkeys((*should, *present)):
        here, there = present.get(option, []), should.get(option, [])
        if here == there:
            continue
        if not here:
            found.append(f"{option} is missing")
        elif not there:
            found.append(f"{option} {_listed(here)} was added")
        else:
            found.append(f"{option} is {_listed(here)} instead of {_listed(there)}")
    return found


def _listed(values: list[str]) -> str:
    return printable(", ".join(values))
