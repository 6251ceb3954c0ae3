"""The JSON schema of profile files, for editors that complete and check TOML. Pure; made from the model."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from nbssh.core.profile.profile import Profile

FILE = "profile.schema.json"  # below templates/, committed; a test compares it with `text`

_ABOUT = {
    "destination": "What ssh connects to: an alias of ~/.ssh/config, user@host or user@host:port.",
    "ssh_options": "More ssh options, each as Keyword=value.",
    "port": "The local port, on 127.0.0.1.",
    "app": "What runs on the server: JupyterLab, Jupyter Notebook or the bare Jupyter Server.",
    "jupyter": "Jupyter's program on the server; found by itself if empty.",
    "dir": "The notebooks' folder on the server: absolute, below ~/, or relative to the home.",
    "setup": "Shell lines to run before Jupyter, such as 'module load anaconda'.",
    "setup_shell": "The shell for the setup lines, as words: ['/bin/bash', '-l'].",
    "forward": "How the tunnel ends on the server: at a private unix socket or at a TCP port.",
    "remote_port": "The port on the server, for forward = 'tcp'.",
    "idle_hours": "Shut an unused server down after so many hours.",
    "auth": "How to log in to the notebooks; change it with: nbssh passwd NAME [--token].",
    "browser": "Whether ssh NAME-nb opens the browser.",
    "fast_start": "Whether Jupyter is kept from a slow import that it does not need.",
    "scheduler": "Run Jupyter in a batch job of this kind, with these options for its submission command.",
    "server": "Found on the server by nbssh add or apply. Delete the table to have the server looked at again.",
}


def schema() -> dict[str, Any]:
    """Return the schema. TOML has no null, and an editor's regular expressions are not Python's: both are left out."""
    found = msgspec.json.schema(Profile)
    definitions = {name: _without(definition) for name, definition in found["$defs"].items()}
    top = definitions.pop("Profile")
    for key, about in _ABOUT.items():
        top["properties"][key] = {**top["properties"][key], "description": about}
    top.update(title="nbssh profile", description="How to run one Jupyter server on one SSH host.")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "$defs": definitions}


def text() -> str:
    """Return the schema as the committed file has it."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def _without(node: Any) -> Any:  # noqa: ANN401  whatever JSON can say
    """Return `node` without patterns, and without null as a value or default."""
    if isinstance(node, list):
        return [_without(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without(value) for key, value in node.items() if key != "pattern"}
    if "default" in kept and kept["default"] is None:
        del kept["default"]
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    choices = [choice for choice in kept.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
    return kept
