"""The ssh_config of a profile's aliases as it should be: what is installed, where it is known to be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.core.files import laptop_files
from nbssh.steps import aliases, proofs

if TYPE_CHECKING:
    from nbssh.steps.profiles import Target


def wanted(target: Target) -> tuple[str, tuple[str, ...]]:
    """Return the ssh_config of its aliases as it should be, and what they cannot express, in words."""
    local = aliases.local_files(target)
    if (text := proofs.standing(target, local)) is not None:
        return text, ()
    full = aliases.assumed(target)
    derived = aliases.derive(full)
    text = laptop_files.ssh_config(full.name, full.profile, local, derived.directives, full.way, derived.moments)
    if not derived.unexpressed:
        proofs.note(target, local, text, lambda: aliases.destination(full))
    return text, derived.unexpressed


def look_again() -> None:
    """Forget what ssh said and read: files that the user's config includes may be others by now."""
    aliases.look_again()
    proofs.look_again()


def limited(target: Target) -> bool | None:
    """Tell whether connections to its destination get a time limit of ours; None where its aliases do not stand."""
    return proofs.limited(target, aliases.local_files(target))


def stand(target: Target) -> bool:
    """Tell whether its installed aliases are known to be right."""
    return limited(target) is not None


def is_outdated(target: Target) -> bool:
    """Tell whether `apply` would write its aliases again: what none can express is no reason."""
    text, _ = wanted(target)
    return writer.read(target.paths.conf(target.name)) != text.encode("utf-8", "surrogateescape")
