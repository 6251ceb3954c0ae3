"""The experiments with a browser: what Chromium shows of a Jupyter that runs already, over lines of several speeds.

Chromium itself holds the line down, for what HTTP brings; 50 ms for each answer, as to another country.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from bed import BIN
from measure import Comparison, Experiment
from playwright.sync_api import expect
from ports import free_port
from sessions import HAND
from stage import LIMIT, PORT, Stage
from test_notebook_in_browser import browsing, kernel_ready, new_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

LATENCY = 50  # milliseconds
# megabits a second, and the goals for the first load and for one from the browser's cache
LINES = ((100, 1.00, 1.00), (20, 1.00, 1.00), (5, 0.75, 1.00))
_NOTEBOOK = "typed.ipynb"
_TOKEN = "b" * 48  # of the recipe's Jupyter


class Reader:
    """Somebody with a browser and a line of so many megabits a second."""

    def __init__(self, megabits: int) -> None:
        self._bytes = megabits * 1_000_000 // 8
        self._stack = ExitStack()
        self._browser: Browser | None = None

    def comes(self, stage: Stage) -> None:
        """Start the browser."""
        self._browser = self._stack.enter_context(browsing(stage.home))

    def goes(self, _: Stage) -> None:
        """End the browser."""
        self._stack.close()

    def nbssh(self, stage: Stage) -> dict[str, float]:
        """Read the page of `ssh box-nb`."""
        stage.nothing_runs()
        stage.terminal("ssh", "box-nb").until(b"stop it")
        return self._reads(stage, stage.token)

    def hand(self, stage: Stage) -> dict[str, float]:
        """Read the page of the recipe that everybody types."""
        stage.nothing_runs()
        far_end = free_port()
        words = f"exec {BIN}/jupyter lab --no-browser --port={far_end} --IdentityProvider.token={_TOKEN}"
        stage.terminal("ssh", "-tt", "-L", f"127.0.0.1:{PORT}:127.0.0.1:{far_end}", "box", words)
        stage.page(time.monotonic())
        return self._reads(stage, _TOKEN)

    def _reads(self, stage: Stage, token: str) -> dict[str, float]:
        assert self._browser
        # one that JupyterLab makes would be read again while one types
        cell = {"cell_type": "code", "id": "a", "execution_count": None, "metadata": {}, "outputs": [], "source": ""}
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (stage.remote / _NOTEBOOK).write_text(json.dumps(notebook))
        with self._browser.new_context() as context:
            found: dict[str, float] = {}
            for cache in ("empty", "full"):
                with self._page(context) as page:
                    began = time.monotonic()
                    page.goto(f"http://127.0.0.1:{PORT}/lab?reset&token={token}")  # no tabs of the last round
                    page.locator(".jp-LauncherCard[data-category='Notebook']").first.wait_for()
                    found[cache] = time.monotonic() - began
            with self._page(context) as page:
                return found | _a_kernel_answers(page)

    @contextmanager
    def _page(self, context: BrowserContext) -> Iterator[Page]:
        page = new_page(context, int(LIMIT * 1000))
        line = {"downloadThroughput": self._bytes, "uploadThroughput": self._bytes}
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY, **line})
        yield page
        page.close()


def _a_kernel_answers(page: Page) -> dict[str, float]:
    began = time.monotonic()
    page.goto(f"http://127.0.0.1:{PORT}/lab/tree/{_NOTEBOOK}")
    kernel_ready(page)
    found = {"kernel": time.monotonic() - began}
    cell = page.locator(".jp-CodeCell").first
    code = cell.locator(".cm-content")
    for _ in range(20):  # what is typed too early is lost, and no part of the answer's time
        began = time.monotonic()
        code.press_sequentially("6*7")
        with suppress(AssertionError):
            expect(code).to_have_text("6*7", timeout=1000)
            break
    code.press("Shift+Enter")
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("42", timeout=LIMIT * 1000)
    return found | {"answer": time.monotonic() - began}


def experiments() -> Iterator[Experiment]:
    """Return what there is to measure; a kernel and its answer over the slowest line."""
    for megabits, empty, full in LINES:
        reader, at = Reader(megabits), f"at {megabits} Mbit/s"
        rows = [(f"page usable {at}, empty cache", "empty", empty), (f"page usable {at}, full cache", "full", full)]
        if megabits == LINES[-1][0]:
            rows += [(f"kernel ready {at}", "kernel", 1.00), (f"6*7 typed and answered {at}", "answer", 1.00)]
        yield Experiment(
            "page",
            {"nbssh": reader.nbssh, HAND: reader.hand},
            tuple(Comparison(title, ("nbssh", metric), (HAND, metric), goal) for title, metric, goal in rows),
            far=False,
            before=reader.comes,
            after=reader.goes,
        )
