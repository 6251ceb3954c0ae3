"""What other programs rely on: the JSON envelope, exit codes, which stream says what, colours, broken pipes, Ctrl-C."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
from bed import until
from ports import free_port

from nbssh import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed

NBSSH = shlex.join([sys.executable, "-m", "nbssh"])
ENVELOPES = {
    "list": {"profiles"},
    "show box": {
        "alias", "auth", "destination", "files", "jupyter", "kill_alias", "name", "port", "server", "server_files",
        "url",
    },
    "status": {"profiles"},
    "status box": {"profiles"},
    "doctor": {"checks"},
    "doctor box": {"checks"},
    "diff": {"changes", "profiles"},
    "apply --check": {"changes", "profiles"},
    "apply --dry-run": {"changes", "profiles"},
    "apply": {"changes", "profiles"},
}  # fmt: skip


def envelope(text: str) -> dict[str, Any]:
    """Return the one object of `--json`; keys must be sorted everywhere."""

    def keep_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert keys == sorted(keys)
        return dict(pairs)

    said = json.loads(text, object_pairs_hook=keep_order)
    assert isinstance(said, dict)
    assert said["nbssh"] == 1
    assert isinstance(said["errors"], list)
    return said


def add_offline(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))


def test_the_envelope_is_the_same_everywhere(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port()))
    token = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["token"]
    for words, keys in ENVELOPES.items():
        done = bed.run("nbssh", *words.split(), "--json")
        said = envelope(done.stdout)
        assert (done.returncode, said["errors"]) == (0, []), f"{words}: {done.stderr}"
        assert said.keys() == {"nbssh", "errors", *keys}, words
        assert token not in done.stdout, words
    status = envelope(bed.nbssh("status", "--json").stdout)["profiles"][0]
    assert status.keys() == {
        "also", "changed", "elsewhere", "host", "job", "kernels", "last_activity", "machine", "name", "outdated",
        "pid",
        "sessions", "since", "state", "tunnel", "version",
    }  # fmt: skip
    check = envelope(bed.nbssh("doctor", "--json").stdout)["checks"][0]
    assert check.keys() == {"check", "level", "message", "profile", "repair"}


def test_a_plan_in_json_and_status_3(bed: Bed) -> None:
    add_offline(bed)
    (bed.local_home / ".ssh/nbssh.d/open").unlink()
    for words in (["apply", "--check"], ["diff", "--exit-code"]):
        done = bed.run("nbssh", *words, "--offline", "--json")
        assert done.returncode == 3
        change = envelope(done.stdout)["changes"][0]
        assert change.keys() == {
            "action", "diff", "edited", "mode", "old_mode", "path", "secret", "where", "why",
        }  # fmt: skip
        assert (change["action"], change["mode"]) == ("create", "0700")
        assert bed.run("nbssh", *words, "--offline").returncode == 3
    assert bed.run("nbssh", "diff", "--offline", "--json").returncode == 0


def test_one_broken_server_is_an_error_in_the_envelope(bed: Bed) -> None:
    add_offline(bed)
    (bed.server.folder / "id").unlink()
    for command in ("apply", "diff"):
        done = bed.run("nbssh", command, "--json")
        assert done.returncode == 1
        (error,) = envelope(done.stdout)["errors"]
        assert error.keys() == {"error", "hint", "profile"}
        assert error["profile"] == "box"


@pytest.mark.parametrize("words", ["show nope", "status nope", "doctor nope", "diff nope", "apply nope"])
def test_an_expected_failure_is_json_too(bed: Bed, words: str) -> None:
    done = bed.run("nbssh", *words.split(), "--json")
    assert done.returncode == 1
    assert envelope(done.stdout) == {
        "nbssh": 1,
        "errors": [{"error": "there is no profile 'nope'", "hint": "make it: nbssh add nope"}],
    }
    assert done.stderr.startswith("nbssh: error: there is no profile 'nope'\nnbssh: hint: ")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--version"], 0),
        ([], 0),
        (["list"], 0),
        (["list", "--help"], 0),
        (["show", "nope"], 1),
        (["show"], 2),
        (["no-such-command"], 2),
        (["list", "--no-such-option"], 2),
        (["--color", "maybe", "list"], 2),
        (["show", "--json"], 2),
        (["edit"], 2),
    ],
)
def test_exit_codes(bed: Bed, words: list[str], status: int) -> None:
    done = bed.run("nbssh", *words)
    assert done.returncode == status
    if status:
        lines = done.stderr.splitlines()
        assert [line.split(": ")[1] for line in lines] == ["error", "hint"], done.stderr
        assert not any(line.endswith(".") for line in lines)
        assert re.match(r"nbssh: error: ['\-\w]", lines[0])
        assert lines[0][14] == lines[0][14].lower()
    if status == 2:
        assert "--help" in lines[1]


@pytest.mark.parametrize(
    ("said", "meant"),
    [("help", "--help"), ("help add", "add --help"), ("version", "--version"), ("help help", "--help")],
)
def test_words_that_others_take_for_options(bed: Bed, said: str, meant: str) -> None:
    assert bed.nbssh(*said.split()).stdout == bed.nbssh(*meant.split()).stdout != ""


def test_help_of_what_is_no_command_is_a_mistake(bed: Bed) -> None:
    done = bed.run("nbssh", "help", "nosuch")
    assert (done.returncode, done.stdout) == (2, "")


def test_two_ways_to_the_version(bed: Bed) -> None:
    for words in (["--version"], ["-V"], ["--color", "never", "--version"]):
        assert bed.nbssh(*words).stdout == f"nbssh {__version__}\n"


# ---- colours


@pytest.mark.parametrize(
    ("environ", "words", "colored"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({}, ["--color", "never"], False),
    ],
)
def test_colours_on_a_terminal(bed: Bed, environ: dict[str, str], words: list[str], colored: bool) -> None:  # noqa: FBT001
    bed.env.update(environ)
    child = bed.spawn("nbssh", *words, "show", "nope")
    child.expect("hint: .*\n")
    text = f"{child.before}{child.after}"
    assert ("\x1b[" in text) is colored, text
    child = bed.spawn("nbssh", *words, "doctor", "--local")
    child.expect("all well")
    assert ("\x1b[" in str(child.before)) is colored, child.before


def test_no_colours_into_a_pipe(bed: Bed) -> None:
    add_offline(bed)
    (bed.local_home / ".ssh/nbssh.d/open").unlink()
    for words in (["diff", "--offline"], ["doctor", "--local"], ["list"], ["show", "nope"]):
        done = bed.run("nbssh", *words)
        assert "\x1b" not in done.stdout + done.stderr, words
    assert "\x1b[" in bed.run("nbssh", "--color", "always", "diff", "--offline").stdout


# ---- readers that go, and people who press Ctrl-C


@pytest.mark.parametrize(
    "words", ["list", "list --json", "doctor --local", "show box", "diff --offline", "--version", "--help"]
)
def test_a_reader_that_goes_is_no_reason_for_a_traceback(bed: Bed, words: str) -> None:
    add_offline(bed)
    for reader, unbuffered in itertools.product(("true", "head -n 0", "head -n 1"), ("", "1")):
        bed.env["PYTHONUNBUFFERED"] = unbuffered
        done = bed.run("bash", "-c", f"set -o pipefail; {NBSSH} {words} | {reader}")
        assert done.returncode == 0, (reader, unbuffered, done.stderr)
        assert not re.search("Traceback|Broken|bug", done.stderr), (reader, unbuffered, done.stderr)


@pytest.mark.parametrize("words", ["list --json", "show box", "completions bash", "--version", "--help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_below_stdout_is_said_and_no_bug(bed: Bed, words: str, unbuffered: str) -> None:
    add_offline(bed)
    bed.env["PYTHONUNBUFFERED"] = unbuffered
    done = bed.run("bash", "-c", f"{NBSSH} {words} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "nbssh: error: stdout cannot be written: No space left on device\nnbssh: hint: look for space: df -h\n"
    )


@pytest.mark.parametrize("words", ["init --print", "init --yes", "list", "nonsense"])
def test_a_full_disk_below_stderr_fails_as_ever(bed: Bed, words: str) -> None:
    done = bed.run("bash", "-c", f"{NBSSH} -v {words} 2>/dev/full")
    assert done.returncode in (0, 1, 2)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_is_no_bug(bed: Bed, closed: str) -> None:
    done = bed.run("sh", "-c", f"{NBSSH} list --json {closed}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def files(home: Path) -> set[str]:
    return {str(path) for path in home.rglob("*") if "nbssh" in str(path)}


def test_control_c_at_a_question_changes_nothing(bed: Bed) -> None:
    before = bed.ssh_config.read_bytes()
    child = bed.spawn("nbssh", "add", "box", "--offline")
    child.expect("add this Include line")
    child.sendintr()
    child.expect("nbssh: interrupted")
    child.expect(r"\Z|$")
    assert child.wait() == 130
    assert "Traceback" not in str(child.before)
    assert bed.ssh_config.read_bytes() == before
    assert files(bed.local_home) == set()


def test_control_c_while_a_server_is_asked_leaves_neither_files_nor_processes(bed: Bed) -> None:
    text = bed.ssh_config.read_text()
    bed.ssh_config.write_text(re.sub("ProxyCommand .*", "ProxyCommand sleep 300", text))
    child = bed.spawn("nbssh", "add", "box", "--token", "--yes")
    child.expect(r"\+Include")
    child.expect(r"\n")
    # only then is the server being asked
    until(lambda: any("sleep 300" in line for line in bed.leftovers().values()), "ssh is on its way")
    child.sendintr()
    child.expect("nbssh: interrupted")
    assert child.wait() == 130
    assert files(bed.local_home) <= {
        str(bed.local_home / ".local/state/nbssh"),
        str(bed.local_home / ".local/state/nbssh/lock"),
    }
    assert "nbssh" not in bed.ssh_config.read_text()


def test_a_bug_writes_a_log_and_names_it(bed: Bed) -> None:
    log = bed.local_home / ".local/state/nbssh/log"
    program = (
        "import sys; import nbssh.commands.show as showing\n"
        "def broken(*a, **k): raise RuntimeError('on purpose')\n"
        "showing.list_profiles = broken\n"
        "from nbssh.__main__ import main; sys.argv = ['nbssh', 'list', *sys.argv[1:]]; main()\n"
    )
    done = bed.run(sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == (
        f"nbssh: error: this is a bug in nbssh: RuntimeError: on purpose\nnbssh: hint: please report it with {log}\n"
    )
    text = log.read_text()
    assert text.startswith(f"## nbssh {__version__}: RuntimeError\n\n- nbssh {__version__}, CPython 3.")
    assert "RuntimeError: on purpose" in text
    assert log.stat().st_mode & 0o777 == 0o600
    assert envelope(bed.run(sys.executable, "-c", program, "--json").stdout)["errors"][0]["hint"].endswith(str(log))
