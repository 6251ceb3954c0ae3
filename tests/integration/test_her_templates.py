"""`nbssh templates`: a template of the user's own counts, and what it may not do is told with file and line."""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nbssh.__main__ import _run
from nbssh.core.files.installed import program_named
from nbssh.core.files.overlay import Source
from nbssh.core.files.render import original, refuse_wrong
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from dotfiles import Laptop

CONF = "ssh/profile.conf"


class Done(NamedTuple):
    """What a command ended with and said."""

    returncode: int
    stdout: str
    stderr: str


def nbssh(*words: str) -> Done:
    """Run the command in this process, which is the laptop's."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = _run(list(words))
    return Done(status, out.getvalue(), err.getvalue())


def folder(laptop: Laptop) -> Path:
    return laptop.home / ".config/nbssh/templates"


def findings() -> list[tuple[str, str]]:
    found = json.loads(nbssh("doctor", "--offline", "--json").stdout)["checks"]
    return [(each["level"], each["message"]) for each in found if each["check"] == "templates"]


def test_hers_counts_until_she_takes_it_away(laptop: Laptop) -> None:
    nbssh("add", "box", "--token", "--yes", "--offline")
    listed = nbssh("templates").stdout.splitlines()
    assert CONF in listed
    assert not [name for name in listed if name.startswith(("completions", "man", "profile.schema"))]
    nbssh("templates", "eject", CONF)
    file = folder(laptop) / CONF
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert nbssh("apply", "--offline", "--check").returncode == 0, "a copy changes nothing"
    assert nbssh("templates", "diff").stdout == ""
    file.write_text(original(CONF).replace("    RequestTTY", "    Compression yes\n    RequestTTY"))
    shown = nbssh("templates", "diff", CONF).stdout
    assert "+    Compression yes" in shown
    assert nbssh("apply", "--offline", "--check").returncode == 3
    nbssh("apply", "--offline", "--yes")
    assert "Compression yes" in (laptop.home / ".ssh/nbssh.d/box.conf").read_text()
    assert findings() == [("ok", f"~/.config/nbssh/templates/{CONF} is yours")]
    file.unlink()
    nbssh("apply", "--offline", "--yes")
    assert "Compression yes" not in (laptop.home / ".ssh/nbssh.d/box.conf").read_text()


def test_a_script_of_the_hosts_program_makes_another_program(laptop: Laptop) -> None:
    nbssh("add", "box", "--token", "--yes", "--offline")
    conf = laptop.home / ".ssh/nbssh.d/box.conf"
    before = program_named(conf.read_bytes())
    nbssh("templates", "eject", "server/stay.sh")
    assert nbssh("apply", "--offline", "--check").returncode == 0
    file = folder(laptop) / "server/stay.sh"
    file.write_text(file.read_text() + ": '{{ ä'\n", encoding="utf-8")
    assert [level for level, _ in findings()] == ["ok"]
    nbssh("apply", "--offline", "--yes")
    assert program_named(conf.read_bytes()) not in {"", before}


def test_that_the_original_has_changed_is_told_until_it_was_seen(laptop: Laptop) -> None:
    nbssh("templates", "eject", CONF)
    known = folder(laptop) / ".ejected.json"
    known.write_text(json.dumps({CONF: "0" * 64}))
    (folder(laptop) / "ssh/typo").write_text("x\n")
    assert [level for level, _ in findings()] == ["warning", "warning"]
    assert "nbssh's own has changed since" in nbssh("templates", "list", CONF).stdout
    assert json.loads(nbssh("templates", "list", CONF, "--json").stdout)["templates"] == [
        {"name": CONF, "state": "outdated"}
    ]
    (folder(laptop) / "ssh/typo").unlink()
    assert "is kept" in nbssh("templates", "eject", CONF).stderr
    assert [level for level, _ in findings()] == ["ok"]
    known.unlink()
    assert "nobody knows" in findings()[0][1]


def test_what_others_may_write_is_no_template(laptop: Laptop) -> None:
    nbssh("add", "box", "--token", "--yes", "--offline")
    nbssh("templates", "eject", CONF)
    for path, mode in ((folder(laptop), 0o770), (folder(laptop) / "ssh", 0o702), (folder(laptop) / CONF, 0o620)):
        before = path.stat().st_mode & 0o777
        path.chmod(mode)
        done = nbssh("apply", "--offline")
        assert done.returncode == 1
        assert f"mode {mode:04o}: others may write it" in done.stderr
        assert [level for level, _ in findings()] == ["error"]
        assert nbssh("list").returncode == 0, "what renders nothing goes on"
        path.chmod(before)
    if os.geteuid() == 0:
        os.chown(folder(laptop), 12345, -1)
        assert "belongs to somebody else" in nbssh("apply", "--offline").stderr
        assert "belongs to somebody else" in nbssh("templates", "eject", "ssh/open").stderr
        os.chown(folder(laptop), 0, -1)
    assert nbssh("apply", "--offline").returncode == 0


def test_a_wrong_one_is_told_with_its_line_and_stops_what_needs_it(laptop: Laptop) -> None:
    nbssh("add", "box", "--token", "--yes", "--offline")
    nbssh("templates", "eject", CONF)
    file = folder(laptop) / CONF
    file.write_text(original(CONF).replace("Host {{ name|sshword }}-nb\n", "Host {{ name }}-nb\n"))
    line = file.read_text().splitlines().index("Host {{ name }}-nb") + 1
    before = (laptop.home / ".ssh/nbssh.d/box.conf").read_text()
    for command in ("apply", "diff", "remove box", "uninstall --yes"):
        done = nbssh(*command.split(), "--offline")
        assert done.returncode == 1
        assert f"~/.config/nbssh/templates/{CONF}:{line}: a value that no filter of this file quotes" in done.stderr
        assert "end it in:" in done.stderr
    assert (laptop.home / ".ssh/nbssh.d/box.conf").read_text() == before
    assert findings()[0][0] == "error"
    # ssh refuses what is no ssh_config, and the old one stays
    file.write_text(original(CONF) + "Nonsense yes\n")
    done = nbssh("apply", "--offline", "--yes")
    assert done.returncode == 1
    assert (laptop.home / ".ssh/nbssh.d/box.conf").read_text() == before
    # what goes wrong only when it is filled in has its line too
    file.write_text("# x\n" + original(CONF) + "{{ (1 // (port - port))|sh }}\n")
    lines = file.read_text().count("\n")
    assert f"{CONF}:{lines}: integer division" in nbssh("apply", "--offline").stderr
    # her changed ones outlive nbssh, and copies do not
    file.write_text(original(CONF) + "# mine\n")
    nbssh("templates", "eject", "ssh/open")
    done = nbssh("uninstall", "--yes", "--offline")
    assert "your own templates stay: ~/.config/nbssh/templates" in done.stderr
    assert [path.name for path in folder(laptop).rglob("*") if path.is_file()] == ["profile.conf"]


def test_unknown_words_are_told(laptop: Laptop) -> None:
    assert nbssh("templates", "inject").returncode == 2
    assert nbssh("templates", "eject").returncode == 2
    done = nbssh("templates", "eject", "ssh/profil.conf")
    assert (done.returncode, f"did you mean '{CONF}'?" in done.stderr) == (1, True)
    assert nbssh("templates", "eject", "../../x").returncode == 1
    assert not folder(laptop).exists()


def wrong(name: str, old: str, new: str) -> str:
    text = original(name)
    assert old in text
    with pytest.raises(NbsshError) as caught:
        refuse_wrong(Source(name, "mine", text.replace(old, new, 1)))
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (CONF, "{{ port|sh }}", "{{ port }}", "a value that no filter"),
        (CONF, "{{ port|sh }}", "{{ port|json }}", "a value that no filter"),
        (CONF, "{{ port|sh }}", "{{ port|sh|upper }}", "a value that no filter"),
        (CONF, "{{ port|sh }}", "{{ name|verbatim }}", "only what is verbatim"),
        (CONF, "{{ port|sh }}", "{{ nosuch|sh }}", "there is no 'nosuch' here"),
        (CONF, "{{ port|sh }}", "{{ port|nosuch }}", "No filter named 'nosuch'."),
        (CONF, "{{ port|sh }}", "{{ port|sh", ""),
        ("ssh/redirect.html", "{{ url|", "{{ name|verbatim }}{{ url|", "a value that no filter"),
    ],
)
def test_what_a_template_may_not_do(name: str, old: str, new: str, said: str) -> None:
    message = wrong(name, old, new)
    line = original(name).split(old)[0].count("\n") + 1
    assert message.startswith(f"mine:{line}: ")
    assert said in message


def test_a_file_whose_last_line_has_no_end_is_refused() -> None:
    with pytest.raises(NbsshError, match="mine:1: the last line has no end"):
        refuse_wrong(Source("server/launch", "mine", "x"))


def test_what_it_may_do() -> None:
    texts = ("# {{ name|comment }}\n", "{% if port > 1 %}{{ name|upper|sh }}{% endif %}\n", "{{ seal|verbatim }}\n")
    for text in texts:
        refuse_wrong(Source(CONF, "mine", text))


def test_its_outcome_has_to_be_json(laptop: Laptop) -> None:
    nbssh("templates", "eject", "jupyter/jupyter_server_config.json")
    (folder(laptop) / "jupyter/jupyter_server_config.json").write_text("{\n,}\n")
    done = nbssh("render", "box", "--to", str(laptop.home / "out"), "--token")
    assert done.returncode == 1
    assert "jupyter_server_config.json: line 2 of what it makes is no JSON" in done.stderr
