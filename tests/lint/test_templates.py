"""Every template has a typed struct, whose fields are the variables that it uses, and no others."""

from __future__ import annotations

import importlib
import pkgutil

import jinja2.meta
import pytest

import nbssh
from nbssh.core.files.render import environment, listed, render, templates_dir
from nbssh.core.files.template import Template


def structs() -> dict[str, type[Template]]:
    """Return template -> the struct that names it."""
    for module in pkgutil.walk_packages(nbssh.__path__, "nbssh."):
        # the rim renders nothing, and some of it exists on one system alone
        if module.name.startswith(("nbssh.core", "nbssh.steps", "nbssh.commands", "nbssh.batch", "nbssh.windows")):
            importlib.import_module(module.name)
    return {template: struct for struct in _below(Template) for template in struct.templates}


def _below(struct: type[Template]) -> list[type[Template]]:
    return [below for each in struct.__subclasses__() for below in (each, *_below(each))]


def sources(template: str) -> list[str]:
    """Return the text of a template and of all that it includes."""
    text = (templates_dir() / template).read_text(encoding="utf-8")
    included = [name for name in jinja2.meta.find_referenced_templates(environment().parse(text)) if name]
    return [text, *(source for name in included for source in sources(name))]


def variables(template: str) -> set[str]:
    found: set[str] = set()
    for text in sources(template):
        found |= jinja2.meta.find_undeclared_variables(environment().parse(text))
    return found - {"app", "quiet"} if template.startswith("jupyter/") else found  # the loop's, inside what it includes


@pytest.mark.parametrize("template", sorted(structs()))
def test_a_struct_has_the_variables_of_its_template(template: str) -> None:
    fields = set(structs()[template].__struct_fields__)
    used = variables(template)
    assert used <= fields
    # templates that share a struct may each leave out what another one shows
    shown = set().union(*(variables(name) for name in structs()[template].templates))
    assert fields == shown


def test_every_template_that_has_variables_has_a_struct() -> None:
    parts = {name for template in structs() for text in [template] for name in _included(text)}
    plain = {"profile.schema.json"} | {f"server/{name}" for name in listed("server")}
    plain |= {f"batch/{name}" for name in listed("batch")}
    plain |= {f"apps/{path.name}" for path in (templates_dir() / "apps").glob("*.toml")}
    found = {str(path.relative_to(templates_dir())) for path in templates_dir().rglob("*") if path.is_file()}
    found = {name for name in found if "__pycache__" not in name}
    assert found - plain == set(structs()) | (parts - plain)


def _included(template: str) -> set[str]:
    text = (templates_dir() / template).read_text(encoding="utf-8")
    names = {name for name in jinja2.meta.find_referenced_templates(environment().parse(text)) if name}
    return names | {inner for name in names for inner in _included(name)}


def test_a_struct_fits_no_other_template() -> None:
    struct = structs()["ssh/redirect.html"]
    with pytest.raises(ValueError, match="is no template of Redirect"):
        render(struct(name="x", url="y"), "ssh/open")
