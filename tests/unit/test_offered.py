"""The keys that `nbssh edit` offers as comments: each can be taken up as it stands, and none gets into the profile."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbssh.core.profile import offered
from nbssh.core.profile.profile import Profile, from_dict

POINTER = "#:schema /s.json"
TEXT = 'destination = "box"\nport = 20001\nbrowser = false\n\n# what was found\n[server]\nuid = 0\n'
OFFERED = [line for line in offered.put(TEXT, POINTER).splitlines() if line.startswith("# ") and " = " in line]
KEYS = {line.split()[1] for line in OFFERED}


def test_every_key_that_is_not_there_is_offered_and_above_the_tables() -> None:
    with_tables_or_by_other_commands = {"auth", "carried", "scheduler", "server"}
    assert set(Profile.__struct_fields__) - KEYS == with_tables_or_by_other_commands | {
        "destination",
        "port",
        "browser",
    }
    shown = offered.put(TEXT, POINTER).splitlines()
    assert shown[0] == POINTER
    assert shown.index("browser = false") + 1 == shown.index(offered.HEAD)
    assert shown[-4:] == ["", "# what was found", "[server]", "uid = 0"]


@pytest.mark.parametrize("line", OFFERED, ids=lambda line: line.split()[1])
def test_each_can_be_taken_up_as_it_stands(line: str) -> None:
    text = offered.take(offered.put(TEXT, POINTER).replace(line, line.removeprefix("# ")), POINTER)
    found = tomllib.loads(text)
    del found["server"]
    if line.split()[1] == "adopt":
        found["remote_port"] = 10080
    from_dict(found, "the profile")
    assert line.split()[1] in found
    assert text.count("#") == TEXT.count("#") + 1


@example("0\x1e[")  # str.splitlines ends a line there
@example("a = 1 # \u2028[b]\n")
@given(
    st.text(st.characters(codec="utf-8"))
    | st.lists(st.sampled_from([TEXT, "[a]", "a = 1", "\n", "\r\n", "#"])).map("".join)
)
def test_what_is_left_alone_is_as_it_was(text: str) -> None:
    assert offered.take(offered.put(text, POINTER), POINTER) == text
