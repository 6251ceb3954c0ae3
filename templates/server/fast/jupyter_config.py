# Every Jupyter reads this file before it starts anything. Where its Python does not look at PYTHONPATH, so that nothing
# has come from this folder, kernels and terminals must not get it either.
import os
import sys

folder = os.path.dirname(__file__)
if folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    sys.path.insert(0, folder)
    import nbssh_clean  # noqa: F401
