"""The installed Jupyters of the tests, in copies that answer --version at once.

nbssh asks for it at every add and doctor, and a real jupyter-lab imports for two seconds before it answers: that was a
quarter of what the tests compute. All but this answer is the real thing, linked.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from importlib.metadata import distributions
from pathlib import Path

# whose version each of these scripts tells; tests/integration/test_bed.py compares
_PACKAGES = {"jupyter-lab": "jupyterlab", "jupyter-notebook": "notebook", "jupyter-server": "jupyter-server"}


@functools.cache
def quick(program: Path) -> Path:
    """Return a copy of a Jupyter's script, in a linked environment, that does not think about its version."""
    environment = program.parent.parent
    places = [str(path) for path in environment.glob("lib/python*/site-packages")]
    (said,) = {each.version for each in distributions(name=_PACKAGES[program.name], path=places)}
    folder = Path(tempfile.mkdtemp(prefix="nbq", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    for entry in environment.iterdir():
        if entry.name != "bin":
            (folder / entry.name).symlink_to(entry)
    for entry in program.parent.iterdir():
        if entry.name != program.name:
            (folder / "bin" / entry.name).symlink_to(entry)
    _, _, text = program.read_text().partition("\n")
    script = folder / "bin" / program.name
    answer = f"import sys\nif sys.argv[1:] == ['--version']:\n    print({said!r})\n    sys.exit()\n"
    script.write_text(f"#!{folder}/bin/python\n{answer}{text}")
    script.chmod(0o755)
    return script
