"""Templates to text: the Jinja2 environment and the template lookup.

The only module that imports jinja2. A template sees one typed struct (template.py) and nothing else, and every `{{ }}`
in every template ends in one of the quoting filters (quoting.py; a test walks the syntax trees). Must not read anything
but templates.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import msgspec

from nbssh.core.files import quoting

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbssh.core.files.template import Template

# Folders of programs that run on a host. Their comments are for readers of the repository, and stay here.
_PROGRAMS = ("server/", "sent/")
_PACKAGE = Path(__file__).resolve().parent.parent.parent


def templates_dir() -> Path:
    """Return the folder of templates: the repository's in a checkout, the package's own copy once installed.

    An editable install can leave a stale copy in site-packages, so the repository's wins where the package lies in one.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout / "templates"
    return _PACKAGE / "templates"


class _Loader(jinja2.FileSystemLoader):
    """Reads templates; those of programs without comments."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return text, file and "is it as it was" of a template."""
        text, file, is_fresh = super().get_source(environment, template)
        return (_bare(text) if template.startswith(_PROGRAMS) else text, file, is_fresh)


def _bare(text: str) -> str:
    """Return a program without the lines that are comments; what linters go by stays."""
    directives = re.sub(r"(?m)^([ \t]*# shellcheck .*?)  # .*", r"\1", text)
    return re.sub(r"(?m)^[ \t]*#(?: (?!shellcheck ).*)?\n", "", directives)


@cache
def environment() -> jinja2.Environment:
    """Return the one environment: undefined names fail, nothing is stripped that sh could miss."""
    env = jinja2.Environment(
        loader=_Loader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # `{#` would open a comment inside the shell's `${#x}`
        comment_start_string="{%#",
        comment_end_string="#%}",
        auto_reload=False,  # a program that runs for a second need not look whether a template has changed
        autoescape=False,  # noqa: S701  no HTML here; each value goes through the filter of its language
    )
    env.filters.update(quoting.FILTERS)
    return env


def render(model: Template, template: str = "") -> str:
    """Return the template of `model`, or that one of its templates, filled with it. Same input, same text."""
    name = template or model.templates[0]
    if name not in model.templates:
        raise ValueError(f"{name} is no template of {type(model).__name__}")
    return environment().get_template(name).render(msgspec.structs.asdict(model))


def static(path: str) -> bytes:
    """Return a file of a program below templates/, as a host gets it."""
    return static_text(path).encode("ascii")


def static_text(path: str) -> str:
    """Return such a file as text, to be sent as part of another one."""
    return _bare((templates_dir() / path).read_text("ascii"))


def listed(folder: str) -> list[str]:
    """Return the files below a folder of templates/, relative to it and sorted; no backups and caches."""
    root = templates_dir() / folder
    found = (str(path.relative_to(root).as_posix()) for path in root.rglob("*") if path.is_file())
    return sorted(
        name for name in found if re.fullmatch(r"([a-z0-9_]+/)*[a-z0-9_]+(\.[a-z]+)?", name) and "__" not in name
    )
