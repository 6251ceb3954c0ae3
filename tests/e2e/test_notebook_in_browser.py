"""The product as its user meets it: `nbssh add`, `ssh box-nb`, a browser, a cell, Ctrl-C, the kill."""

from __future__ import annotations

import re
import shlex
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import needs, until
from playwright.sync_api import expect, sync_playwright
from ports import free_port

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bed import Bed
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "correct horse $battery 'staple'"
# no sandbox: the tests may run as root; nothing that talks to anybody but the server
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 60_000  # milliseconds: a cold JupyterLab on a busy machine


def answer(dialog: Locator) -> None:
    """Say yes, as a user does: on a slow machine JupyterLab asks for a kernel, or says that a connection is lost."""
    print("JupyterLab asked:", dialog.inner_text())  # noqa: T201 (pytest shows it where the test fails)
    dialog.locator(".jp-mod-accept").click()


@contextmanager
def browsing(home: Path) -> Iterator[Browser]:
    """Give a real browser that keeps its files in `home`."""
    environment: dict[str, str | float | bool] = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, env=environment)
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Browser | BrowserContext, milliseconds: int = SLOW) -> Page:
    """Return a page that waits so long for everything, and on which JupyterLab's questions are answered."""
    page = browser.new_page()
    page.set_default_timeout(milliseconds)
    page.add_locator_handler(page.locator(".jp-Dialog").first, answer)
    return page


@contextmanager
def chromium(home: Path) -> Iterator[Page]:
    """Give one page of a real browser that keeps its files in `home`."""
    with browsing(home) as browser:
        yield new_page(browser)


def add(bed: Bed, *words: str) -> int:
    """Declare the profile `box`; return its local port."""
    port = free_port()
    bed.nbssh(
        *(
            "add",
            "box",
            "--password-stdin",
            "--yes",
            "--port",
            str(port),
            "--jupyter",
            str(bed.jupyter),
            *words,
        ),
        stdin=PASSWORD,
    )
    return port


def log_in(page: Page, url: str) -> None:
    """Open the page, type the password and wait for the workspace."""
    page.goto(url)
    page.get_by_label(re.compile("password", re.IGNORECASE)).first.fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#jp-main-dock-panel")


def new_notebook(page: Page) -> None:
    """Click the launcher's first notebook and wait until its kernel is ready."""
    page.locator(".jp-LauncherCard[data-category='Notebook']").first.click()
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    kernel_ready(page)


def kernel_ready(page: Page) -> None:
    """Wait until the notebook's kernel is idle; what runs while there is none makes JupyterLab ask for one instead.

    The notebook's own indicator says idle already before a kernel is there; the line at the bottom names it.
    """
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def run_cell(page: Page, number: int, code: str, result: str) -> None:
    """Type `code` into the notebook's cell `number` (from 0), run it and see its result.

    Again if need be: JupyterLab reloads a notebook that it has just made, and with it what was typed too early.
    """
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    for _ in range(6):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.type(code)
        page.keyboard.press("Shift+Enter")
        with suppress(AssertionError):
            expect(cell.locator(".jp-OutputArea-output")).to_have_text(result, timeout=SLOW / 6)
            return
    pytest.fail(f"cell {number}, {code}: no {result}")


def left_on_server(bed: Bed) -> list[str]:
    """Return what a stopped server must not leave: sockets, locks and records."""
    state = bed.remote_home / ".local" / "state" / "nbssh"
    return [
        str(path)
        for path in state.rglob("*")
        if stat.S_ISSOCK(path.lstat().st_mode) or path.name in {"lock", "record", "ready"}
    ]


def jupyters(bed: Bed) -> list[str]:
    """Return the Jupyter servers and kernels that run in the bed."""
    return [line for line in bed.leftovers().values() if "jupyter-lab" in line or "ipykernel" in line]


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_from_add_to_kill_in_a_browser(make_bed: Callable[..., Bed], forward: str) -> None:
    needs(CHROMIUM)
    bed = make_bed(listen=forward == "tcp")
    port = add(bed, "--forward", forward, "--remote-port", str(free_port()))
    url = f"http://127.0.0.1:{port}/"

    # from a shell that stays open, as in a terminal window
    first = bed.spawn("/bin/sh", timeout=120)
    first.sendline(f"{shlex.join(bed.ssh_command)} box-nb; echo status=$?")
    first.expect_exact(url)
    until(lambda: bed.opened == [url], f"the browser is sent to {url}: {bed.opened}")
    with chromium(bed.folder) as page:
        log_in(page, bed.opened[0])
        new_notebook(page)
        run_cell(page, 0, "answer = 6*7; answer", "42")

        # Ctrl-C gives the prompt back at once although a tab is open; the server and the kernel live on
        first.sendcontrol("c")
        first.expect_exact("status=0")
        assert len(jupyters(bed)) == 2, jupyters(bed)
        run_cell(page, 1, "answer + 1", "43")
    first.sendline("exit")
    first.expect(pexpect.EOF)
    bed.tell_master("exit")

    # later: the same server, the same kernel, the same variable; by the other name of this machine, too
    second = bed.ssh("box-nb", timeout=60)
    second.expect("already running")
    second.expect_exact(url)
    visitor = Visitor(f"http://localhost:{port}/")
    visitor.login(PASSWORD)
    assert visitor.run(visitor.kernels()[0], "answer + 2") == "44"

    killed = bed.run("ssh", "box-nb-kill")
    assert killed.returncode == 0, killed.stderr
    second.expect(pexpect.EOF)
    until(lambda: not jupyters(bed), f"server and kernel end: {jupyters(bed)}")
    until(lambda: left_on_server(bed) == [], "the gate, which outlives the last connection, takes its socket away")
    assert "not running" in bed.run("ssh", "box-nb-kill").stdout


def test_a_wrong_password_does_not_let_anybody_in(bed: Bed) -> None:
    port = add(bed)
    terminal = bed.ssh("box-nb", timeout=120)
    terminal.expect_exact(f"http://127.0.0.1:{port}/")
    with pytest.raises(Exception, match="does not accept the password"):
        Visitor(f"http://127.0.0.1:{port}/").login(PASSWORD + "x")
    terminal.sendline("k")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert left_on_server(bed) == []


def test_where_the_server_permits_no_socket_it_is_a_port(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["AllowStreamLocalForwarding no"])
    port = add(bed, "--remote-port", str(free_port()))
    terminal = bed.ssh("box-nb", timeout=120)
    terminal.expect_exact(f"http://127.0.0.1:{port}/")
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    assert "jupyter" in visitor.page("lab").lower()
    bed.run("ssh", "box-nb-kill")
    terminal.expect(pexpect.EOF)
    assert left_on_server(bed) == []
