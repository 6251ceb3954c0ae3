"""The program on a host: plain sh that linters and every shell read as it is, parts that say what they need."""

from __future__ import annotations

import ast
import gzip
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from bed import needs
from shellparts import ENTRIES, PARTS, TEMPLATES, names_in, needs_of, uses_of

from nbssh.core.files import render, server_files
from nbssh.core.files.program import Program, cksum, program
from nbssh.core.profile.profile import RESERVED

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"], ["ksh"]]
# SC2310, SC2311, SC2312: functions say by their status what they found; `set -e` is only the net below them.
# SC2034, SC2317: the parts are shared, and no script uses all of them.
EXCLUDED = "SC2310,SC2311,SC2312,SC2034,SC2317"
SCRIPTS = [*ENTRIES, *PARTS]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the program as a host has it."""
    root = tmp_path_factory.mktemp("program")
    for part in program("batch").parts:
        path = root / part.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(part.data)
        path.chmod(part.mode)
    return root


def installed_name(file: Path) -> str:
    return str(file.relative_to(TEMPLATES)).removeprefix("server/")


def test_every_file_of_the_program_is_known() -> None:
    names = {part.name for part in program("batch").parts}
    fast = "jupyter_config", "jupyter_core", "nbssh_clean", "nbssh_page"
    python = {"gate.py"} | {f"fast/{name}.py" for name in fast}
    python.add("idle/jupyter_config.py")
    assert names == {installed_name(file) for file in SCRIPTS} | python | {"batch/sshd_config"}
    assert {part.name for part in program().parts} == {n for n in names if not n.startswith("batch/")}


def test_its_name_says_what_is_in_it() -> None:
    one = program()
    assert re.fullmatch(r"[0-9a-f]{16}", one.id)
    first, *rest = one.parts
    for other in (
        type(first)("other", first.data, first.mode),
        type(first)(first.name, first.data + b"#", first.mode),
        type(first)(first.name, first.data, 0o700 if first.mode == 0o600 else 0o600),
    ):
        assert Program((other, *rest)).id != one.id
    assert Program(tuple(rest)).id != one.id


def test_a_host_without_a_better_checksum_has_cksum() -> None:
    data = program().stream
    said = subprocess.run(["cksum"], input=data, capture_output=True, check=True).stdout.split()
    assert [int(word) for word in said] == [cksum(data), len(data)]
    assert program().is_whole("cksum", [word.decode() for word in said])
    assert not program().is_whole("cksum", ["1", "2"])
    assert not program().is_whole("md5", [])


@pytest.mark.figure("bytes of the program on a host, and packed")
def test_it_is_small() -> None:
    data = b"".join(part.data for part in program().parts)
    assert len(data) <= 88_900
    assert len(gzip.compress(data)) <= 25_800


@pytest.mark.parametrize("file", SCRIPTS, ids=installed_name)
def test_it_is_ascii_and_formatted(file: Path) -> None:
    needs("shfmt")
    assert file.read_bytes().isascii()
    done = subprocess.run(
        ["shfmt", "-ln", "posix", "-i", "4", "-d", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("file", ENTRIES, ids=installed_name)
def test_shellcheck_has_nothing_to_say(file: Path, installed: Path) -> None:
    needs("shellcheck")
    command = ["shellcheck", "--shell=sh", "--enable=all", f"--exclude={EXCLUDED}", "--external-sources"]
    command += ["--check-sourced", f"--source-path={installed}", str(installed / installed_name(file))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("file", SCRIPTS, ids=installed_name)
def test_a_host_gets_all_but_the_comments(file: Path, installed: Path) -> None:
    needs("shfmt")
    sent = installed / installed_name(file)
    assert sent.read_bytes() != file.read_bytes()
    bare = [
        subprocess.run(["shfmt", "-ln", "posix", "-mn", str(path)], capture_output=True, check=True).stdout
        for path in (file, sent)
    ]
    assert bare[0].split() == bare[1].split()


def test_a_host_gets_all_but_the_comments_of_python(installed: Path) -> None:
    for sent in installed.rglob("*.py"):
        file = TEMPLATES / "server" / sent.relative_to(installed)
        assert ast.dump(ast.parse(sent.read_bytes())) == ast.dump(ast.parse(file.read_bytes()))


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_every_shell_reads_it(shell: list[str], installed: Path) -> None:
    needs(shell[0])
    for file in SCRIPTS:
        done = subprocess.run(
            [*shell, "-n", str(installed / installed_name(file))], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr  # ksh -n also gives advice


@pytest.mark.parametrize("file", PARTS, ids=installed_name)
def test_a_part_says_what_it_needs_of_others(file: Path) -> None:
    needs("shfmt")
    functions = set().union(*(names_in(part).functions for part in PARTS))
    assert needs_of(file) == uses_of(file, functions)


def test_a_wing_changes_nothing_but_what_the_base_offers_it() -> None:
    """What a part of the base calls the wing's may be defined again, and nothing else is."""
    needs("shfmt")
    base = [file for file in [*PARTS, *ENTRIES] if file.parent.name == "server"]
    offered = set()
    for file in base:
        for comment, name in re.findall(r"(?m)((?:^# .*\n)+)^(\w+)\(\) \{", file.read_text()):
            offered |= {name} if comment.startswith("# The wing's") else set()
    defined = set().union(*(names_in(file).functions for file in base))
    wing = {name for file in PARTS if file.parent.name == "batch" for name in names_in(file).functions}
    assert wing & defined == offered


@pytest.mark.parametrize("word", ["slurm", "sbatch", "qsub", "bsub", "pbs", "lsf", "grid engine"])
def test_the_base_knows_no_scheduler(word: str) -> None:
    for file in (TEMPLATES / "server").rglob("*"):
        assert not file.is_file() or word not in file.read_text().lower()


def test_facts_that_two_languages_need_are_the_same() -> None:
    said = re.search(r"(?m)^    (program \|.*)\) return 1 ;;", (TEMPLATES / "server/names.sh").read_text())
    assert said
    assert set(said.group(1).split(" | ")) == RESERVED
    assert f"start_timeout={server_files.START_SECONDS} " in (TEMPLATES / "server/profile.sh").read_text()
    assert (TEMPLATES / "server/lib.sh").read_text().startswith("# Protocol 1.")


def test_what_an_editor_or_python_leaves_is_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["server/launch", "server/lib.sh", "server/fast/x.py"]
    strays = [
        "launch~",
        "lib.sh.orig",
        ".lib.sh.swp",
        "#launch#",
        "fast/__pycache__/x.cpython-311.pyc",
        "launch (copy)",
    ]
    for name in [*names, *(f"server/{stray}" for stray in strays)]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(render, "templates_dir", lambda: tmp_path)
    assert render.listed("server") == sorted(name.removeprefix("server/") for name in names)


def test_no_status_of_a_group_that_is_redirected_is_inverted() -> None:
    """For bash `! { read -r x; } <FILE` is no success where FILE cannot be opened; write `… || …`."""
    inverted = re.compile(r"^[^#\n]*! [{(][^\n]*[})][^|&;\n]*[<>]", re.MULTILINE)
    assert inverted.search('if ! { read -r x; } 2>/dev/null <"$1"; then')
    texts = {file: file.read_text(encoding="utf-8") for file in TEMPLATES.rglob("*") if file.is_file()}
    assert {str(file): found[0] for file, text in texts.items() if (found := inverted.search(text))} == {}


def test_no_loop_goes_over_the_words_of_a_command_that_may_fail() -> None:
    """Ksh takes the status of that command for the loop's where there are no words, and `set -e` ends the script."""
    texts = {file: file.read_text(encoding="utf-8") for file in TEMPLATES.rglob("*") if file.is_file()}
    loops = [(file, loop) for file, text in texts.items() for loop in re.findall(r"for \w+ in \$\(.*\); do", text)]
    assert loops
    assert [(file.name, loop) for file, loop in loops if "|| :" not in loop] == []


@pytest.mark.parametrize("file", SCRIPTS, ids=installed_name)
def test_find_may_meet_what_another_script_takes_away_meanwhile(file: Path) -> None:
    for line in re.findall(r"(?m)^.*\bfind .*$", file.read_text()):
        if line.lstrip().startswith("#") or not re.search(r"\bfind \"\$", line):
            continue
        assert "2>/dev/null" in line, line
        assert "$(command find" in line or line.endswith("|| :"), line
