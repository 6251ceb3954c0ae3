"""No template puts a value anywhere without the quoting filter of the language it stands in."""

from __future__ import annotations

from pathlib import Path

import jinja2.nodes
import pytest

from nbssh.core.files.quoting import FILTERS
from nbssh.core.files.render import environment, templates_dir

TEMPLATES = sorted(str(path.relative_to(templates_dir())) for path in templates_dir().rglob("*") if path.is_file())


def bare_values(source: str) -> list[int]:
    """Return the line of every `{{ }}` in `source` that does not end in a quoting filter."""
    found: list[int] = []
    for output in environment().parse(source).find_all(jinja2.nodes.Output):
        found += [
            node.lineno
            for node in output.nodes
            if not isinstance(node, jinja2.nodes.TemplateData)
            and not (isinstance(node, jinja2.nodes.Filter) and node.name in FILTERS)
        ]
    return found


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_value_of_a_template_ends_in_a_quoting_filter(template: str) -> None:
    source = (templates_dir() / template).read_text(encoding="utf-8")
    assert bare_values(source) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("echo {{ name }}", [1]),
        ("a\n{{ name|upper }}", [2]),
        ("{{ name|sh|upper }}", [1]),
        ("{% for x in y %}{{ x }}{% endfor %}", [1]),
        ("{% if a %}{{ b ~ c }}{% endif %}", [1]),
        ("{{ 'text' }}", [1]),
        ("{{ name|sh }} {{ a|upper|json }} ${#name} {{ (b ~ c)|sh }}", []),
        ("no value", []),
    ],
)
def test_a_bare_value_is_found(source: str, lines: list[int]) -> None:
    assert bare_values(source) == lines


def test_the_templates_are_the_repositorys() -> None:
    assert templates_dir() == Path(__file__).resolve().parents[2] / "templates"
    assert len(TEMPLATES) > 5
