# A quicker start of Jupyter, switched off by: nbssh edit NAME: fast_start = false, then nbssh apply NAME
#
# serve puts this folder first on PYTHONPATH, so that Jupyter's first import of jupyter_core, which every Jupyter makes
# before anything slow, finds this file. It takes the folder out of the paths again, gives way to the real jupyter_core,
# and keeps seven kinds of work from the start, each of them once; whoever wants them later gets the real ones:
# - jsonschema imports rfc3987_syntax, which builds a grammar, more than half of JupyterLab's start, for a check of
#   international addresses that no schema of Jupyter asks for (jupyter_server issue 1559), and rfc3986_validator.
# - httpx imports its own command line, and with it click and rich; it goes without, as where one of them is missing.
# - jupyterlab.labapp asks node for the registry of packages at import, and uses the version alone.
# - jupyterlab.extensions.pypi makes a client of HTTPS, with all certificates; one is made for the first question.
# - modules import requests, websocket, arrow, json5 and babel, for lists of extensions, gateways and the like.
# - notebook_shim reads a path that only the classic notebook uses; IPython, which knows it, imports all of itself.
# - jupyter_lsp looks for language servers, for which it runs npm; nothing needs them before a page asks.

import contextlib
import gc
import importlib
import importlib.util
import sys
import threading

import nbssh_clean  # noqa: F401


class Finder:
    """Stands before the real finders, and meets each of the names once."""

    def find_spec(self, name, path=None, target=None):
        meet = meets.pop(name, None)
        if not meets:
            sys.meta_path.remove(self)
        return meet(name) if meet else None


def leave_out(name):
    raise ModuleNotFoundError("left out by nbssh for a quicker start", name=name)


def around(*changes):
    """Return what finds the real module; each change is a context in which its code runs."""

    def find(name):
        spec = importlib.util.find_spec(name)
        loader = getattr(spec, "loader", None)
        if not hasattr(loader, "__dict__"):
            return spec

        def exec_module(module):
            del loader.exec_module
            with contextlib.ExitStack() as stack:
                for change in changes:
                    stack.enter_context(change(module))
                loader.exec_module(module)

        loader.exec_module = exec_module
        return spec

    return find


class Later(type(sys)):
    """Stands for a module that is imported when somebody wants anything of it."""

    def __getattr__(self, name):
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def can_wait(name):
    """Return the spec of a module that is not here yet, if no other thread could meet what stands for it."""
    if name not in sys.modules and threading.active_count() == 1:
        with contextlib.suppress(ImportError, ValueError):
            return importlib.util.find_spec(name)
    return None


def later(name, function=None):
    """Return a change: what the module imports as `name`, or as `function` from it, comes when it is used."""

    @contextlib.contextmanager
    def change(module):
        if not can_wait(name):
            yield
            return
        sys.modules[name] = stand_in = Later(name)
        if function:

            def call(*words, **names):
                try:
                    real = getattr(importlib.import_module(name), function)
                except (ImportError, AttributeError):  # jsonschema would not check
                    return True
                return real(*words, **names)

            stand_in.__path__ = []  # that `from` asks for
            setattr(stand_in, function, call)
        try:
            yield
        finally:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]

    return change


@contextlib.contextmanager
def without_client(pypi):
    yield
    manager, httpx = getattr(pypi, "PyPIExtensionManager", None), getattr(pypi, "httpx", None)
    if not (manager and httpx):
        return
    real = manager.__init__

    class Client(httpx.AsyncClient):
        """Becomes a real one when somebody uses it."""

        def __init__(self, *words, **names):
            self.__dict__["late"] = words, names

        def __getattr__(self, name):
            begin(self)
            return getattr(self, name)

        def __setattr__(self, name, value):
            begin(self)
            setattr(self, name, value)

    def begin(client):
        words, names = client.late
        made = httpx.AsyncClient(*words, **names)
        object.__setattr__(client, "__class__", httpx.AsyncClient)
        client.__dict__ = made.__dict__

    def first(self, *words, **names):
        manager.__init__ = real
        pypi.httpx = Later(httpx.__name__)
        pypi.httpx.AsyncClient = Client
        try:
            real(self, *words, **names)
        finally:
            pypi.httpx = httpx

    manager.__init__ = first


@contextlib.contextmanager
def without_ipython(traits):
    yield
    app = getattr(traits, "NotebookAppTraits", None)
    real = vars(app).get("nbextensions_path") if app else None
    reads = ["list", "copy"]  # what is done with each attribute of the application

    def path(self):
        reads.pop()
        if not reads:
            app.nbextensions_path = real
        return alone(real.fget, self)

    if isinstance(real, property):
        app.nbextensions_path = property(path)


def alone(read, self):
    """Read what asks IPython.paths, which needs nothing of the package that it lies in."""
    spec = can_wait("IPython")
    if not spec:
        return read(self)
    sys.modules["IPython"] = package = type(sys)("IPython")
    package.__path__ = spec.submodule_search_locations
    try:
        found = read(self)
        if "IPython.paths" in sys.modules:
            return found
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "IPython"]:
            del sys.modules[name]
    return read(self)


@contextlib.contextmanager
def without_registry(commands):
    yield
    real = getattr(commands, "_yarn_config", None)

    def first(logger):
        commands._yarn_config = real
        labapp = sys.modules.get("jupyterlab.labapp")
        if not labapp or hasattr(labapp, "LabApp"):  # it was imported, and somebody asks
            return real(logger)
        return {"yarn config": {}, "npm config": {}}

    if real:
        commands._yarn_config = first


@contextlib.contextmanager
def without_servers(module):
    yield
    manager = getattr(module, "LanguageServerManager", None)
    look, ready = getattr(module, "initialize", None), getattr(manager, "ready", None)
    if not (look and ready):  # version 1 looks at once
        return
    late = []

    async def initialize(app, *rest):
        if module.initialize is look:
            await look(app, *rest)
        else:
            late.append((app, rest))

    async def first_ready(self):
        module.initialize, manager.ready = look, ready
        for app, rest in late:
            app.io_loop.call_later(0, look, app, *rest)
        await ready(self)

    module.initialize, manager.ready = initialize, first_ready


meets = {
    "httpx._main": leave_out,
    "jupyterlab.commands": around(without_registry),
    "jupyterlab.extensions.pypi": around(without_client),
    "jupyterlab_server.config": around(later("json5")),
    "jupyterlab_server.listings_handler": around(later("requests")),
    "jupyterlab_server.settings_utils": around(later("json5")),
    "jupyterlab_server.translation_utils": around(later("babel")),
    "jupyter_server.gateway.managers": around(later("websocket")),
    "isoduration.parser.parsing": around(later("arrow")),
    "jsonschema._format": around(
        later("rfc3987_syntax", "is_valid_syntax"), later("rfc3986_validator", "validate_rfc3986")
    ),
    "jupyter_lsp.serverextension": around(without_servers),
    "notebook_shim.traits": around(without_ipython),
}
sys.meta_path.insert(0, Finder())

# Imports make many objects and hardly any garbage: the collector rests for the next 200,000, of which the start of
# JupyterLab makes 110,000, and then is as before. What is there by then counts as old, without a search through it all.
if sys.implementation.name == "cpython":
    before = gc.get_threshold()
    resting = (200_000, *before[1:])
    frozen = gc.get_freeze_count() if hasattr(gc, "freeze") else None  # Python 3.7; in 3.12 it is not 0

    def as_before(phase, info):
        gc.callbacks.remove(as_before)
        if gc.get_threshold() == resting:  # nobody has set another one
            gc.set_threshold(*before)
        if frozen is not None and gc.get_freeze_count() == frozen:  # she has frozen nothing herself
            gc.freeze()
            gc.unfreeze()

    gc.callbacks.append(as_before)
    gc.set_threshold(*resting)

del sys.modules[__name__]
importlib.import_module(__name__)
