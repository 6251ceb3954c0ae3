"""`nbssh edit`: what is wrong is told and changes nothing; what is right is shown, agreed to and done."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from ports import free_port
from serving import UP, add, ended, fake_jupyter, kill, start

if TYPE_CHECKING:
    from bed import Bed


def toml(bed: Bed) -> Path:
    return bed.local_home / ".config/nbssh/profiles/box.toml"


def editor(bed: Bed, *steps: str) -> None:
    """Make an editor that applies one more of `steps`, shell lines with the file as $1, each time it is called."""
    count = bed.folder / "edits"
    count.write_text("0")
    cases = "".join(f"{number})\n{step}\n;;\n" for number, step in enumerate(steps))
    script = bed.folder / "bin" / "my editor"
    script.write_text(f"#!/bin/sh\nn=$(cat {count})\necho $((n + 1)) >{count}\ncase $n in\n{cases}esac\n")
    script.chmod(0o755)
    bed.env["EDITOR"] = f"'{script}'"


@pytest.fixture
def offline(bed: Bed) -> Bed:
    """Give a bed with a profile that no server was asked about."""
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    return bed


def seen(home: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and mtime of all files of nbssh."""
    files = [path for part in (".ssh", ".config") for path in (home / part).rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_an_edit_reaches_every_file_here_and_there_and_comments_stay(bed: Bed) -> None:
    port, other = free_port(), free_port()
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(port))
    editor(bed, f'sed -i "s/{port}/{other}/; s/^destination/dir = \\"notes\\"\\n# my note\\n&/" "$1"')
    done = bed.nbssh("edit", "box", "--yes")
    assert f"+port = {other}" in done.stderr
    assert f"+dir {bed.remote_home}/notes" in done.stderr, "the diff shows the server's files too"
    assert "9 files changed" in done.stderr
    assert "# my note\ndestination" in toml(bed).read_text()
    assert f"127.0.0.1:{other}" in (bed.local_home / ".ssh/nbssh.d/box.conf").read_text()
    assert "/notes\n" in (bed.remote_home / ".local/share/nbssh/box/profile").read_text()
    assert "already up to date" in bed.nbssh("apply", "box").stderr
    assert "at its next start" in done.stderr

    # Jupyter knows nothing of the port here
    editor(bed, f'sed -i "s/{other}/{port}/" "$1"')
    assert "at its next start" not in bed.nbssh("edit", "box", "--yes").stderr


def test_another_name_of_the_same_host_leaves_nothing_behind(bed: Bed) -> None:
    config = bed.local_home / ".ssh/config"
    config.write_text(config.read_text() + config.read_text().replace("Host box\n", "Host beside\n"))
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port()))
    editor(bed, 'sed -i "/^destination/s/box/beside/" "$1"', 'sed -i "/^destination/s/beside/box/" "$1"')
    assert "still holds" not in bed.nbssh("edit", "box", "--yes").stderr
    assert 'destination = "beside"' in toml(bed).read_text()
    # a host that has nothing of the profile is another one
    shutil.rmtree(bed.remote_home / ".local/share/nbssh")
    assert "beside still holds ~/.local/share/nbssh/box and" in bed.nbssh("edit", "box", "--yes").stderr


def test_another_jupyter_has_the_server_looked_at_again(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port()))
    editor(bed, 'sed -i \'0,/^jupyter = .*/s,,jupyter = "/bin/true",\' "$1"')
    before = toml(bed).read_text()
    done = bed.run("nbssh", "edit", "box")
    assert done.returncode == 1
    assert re.search(r"'/bin/true' on \S+ is no jupyter-lab", done.stderr)
    assert toml(bed).read_text() == before


@pytest.mark.parametrize("step", [":", 'sed -i d "$1"', 'printf "\\n \\n" >"$1"'])
def test_no_change_and_an_empty_file_change_nothing(offline: Bed, step: str) -> None:
    editor(offline, step)
    before = seen(offline.local_home)
    assert "nothing changed" in offline.nbssh("edit", "box").stderr
    assert seen(offline.local_home) == before


BAD = {
    'echo "port = = 2" >>"$1"': "error: profile 'box': ",
    'echo "prot = 1" >>"$1"': "unknown key 'prot'",
    "sed -i 's/^port.*/port = 80/' \"$1\"": "port 80 is below 1024",
    "sed -i 's/^auth.*//' \"$1\"": "'auth' is not changed by hand",
    "exit 3": "ended with status 3",
}


@pytest.mark.parametrize("step", BAD)
@pytest.mark.parametrize("yes", [(), ("--yes",)])
def test_a_mistake_without_a_terminal_changes_nothing(offline: Bed, step: str, yes: tuple[str, ...]) -> None:
    editor(offline, step)
    before = seen(offline.local_home)
    done = offline.run("nbssh", "edit", "box", "--offline", *yes)
    assert done.returncode == 1
    assert BAD[step] in done.stderr
    assert "nothing was changed" in done.stderr
    assert seen(offline.local_home) == before
    assert (offline.folder / "edits").read_text() == "1\n", "asked once"


def test_without_a_terminal_and_without_yes_nobody_is_asked(offline: Bed) -> None:
    editor(offline, 'echo "browser = false" >>"$1"')
    before = seen(offline.local_home)
    done = offline.run("nbssh", "edit", "box", "--offline")
    assert done.returncode == 1
    assert "say --yes" in done.stderr
    assert seen(offline.local_home) == before


def test_a_mistake_is_shown_and_edited_again(offline: Bed) -> None:
    editor(offline, 'echo "brwoser = false" >>"$1"', 'sed -i s/brwoser/browser/ "$1"')
    child = offline.spawn("nbssh", "edit", "box", "--offline")
    child.expect("unknown key 'brwoser'")
    child.expect_exact("did you mean 'browser'?")
    child.expect_exact("edit it again? [Y/n] ")
    child.sendline("")
    child.expect_exact("+browser = false")
    child.expect_exact("[Y/n] ")
    child.sendline("")
    child.expect("files changed")
    child.expect_exact("nbssh apply box")
    assert "browser = false" in toml(offline).read_text()
    assert "PermitLocalCommand no" in (offline.local_home / ".ssh/nbssh.d/box.conf").read_text()


def test_a_no_leaves_everything(offline: Bed) -> None:
    editor(offline, 'echo "browser = false" >>"$1"')
    before = seen(offline.local_home)
    child = offline.spawn("nbssh", "edit", "box", "--offline")
    child.expect_exact("[Y/n] ")
    child.sendline("n")
    child.expect("nothing was changed")
    child.wait()
    assert seen(offline.local_home) == before


def test_a_broken_file_can_be_mended(offline: Bed) -> None:
    good = toml(offline).read_text()
    toml(offline).write_text(f"{good}port = = 1\n")
    editor(offline, "sed -i '/= = 1/d' \"$1\"")
    done = offline.nbssh("edit", "box", "--offline", "--yes")
    assert "can be read again" in done.stderr
    assert toml(offline).read_text() == good


def test_an_unreachable_server_does_not_lose_what_was_written(offline: Bed) -> None:
    (offline.server.folder / "id").unlink()
    editor(offline, 'echo "idle_hours = 2.5" >>"$1"')
    done = offline.run("nbssh", "edit", "box", "--yes")
    assert done.returncode == 1
    assert "could not connect" in done.stderr
    assert "nbssh apply box" in done.stderr
    assert "idle_hours = 2.5" in toml(offline).read_text()


def test_a_port_of_another_profile_is_refused(offline: Bed) -> None:
    port = free_port()
    offline.nbssh("add", "two", "box", "--offline", "--token", "--yes", "--port", str(port))
    editor(offline, f"sed -i 's/^port.*/port = {port}/' \"$1\"")
    done = offline.run("nbssh", "edit", "box", "--offline", "--yes")
    assert done.returncode == 1
    assert f"port {port} belongs to the profile 'two'" in done.stderr


def test_the_editor_sees_the_schema_and_the_profile_does_not(offline: Bed) -> None:
    editor(offline, 'cp "$1" "$HOME/copy"; case $1 in */box.toml) echo "browser = false" >>"$1" ;; esac')
    offline.nbssh("edit", "box", "--offline", "--yes")
    first = (offline.local_home / "copy").read_text().partition("\n")[0]
    schema = offline.nbssh("edit", "--schema").stdout.strip()
    assert first == f"#:schema {schema}"
    assert Path(schema).is_file()
    assert "#:schema" not in toml(offline).read_text()
    assert "browser = false" in toml(offline).read_text()


def test_a_key_that_is_offered_is_taken_up_and_what_follows_is_shown_once(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)))
    editor(bed, "sed -i 's/^# idle_hours = .*/idle_hours = 3.0/' \"$1\"")
    shown = bed.nbssh("edit", "box", "--yes").stderr
    assert shown.startswith((f"diff --git a{toml(bed)} ", f"# {toml(bed)}"))
    assert shown.count("\n+idle_hours = 3.0\n") == 1
    assert shown.count("the same as in") == 2, "three files for three generations of Jupyter"
    assert "checksum" not in shown
    assert len(shown.splitlines()) < 80
    assert [line for line in toml(bed).read_text().splitlines() if " = " in line and line.startswith("#")] == []


def test_visual_comes_before_editor(offline: Bed) -> None:
    editor(offline, ":")
    offline.env["VISUAL"] = "no-such-editor --wait"
    done = offline.run("nbssh", "edit", "box")
    assert done.returncode == 1
    assert "there is no 'no-such-editor' on this machine" in done.stderr


def test_without_a_name_it_is_a_mistake_of_usage(offline: Bed) -> None:
    assert offline.run("nbssh", "edit").returncode == 2


def test_control_c_in_the_editor_is_the_editors(offline: Bed) -> None:
    script = offline.folder / "bin" / "waits"
    script.write_text('#!/bin/sh\ntrap "echo caught; exit 0" INT\necho editing\nwhile :; do sleep 0.1; done\n')
    script.chmod(0o755)
    offline.env["EDITOR"] = str(script)
    child = offline.spawn("nbssh", "edit", "box")
    child.expect("editing")
    child.sendintr()
    child.expect("caught")
    child.expect("nothing changed")
    child.wait()
    assert child.exitstatus == 0


def test_the_copy_is_private_and_goes(offline: Bed) -> None:
    editor(offline, 'ls -ld "${1%/*}" >"$HOME/mode"; echo "$1" >"$HOME/where"')
    offline.nbssh("edit", "box")
    assert (offline.local_home / "mode").read_text().startswith("drwx------")
    assert not Path((offline.local_home / "where").read_text().strip()).exists()


def kept(bed: Bed) -> Path:
    return bed.local_home / ".local/state/nbssh/edits/box.toml"


def is_kept(bed: Bed, said: str) -> bool:
    """Tell whether the line that `FAULTS` type is kept, for the user alone, and this is said."""
    assert "what you wrote is kept in ~/.local/state/nbssh/edits/box.toml; go on with it: nbssh edit box" in said
    assert [path.name for path in kept(bed).parent.iterdir()] == ["box.toml"], "and nothing beside it"
    modes = [path.stat().st_mode & 0o777 for path in (kept(bed).parent, kept(bed))]
    return "# typed\n" in kept(bed).read_text("utf-8", "replace") and modes == [0o700, 0o600]


# What goes wrong after the typing: in the editor's last moment, in what was typed, in the files here, over there
FAULTS = {
    "the editor fails": "exit 3",
    "no TOML": 'echo "port = = 2" >>"$1"',
    "an unknown key": 'echo "prot = 2" >>"$1"',
    "no UTF-8": "printf '# \\377\\n' >>\"$1\"",
    "a new file at each saving": 'umask 022; cat "$1" >"$1.new"; mv "$1.new" "$1"; echo "prot = 2" >>"$1"; touch "$1~"',
    "the files cannot be written": 'rm -f "$STATE/lock"; mkdir "$STATE/lock"',
    "the secret cannot be read": 'for f in "$STATE"/secrets/*.json; do rm -f "$f"; mkdir "$f"; done',
    "nobody says yes": "",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_typed_is_kept_and_the_next_edit_begins_with_it(offline: Bed, fault: str) -> None:
    state = offline.local_home / ".local/state/nbssh"
    secrets = {path: path.read_bytes() for path in (state / "secrets").iterdir()}
    editor(offline, f'STATE={state}\necho "# typed" >>"$1"\n{FAULTS[fault]}')
    before = toml(offline).read_text()
    done = offline.run("nbssh", "edit", "box", "--offline", *(["--yes"] if fault != "nobody says yes" else []))
    assert done.returncode == 1
    assert is_kept(offline, done.stderr)
    assert toml(offline).read_text() == before

    if (state / "lock").is_dir():
        (state / "lock").rmdir()
    for path, data in secrets.items():
        if path.is_dir():
            path.rmdir()
            path.write_bytes(data)
    # LC_ALL: sed of a line that is no UTF-8
    editor(offline, "LC_ALL=C sed -i '/= 2$/d; /^# \\xff/d' \"$1\"")
    again = offline.nbssh("edit", "box", "--offline", "--yes")
    assert "this goes on with what you wrote before" in again.stderr
    assert "save an empty file to throw it away" in again.stderr
    assert toml(offline).read_text() == f"{before}# typed\n"
    assert not kept(offline).parent.exists(), "done, so nothing is kept"
    assert "kept in" not in again.stderr.partition("throw it away")[2]


def test_a_server_that_fails_while_its_files_are_written_loses_nothing(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port()))
    editor(bed, 'echo "# typed" >>"$1"; echo "idle_hours = 2.5" >>"$1"')
    folder = bed.remote_home / ".local/share/nbssh/box"
    (folder / "profile").unlink()
    (folder / "profile").mkdir()
    (folder / "profile" / "full").touch()
    done = bed.run("nbssh", "edit", "box", "--yes")
    assert done.returncode == 1
    assert is_kept(bed, done.stderr)


@pytest.mark.parametrize("end", ["no", "Ctrl-C", "kill -9"])
def test_whoever_ends_at_the_question_loses_nothing(offline: Bed, end: str) -> None:
    editor(offline, 'echo "# typed" >>"$1"')
    child = offline.spawn("nbssh", "edit", "box", "--offline")
    child.expect_exact("[Y/n] ")
    if end == "kill -9":
        child.kill(signal.SIGKILL)
        child.wait()
        assert kept(offline).read_text().endswith("# typed\n")
        return
    if end == "no":
        child.sendline("n")
    else:
        child.sendintr()
    child.expect_exact("go on with it: nbssh edit box")
    child.expect(pexpect.EOF)
    child.wait()
    assert kept(offline).read_text().endswith("# typed\n")


def test_a_mistake_that_is_not_edited_again_is_kept(offline: Bed) -> None:
    editor(offline, 'echo "brwoser = false" >>"$1"')
    child = offline.spawn("nbssh", "edit", "box", "--offline")
    child.expect_exact("edit it again? [Y/n] ")
    child.sendline("n")
    child.expect_exact("go on with it: nbssh edit box")
    child.expect(pexpect.EOF)
    child.wait()
    assert "brwoser" in kept(offline).read_text()


@pytest.mark.parametrize("step", ['sed -i d "$1"', 'cp {profile} "$1"'], ids=["empty", "as it was"])
def test_what_is_kept_can_be_thrown_away(offline: Bed, step: str) -> None:
    editor(offline, 'echo "prot = 2" >>"$1"', step.format(profile=toml(offline)))
    before = seen(offline.local_home)
    assert offline.run("nbssh", "edit", "box", "--offline", "--yes").returncode == 1
    assert kept(offline).exists()
    assert "nothing changed" in offline.nbssh("edit", "box", "--offline", "--yes").stderr
    assert not kept(offline).parent.exists()
    assert seen(offline.local_home) == before


def test_an_untouched_text_is_not_kept_and_what_was_kept_stays(offline: Bed) -> None:
    editor(offline, "exit 3", 'echo "prot = 2" >>"$1"', "exit 3")
    assert "kept" not in offline.run("nbssh", "edit", "box", "--offline").stderr
    assert not kept(offline).parent.exists()
    offline.run("nbssh", "edit", "box", "--offline")
    text = kept(offline).read_text()
    assert "go on with it: nbssh edit box" in offline.run("nbssh", "edit", "box", "--offline").stderr
    assert kept(offline).read_text() == text


@pytest.mark.parametrize("words", [("remove", "box"), ("uninstall", "--yes")], ids=" ".join)
def test_it_goes_with_the_profile(offline: Bed, words: tuple[str, ...]) -> None:
    editor(offline, 'echo "prot = 2" >>"$1"')
    offline.run("nbssh", "edit", "box", "--offline")
    assert kept(offline).exists()
    offline.nbssh(*words, "--offline")
    assert not kept(offline).parent.exists()


def test_a_hint_that_names_the_key_works_when_pasted(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--offline", "--port", str(free_port()))
    editor(bed, 'sed -i "s/^destination/dir = \\"notes\\"\\n&/" "$1"')
    done = bed.nbssh("edit", "box:", "dir", "--offline", "--yes")
    assert "to be changed: dir" in done.stderr
    assert 'dir = "notes"' in toml(bed).read_text()
    assert bed.run("nbssh", "edit", "box", "two").returncode == 2


@pytest.mark.parametrize("command", ["edit", "apply"])
def test_the_tunnel_that_was_open_is_said_to_be_closed(bed: Bed, command: str) -> None:
    port, other = add(bed, "--no-browser"), free_port()
    session = start(bed)
    if command == "edit":
        editor(bed, f'sed -i "s/{port}/{other}/" "$1"')
    else:
        toml(bed).write_text(toml(bed).read_text().replace(str(port), str(other)))
    told = "the tunnel of 'box' was open and is closed now: box-nb has changed; again: ssh box-nb"
    assert told in bed.nbssh(command, "box", "--yes").stderr
    ended(session)
    again = start(bed)
    assert f"http://127.0.0.1:{other}/" in f"{again.before}{again.after}"
    # what changes nothing of the tunnel leaves it open
    editor(bed, 'sed -i "s/^destination/open_browser = false\\n&/" "$1"')
    assert "closed now" not in bed.nbssh("passwd", "box", "--password-stdin", stdin="another-word-1\n").stderr
    again.sendline("?")
    assert again.expect([UP, "k and Enter", pexpect.EOF]) == 1
    kill(bed)
    ended(again)
