"""Fixtures for every test: a scratch HOME always, the test bed where it is asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.register_assert_rewrite("bed")  # before the import: their assertions explain themselves

import bed as beds  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


pytest_plugins = ["figures"]

# A script's shell has these ignored for what it runs in the background, and every program that a test starts would
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
    signal.signal(signal.SIGHUP, lambda *_: None)  # ignored here as before, and not inherited
if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def scratch_home() -> Iterator[Path]:
    """Give the whole run a HOME of its own, so that a careless test cannot touch the real one."""
    real = Path.home()
    before = _seen(real)
    home = Path(tempfile.mkdtemp(prefix="nbh", dir="/tmp" if Path("/tmp").is_dir() else None))
    dropped = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("XDG_", "NBSSH_SSH"))}
    os.environ["HOME"] = str(home)
    mask = os.umask(0o022)  # what the tests make for other users these must be able to read
    yield home
    os.umask(mask)
    os.environ["HOME"] = str(real)
    os.environ.update(dropped)
    shutil.rmtree(home, ignore_errors=True)
    assert _seen(real) == before, f"a test changed files of the real home, {real}"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "not_on_windows(reason): cannot hold there; tests/windows counts them")


@pytest.hookimpl(tryfirst=True)  # before other reasons to skip
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("not_on_windows"):
        if sys.platform == "win32":
            pytest.skip(f"not on Windows: {mark.args[0]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let two workers begin with the tests that mostly wait, while the others compute; quick ones fill their rest.

    Each worker of pytest-xdist begins with an equal part of the list, and takes from the end of another's later.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if "batch" in item.path.parts or item.path.stem == "test_server_kinds"]
    quick = [item for item in items if "unit" in item.path.parts]
    rest = len(items) // workers - len(slow[::2])
    if workers > 2 and rest > 0 and len(quick) >= 2 * rest:
        chosen = {*slow, *quick[: 2 * rest]}
        others = [item for item in items if item not in chosen]
        items[:] = [*slow[::2], *quick[:rest], *slow[1::2], *quick[rest : 2 * rest], *others]


def _seen(home: Path) -> dict[str, tuple[int, int]]:
    """Return mtime and size of what nbssh could write in `home`."""
    seen = {}
    for name in (".ssh/config", ".ssh/nbssh.d", ".config/nbssh", ".local/state/nbssh", ".local/share/nbssh"):
        with contextlib.suppress(OSError):
            status = (home / name).stat()
            seen[name] = (status.st_mtime_ns, status.st_size)
    return seen


@pytest.fixture
def needs() -> Callable[..., None]:
    """Give `needs("chromium", …)`: skips at home, fails in CI, where a tool is missing."""
    return beds.needs


@pytest.fixture
def make_bed() -> Iterator[Callable[..., beds.Bed]]:
    """Give a maker of beds with options of their own (see `bed.bed`); each is checked at the end."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> beds.Bed:  # noqa: ANN401  those of `bed.bed`
            return stack.enter_context(beds.bed(**options))

        yield make


@pytest.fixture
def bed() -> Iterator[beds.Bed]:
    """Give a bed as most tests want it: no port, /bin/sh, an sshd that permits everything."""
    with beds.bed() as made:
        yield made
