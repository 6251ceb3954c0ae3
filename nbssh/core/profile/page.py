"""Which page of Jupyter is opened: a notebook or folder, in JupyterLab or in the plain tree. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Literal

from nbssh.core.profile.app import title
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile

View = Literal["", "lab", "tree"]
"""JupyterLab, or the tree of Jupyter Notebook; the empty one is what the profile's app shows."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def page(profile: Profile, path: str, source: str, view: View = "") -> str:
    """Return the address below Jupyter's own of what `path` names, quoted; empty for the page that it shows itself.

    `path` is relative to the notebooks' folder, absolute on the host, or below `~/`. Both views take a folder, a
    notebook or any file: the tree sends the browser on to what fits. `source` is what said it. Raises NbsshError.
    """
    if not (path or view):
        return ""
    if not view:
        if profile.app not in {"lab", "notebook"}:
            raise NbsshError(
                f"{source}: {title(profile.app)} has no page for '{printable(path, 60)}'",
                "if it has JupyterLab or Notebook, too: nbssh open NAME PATH --lab, or --tree",
            )
        view = "lab" if profile.app == "lab" else "tree"
    below = _below(profile, path, source)
    from nbssh.core.files.quoting import url  # noqa: PLC0415  for few profiles

    top = "lab/tree" if view == "lab" and below else view
    return f"{top}/{url(below)}" if below else top


def _below(profile: Profile, path: str, source: str) -> str:
    """Return `path` relative to the notebooks' folder, empty for that itself."""
    shown = printable(path, 60)
    if _CONTROL.search(path):
        raise NbsshError(f"{source}: '{shown}' holds a control character or a line break", "rename it")
    home = (profile.server.home if profile.server else "") or "/~"  # where it is not known
    folder = posixpath.normpath(posixpath.join(home, profile.dir.removeprefix("~/") if profile.dir != "~" else ""))
    whole = posixpath.normpath(posixpath.join(folder, re.sub(r"\A~(?=/|\Z)", lambda _: home, path)))
    if whole == folder:
        return ""
    if not whole.startswith(f"{folder.rstrip('/')}/"):
        folder = folder.removeprefix("/") if home == "/~" else folder
        raise NbsshError(
            f"{source}: '{shown}' is outside of the notebooks' folder, {printable(folder, 60)}",
            "name what is below it; another folder for the profile is the key 'dir'",
        )
    return whole.removeprefix(folder).lstrip("/")
