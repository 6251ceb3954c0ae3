# Made by nbssh 0.1.0 for profile mybox: a quicker start of Jupyter.
# off:    nbssh edit mybox: fast_start = false, then nbssh apply mybox
# remove: nbssh remove mybox
# nbssh-checksum: sha256:449cd2b083c2f1fe932ed94b40f6e4f011594ca458da5cd753d033bdd499876b
#
# The real rfc3987_syntax builds a grammar at import, which is more than half of JupyterLab's start, for a check of
# international addresses that jsonschema can do without and that no schema of Jupyter asks for (jupyter_server issue
# 1559, jsonschema issue 1428). serve puts this folder first on PYTHONPATH, so that Jupyter's first import of that name
# finds this file: it takes the folder out again and says that there is no such module. Later imports find the real one.

import gc
import os
import sys

folder = "/home/alice/.local/share/nbssh/mybox/fast"


def without(paths):
    return [path for path in paths if path != folder]


sys.path[:] = without(sys.path)
if "PYTHONPATH" in os.environ:
    paths = without(os.environ["PYTHONPATH"].split(os.pathsep))
    if paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    else:
        del os.environ["PYTHONPATH"]

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
