"""The plan as people and programs see it: a diff that patch takes and a terminal survives, JSON, the seal."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbssh.core.files.change import Change, Kind, Plan, is_edited, seal
from nbssh.core.files.diff import as_json, brief, painted, unified

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "60"))
DERANDOMIZE = "NBSSH_FUZZ_EXAMPLES" not in os.environ


def change(
    old: bytes | None, new: bytes | None, mode: int = 0o600, old_mode: int | None = 0o600, **more: str | bool
) -> Change:
    why = str(more.pop("why", ""))
    return Change("/home/me/.ssh/config", old, new, mode, None if old is None else old_mode, why, **more)  # type: ignore[arg-type]


def test_a_change_of_one_line() -> None:
    plan = Plan([change(b"a\nb\nc\n", b"a\nB\nc\n", why="the port changed")])
    assert unified(plan) == (
        "# /home/me/.ssh/config: the port changed\n"
        "diff --git a/home/me/.ssh/config b/home/me/.ssh/config\n"
        "--- a/home/me/.ssh/config\n"
        "+++ b/home/me/.ssh/config\n"
        "@@ -1,3 +1,3 @@\n"
        " a\n"
        "-b\n"
        "+B\n"
        " c\n"
    )


def test_new_deleted_and_mode() -> None:
    shown = unified(Plan([change(None, b"x\n", 0o700), change(b"x", None), change(b"x\n", b"x\n", 0o600, 0o644)]))
    assert "new file mode 100700\n--- /dev/null\n+++ b/home/me/.ssh/config\n@@ -0,0 +1 @@\n+x\n" in shown
    assert (
        "deleted file mode 100600\n--- a/home/me/.ssh/config\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline" in shown
    )
    assert shown.endswith("old mode 100644\nnew mode 100600\n")


def test_who_is_asked_sees_what_she_declared_first_and_each_change_once() -> None:
    old, new = b'{\n"a": 1,\n"b": 2,\n"c": 3\n}\n', b'{\n"a": 1,\n"b": 2,\n"c": 4\n}\n'
    jupyter = [
        dataclasses.replace(change(old, new, secret=True, masked=True), path=f"/j/{name}", where="box") for name in "xy"
    ]
    sealed = change(b"# nbssh-checksum: sha256:1\na\n", b"# nbssh-checksum: sha256:2\na\n")
    settings = dataclasses.replace(sealed, path="/j/profile", kind=Kind.SETTINGS)
    edited = dataclasses.replace(settings, path="/j/hers", edited=True)
    declared = dataclasses.replace(change(b"c = 3\n", b"c = 4\n"), path="/p", kind=Kind.PROFILE)
    shown = brief(Plan([*jupyter, settings, edited, declared]))
    assert shown.startswith("diff --git a/p b/p\n--- a/p\n+++ b/p\n@@ -1 +1 @@\n-c = 3\n+c = 4\ndiff --git a/box:/j/x ")
    assert shown.count('+"c": 4\n') == 1
    assert "\n# box:/j/y: the same as in box:/j/x\n" in shown
    assert "\n# /j/profile: what follows from the others\n" in shown
    assert "\n# /j/hers: edited by hand since nbssh wrote it\n" in shown
    assert "sha256" not in shown
    assert brief(Plan()) == ""


def test_unreal_changes_are_dropped() -> None:
    assert Plan([change(b"x", b"x"), change(None, None), change(b"x", b"x", 0o600, None)]).empty
    assert unified(Plan()) == ""
    assert as_json(Plan()) == []


def test_plans_add_up_in_order() -> None:
    one, two = change(None, b"1"), change(None, b"2", where="mybox")
    plan = Plan([one]) + Plan([two])
    assert plan.changes == (one, two)
    assert plan.local == (one,)


def test_the_end_without_a_newline() -> None:
    shown = unified(Plan([change(b"a\nb", b"a\nb\n")]))
    assert shown.endswith(" a\n-b\n\\ No newline at end of file\n+b\n")


def test_a_secret_is_only_named() -> None:
    plan = Plan([change(b"old-hash\n", b"new-hash\n", secret=True), change(b"k", b"k", 0o600, 0o644, secret=True)])
    shown = unified(plan)
    assert shown == (
        "# /home/me/.ssh/config: change, content not shown\n"
        "# /home/me/.ssh/config: mode 0644 -> 0600, content not shown\n"
    )
    assert "hash" not in json.dumps(as_json(plan))


def test_a_hand_edit_is_named() -> None:
    assert "edited by hand" in unified(Plan([change(b"a", b"b", edited=True)]))


def test_remote_files_carry_their_destination() -> None:
    plan = Plan([Change("~/.local/share/nbssh/mybox/launch", None, b"x\n", 0o700, None, "new", where="mybox")])
    assert "+++ b/mybox:~/.local/share/nbssh/mybox/launch\n" in unified(plan)
    assert as_json(plan)[0]["where"] == "mybox"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        (b"a\rb", "a\\rb"),
        (b"caf\xe9", "caf\\xe9"),
        ("café €".encode(), "café €"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}x".encode(), "\\u202ex"),
        ("\x9b31m".encode(), "\\x9b31m"),
        (b"\x9b31m", "\\x9b31m"),
        (b"a\0b\x7f", "a\\x00b\\x7f"),
        (b"a\tb", "a\tb"),
        ("a\N{LINE SEPARATOR}b\x0bc\x85".encode("utf-8"), "a\\u2028b\\x0bc\\x85"),
    ],
)
def test_nothing_reaches_the_terminal_that_it_could_obey(data: bytes, shown: str) -> None:
    assert f"\n+{shown}\n" in unified(Plan([change(None, data + b"\n")]))


def test_nor_in_names_and_reasons() -> None:
    odd = Change("/tmp/a\nb\x1b[2J", None, b"", 0o600, None, "because\x1b[2J", where="box\x07")
    shown = unified(Plan([odd]))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "a\\nb\\x1b[2J" in shown


@settings(max_examples=EXAMPLES * 4, derandomize=DERANDOMIZE, deadline=None)
@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_any_bytes_are_shown_safely(old: bytes | None, new: bytes | None) -> None:
    for char in unified(Plan([change(old, new)])).replace("\r\n", "\n"):
        assert char.isprintable() or char in "\n\t"


def test_color_wraps_whole_lines_and_changes_nothing_else() -> None:
    plan = Plan([change(b"a\n", b"b\n", 0o600, 0o644, why="x")])
    colored = "".join(f"{painted(line)}\n" for line in unified(plan).splitlines())
    assert "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n" in colored
    for code in ("0", "1", "31", "32", "36"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == unified(plan)


def test_json_is_stable() -> None:
    first, second = as_json(Plan([change(None, b"x\n", why="new", edited=False), change(b"x", b"x", 0o700, 0o600)]))
    assert first == {
        "action": "create",
        "diff": unified(Plan([change(None, b"x\n")])),
        "edited": False,
        "mode": "0600",
        "old_mode": None,
        "path": "/home/me/.ssh/config",
        "secret": False,
        "where": "",
        "why": "new",
    }
    assert list(first) == sorted(first)
    assert (second["action"], second["mode"], second["old_mode"]) == ("mode", "0700", "0600")
    json.dumps([first, second])


LINES = st.lists(st.sampled_from(["a", "b", "", "-- x", "++ y", "  c", "tab\t", "é", "# why", "cr\r"]), max_size=12)
# A lone CR at the very end is shown escaped, so no tool can apply it.
TEXTS = st.none() | st.tuples(LINES, st.booleans()).map(
    lambda parts: "".join(f"{line}\n" for line in parts[0])[: None if parts[1] else -1].removesuffix("\r").encode()
)


def git_apply(diff: Path, top: Path) -> None:
    done = subprocess.run(["git", "apply", diff], cwd=top, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def gnu_patch(diff: Path, top: Path) -> None:
    done = subprocess.run(["patch", "-p1", "--binary", "-s", "-i", diff], cwd=top, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.not_on_windows("a person there has neither git nor patch")
@pytest.mark.parametrize("tool", [git_apply, gnu_patch], ids=["git apply", "patch"])
@pytest.mark.parametrize("name", ["plain", "with space"])
def test_real_tools_apply_the_diff(tmp_path_factory: pytest.TempPathFactory, tool: object, name: str) -> None:
    program = "git" if tool is git_apply else "patch"
    if shutil.which(program) is None:
        assert "CI" not in os.environ, f"{program} is missing"
        pytest.skip(f"{program} is missing")

    @settings(max_examples=EXAMPLES, derandomize=DERANDOMIZE, deadline=None)
    @given(TEXTS, TEXTS)
    def check(old: bytes | None, new: bytes | None) -> None:
        # Two files, so that what stands between two diffs is skipped, too.
        # GNU patch knows no diff of a file that is empty before or after; git prints the same one.
        if old == new or (tool is gnu_patch and not old and not new):
            return
        top = tmp_path_factory.mktemp("top")
        changes = [
            Change(f"/{each}", old, new, 0o644, None if old is None else 0o644, "why") for each in (name, "other")
        ]
        for each in changes:
            if old is not None:
                (top / each.path[1:]).write_bytes(old)
        diff = top / "the.diff"
        diff.write_bytes(unified(Plan(changes)).encode())
        tool(diff, top)  # type: ignore[operator]
        for each in changes:
            path = top / each.path[1:]
            assert (path.read_bytes() if path.exists() else None) == new

    check()


BODY = "# made by nbssh from profile mybox\n# nbssh-checksum:\nHost mybox-nb\n  User me\n"


def test_a_seal_says_whether_somebody_was_at_it() -> None:
    sealed = seal(BODY)
    assert sealed.splitlines()[1].startswith("# nbssh-checksum: sha256:")
    assert sealed.splitlines()[0::2] == BODY.splitlines()[0::2]
    assert is_edited(sealed.encode()) is False
    assert is_edited(sealed.replace("User me", "User you").encode()) is True
    assert is_edited(sealed.replace("sha256:", "sha256:0").encode()) is True
    assert is_edited(sealed.rstrip("\n").encode()) is True
    assert is_edited(sealed.replace("\n", "\r\n").encode()) is True


@pytest.mark.parametrize("data", [b"", b"Host a\n", b"{}", b"x # nbssh-checksum: y\n", b"\xff\xfe"])
def test_what_carries_no_seal_is_not_ours(data: bytes) -> None:
    assert is_edited(data) is None


def test_sealing_is_deterministic_and_idempotent() -> None:
    assert seal(BODY) == seal(BODY) == seal(seal(BODY))


def test_a_seal_finds_its_place_by_itself() -> None:
    script = seal("#!/bin/sh\nexit 0\n")
    assert script.splitlines()[0] == "#!/bin/sh"
    assert script.splitlines()[1].startswith("# nbssh-checksum: ")
    assert seal("x\n", "//").startswith("// nbssh-checksum: ")
    for sealed in (script, seal("x\n", "//"), seal(""), seal("#!/bin/sh")):
        assert is_edited(sealed.encode()) is False
    with pytest.raises(ValueError, match="comment sign"):
        seal("x\n", "rem")


@settings(max_examples=EXAMPLES * 4, derandomize=DERANDOMIZE, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=80), st.data())
def test_every_edit_of_anything_is_seen(body: str, data: st.DataObject) -> None:
    sealed = seal(body).encode()
    assert is_edited(sealed) is False
    at = data.draw(st.integers(0, len(sealed) - 1))
    edited = sealed[:at] + bytes([sealed[at] ^ 0x01]) + sealed[at + 1 :]
    assert is_edited(edited) is not False


def test_a_file_of_a_host_with_too_many_lines_is_not_compared() -> None:
    long = b"x\n" * 4001
    shown = unified(Plan([change(long, b"y\n", where="mybox")]))
    assert shown.endswith("+++ b/mybox:/home/me/.ssh/config\n# 4001 lines, not shown\n")
    assert "-x\n" in unified(Plan([change(long, b"y\n")]))
