"""What a cell prints while no tab is open: lost by JupyterLab, kept where jupyter_server_nbmodel is beside it.

That is what README.md and docs/reference.md say, and what `add` says on each host.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from bed import needs, until
from playwright.sync_api import expect
from ports import free_port
from quick import quick
from serving import environment, kill, start
from test_notebook_in_browser import CHROMIUM, SLOW, chromium, kernel_ready

if TYPE_CHECKING:
    from bed import Bed
    from playwright.sync_api import Page

TICKS = 25
# it goes on from the tenth when the tab has gone, and not after so many seconds
CODE = f"""
import pathlib, time
for tick in range(1, {TICKS + 1}):
    print("tick", tick, flush=True)
    while tick == 10 and not pathlib.Path("closed").exists():
        time.sleep(0.05)
    time.sleep(0.02)
pathlib.Path("ended").touch()
"""

NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "a", "execution_count": None, "metadata": {}, "outputs": [], "source": CODE}],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def run(page: Page) -> None:
    """Run the cell and see its tenth tick; again where JupyterLab was not ready for the keys yet."""
    book = page.locator(".jp-Notebook")
    for _ in range(6):
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        with suppress(AssertionError):
            expect(book).to_contain_text("tick 10", timeout=SLOW / 6)
            return
    pytest.fail("the cell does not run")


def ticks(page: Page) -> list[int]:
    """Return what the notebook shows of them."""
    shown = page.locator(".jp-Notebook .jp-OutputArea-output").all_inner_texts()
    return [int(number) for number in re.findall(r"tick (\d+)", "\n".join(shown))]


@pytest.mark.parametrize("kept", [False, True], ids=["JupyterLab alone", "with jupyter_server_nbmodel"])
def test_what_is_printed_without_a_tab(bed: Bed, kept: bool) -> None:  # noqa: FBT001
    needs(CHROMIUM)
    jupyter = quick(environment("apps") / "jupyter-lab") if kept else bed.jupyter
    port = free_port()
    said = bed.nbssh("add", "box", "--yes", "--token", "--port", str(port), "--jupyter", str(jupyter)).stderr
    assert ("what a cell prints while no tab is open is lost" in said) is not kept
    url = bed.nbssh("url", "box").stdout.strip()
    start(bed)
    notebook = bed.remote_home / "ticks.ipynb"
    notebook.write_text(json.dumps(NOTEBOOK))
    shown = url.replace("/?", f"/lab/tree/{notebook.name}?")
    with chromium(bed.folder) as page:
        page.goto(shown)
        kernel_ready(page)
        run(page)
        page.keyboard.press("Control+S")
        until(lambda: "tick 10" in notebook.read_text(), "it is saved")
    (bed.remote_home / "closed").touch()
    until((bed.remote_home / "ended").exists, "the cell ends without a tab")
    with chromium(bed.folder) as page:
        page.goto(shown)
        expect(page.locator(".jp-Notebook")).to_contain_text(f"tick {TICKS if kept else 10}", timeout=SLOW)
        assert ticks(page) == list(range(1, (TICKS if kept else 10) + 1))
    kill(bed)
