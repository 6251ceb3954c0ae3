"""Templates to text: the Jinja2 environment and the template lookup.

The only module that imports jinja2. A template sees one typed struct (template.py) and nothing else, and every `{{ }}`
in every template ends in one of the quoting filters (quoting.py): of the package's a test walks the syntax trees, and
the user's own (overlay.py) are refused where they do not keep to what theirs of the package does. Must not read
anything but templates.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import jinja2.meta
import jinja2.nodes
import msgspec

from nbssh.core.files import quoting
from nbssh.core.files.overlay import OVERLAY
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.core.files.overlay import Source
    from nbssh.core.files.template import Template

# Folders of programs that run on a host. Their comments are for readers of the repository, and stay here.
_PROGRAMS = ("server/", "sent/")
# what a template of the user's own can run into, beside the engine's own
_MISTAKES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
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
    """Reads templates; those of programs without comments, but for hers, whose lines are counted in what is refused."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return text, file and "is it as it was" of a template."""
        if hers := OVERLAY.get(template):
            refuse_wrong(hers)
            return hers.text, hers.file, lambda: True
        text, file, is_fresh = super().get_source(environment, template)
        return (_bare(text) if template.startswith(_PROGRAMS) else text, file, is_fresh)


def _bare(text: str) -> str:
    """Return a program without the lines that are comments; what linters go by stays."""
    directives = re.sub(r"(?m)^([ \t]*# shellcheck .*?)  # .*", r"\1", text)
    return re.sub(r"(?m)^[ \t]*#(?: (?!shellcheck ).*)?\n", "", directives)


def environment() -> jinja2.Environment:
    """Return the one environment: undefined names fail, nothing is stripped that sh could miss."""
    return _environment(OVERLAY.sources())


@cache
def _environment(_: tuple[Source, ...]) -> jinja2.Environment:
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
    """Return the template of `model`, or that one of its templates, filled with it. Same input, same text.

    Raises NbsshError where a template of the user's own is wrong.
    """
    name = template or model.templates[0]
    if name not in model.templates:
        raise ValueError(f"{name} is no template of {type(model).__name__}")
    try:
        text = environment().get_template(name).render(msgspec.structs.asdict(model))
    except (jinja2.TemplateError, *_MISTAKES) as error:
        raise _of_hers(error) or error from None
    if (hers := OVERLAY.get(name)) and name.endswith(".json"):
        _refuse_no_json(hers, text)
    return text


def _of_hers(error: Exception) -> NbsshError | None:
    """Return what is wrong in a template of the user's own, None where the failure is none of theirs."""
    files, line, traceback = {hers.file for hers in OVERLAY.sources()}, "", error.__traceback__
    while traceback:  # the engine puts the templates' own lines there
        if (file := traceback.tb_frame.f_code.co_filename) in files:
            line = f"{file}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return _wrong(line, printable(str(error), 200)) if line else None


def _refuse_no_json(hers: Source, text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:  # it holds the password's hash: where, and not what
        raise _wrong(hers.file, f"line {getattr(error, 'lineno', 1)} of what it makes is no JSON") from None


def static(path: str) -> bytes:
    """Return a file of a program below templates/, as a host gets it."""
    return static_text(path).encode()


def static_text(path: str) -> str:
    """Return such a file as text, to be sent as part of another one."""
    if hers := OVERLAY.get(path):
        refuse_wrong(hers, plain=True)
        return _bare(hers.text)
    return _bare(original(path))


def plain(name: str) -> tuple[str, str] | None:
    """Return file and text of what nothing is filled into, the user's own or the package's; None where none is."""
    if hers := OVERLAY.get(name):
        return hers.file, hers.text
    path = templates_dir() / name
    return (f"templates/{name} of nbssh", original(name)) if path.is_file() else None


def original(path: str) -> str:
    """Return the text of the package's own template."""
    return (templates_dir() / path).read_text("utf-8")


def listed(folder: str) -> list[str]:
    """Return the files below a folder of templates/, relative to it and sorted; no backups and caches."""
    root = templates_dir() / folder
    found = (str(path.relative_to(root).as_posix()) for path in root.rglob("*") if path.is_file())
    return sorted(
        name for name in found if re.fullmatch(r"([a-z0-9_]+/)*[a-z0-9_]+(\.[a-z]+)?", name) and "__" not in name
    )


def refuse_wrong(hers: Source, *, plain: bool = False) -> None:
    """Raise NbsshError, with file and line, where her own template may not stand in place of the package's.

    It may use the variables that the package's uses, and each `{{ }}` ends in one of the filters that are used there:
    they quote for the language of the file. `verbatim` stays with the values that have it there. `plain`: nothing is
    filled in.
    """
    its = original(hers.name)
    if its.endswith("\n") and not hers.text.endswith("\n"):
        raise _wrong(f"{hers.file}:{hers.text.count(chr(10)) + 1}", "the last line has no end")
    if plain:
        return
    parsed = environment().parse(its)
    allowed = {node.name for node in _ends(parsed) if isinstance(node, jinja2.nodes.Filter)}
    as_it_is = [node for node in _ends(parsed) if _is_verbatim(node)]
    known = jinja2.meta.find_undeclared_variables(parsed)
    try:
        tree = environment().parse(hers.text)
        strange = jinja2.meta.find_undeclared_variables(tree) - known
    except jinja2.TemplateSyntaxError as error:
        raise _wrong(f"{hers.file}:{error.lineno}", printable(error.message or "", 200)) from None
    for variable in tree.find_all(jinja2.nodes.Name):
        if variable.name in strange:
            names = ", ".join(sorted(known)) or "none"
            raise _wrong(f"{hers.file}:{variable.lineno}", f"there is no '{variable.name}' here", f"there is: {names}")
    for node in _ends(tree):
        if not isinstance(node, jinja2.nodes.Filter) or node.name not in allowed | {"comment"}:
            filters = ", ".join(sorted(allowed - {"verbatim"})) or "comment"
            raise _wrong(
                f"{hers.file}:{node.lineno}", "a value that no filter of this file quotes", f"end it in: {filters}"
            )
        if _is_verbatim(node) and node not in as_it_is:
            raise _wrong(f"{hers.file}:{node.lineno}", "only what is verbatim in nbssh's own template may be verbatim")


def is_plain(name: str) -> bool:
    """Tell whether the package's own template is one in name alone: nothing is filled into it."""
    return not re.search(r"\{[{%]", original(name))


def bare_values(source: str) -> list[int]:
    """Return the line of every `{{ }}` in `source` that does not end in a quoting filter."""
    return [
        node.lineno
        for node in _ends(environment().parse(source))
        if not (isinstance(node, jinja2.nodes.Filter) and node.name in quoting.FILTERS)
    ]


def _ends(tree: jinja2.nodes.Template) -> Iterator[jinja2.nodes.Expr]:
    """Yield what each `{{ }}` of a template is, its last filter outermost."""
    for output in tree.find_all(jinja2.nodes.Output):
        yield from (node for node in output.nodes if not isinstance(node, jinja2.nodes.TemplateData))


def _is_verbatim(node: jinja2.nodes.Expr) -> bool:
    return isinstance(node, jinja2.nodes.Filter) and node.name == "verbatim"


def _wrong(where: str, why: str, hint: str = "correct it") -> NbsshError:
    return NbsshError(f"{where}: {why}", f"{hint}; what nbssh itself has there: nbssh templates diff")
