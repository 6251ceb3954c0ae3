"""No template puts a value anywhere without the quoting filter of the language it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbssh.core.files.render import bare_values, templates_dir

TEMPLATES = sorted(str(path.relative_to(templates_dir())) for path in templates_dir().rglob("*") if path.is_file())


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
