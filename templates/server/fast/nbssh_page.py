"""Sends Jupyter's page compressed: a quarter of the bytes of a first load.

Where she has set compress_response or gzip in tornado_settings herself, true or false, that counts and this does not.
"""

import contextlib
import sys

from tornado.ioloop import IOLoop
from tornado.web import GZipContentEncoding

MOST = 8 << 20  # bytes of a file, and of a notebook: whatever is larger goes as it is, at the speed of the line
MOST_JSON = 64 << 20
MUCH = 1 << 20  # from here on quickly, because Jupyter does nothing else meanwhile


class Compressed(GZipContentEncoding):
    """Compresses what a page is made of, and notebooks; no download, no part of a file and nothing that flows.

    A page itself is small and holds secrets, whose length must not depend on what somebody else made it say.
    """

    def _compressible_type(self, ctype):
        return ctype not in ("text/html", "text/event-stream") and super()._compressible_type(ctype)

    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        size = int(headers.get("Content-Length") or len(chunk))
        if (
            "Content-Range" in headers
            or headers.get("Content-Disposition", "").startswith("attachment")
            or size > (MOST_JSON if headers.get("Content-Type", "").startswith("application/json") else MOST)
        ):
            self._gzipping = False
        if size > MUCH and finishing:
            self.GZIP_LEVEL = 1
        status_code, headers, chunk = super().transform_first_chunk(status_code, headers, chunk, finishing)
        # Other bytes under the same name: a download that is taken up again must not mix them.
        if self._gzipping and headers.get("Etag", "W/")[:2] != "W/":
            headers["Etag"] = "W/" + headers["Etag"]
        return status_code, headers, chunk


def prepare(settings):
    """Read the templates of the first page while one asks for it; what is wrong with them is told when it comes."""
    with contextlib.suppress(Exception):
        for name in "page.html", "login.html":
            settings["jinja2_env"].get_template(name)


def compress(application):
    init = application.__init__

    def first(self, *args, **kwargs):
        application.__init__ = init
        init(self, *args, **kwargs)
        if not self.transforms and self.settings.keys().isdisjoint(("compress_response", "gzip")):
            self.transforms.append(Compressed)
        with contextlib.suppress(Exception):
            IOLoop.current().add_callback(prepare, self.settings)

    application.__init__ = first


for module, name in (
    ("jupyter_server.serverapp", "ServerWebApplication"),
    ("notebook.notebookapp", "NotebookWebApplication"),
):
    if hasattr(sys.modules.get(module), name):
        compress(getattr(sys.modules[module], name))
