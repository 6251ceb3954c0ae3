"""Which cookies of one Jupyter a real browser shows to what answers on another port of this laptop."""

from __future__ import annotations

import http.server
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bed import needs
from playwright.sync_api import expect
from serving import PASSWORD, add, detach, kill, start
from test_notebook_in_browser import CHROMIUM, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed import Bed
    from playwright.sync_api import Page

# what a page of Jupyter does: a kernel, and its WebSocket
KERNEL = """async () => {
    const xsrf = document.cookie.match(/_xsrf=([^;]*)/)[1];
    const made = await fetch("/api/kernels", {method: "POST", headers: {"X-XSRFToken": xsrf}, body: "{}"});
    const kernel = (await made.json()).id;
    return await new Promise(done => {
        const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel}/channels`);
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
    });
}"""


@contextmanager
def collector() -> Iterator[tuple[int, list[str]]]:
    """Listen on a port of this laptop; give it, and the cookies that are shown there."""
    shown: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, shown
        finally:
            server.shutdown()
            thread.join()


def log_in(page: Page, base: str) -> None:
    page.goto(f"{base}login")
    page.locator("#password_input").fill(PASSWORD)
    page.locator("#login_submit").click()
    expect(page).to_have_url(
        re.compile(rf"{re.escape(base)}lab\??$")
    )  # what a form of no fields adds stays for a moment


def test_by_its_profiles_name_no_other_port_is_shown_its_cookies(bed: Bed) -> None:
    needs(CHROMIUM)
    port = add(bed, jupyter=bed.jupyter)
    session = start(bed)
    with collector() as (other, shown), chromium(bed.folder) as page:
        log_in(page, f"http://box.localhost:{port}/")
        assert page.evaluate(KERNEL) == "open"
        for host in ("127.0.0.1", "localhost", "two.localhost"):
            page.goto(f"http://{host}:{other}/")
        assert shown
        assert not any("username" in cookies for cookies in shown)
        # by the address they are shown: what SECURITY.md says
        log_in(page, f"http://127.0.0.1:{port}/")
        page.goto(f"http://127.0.0.1:{other}/")
        assert "username" in shown[-1]
        # by a name that is not its own it answers nobody: a page elsewhere could give itself that name
        assert page.goto(f"http://two.localhost:{port}/login").status == 403  # type: ignore[union-attr]
    detach(session)
    kill(bed)
