"""What Jupyter sends is compressed where that pays, and unpacked it is what it would have sent.

Jupyter runs here as serve starts it, but for ssh: the sessions of the other tests go through it.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY, until
from ports import free_port
from serving import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = REPOSITORY / "templates/server/fast"
# environment, program, the folder of its scripts and where they are on the page
GENERATIONS = [
    ("old", "lab", "share/jupyter/lab/static", "static/lab"),
    ("old", "notebook", "lib/python3*/site-packages/nbclassic/static/tree/js", "static/tree/js"),
    ("old", "server", "", ""),
    ("new", "lab", "share/jupyter/lab/static", "static/lab"),
    ("new", "notebook", "lib/python3*/site-packages/notebook/static", "static/notebook"),
    ("new", "server", "", ""),
]
TEXT = b"a line, and one more\n" * 1000
MANY = 9 << 20  # bytes of a file that goes as it is
HERS = """\
c = get_config()
for app in c.ServerApp, c.NotebookApp:
    app.tornado_settings = {"headers": {"X-Mine": "still counts"}, "compress_response": %s}
"""


@dataclass(frozen=True)
class Answer:
    """What came back; `sent` as it came."""

    status: int
    headers: http.client.HTTPMessage
    sent: bytes

    @property
    def packed(self) -> bool:
        return self.headers["Content-Encoding"] == "gzip"

    @property
    def data(self) -> bytes:
        return gzip.decompress(self.sent) if self.packed else self.sent


@dataclass(frozen=True)
class Jupyter:
    """A Jupyter that listens on `port` of 127.0.0.1."""

    port: int

    def ask(self, path: str, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", f"/{path}", headers={"Authorization": "token mine", **words})
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        connection.close()
        return found

    def browse(self, path: str, **headers: str) -> Answer:
        return self.ask(path, Accept_Encoding="gzip, deflate, br", **headers)

    def answers(self) -> bool:
        try:
            return self.ask("api").status == 200
        except OSError:
            return False


@contextmanager
def jupyter(home: Path, name: str, app: str) -> Iterator[Jupyter]:
    """Run a Jupyter with the folder that serve gives it, below `home`."""
    found = Jupyter(free_port())
    folder = environment(name)
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [folder / f"jupyter-{app}", "--allow-root", "--no-browser", f"--port={found.port}"],
            cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env={
                "HOME": str(home), "PATH": f"{folder}:/usr/bin:/bin", "JUPYTER_TOKEN": "mine",
                "PYTHONPATH": str(FAST), "JUPYTER_CONFIG_PATH": str(FAST), "PYTHONDONTWRITEBYTECODE": "1",
            },
        )  # fmt: skip
    try:
        until(found.answers, "Jupyter answers", seconds=60)
        yield found
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(("name", "app", "folder", "url"), GENERATIONS)
def test_it_is_packed_where_that_pays(tmp_path: Path, name: str, app: str, folder: str, url: str) -> None:
    notebook = {"cells": [{"cell_type": "raw", "metadata": {}, "source": "x" * MANY}], "metadata": {}}
    (tmp_path / "large.ipynb").write_text(json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 4}))
    (tmp_path / "text.txt").write_bytes(TEXT)
    (tmp_path / "many.csv").write_bytes(b"1,2,3,4\n" * (MANY // 8))
    (tmp_path / "noise.bin").write_bytes(os.urandom(20_000))
    paths = {
        "api/contents/large.ipynb": True,
        "files/text.txt": True,
        "files/many.csv": False,
        "files/noise.bin": False,
    }
    page = "tree" if app == "notebook" else "lab"
    paths |= {"files/text.txt?download=1": False, page: False}
    if folder:
        scripts = [path for path in environment(name).parent.glob(f"{folder}/*.js") if path.stat().st_size > 50_000]
        paths[f"{url}/{scripts[0].name}"] = True
    with jupyter(tmp_path, name, app) as here:
        for path, pays in paths.items():
            plain, packed = here.ask(path), here.browse(path)
            assert (path, plain.status, plain.packed, packed.status, packed.packed) == (path, 200, False, 200, pays)
            assert path == page or packed.data == plain.data
            assert not pays or len(packed.sent) < 0.5 * len(plain.sent)
        part = here.browse("files/text.txt", Range="bytes=2-5")
        assert (part.status, part.packed, part.data) in {(206, False, TEXT[2:6]), (200, True, TEXT)}
        if etag := here.browse("files/text.txt").headers["Etag"]:
            assert etag.startswith("W/")
            assert here.browse("files/text.txt", If_None_Match=etag).status == 304
            assert here.ask("files/text.txt", If_None_Match=etag).status == 304
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("hers", [True, False])
@pytest.mark.parametrize(("name", "app"), [("old", "notebook"), ("old", "lab"), ("new", "notebook")])
def test_what_she_set_herself_counts(tmp_path: Path, name: str, app: str, hers: bool) -> None:  # noqa: FBT001
    mine = tmp_path / ".jupyter"
    mine.mkdir()
    for file in "jupyter_server_config.py", "jupyter_notebook_config.py":
        (mine / file).write_text(HERS % hers)
    (tmp_path / "text.txt").write_bytes(TEXT)
    with jupyter(tmp_path, name, app) as here:
        answer = here.browse("files/text.txt?download=1")
        assert (answer.headers["X-Mine"], answer.packed, answer.data) == ("still counts", hers, TEXT)
