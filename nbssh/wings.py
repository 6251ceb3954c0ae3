"""The registry of ways: the one module that knows which wing a profile needs. It is loaded only where one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.steps.way import Way

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile


def way_of(profile: Profile) -> Way:
    """Return how sessions of `profile` get to its Jupyter."""
    if profile.scheduler is None:
        return Way()
    from nbssh.batch.way import BatchWay  # noqa: PLC0415  most profiles need no wing

    return BatchWay(profile, profile.scheduler)
