"""The JSON schema of profile files, for editors that complete and check TOML. Pure; made from the model."""

from __future__ import annotations

import inspect
import json
from typing import Any

import msgspec

from nbssh.core.profile.options import OPTIONS
from nbssh.core.profile.profile import Profile

FILE = "profile.schema.json"  # below templates/, committed; a test compares it with `text`

_ABOUT = {
    "destination": "What ssh connects to: an alias of ~/.ssh/config, user@host or user@host:port.",
    "ssh_options": "More ssh options, each as Keyword=value.",
    "forward_agent": "Forward the ssh agent, where the destination's own ssh config does: root there can use it.",
    "forward_x11": "Forward X11, where the destination's own ssh config does: root there can use it.",
    "delegate_credentials": "Hand over a Kerberos ticket (GSSAPIDelegateCredentials), where the destination does.",
    "environment": "What kernels see: 'login', what an interactive login makes, or 'none', what sshd gives a command.",
    "open_path": "What is opened: a notebook or folder on the host, relative to the notebooks' folder.",
    "fast_start": "Whether Jupyter leaves out slow work that its start does not need, and compresses its page.",
    "node_submits": "Whether ssh NAME-node, on a terminal, submits the job of Jupyter where none is there.",
    "carried": "The home on the host, or ~, of files that nbssh render made and that nobody looked at since.",
    "server": "Found on the host by nbssh add or apply. Delete the table to have the host looked at again.",
}


def schema() -> dict[str, Any]:
    """Return the schema. TOML has no null, and an editor's regular expressions are not Python's: both are left out."""
    found = msgspec.json.schema(Profile)
    for struct in found["$defs"].values():  # a docstring is indented up to Python 3.12
        if "description" in struct:
            struct["description"] = inspect.cleandoc(struct["description"])
    definitions = {name: _without(definition) for name, definition in found["$defs"].items()}
    top = definitions.pop("Profile")
    for key, said in about().items():
        top["properties"][key] = {**top["properties"][key], "description": said}
    top.update(title="nbssh profile", description="How to run one Jupyter on one SSH host.")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "$defs": definitions}


def about() -> dict[str, str]:
    """Return what each key is: the options of `nbssh add` say it of theirs."""
    return _ABOUT | {option.key.partition(".")[0]: option.about for option in OPTIONS if option.about}


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
