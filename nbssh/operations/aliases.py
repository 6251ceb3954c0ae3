"""The directives of a profile's aliases, found by asking the user's own ssh.

A candidate is tried before it is installed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.core import alias, desired, destination
from nbssh.core.profile import alias as nb_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.alias import Derived, Directive
    from nbssh.core.profile import Profile
    from nbssh.operations.world import World


def local_files(world: World, name: str) -> desired.Local:
    """Return the local paths that the blocks of `name` speak of."""
    paths = world.paths
    return desired.Local(
        conf=str(paths.conf(name)),
        opener=str(paths.opener),
        control_socket=str(paths.control_socket(name)),
        redirect=str(paths.redirect(name)),
    )


def destination_arguments(profile: Profile) -> list[str]:
    """Return the words by which ssh reaches the profile's destination."""
    return [
        *(f"-o{option}" for option in profile.ssh_options),
        *destination.parse(profile.destination).arguments(),
    ]


def derive(world: World, name: str, profile: Profile) -> Derived:
    """Return the directives that make the aliases of `name` behave as its destination does.

    Every round is judged by the user's ssh reading the candidate blocks on top of her own config, so a candidate that
    ssh refuses never gets further than this.
    """
    local = local_files(world, name)
    base = world.ssh.resolve(destination_arguments(profile))
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        include, config = Path(folder, "candidate.conf"), Path(folder, "config")
        config.write_bytes(world.ssh.candidate_config(include))

        def ask(directives: Sequence[Directive]) -> str:
            text = desired.ssh_config(name, profile, local, directives)
            include.write_bytes(text.encode("utf-8", "surrogateescape"))
            return world.ssh.resolve([nb_alias(name)], config=config)

        return alias.derive(base, original_name(profile), nb_alias(name), ask, forwards=own_forwards(profile))


def original_name(profile: Profile) -> str:
    """Return what `%n` means for the destination: the host as it is typed."""
    return destination.parse(profile.destination).host


def own_forwards(profile: Profile) -> list[str]:
    """Return our own forward as `ssh -G` prints it."""
    return [alias.printed_forward(f"127.0.0.1:{profile.port}", desired.far_end(profile))]


def differences(world: World, name: str, profile: Profile) -> tuple[str, ...]:
    """Return what the installed alias of `name` does otherwise than its destination, in words; empty if nothing."""
    base = world.ssh.resolve(destination_arguments(profile))
    present = world.ssh.resolve([nb_alias(name)])
    return alias.differences(base, present, original_name(profile), nb_alias(name), forwards=own_forwards(profile))
