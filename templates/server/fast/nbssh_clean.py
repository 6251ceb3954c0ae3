"""Takes this folder out of the paths again: kernels and terminals get the PYTHONPATH that Jupyter would have had."""

import os
import sys


def without(paths):
    return [path for path in paths if path != folder]


folder = os.path.dirname(__file__)
sys.path[:] = without(sys.path)
if "PYTHONPATH" in os.environ:
    paths = without(os.environ["PYTHONPATH"].split(os.pathsep))
    if paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    else:
        del os.environ["PYTHONPATH"]
