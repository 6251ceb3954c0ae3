"""The JSON schema of profile files: committed as it is made, and it says what the model says."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from nbssh.core.files.render import templates_dir
from nbssh.core.profile import schema
from nbssh.core.profile.profile import Profile, from_dict
from nbssh.errors import NbsshError


def test_the_committed_schema_is_the_models() -> None:
    # after a wanted change: write what schema.text() returns into templates/profile.schema.json
    assert (templates_dir() / schema.FILE).read_text(encoding="utf-8") == schema.text()


def test_every_key_is_there_and_described() -> None:
    properties = schema.schema()["properties"]
    assert list(properties) == list(Profile.__struct_encode_fields__)
    assert all(value["description"].endswith(".") for value in properties.values())
    assert all(value["description"] for value in schema.schema()["$defs"]["Scheduler"]["properties"].values())
    assert schema.schema()["additionalProperties"] is False


def accepts(node: dict[str, Any], value: object) -> bool:
    """Judge `value` by the few keywords that the schema uses."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    }  # fmt: skip
    if "enum" in node:
        return value in node["enum"]
    if "type" in node and not isinstance(value, kinds[node["type"]]):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return node.get("minimum", value) <= value <= node.get("maximum", value)
    return True


@pytest.mark.parametrize(
    "line",
    ["port = 80", "port = 70000", 'port = "8888"', "app = 7", "setup = 1", 'browser = "no"', "idle_hours = 9999",
     "remote_port = 22", "port = 1024", 'app = "notebook"', "idle_hours = 0.5", 'setup = ["module load x"]'],
)  # fmt: skip
def test_it_accepts_what_nbssh_accepts(line: str) -> None:
    said = {"destination": "box", "port": 8888, **tomllib.loads(line)}
    properties = schema.schema()["properties"]
    try:
        from_dict(said, "test")
        right = True
    except NbsshError:
        right = False
    assert all(accepts(properties[key], value) for key, value in said.items()) is right


def test_it_holds_nothing_that_toml_or_an_editor_does_not_know() -> None:
    text = json.dumps(schema.schema())
    assert '"null"' not in text
    assert "null" not in text.replace("nullable", "")
    assert "pattern" not in text
