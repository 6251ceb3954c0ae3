# Every Jupyter reads this file before it starts anything. Nothing but these two names comes from this folder, and
# kernels and terminals get none of it, not even where Jupyter's Python does not look at PYTHONPATH.
import os
import sys

folder = os.path.dirname(__file__)
sys.path.insert(0, folder)
if "jupyter_server.serverapp" in sys.modules or "notebook.notebookapp" in sys.modules:
    import nbssh_page  # noqa: F401
import nbssh_clean  # noqa: E402, F401

sys.path[:] = [path for path in sys.path if path != folder]
