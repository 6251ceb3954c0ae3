"""The ssh_config of a profile's aliases as it should be: what is installed, where it is known to be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.core.files import laptop_files
from nbssh.core.profile.profile import alias
from nbssh.steps import aliases, candidates, proofs

if TYPE_CHECKING:
    from nbssh.steps.profiles import Target


def wanted(target: Target) -> tuple[str, tuple[str, ...]]:
    """Return the ssh_config of its aliases as it should be, and what they cannot express, in words."""
    local = aliases.local_files(target)
    found = proofs.installed(target, local)
    if found and not found.said:
        return found.text, ()
    full = aliases.assumed(target)
    if found and found.said == proofs.checksum(aliases.destination(full)) and aliases.holds(full, found.text):
        return found.text, ()
    derived = aliases.derive(full)
    text = laptop_files.ssh_config(full.name, full.profile, local, derived.directives, full.way, derived.moments)
    if not derived.unexpressed:
        proofs.note(target, full, local, text)
    return text, derived.unexpressed


def look_again() -> None:
    """Forget what ssh said and read: files that the user's config includes may be others by now."""
    candidates.look_again()
    proofs.look_again()


def limited(target: Target) -> bool | None:
    """Tell whether connections to its destination get a time limit of ours; None where ssh is to be asked."""
    found = proofs.installed(target, aliases.local_files(target))
    return found.limited if found else None


def stand(target: Target) -> bool:
    """Tell whether its installed aliases are known to be right."""
    found = proofs.installed(target, aliases.local_files(target))
    return found is not None and not found.said


def is_known(target: Target, *, among_many: bool) -> bool:
    """Tell whether the user's ssh gives the alias our tunnel.

    `among_many` profiles ssh is asked without the others' files where they cannot matter, for it would read all for
    each; and not at all where what it would read is what gave the alias its tunnel before.
    """
    if not among_many or not aliases.says_all(target):
        return aliases.has_tunnel(aliases.assumed(target), target.ssh.resolved([alias(target.name)]))
    if limited(target) is not None:
        return True
    text = writer.read(target.paths.conf(target.name)) or b""
    return aliases.gives_tunnel(aliases.assumed(target), text.decode("utf-8", "surrogateescape"))


def is_outdated(target: Target) -> bool:
    """Tell whether `apply` would write its aliases again: what none can express is no reason."""
    text, _ = wanted(target)
    return writer.read(target.paths.conf(target.name)) != text.encode("utf-8", "surrogateescape")
