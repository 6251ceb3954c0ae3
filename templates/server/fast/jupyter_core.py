# A quicker start of Jupyter, switched off by: nbssh edit NAME: fast_start = false, then nbssh apply NAME
#
# serve puts this folder first on PYTHONPATH, so that Jupyter's first import of jupyter_core, which every Jupyter makes
# before anything slow, finds this file. It takes the folder out of the paths again, gives way to the real jupyter_core,
# and keeps four things from the start, each of them once; whoever wants them later gets the real ones:
# - rfc3987_syntax builds a grammar at import, more than half of JupyterLab's start, for a check of international
#   addresses that jsonschema can do without and that no schema of Jupyter asks for (jupyter_server issue 1559).
# - httpx imports its own command line, and with it click and rich; it goes without, as where one of them is missing.
# - jupyterlab.labapp asks node for the registry of packages at import, and uses the version alone.
# - jupyter_lsp looks for language servers, for which it runs npm; nothing needs them before a page asks.

import gc
import importlib
import importlib.util
import sys

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


def afterwards(change):
    """Return what finds the real module, which `change` then changes when it was imported."""

    def find(name):
        spec = importlib.util.find_spec(name)
        loader = getattr(spec, "loader", None)
        if not hasattr(loader, "__dict__"):
            return spec

        def exec_module(module):
            del loader.exec_module
            loader.exec_module(module)
            change(module)

        loader.exec_module = exec_module
        return spec

    return find


def without_registry(commands):
    real = getattr(commands, "_yarn_config", None)

    def first(logger):
        commands._yarn_config = real
        labapp = sys.modules.get("jupyterlab.labapp")
        if not labapp or hasattr(labapp, "LabApp"):  # it was imported, and somebody asks
            return real(logger)
        return {"yarn config": {}, "npm config": {}}

    if real:
        commands._yarn_config = first


def look_when_asked(module):
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
    "rfc3987_syntax": leave_out,
    "httpx._main": leave_out,
    "jupyterlab.commands": afterwards(without_registry),
    "jupyter_lsp.serverextension": afterwards(look_when_asked),
}
sys.meta_path.insert(0, Finder())

# Imports make many objects and hardly any garbage: the collector rests for the next 100,000, which is all that
# JupyterLab's start makes, and then is as before.
if sys.implementation.name == "cpython":
    before = gc.get_threshold()

    def as_before(phase, info):
        gc.callbacks.remove(as_before)
        gc.set_threshold(*before)

    gc.callbacks.append(as_before)
    gc.set_threshold(100_000, *before[1:])

del sys.modules[__name__]
importlib.import_module(__name__)
