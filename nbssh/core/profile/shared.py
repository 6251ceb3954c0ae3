"""What all laptops have in common that use one profile, and how what two of them changed comes together. Pure.

A three-way merge, key by key: `mine` is what this laptop declares, `theirs` what lies on the host, and `base` what both
were when this laptop last agreed with the host. Whoever differs from the base has changed something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from nbssh.core.profile.profile import GROUND, Profile, from_dict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nbssh.core.profile.declared import Secret

Prefer = Literal["", "here", "there"]
"""Whose value counts where both changed one; the empty one decides nothing."""
_Which = Literal["same", "taken", "sent", "clashing"]

# How one laptop gets there, and what is only on its own screen.
OWN = frozenset((
    "destination", "ssh_options", "port", "also", "persist", "browser", "open_path",
    "forward_agent", "forward_x11", "delegate_credentials", "node_submits", "carried",
    "auth",  # follows the secret
    "server",  # only a part of it is shared
))  # fmt: skip
KEYS = tuple(key for key in Profile.__struct_fields__ if key not in OWN)
FOUND = ("jupyter", "python", "version", "generation", "forward", "socket", "port", "gate", "runtime", "via")
"""Those keys of the table `server` that the host goes by."""

SECRET, SEEN = "secret", "seen"
"""The names of two parts that are no keys: password or token; what was found on the host."""


class Shared(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one profile is for all its laptops: values as TOML has them, without defaults, and what opens its page."""

    declared: dict[str, Any] = {}
    found: dict[str, Any] = {}
    hash: str = ""
    token: str = ""

    @classmethod
    def of(cls, profile: Profile, secret: Secret) -> Shared:
        """Return what is shared of a profile."""
        document = msgspec.to_builtins(profile)
        return cls(_only(document, KEYS), _only(document.get("server", {}), FOUND), secret.hash, secret.token)

    @property
    def opens(self) -> str:
        """What opens the page, in a word."""
        return "token" if self.token else "password"


class Synced(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a laptop and the host agreed on last; `sum` is what cksum(1) says of the host's file of parameters."""

    shared: Shared
    sum: str = ""


class Merged(NamedTuple):
    """What came of two changes. The parts are keys of the profile, SECRET and SEEN.

    `taken` are the parts that the host has another value for, `sent` those that this laptop changed, `clashing` those
    that both did and nobody decided. `looks_again`: what was found belongs to another mixture of the keys.
    """

    shared: Shared
    taken: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    clashing: tuple[str, ...] = ()
    looks_again: bool = False


def merge(
    mine: Shared,
    base: Shared | None,
    theirs: Shared | None,
    *,
    prefer: Prefer = "",
    decided: Collection[str] = (),
    looked: bool = False,
) -> Merged:
    """Return what shall be, on the host and here. Without `theirs` there is nothing on the host, and mine shall be.

    `decided` are parts for which mine counts in any case; `looked`: mine was found on the host just now.
    """
    if theirs is None:
        return Merged(mine)
    parts: dict[str, list[str]] = {"taken": [], "sent": [], "clashing": []}

    def choose(part: str, three: tuple[Any, Any, Any]) -> Any:  # noqa: ANN401  a value of any key
        if part in decided:
            which: _Which = "same" if three[0] == three[2] else "sent"
        else:
            which = _which(three, known=base is not None, prefer=prefer)
        if which != "same":
            parts[which].append(part)
        return three[2] if which == "taken" else three[0]

    old = base or Shared()
    declared = {
        key: choose(key, (mine.declared.get(key), old.declared.get(key), theirs.declared.get(key))) for key in KEYS
    }
    secrets = tuple((one.hash, one.token) for one in (mine, old, theirs))
    # an empty one of theirs is one that nobody could read
    opens = choose(SECRET, (secrets[0], secrets[1], secrets[2])) if any(secrets[2]) else secrets[0]
    shared = Shared({key: value for key, value in declared.items() if value is not None}, mine.found, *opens)
    fits_mine, fits_theirs = _has_ground(shared, mine), _has_ground(shared, theirs)
    found = theirs.found if fits_theirs and not fits_mine else mine.found
    if fits_mine and fits_theirs:
        tie: Prefer = prefer or ("here" if looked else "there")
        which = _which((mine.found, old.found, theirs.found), known=base is not None, prefer=tie)
        if which != "same":
            parts[which].append(SEEN)
        found = theirs.found if which == "taken" else mine.found
    return Merged(
        msgspec.structs.replace(shared, found=found), tuple(parts["taken"]), tuple(parts["sent"]),
        tuple(parts["clashing"]), not (fits_mine or fits_theirs),
    )  # fmt: skip


def onto(profile: Profile, shared: Shared, source: str) -> Profile:
    """Return `profile` with what is shared; whatever is wrong with a value raises NbsshError and names `source`."""
    document = msgspec.to_builtins(profile)
    server = document.pop("server", None)
    document = {key: value for key, value in document.items() if key not in KEYS and key != "auth"}
    document |= _only(shared.declared, KEYS)
    if shared.token:
        document["auth"] = "token"
    if server is not None:
        document["server"] = {key: value for key, value in server.items() if key not in FOUND}
        document["server"] |= _only(shared.found, FOUND)
    return from_dict(document, source)


def _which(three: tuple[Any, Any, Any], *, known: bool, prefer: Prefer) -> _Which:
    mine, base, theirs = three
    if mine == theirs:
        return "same"
    if known and mine == base:
        return "taken"
    if known and theirs == base:
        return "sent"
    if not prefer:
        return "clashing"
    return "sent" if prefer == "here" else "taken"


def _has_ground(one: Shared, other: Shared) -> bool:
    return all(one.declared.get(key) == other.declared.get(key) for key in GROUND)


def _only(document: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in keys}
