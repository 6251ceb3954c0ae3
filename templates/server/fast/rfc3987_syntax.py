# A quicker start of Jupyter, switched off by: nbssh edit NAME: fast_start = false, then nbssh apply NAME
#
# The real rfc3987_syntax builds a grammar at import, which is more than half of JupyterLab's start, for a check of
# international addresses that jsonschema can do without and that no schema of Jupyter asks for (jupyter_server issue
# 1559, jsonschema issue 1428). serve puts this folder first on PYTHONPATH, so that Jupyter's first import of that name
# finds this file: it takes the folder out again and says that there is no such module. Later imports find the real one.

import gc
import sys

import nbssh_clean  # noqa: F401

# Imports make many objects and hardly any garbage: the collector rests for the next 100,000, which is all that
# JupyterLab's start makes, and then is as before.
if sys.implementation.name == "cpython":
    before = gc.get_threshold()

    def as_before(phase, info):
        gc.callbacks.remove(as_before)
        gc.set_threshold(*before)

    gc.callbacks.append(as_before)
    gc.set_threshold(100_000, *before[1:])

raise ImportError("left out by nbssh for a quicker start")
