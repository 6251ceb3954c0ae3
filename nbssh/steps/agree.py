"""Laptops that use one profile on one host: what this one declares, brought together with what another one changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.files import server_record
from nbssh.core.files.change import Kind
from nbssh.core.profile.shared import FOUND, KEYS, SECRET, SEEN, Shared, Synced, merge, onto
from nbssh.core.text import listed
from nbssh.errors import NbsshError
from nbssh.steps import connect, plan, probe
from nbssh.steps.secret import with_key

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nbssh.core.files.change import Change
    from nbssh.core.files.server_record import Record
    from nbssh.core.profile.shared import Merged, Prefer
    from nbssh.steps.profiles import Target
    from nbssh.steps.server_files import Present


@dataclass(frozen=True)
class Agreed:
    """One profile as this laptop and its host shall have it, and what that changes there.

    `taken` is what the host had another value for, in words, `sent` what it gets from here. `shared`: another laptop
    uses the profile, too.
    """

    target: Target
    changes: list[Change]
    taken: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    shared: bool = False

    def say_taken(self, *, done: bool) -> None:
        """Tell what another laptop changed; `done`: it was taken over here."""
        if not self.taken:
            return
        name, host = self.target.name, connect.known_server(self.target).hostname
        what = f"'{name}': another laptop changed {listed(self.taken)} on {host}"
        self.target.ui.say(f"{what}; that is taken over" if done else f"{what}; take that over: nbssh apply {name}")

    def say_sent(self) -> None:
        """Tell what the other laptops get to know."""
        if self.sent and self.shared:
            name = self.target.name
            self.target.ui.say(f"'{name}': your other laptops take {listed(self.sent)} over with: nbssh apply {name}")


def agree(
    target: Target, present: Present, *, prefer: Prefer = "", decided: Collection[str] = (), looked: bool = False
) -> Agreed:
    """Return the profile as both shall have it. Raises NbsshError where both changed the same and nobody decided.

    `decided` are parts for which this laptop counts; `looked`: what was found on the host was found just now.
    """
    record = server_record.read(present.files, target.declared.folder)
    mine = Shared.of(target.profile, target.secret)
    base = target.secret.synced.shared if target.secret.synced else None
    theirs = record.over(mine)
    merged = merge(mine, base, theirs, prefer=prefer, decided=decided, looked=looked)
    if merged.clashing:
        raise _clash(target, mine, merged, known=base is not None)
    if merged.shared != mine:
        led_on = target.way.leads_on
        target = with_shared(target, merged.shared)
        # each laptop has keys of its own to the hosts behind this one
        if merged.looks_again or (target.way.leads_on and not led_on):
            target = _found_again(target)
    agreed = settled(target, present, record)
    return Agreed(
        agreed.target, agreed.changes, words(merged.taken, mine, theirs), words(merged.sent, theirs, mine),
        agreed.shared,
    )  # fmt: skip


def settled(target: Target, present: Present, record: Record) -> Agreed:
    """Return the profile as it is declared, with the mark that the host agrees, and what has to change there."""
    shared = Shared.of(target.profile, target.secret)
    if record.newer and (record.shared is None or record.over(shared) != _like(record, shared)):
        raise NbsshError(
            f"a newer nbssh wrote '{target.name}' on {connect.known_server(target).hostname}, so this one changes "
            "nothing of it",
            "bring nbssh on this laptop up to date, then say it again",
        )
    changes = plan.remote_changes(target.declared, present)
    written = [change.new for change in changes if change.kind is Kind.SETTINGS and change.new is not None]
    synced = Synced(shared, server_record.summed(written[0]) if written else record.sum)
    folder, own = f"{target.declared.folder}/laptops/", target.declared.laptop
    others = any(path.startswith(folder) and path != f"{folder}{own}" for path in present.files)
    secret = msgspec.structs.replace(target.secret, synced=synced)
    return Agreed(target.with_secret(secret), changes, shared=others)


def with_shared(target: Target, shared: Shared) -> Target:
    """Return the target with what is shared; its values are checked like those of a file of the user's."""
    known = target.profile.server
    profile = onto(target.profile, shared, f"'{target.name}' on {known.hostname if known else 'its host'}")
    if profile.server and known and known.probed_for == target.profile.fingerprint():
        # what was found was found for these very keys, by this laptop or another one
        server = msgspec.structs.replace(profile.server, probed_for=profile.fingerprint())
        profile = msgspec.structs.replace(profile, server=server, carried="")
    secret = msgspec.structs.replace(target.secret, hash=shared.hash, token=shared.token)
    return target.with_profile(profile).with_secret(secret)


def words(parts: Sequence[str], *sides: Shared | None) -> tuple[str, ...]:
    """Return the parts of a merge as people call them; the secret is called as the last of the sides has it."""
    last = [side for side in sides if side is not None][-1]
    names = {SECRET: f"the {last.opens}", SEEN: "what was found of its Jupyter"}
    return tuple(names.get(part, f"'{part}'") for part in parts)


def _like(record: Record, shared: Shared) -> Shared:
    """Return `shared` with those keys of a newer nbssh that this one does not know."""
    there = record.shared or Shared()
    return msgspec.structs.replace(
        shared,
        declared={key: value for key, value in there.declared.items() if key not in KEYS} | shared.declared,
        found={key: value for key, value in there.found.items() if key not in FOUND} | shared.found,
    )


def _found_again(target: Target) -> Target:
    """Look at the host: what is declared now was never looked at, by no laptop."""
    target = with_key(target)
    with connect.connect(target, at_destination=True) as there:
        return probe.find_out(there, target)


def _clash(target: Target, mine: Shared, merged: Merged, *, known: bool) -> NbsshError:
    name, host = target.name, connect.known_server(target).hostname
    what = listed(words(merged.clashing, mine))
    if known:
        said = f"'{name}': {what} changed here, and by another laptop on {host}, too"
    else:
        said = f"'{name}' is set up on {host} already, where {what} is another"
    return NbsshError(
        said,
        f"take over what {host} has: nbssh apply {name} --prefer there; "
        f"keep yours, for all laptops: nbssh apply {name} --prefer here",
    )
