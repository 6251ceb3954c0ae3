"""The local ports of a profile's further tunnels: checked where one is named, otherwise chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core.profile import also
from nbssh.core.profile.wrong import UNPRIVILEGED
from nbssh.errors import NbsshError
from nbssh.steps import ports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.also import Also


def named_ports(entries: Sequence[str]) -> frozenset[int]:
    """Return the local ports that entries of the command line name."""
    return frozenset(entry.local for text in entries if (entry := also.parse(text, "--also")).local)


class Ports(NamedTuple):
    """What the profile `name` finds here: `main` is the notebook's port, the others are as `ports.choose` has them."""

    name: str
    main: int
    taken: Mapping[int, str]
    avoided: Collection[int]


def settle(here: Ports, said: Sequence[str], pasted: Sequence[str], ui: Ui) -> list[str]:
    """Return the entries of a profile: those `said` on the command line, then those of a `pasted` command.

    A port that was said is refused where it cannot be had; another one is taken for the others, which is said.
    """
    name, main, taken, avoided = here
    ours = {main, *named_ports(said)}
    found: list[Also] = []
    for text, strict in [*((text, True) for text in said), *((text, False) for text in pasted)]:
        entry = also.parse(text, "--also" if strict else "your ssh command")
        if any(entry.far == other.far and entry.local in {0, other.local} for other in found):
            continue
        wanted = entry.local or entry.far_port
        if strict and entry.local:
            _refuse(here, entry, ours)
        elif wanted < UNPRIVILEGED or wanted in {*taken, *avoided, *ours} or not ports.is_free(wanted):
            local = ports.first_free(name, taken, {*avoided, *ours})
            why = f"port {wanted} cannot be had here" if wanted else "no local port was named"
            ui.say(f"{entry.far} over there will be http://127.0.0.1:{local}/ here: {why}")
            wanted = local
        ours.add(wanted)
        found.append(entry._replace(local=wanted))
    return [str(entry) for entry in found]


def _refuse(here: Ports, entry: Also, ours: Collection[int]) -> None:
    """Raise where the local port that was said cannot be had."""
    name, _, taken, avoided = here
    port = entry.local
    better = also.Also(ports.first_free(name, taken, {*avoided, *ours}), entry.far)
    hint = f"take --also {better}"
    if port < UNPRIVILEGED:
        raise NbsshError(f"--also: port {port} is below {UNPRIVILEGED}, which only root may open", hint)
    if port in taken:
        raise NbsshError(f"--also: port {port} belongs to the profile '{taken[port]}'", hint)
    if port in avoided:
        raise NbsshError(f"--also: port {port} is one that your own ssh config forwards", hint)
    if not ports.is_free(port):
        raise NbsshError(
            f"--also: port {port} is in use on this machine",
            f"{hint}, or end what listens there ({SYSTEM.who_listens(port)})",
        )
