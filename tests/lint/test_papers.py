"""README, docs and the other papers: short, linked, complete; each command in them parses, each hook runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import calls
import pytest
import yaml
from calls import COMMANDS

from nbssh import __version__
from nbssh.core.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
PAPERS = {
    str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
    for path in sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), REPOSITORY / "tests/README.md"])
}
HOOKS = {
    hook["id"]: hook
    for repo in yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repo["hooks"]
}
FORM = yaml.safe_load((REPOSITORY / ".github/ISSUE_TEMPLATE/bug.yml").read_text(encoding="utf-8"))


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(PAPERS["README.md"].encode()) <= 11_000


def anchors(text: str) -> set[str]:
    """Return what the headings of a paper can be linked by."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_leads_somewhere(paper: str) -> None:
    for link in re.findall(r"\]\(([^)#:]*(?:#[^)]*)?)\)", PAPERS[paper]):
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / paper).parent / path if path else REPOSITORY / paper
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_of_the_docs_is_linked_in_the_readme() -> None:
    assert [page for page in PAPERS if page.startswith("docs/") and f"({page}" not in PAPERS["README.md"]] == []


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of nbssh in code: indented, in a block, in backticks, or in a $( )."""
    fenced = re.findall(r"^```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in fenced for line in block.splitlines()]
    lines += re.findall(r"^    (.*)", text, re.MULTILINE)
    spans = [span.replace("\n", " ") for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    inner = re.findall(r"\$\(([^()]*)\)", text)
    code = [line for line in lines if re.match(r"(NBSSH_\w+=\S+ )?nbssh [a-z-]", line)]
    for line in [*code, *inner, *(span for span in spans if re.search(r"(^|\| )nbssh ", span))]:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
        lexer.whitespace_split, lexer.commenters = True, "#"
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|;&"):
                if words[:1] == ["nbssh"]:
                    yield words[1:]
                words = []
            elif word != "…":
                words.append(word)


CALLS = sorted({(paper, shlex.join(words)) for paper, text in PAPERS.items() for words in commands(text)})


def test_the_commands_are_found() -> None:
    found = {call for _, call in CALLS}
    assert {"-v check mybox", "add mybox", "url mybox --env", "add mybox --password-stdin --yes"} <= found
    assert len(found) > 50


@pytest.mark.parametrize(("paper", "call"), CALLS)
def test_every_command_parses(paper: str, call: str) -> None:
    calls.parsed(shlex.split(call), f"{paper}: nbssh {call}")


def test_every_command_stands_in_the_reference() -> None:
    told = " ".join(f"nbssh {call} " for paper, call in CALLS if paper.startswith("docs/"))
    assert [name for name in COMMANDS if not COMMANDS[name].hidden and f"nbssh {name} " not in told] == []


def test_every_key_of_a_profile_stands_in_the_reference() -> None:
    reference = PAPERS["docs/reference.md"] + PAPERS["docs/clusters.md"]
    found_by_nbssh = {"server", "auth"}
    keys = set(Profile.__struct_encode_fields__) - found_by_nbssh
    assert {key for key in keys if not re.search(rf"\b{key}\b", reference)} == set()


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for paper, text in PAPERS.items():
        named = set(re.findall(r"(?:^    |`)make ([a-z]+)", text, re.MULTILINE))
        assert named <= targets, paper


def test_every_file_that_the_papers_name_exists() -> None:
    rooms = ("cli", "commands", "steps", "adapters", "core", "batch", "windows", "templates", "tests")
    for paper, text in PAPERS.items():
        for path in re.findall(rf"`((?:{'|'.join(rooms)})/[\w/.-]+\.\w+)`", text):
            if "WORD" not in path:
                assert any((REPOSITORY / top / path).exists() for top in (".", "nbssh", "tests")), f"{paper}: {path}"


def test_the_changelog_knows_this_version() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", PAPERS["CHANGELOG.md"], re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert __version__ in headings


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_nothing_to_say(hook: str, needs: Callable[..., None]) -> None:
    entry = shlex.split(HOOKS[hook]["entry"])
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("no clone of git")
    files = [path for path in tracked.stdout.splitlines() if (REPOSITORY / path).exists()]
    if "types_or" in HOOKS[hook]:
        files = [path for path in files if path.endswith(".py")]
    else:
        files = [path for path in files if re.search(HOOKS[hook]["files"], path)]
    assert files
    if not HOOKS[hook].get("pass_filenames", True):
        assert (REPOSITORY / entry[-1]).is_file()  # a test by itself
        return
    if entry[0].startswith(".venv/"):
        entry[0] = str(Path(sys.executable).parent / Path(entry[0]).name)
    needs(entry[0])
    done = subprocess.run([*entry, *files], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_form_for_bugs_asks_for_what_helps() -> None:
    fields = {field["id"]: field for field in FORM["body"] if "id" in field}
    needed = {name for name, field in fields.items() if field.get("validations", {}).get("required")}
    assert needed == {"what", "verbose", "report", "laptop"}
    assert fields["report"]["attributes"]["label"] == "nbssh doctor --report NAME"
    assert "render" not in fields["report"]["attributes"], "it is Markdown, with fences of its own"
    assert "nbssh -v " in fields["verbose"]["attributes"]["description"]
