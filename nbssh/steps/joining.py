"""The second laptop: what it declares for the first time is brought together with what lies on the host already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.adapters.terminal import trace
from nbssh.core.files import server_record
from nbssh.core.profile import options
from nbssh.core.profile.profile import Server
from nbssh.core.profile.shared import KEYS, SECRET, Shared, onto
from nbssh.core.server import needs
from nbssh.core.text import listed
from nbssh.errors import NbsshError
from nbssh.steps import probe, typed_path
from nbssh.steps.agree import words
from nbssh.steps.secret import with_key
from nbssh.steps.server_files import read_remote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.server_record import Record
    from nbssh.core.server.facts import Facts
    from nbssh.steps.profiles import Target
    from nbssh.steps.server_files import Present


@dataclass(frozen=True)
class Joined:
    """The profile as it is to be set up here and there, and what was there; `theirs` is what another laptop set up.

    `lacks` are the keys for which no session could start Jupyter there.
    """

    target: Target
    present: Present
    theirs: Shared | None = None
    adopted: bool = False
    lacks: tuple[str, ...] = ()

    def say(self) -> None:
        """Tell what became of what was there."""
        target, theirs = self.target, self.theirs
        if not self.adopted:
            return
        name, ui, host = target.name, target.ui, target.declared.server.hostname
        mine = Shared.of(target.profile, target.secret)
        if theirs is None:
            ui.say(f"'{name}' is adopted, and has your settings and password now, for all your laptops")
        else:
            changed = [key for key in KEYS if mine.declared.get(key) != theirs.declared.get(key)]
            if (mine.hash, mine.token) == (theirs.hash, theirs.token):
                ui.say(
                    f"'{name}' is adopted; the {mine.opens} is the one that it has on {host} already; "
                    f"change it for all your laptops: nbssh passwd {name}"
                )
            else:
                ui.say(f"'{name}' is adopted")
                changed.append(SECRET)
            if changed:
                what = listed(words(changed, mine))
                ui.say(f"{what} changed for all laptops; each of the others takes that over with: nbssh apply {name}")
        if not target.profile.adopt:
            ui.say("a Jupyter that runs there takes up what has changed at its next start")


def join(there: Connection, target: Target, said: Mapping[str, Any], *, tries_way: bool = True) -> Joined:
    """Look at the host, and return the profile as it is to be set up; what another laptop set up there is adopted.

    `said`, by key, is what the command line says: that counts, for all laptops. Its secret is empty where a password is
    still to be asked for. `tries_way` as in `probe.choose`.
    """
    with trace.step(f"probe {there.shown}"):
        facts = probe.look(there, target)
    # not yet chosen, but the folder is known
    blank = Server(
        home=facts.home,
        folder=facts.folder,
        uid=facts.uid,
        hostname=facts.host,
        os=facts.os,
        jupyter="",
        forward="tcp",
        port=target.profile.port,
    )
    declared = probe.with_server(there, target, blank).declared
    present = read_remote(there, [declared])
    scratch = f"{declared.folder}/{target.way.scratch}/" if target.way.scratch else None
    if all(scratch and path.startswith(scratch) for path in present.files):
        chosen, facts = _chosen(there, target, facts, tries_way=tries_way)
        return Joined(chosen, present, lacks=_fatal(chosen, facts))
    record = server_record.read(present.files, declared.folder)
    _consent(there, target, record)
    target = _with_their_secret(target, record)
    if record.shared:
        target = _adopted(there, target, record.shared, said, facts, tries_way=tries_way)
    else:
        target, facts = _chosen(there, target, facts, tries_way=tries_way)
    return Joined(
        target,
        present,
        record.over(Shared.of(target.profile, target.secret)),
        adopted=True,
        lacks=_fatal(target, facts),
    )


def _chosen(there: Connection, target: Target, facts: Facts, *, tries_way: bool) -> tuple[Target, Facts]:
    """Return the target with what was chosen on its host, and what was found there; see `typed_path`."""
    target, facts = typed_path.usable(there, target, facts)
    return probe.choose(there, target, facts, tries_way=tries_way), facts


def _fatal(target: Target, facts: Facts) -> tuple[str, ...]:
    """Return the keys for which no session could start Jupyter; where the way leads on, it may be otherwise there."""
    lacks = [] if target.way.leads_on else needs.lacks(target.name, target.profile, facts)
    return tuple(dict.fromkeys(lack.key for lack in lacks if lack.fatal))


def _consent(there: Connection, target: Target, record: Record) -> None:
    """Ask whether to adopt what is there."""
    name, host = target.name, there.shown
    lost = "; its settings cannot be read there, so yours replace them" if record.damaged else ""
    if not target.ui.ask(
        f"'{name}' is set up on {host} already, perhaps from another laptop{lost}; adopt it?",
        otherwise="say --yes to adopt it, or take another name",
    ):
        raise NbsshError(f"'{name}' is set up on {host} already", "take another profile name")


def _adopted(
    there: Connection, target: Target, shared: Shared, said: Mapping[str, Any], facts: Facts, *, tries_way: bool
) -> Target:
    """Return the target with what another laptop set up, but for what is `said`."""
    own = target
    wanted = {key: value for key, value in options.nested(said).items() if key in KEYS}
    here = Shared.of(target.profile, target.secret)
    asked = msgspec.structs.replace(here, declared=shared.declared | wanted)
    target = target.with_profile(onto(target.profile, asked, f"'{target.name}' on {there.shown}"))
    target = with_key(target)
    if target.profile.fingerprint() != own.profile.fingerprint():
        with trace.step(f"probe {there.shown}"):
            facts = probe.look(there, target)
    target, facts = _chosen(there, target, facts, tries_way=tries_way)
    chosen, found = target.declared.server, shared.found
    same = all(found.get(key, "") == getattr(chosen, key) for key in ("forward", "via"))
    if same and any(found.get("jupyter") == candidate.path for candidate in facts.candidates):
        mine = Shared.of(target.profile, target.secret)
        mine = msgspec.structs.replace(mine, found=found)
        target = target.with_profile(onto(target.profile, mine, f"'{target.name}' on {there.shown}"))
    return target


def _with_their_secret(target: Target, record: Record) -> Target:
    """Return the target with the secret that is there, where none was given, or one that nobody has chosen."""
    hashed, token = record.secret
    secret = target.secret
    if secret.hash or (secret.token and not token) or not (hashed or token):
        return target
    if secret.token:  # a random one is as good as another
        hashed = ""
    profile = msgspec.structs.replace(target.profile, auth="token" if token else "password")
    return target.with_profile(profile).with_secret(msgspec.structs.replace(secret, hash=hashed, token=token))
