"""The quicker start: Jupyter goes without a slow import and without node, and nothing else notices.

The user's PYTHONPATH on the server holds a module of the same name, which writes down who imports it, and her PATH
begins with a node and an npm that write down what they are asked.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request

import pytest
from bed import BIN, REPOSITORY, needs, until
from quick import quick
from serving import PASSWORD, add, environment, kill, server_pid, start

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed

ZSH = "/usr/bin/zsh"
SPY = """\
import os
with open(os.environ["HOME"] + "/imported", "a") as file:
    file.write(f"{os.getpid()}\\n")
def is_valid_syntax(rule, text):
    return True
"""
ASKED = """\
#!/bin/sh
printf '%s\\n' "${0##*/} $*" >>"$HOME/asked"
"""
# what yarn says of its settings, in two lines, in every version that Jupyter brings along
NODE = (
    ASKED
    + """\
echo '{"type": "info", "data": "yarn config"}'
echo '{"type": "inspect", "data": {"registry": "https://npm.example.org/"}}'
"""
)
NPM = (
    ASKED
    + """\
echo "$HOME/npm"
"""
)
REGISTRY = """\
import jupyterlab.labapp
from jupyterlab.commands import AppOptions
print(jupyterlab.labapp.version, AppOptions().registry)
"""
FAST = REPOSITORY / "templates/server/fast"


def write_node(home: Path) -> Path:
    """Write a node and an npm into a folder of `home`, and a language server that only that npm knows of."""
    folder = home / "node"
    folder.mkdir()
    for name, text in ("node", NODE), ("npm", NPM):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    script = home / "npm/lib/node_modules/bash-language-server/out/cli.js"
    script.parent.mkdir(parents=True)
    script.touch()
    return folder


@pytest.fixture
def users(make_bed: Callable[..., Bed]) -> Bed:
    """Give a bed whose login shell sets a PYTHONPATH of the user's own, with the spy on it, and a PATH with node."""
    needs(ZSH)
    bed = make_bed(shell=ZSH)
    mine = bed.remote_home / "mine"
    mine.mkdir()
    (mine / "rfc3987_syntax.py").write_text(SPY)
    node = write_node(bed.remote_home)
    (bed.remote_home / ".zshenv").write_text(f"export PYTHONPATH={mine}::/nowhere\npath=({node} $path)\n")
    return bed


def asked(home: Path) -> list[str]:
    """Return what node and npm were asked: the name and the arguments of each call."""
    file = home / "asked"
    return file.read_text().splitlines() if file.exists() else []


def imported(bed: Bed) -> list[int]:
    """Return the processes that imported the user's own rfc3987_syntax."""
    file = bed.remote_home / "imported"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def seen_by_kernel(visitor: Visitor) -> tuple[str | None, list[str]]:
    """Return PYTHONPATH in a kernel, and what of its sys.path is nbssh's."""
    code = (
        "import os, sys; ours = os.path.realpath(os.path.expanduser('~/.local'));"
        "(os.environ.get('PYTHONPATH'), [path for path in sys.path if os.path.realpath(path).startswith(ours)])"
    )
    found: tuple[str | None, list[str]] = ast.literal_eval(visitor.run(visitor.start_kernel(), code))
    return found


def seen_by_terminal(bed: Bed, visitor: Visitor) -> str | None:
    """Return PYTHONPATH as the shell of a new terminal is given it."""
    assert visitor._ask("api/terminals", b"{}")[0] in {200, 201}
    shells = [pid for pid in children(server_pid(bed)) if b"zsh" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    given = dict(
        entry.split("=", 1)
        for entry in os.fsdecode(Path(f"/proc/{shells[-1]}/environ").read_bytes()).split("\0")
        if "=" in entry
    )
    return given.get("PYTHONPATH")


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def forget_probe(bed: Bed) -> None:
    """Forget what was imported and asked so far: the probe has asked Jupyter for its version."""
    (bed.remote_home / "imported").unlink(missing_ok=True)
    (bed.remote_home / "asked").unlink(missing_ok=True)


def visit(bed: Bed, port: int) -> Visitor:
    """Start the server, leave it running, and log in through a tunnel in the background."""
    forget_probe(bed)
    start(bed)
    until(lambda: bed.opened, "the browser is called")
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    return visitor


@pytest.mark.parametrize(
    ("jupyters", "app"), [("", "lab"), ("old", "lab"), ("old", "notebook"), ("new", "notebook"), ("new", "server")]
)
def test_jupyter_goes_without_and_kernels_and_terminals_see_nothing(users: Bed, jupyters: str, app: str) -> None:
    program = quick((environment(jupyters) if jupyters else BIN) / f"jupyter-{app}")
    port = add(users, "--app", app, jupyter=program)
    assert (imported(users), asked(users.remote_home)) == ([], []), "add asks it for its version"
    visitor = visit(users, port)
    assert imported(users) == []
    mine = f"{users.remote_home}/mine::/nowhere"
    assert seen_by_kernel(visitor) == (mine, [])
    assert seen_by_terminal(users, visitor) == mine
    arguments = Path(f"/proc/{server_pid(users)}/cmdline").read_bytes().split(b"\0")
    assert os.fsencode(program) in arguments
    assert asked(users.remote_home) == []
    (users.remote_home / "text.txt").write_text("a line\n" * 1000)
    headers = {"Accept-Encoding": "gzip", "X-XSRFToken": visitor._xsrf()}
    text = Request(f"{visitor.base}files/text.txt", headers=headers)  # noqa: S310
    assert visitor._open(text).headers["Content-Encoding"] == "gzip"
    kill(users)


@pytest.mark.parametrize("jupyters", ["old", "new"])
def test_node_is_asked_for_the_registry_when_somebody_wants_it(tmp_path: Path, jupyters: str) -> None:
    def registry(**paths: str) -> tuple[str, list[str]]:
        (tmp_path / "asked").unlink(missing_ok=True)
        said = subprocess.run(
            [environment(jupyters) / "python", "-c", REGISTRY],
            env={"HOME": str(tmp_path), "PATH": f"{node}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **paths},
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        return said, asked(tmp_path)

    node = write_node(tmp_path)
    plain, by_hand = registry()
    assert plain.endswith(" https://npm.example.org/\n")
    assert registry(PYTHONPATH=str(FAST)) == (plain, by_hand[1:])
    assert len(by_hand) == 2


def run_python(program: str, *, fast: bool = True, **environ: str) -> str:
    """Return what `program` prints in Jupyter's Python."""
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environ | ({"PYTHONPATH": str(FAST)} if fast else {})
    return subprocess.run([BIN / "python", "-c", program], env=env, capture_output=True, text=True, check=True).stdout


def test_the_command_line_of_httpx_comes_when_somebody_wants_it() -> None:
    program = (
        "import sys, jupyterlab.labapp\n"
        "print('httpx' in sys.modules, 'httpx._main' in sys.modules, 'click' in sys.modules)\n"
        "import httpx._main\n"
        "print('click' in sys.modules)\n"
    )
    assert run_python(program) == "True False False\nTrue\n"


LATER = [
    ("jupyterlab_server.listings_handler", "requests", "adapters", "request"),
    ("jupyter_server.gateway.managers", "websocket", "_core", "create_connection"),
    ("isoduration.parser.parsing", "arrow", "parser", "get"),
    ("jupyterlab_server.config", "json5", "parser", "load"),
    ("jupyterlab_server.settings_utils", "json5", "parser", "loads"),
    ("jupyterlab_server.translation_utils", "babel", "core", "Locale"),
]


@pytest.mark.parametrize(
    "first", ["", "import {0}.{1}\n", "from {0} import {1}\n", "import {0}\nassert {0}.__file__\n"]
)
def test_what_few_have_a_use_for_comes_when_it_is_used(first: str) -> None:
    names = {name for _, name, _, _ in LATER}
    program = (
        f"import sys, jupyterlab.labapp, {', '.join(module for module, *_ in LATER)}\n"
        f"print([each for each in sys.modules if each.partition('.')[0] in {names!r}])\n"
    )
    for module, name, part, used in LATER:
        program += (
            f"{first.format(name, part)}"
            f"found = sys.modules[{module!r}].{name}.{used}\n"
            f"import {name}\n"
            f"print(found is {name}.{used}, type({name}) is type(sys))\n"
        )
    assert run_python(program) == "[]\n" + "True True\n" * len(LATER)


@pytest.mark.parametrize(
    "before",
    ["import requests", "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"],
)
def test_what_somebody_had_before_or_another_thread_may_want_is_there_at_once(before: str) -> None:
    program = (
        f"import jupyter_core\n{before}\n"
        "from jupyterlab_server import listings_handler\n"
        "import sys\n"
        "print(listings_handler.requests is sys.modules['requests'])\n"
    )
    assert run_python(program) == "True\n"


@pytest.mark.parametrize("text", ["import nosuch\n", "other = 1\n"])
@pytest.mark.parametrize("name", ["rfc3986_validator", "rfc3987_syntax"])
def test_what_cannot_be_imported_checks_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / f"{name}.py").write_text(text)
    program = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "import jupyter_core, jsonschema\n"
        f"print(jsonschema.FormatChecker().conforms('x y', {'uri' if '6' in name else 'iri'!r}))\n"
    )
    assert [run_python(program, fast=fast) for fast in (True, False)] == ["True\n"] * 2


@pytest.mark.parametrize("fast", [True, False])
def test_every_format_is_checked_as_ever(fast: bool) -> None:  # noqa: FBT001  a parameter of the test
    program = (
        "import sys, jupyterlab.labapp\n"
        "print([name for name in ('rfc3986_validator', 'rfc3987_syntax', 'lark', 'arrow') if name in sys.modules])\n"
        "from jsonschema import Draft202012Validator as Draft\n"
        "for name, texts in {\n"
        "    'duration': ('P1DT2H', 'P1Y2M', 'P1', 'x', ''),\n"
        "    'uri': ('http://example.org/x', 'x', 'http://\u00e9.example'), 'uri-reference': ('x', '\\\\x'),\n"
        "    'iri': ('http://\u00e9.example', 'x'), 'iri-reference': ('\u00e9', '\\\\x'),\n"
        "}.items():\n"
        "    check = Draft({'format': name}, format_checker=Draft.FORMAT_CHECKER).is_valid\n"
        "    print(name, [check(text) for text in texts])\n"
    )
    began, *said = run_python(program, fast=fast).splitlines()
    assert (began == "[]") is fast
    assert said == [
        "duration [True, True, False, False, False]", "uri [True, False, False]", "uri-reference [True, False]",
        "iri [True, False]", "iri-reference [True, False]",
    ]  # fmt: skip


CLIENT = """\
import asyncio, sys
from jupyterlab.extensions.pypi import PyPIExtensionManager, httpx
client = PyPIExtensionManager()._httpx_client
print('httpcore' in sys.modules, isinstance(client, httpx.AsyncClient))
async def ask():
    async with client:
        client.headers['x-mine'] = 'yes'
        answer = await client.get(sys.argv[1])
    return answer.status_code, answer.json(), type(client) is httpx.AsyncClient
for time in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__, error)
print(type(PyPIExtensionManager()._httpx_client) is httpx.AsyncClient)
"""


class Registry(BaseHTTPRequestHandler):
    """A registry of packages that repeats what it was asked."""

    def do_GET(self) -> None:
        said = json.dumps([self.path, self.headers["x-mine"]]).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def test_the_client_of_the_extension_manager_comes_when_somebody_wants_it() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}/lab/json"
        program = CLIENT.replace("sys.argv[1]", repr(address))
        said = [run_python(program, fast=fast).splitlines() for fast in (True, False)]
        server.shutdown()
    assert said[0][0] == "False True"
    assert said[0][1:] == said[1][1:]
    assert said[0][1] == "(200, ['/lab/json', 'yes'], True)"
    assert "closed" in said[0][2]
    assert said[0][3] == "True"


def test_a_client_that_cannot_be_made_says_so_each_time() -> None:
    program = CLIENT.replace("\nprint(type(PyPI", "\n#").replace("sys.argv[1]", "'http://127.0.0.1/'")
    began, *errors = run_python(program, SSL_CERT_FILE="/nowhere").splitlines()
    assert began == "False True"
    assert len(errors) == 2
    assert errors[0] == errors[1]
    assert errors[0].startswith("FileNotFoundError")


@pytest.mark.parametrize("ipython", ["", "import IPython\n", "from IPython.core.debugger import Pdb\n"])
def test_the_paths_of_the_classic_notebook_stay(tmp_path: Path, ipython: str) -> None:
    program = (
        "import sys, jupyter_core\n"
        "from notebook_shim.traits import NotebookAppTraits as App\n"
        "paths = [App().nbextensions_path for time in range(2)]\n"
        "print('IPython' in sys.modules)\n"
        f"{ipython}"
        "paths += [App().nbextensions_path for time in range(2)]\n"
        "from IPython import InteractiveShell\n"
        "from IPython.paths import get_ipython_dir\n"
        "print(all(path == paths[0] for path in paths), paths[0], get_ipython_dir())\n"
    )
    environ = {"HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "mine")}
    said = [run_python(program, fast=fast, **environ).splitlines() for fast in (True, False)]
    assert [lines[0] for lines in said] == ["False", "True"]
    assert said[0][1] == said[1][1]
    assert said[0][1].startswith("True [")
    assert f"'{tmp_path}/mine/nbextensions'] {tmp_path}/mine" in said[0][1]


def test_the_first_page_is_read_before_it_is_asked_for() -> None:
    program = (
        "import asyncio, os, sys\n"
        "from jupyter_server.serverapp import ServerApp\n"
        f"sys.path.insert(0, {str(FAST)!r})\n"
        "import nbssh_page\n"
        "async def start():\n"
        "    app = ServerApp(allow_root=True)\n"
        "    app.initialize(argv=[], find_extensions=False, new_httpserver=False)\n"
        "    read = app.web_app.settings['jinja2_env'].cache\n"
        "    print(len(read))\n"
        "    await asyncio.sleep(0)\n"
        "    print(sorted(template.name for template in read.values()))\n"
        "asyncio.run(start())\n"
        "nbssh_page.prepare({})\n"
    )
    assert run_python(program) == "0\n['login.html', 'page.html']\n"


def test_the_collector_of_garbage_is_as_before_after_the_start() -> None:
    program = (
        "import gc\n"
        "before = gc.get_threshold(), list(gc.callbacks)\n"
        "import jupyter_core\n"
        "made = gc.get_threshold()[0]\n"
        "kept = [[] for each in range(made + 1)]\n"
        "print(made > before[0][0], before == (gc.get_threshold(), gc.callbacks), gc.get_freeze_count())\n"
        "print(kept in gc.get_objects(generation=2), gc.isenabled())\n"
    )
    assert run_python(program) == "True True 0\nTrue True\n"


def test_the_collector_stays_as_somebody_sets_it_during_the_start() -> None:
    program = (
        "import gc, jupyter_core\n"
        "gc.set_threshold(4321, 5, 6)\n"
        "gc.freeze()\n"
        "gc.collect()\n"
        "print(gc.get_threshold(), gc.get_freeze_count() > 0)\n"
    )
    assert run_python(program) == "(4321, 5, 6) True\n"


def test_without_a_pythonpath_there_is_none_afterwards(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(shell=ZSH)
    visitor = visit(bed, add(bed, jupyter=bed.jupyter))
    assert seen_by_kernel(visitor) == (None, [])
    assert seen_by_terminal(bed, visitor) is None
    kill(bed)


def test_a_kernel_that_wants_the_real_module_gets_it(users: Bed) -> None:
    visitor = visit(users, add(users, jupyter=users.jupyter))
    kernel = visitor.start_kernel()
    assert visitor.run(kernel, "import rfc3987_syntax; rfc3987_syntax.__file__") == (
        f"'{users.remote_home}/mine/rfc3987_syntax.py'"
    )
    kill(users)


def test_kernels_see_nothing_where_jupyters_python_reads_no_pythonpath(users: Bed) -> None:
    deaf = users.remote_home / "jupyter-lab"
    deaf.write_text(f'#!/bin/sh\nexec {BIN}/python -E {BIN}/jupyter-lab "$@"\n')
    deaf.chmod(0o755)
    visitor = visit(users, add(users, jupyter=deaf))
    assert any("config" in call for call in asked(users.remote_home)), "it was quick: this proves nothing"
    mine = f"{users.remote_home}/mine::/nowhere"
    assert seen_by_kernel(visitor) == (mine, [])
    assert seen_by_terminal(users, visitor) == mine
    kill(users)


def test_it_works_through_a_program_that_starts_jupyter(users: Bed) -> None:
    port = add(users, "--setup", 'exec env FROM_SETUP=yes "$@"', "--setup-shell", "/bin/sh", jupyter=users.jupyter)
    visitor = visit(users, port)
    assert visitor.run(visitor.start_kernel(), "import os; os.environ['FROM_SETUP']") == "'yes'"
    assert imported(users) == []
    assert seen_by_kernel(visitor) == (f"{users.remote_home}/mine::/nowhere", [])
    kill(users)


def test_false_switches_it_off(users: Bed) -> None:
    port = add(users, jupyter=users.jupyter)
    visitor = visit(users, port)
    assert (imported(users), asked(users.remote_home)) == ([], [])
    quickly = visitor._ask("lsp/status")
    assert asked(users.remote_home) == ["npm prefix -g"]
    assert list(json.loads(quickly[1])["sessions"]) == ["bash-language-server"]
    kill(users)
    profile = users.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text("fast_start = false\n" + profile.read_text())
    users.nbssh("apply", "box")
    visitor = visit(users, port)
    assert imported(users) == [server_pid(users)]
    until(lambda: len(asked(users.remote_home)) > 1, "npm was asked too")
    assert visitor._ask("lsp/status") == quickly
    assert seen_by_kernel(visitor) == (f"{users.remote_home}/mine::/nowhere", [])
    kill(users)
