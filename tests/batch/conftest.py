"""The cluster, for the tests of batch jobs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

pytest.register_assert_rewrite("cluster")  # before the import: its assertions explain themselves

import cluster as clusters  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_cluster() -> Iterator[Callable[..., clusters.Cluster]]:
    """Give a maker of clusters with options of their own (see `cluster.cluster`); each is checked at the end."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> clusters.Cluster:  # noqa: ANN401  those of `cluster.cluster`
            return stack.enter_context(clusters.cluster(**options))

        yield make
