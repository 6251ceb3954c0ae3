"""Tab in the real shells: what a person types, and what then stands on the line."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import pexpect
import pytest

from nbssh.commands.completions import SCRIPTS, scripts_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Open = Callable[..., "Shell"]

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
FILES = {shell: scripts_dir() / name for shell, name in SCRIPTS.items()}


def old_bash() -> str | None:
    """Return a bash 3, as macOS has it."""
    for path in (shutil.which("bash-3.2"), "/bin/bash"):
        if path and Path(path).exists():
            done = subprocess.run([path, "-c", "echo $BASH_VERSINFO"], capture_output=True, text=True, check=True)
            if done.stdout.strip() == "3":
                return path
    return None


# Debian has no bash 3; macOS has no other.
BASH_3 = ["bash-3"] if old_bash() else []
SHELLS = ["bash", "bash-plain", *BASH_3, "zsh", "zsh-sourced", "fish"]
WITH_SSH = ["bash", "zsh", "fish"]

# Shows the words that the shell gives it, and leaves a mark that it was started.
STUB = """\
#!/bin/sh
echo "${0##*/} $*" >>"$LOG"
printf '\\n'
for word; do printf '<<%s>>' "$word"; done
printf '<<<END>>>\\n'
"""

# One key, ^O, puts all that Tab would offer on the line.
SETUP = {
    "bash": """bind '"\\C-o": insert-completions'; bind 'set enable-bracketed-paste off'; stty -ixon discard undef""",
    "zsh": (
        "unsetopt prompt_sp prompt_cr; autoload -Uz compinit; compinit -u -D;"
        " _test_all() { _main_complete; compstate[insert]=all; compstate[list]= };"
        " zle -C test-all complete-word _test_all; bindkey '^O' test-all; stty discard undef"
    ),
    "fish": (
        'bind \\co \'set -l all (complete -C (commandline -cp) | string replace -r "\\t.*" "");'
        ' set -q all[1]; and commandline -rt -- "$all"\''
    ),
}


class Shell:
    """One shell in a pty, with a scratch home and a Tab key."""

    def __init__(self, kind: str, home: Path, bin_: Path) -> None:
        self.name = kind.partition("-")[0]
        self.log = home / "started"
        program = old_bash() if kind == "bash-3" else shutil.which(self.name, path=beds.SYSTEM_PATH)
        assert program
        arguments = {"bash": ["--noprofile", "--norc"], "zsh": ["-f"], "fish": []}[self.name] + ["-i"]
        environment = {
            "HOME": str(home), "PATH": f"{bin_}:{beds.SYSTEM_PATH}", "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "PS1": "ready> ", "LOG": str(self.log), "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"), "HISTFILE": "", "fish_greeting": "",
        }  # fmt: skip
        self.pty = pexpect.spawn(
            program,
            arguments,
            env=environment,
            encoding="utf-8",
            timeout=beds.GRACE,
            dimensions=(60, 800),
            cwd=str(home),
        )
        self.pty.delaybeforesend = None
        if kind == "bash":
            self.run(f". {BASH_COMPLETION}")
        if kind == "zsh":
            self.run(f"fpath=({home}/site-functions $fpath)")
        self.run(SETUP[self.name])
        if kind in {"bash-plain", *BASH_3, "zsh-sourced"}:
            self.run(f". {shlex.quote(str(FILES[self.name]))}")

    def type(self, keys: str) -> str:
        """Type `keys`, which end in a call of a stub, and Enter; return what came until the stub was done."""
        self.pty.send(keys + "\r")
        self.pty.expect_exact("<<<END>>>")
        return str(self.pty.before)

    def run(self, command: str) -> None:
        """Run a command, then wait for it."""
        self.pty.send(f"{command}\r")
        self.type("nbssh")

    def words(self, keys: str) -> list[str]:
        """Return the words that stand on the line after `keys`."""
        return re.findall(r"<<(.*?)>>", self.type(keys))

    def offers(self, line: str) -> set[str]:
        """Return all that Tab offers behind `line`."""
        typed = re.split(r"[ =@]", line)
        return {word.split("=")[-1].split("@")[-1] for word in self.words(line + "\x0f")} - set(typed[1:]) - {""}

    def close(self) -> None:
        """End the shell."""
        self.pty.close(force=True)


APPS = {"lab", "notebook", "server", "marimo", "tensorboard", "code-server", "rstudio", "pluto"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with two profiles, the user's own ssh config, and our scripts where each shell looks for them."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh/nbssh.d").mkdir(parents=True, mode=0o700)
    (home / ".ssh/config").write_text("Include nbssh.d/*.conf\nHost mybox\n  HostName 10.0.0.5\nHost mylab other\n")
    for name in ("mybox", "gpu-1.x"):
        text = f"Host {name}-nb\n  Port 22\nHost {name}-nb-kill\n  Port 22\nHost {name}-nb {name}-nb-kill\n  User me\n"
        (home / f".ssh/nbssh.d/{name}.conf").write_text(text)
    (home / ".ssh/nbssh.d/open").write_text("")
    (home / ".ssh/nbssh.d/gone.ctl").write_text("")
    for shell, place in (
        ("bash", "data/bash-completion/completions/nbssh"),
        ("zsh", "site-functions/_nbssh"),
        ("fish", "config/fish/completions/nbssh.fish"),
    ):
        (home / place).parent.mkdir(parents=True)
        shutil.copy(FILES[shell], home / place)
    return home


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make programs that only say how they were called; Python is one, so that none can start unseen."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("nbssh", "ssh", "python", "python3"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def kept(home: Path, stubs: Path) -> Iterator[Open]:
    """Give each kind of shell once for all tests of the module that leave it as it was."""
    shells: dict[str, Shell] = {}

    def open_(kind: str) -> Shell:
        check(kind)
        if kind not in shells:
            shells[kind] = Shell(kind, home, stubs)
        return shells[kind]

    yield open_
    for shell in shells.values():
        shell.close()


@pytest.fixture
def fresh(home: Path, stubs: Path) -> Iterator[Open]:
    """Give a shell that the test may spoil."""
    with contextlib.ExitStack() as stack:

        def open_(kind: str) -> Shell:
            check(kind)
            shell = Shell(kind, home, stubs)
            stack.callback(shell.close)
            return shell

        yield open_


def check(kind: str) -> None:
    """Skip at home, fail in CI, where the shell or its completion is not there."""
    beds.needs(kind.partition("-")[0])
    if kind == "bash" and not BASH_COMPLETION.exists():
        (pytest.fail if beds.CI else pytest.skip)("not installed: bash-completion")


CASES = [
    ("nbssh s", {"show", "status"}),
    ("nbssh --color ", {"auto", "always", "never"}),
    ("nbssh --color=", {"auto", "always", "never"}),
    ("nbssh --color always sho", {"show"}),
    ("nbssh --v", {"--verbose", "--version"}),
    ("nbssh show ", {"mybox", "gpu-1.x"}),
    ("nbssh show my", {"mybox"}),
    ("nbssh show gpu-1.", {"gpu-1.x"}),
    ("nbssh show mybox ", set()),
    ("nbssh logs -f ", {"mybox", "gpu-1.x"}),
    ("nbssh status mybox ", {"gpu-1.x"}),
    ("nbssh status --json ", {"mybox", "gpu-1.x"}),
    ("nbssh status -- ", {"mybox", "gpu-1.x"}),
    ("nbssh apply --d", {"--dry-run"}),
    (
        "nbssh apply mybox --",
        {"--dry-run", "--check", "--json", "--offline", "--prefer", "--probe", "--yes", "--verbose", "--help"},
    ),
    ("nbssh add --app ", APPS),
    ("nbssh add --app=", APPS),
    ("nbssh add --app=n", {"notebook"}),
    ("nbssh add x --forward s", {"socket"}),
    ("nbssh add --port ", set()),
    ("nbssh add --dir ", set()),
    ("nbssh add --dir=", set()),
    ("nbssh completions ", {"bash", "zsh", "fish", "powershell"}),
    ("nbssh list ", set()),
    ("nbssh bogus ", set()),
]


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize(("line", "offered"), CASES)
def test_offers(kept: Open, kind: str, line: str, offered: set[str]) -> None:
    found = kept(kind).offers(line)
    if kind.startswith("zsh") and not offered:  # where nothing else can stand, zsh offers the options
        found = {word for word in found if not word.startswith("-")}
    assert found == offered


@pytest.mark.parametrize("kind", SHELLS)
def test_tab_after_tab(kept: Open, kind: str) -> None:
    shell = kept(kind)
    assert shell.words("nbssh sho\tgp\t--j\t") == ["show", "gpu-1.x", "--json"]
    assert shell.words("nbssh add box --app=no\t") == ["add", "box", "--app=notebook"]
    assert shell.words("nbssh unin\t--of\t") == ["uninstall", "--offline"]


@pytest.mark.parametrize("kind", WITH_SSH)
def test_add_offers_the_servers_that_ssh_completes(kept: Open, kind: str) -> None:
    shell = kept(kind)
    assert shell.offers("nbssh add my") == {"mybox", "mylab"}
    assert shell.words("nbssh add x alice@myb\t") == ["add", "x", "alice@mybox"]


@pytest.mark.parametrize("kind", WITH_SSH)
def test_ssh_offers_our_aliases(kept: Open, kind: str) -> None:
    assert {"mybox-nb", "mybox-nb-kill"} <= kept(kind).offers("ssh mybox-")
    assert kept(kind).words("ssh gpu-1.x-nb-\t") == ["gpu-1.x-nb-kill"]


@pytest.mark.parametrize("kind", SHELLS)
def test_a_tab_starts_nothing(fresh: Open, kind: str) -> None:
    shell = fresh(kind)
    shell.log.write_text("")
    for line in ("nbssh ", "nbssh show ", "nbssh add --app ", "nbssh add my", "nbssh -"):
        shell.offers(line)
    started = shell.log.read_text().splitlines()
    assert len(started) == 5, started
    assert all(line.startswith("nbssh ") for line in started)


STATE = {
    "bash": "{ shopt; set -o; declare -p IFS COMP_WORDBREAKS; } >%s",
    "zsh": "{ setopt; typeset -p IFS; } >%s",
}
ODD = {
    "bash": "set -fu; shopt -s failglob nocaseglob dotglob; IFS=:; GLOBIGNORE='*'",
    "zsh": "setopt no_unset glob_subst sh_word_split ksh_arrays csh_null_glob; IFS=:",
}


@pytest.mark.parametrize("kind", ["bash-plain", *BASH_3])
def test_bash_offers_no_file_that_is_no_profile(fresh: Open, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / ".ssh/nbssh.d"
    folder.mkdir(parents=True)
    shell = fresh(kind)
    shell.run(f"HOME={tmp_path}")
    assert shell.offers("nbssh show ") == set()
    for name in ("mybox", "mylab", "gpu"):
        (folder / f"{name}.conf").touch()
    assert shell.offers("nbssh show ") == {"mybox", "mylab", "gpu"}
    (folder / "my copy.conf").touch()  # a file manager's
    assert shell.offers("nbssh show ") == {"mybox", "mylab", "gpu"}
    assert shell.offers("nbssh show my") == {"mybox", "mylab"}
    assert shell.offers("nbssh status mybox my") == {"mylab"}
    assert shell.offers("nbssh show [gm]") == set()


@pytest.mark.parametrize("kind", ["bash-plain", *BASH_3, "zsh"])
def test_odd_shell_options_do_no_harm_and_stay(fresh: Open, kind: str, tmp_path: Path) -> None:
    shell = fresh(kind)
    shell.run(ODD[shell.name])
    shell.run(STATE[shell.name] % (tmp_path / "before"))
    assert shell.offers("nbssh show ") == {"mybox", "gpu-1.x"}
    assert shell.offers("nbssh add --app=") == APPS
    assert shell.offers("nbssh add --dir ") == set()
    shell.run("HOME=/nonexistent")
    seen = shell.type("nbssh show \x0f")
    assert re.findall(r"<<(.*?)>>", seen) == ["show"]
    assert "no match" not in seen
    shell.run(STATE[shell.name] % (tmp_path / "after"))
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text() != ""


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("command", ["unset HOME", "HOME=/nonexistent"])
def test_without_profiles_nothing_is_offered_and_nothing_said(fresh: Open, kind: str, command: str) -> None:
    shell = fresh(kind)
    shell.offers("nbssh show ")
    shell.run({"unset HOME": "set -e HOME"}.get(command, "set HOME /nonexistent") if kind == "fish" else command)
    seen = shell.type("nbssh show \x0f")
    assert re.findall(r"<<(.*?)>>", seen) == ["show"]
    assert not re.search(r"rror|unbound|not set|no match|No such|bash:|zsh:|fish:", seen), seen


@pytest.mark.parametrize("kind", ["bash-plain", *BASH_3])
def test_bash_completes_where_the_word_breaks_were_changed(fresh: Open, kind: str) -> None:
    """The completion of npm takes = and @ out of COMP_WORDBREAKS, for all commands."""
    shell = fresh(kind)
    shell.run("COMP_WORDBREAKS=${COMP_WORDBREAKS//[=@]/}")
    assert shell.words("nbssh add --app=no\t") == ["add", "--app=notebook"]
    assert shell.words("nbssh add x alice@host:22 --app no\t") == ["add", "x", "alice@host:22", "--app", "notebook"]


@pytest.mark.parametrize("kind", ["bash", "bash-plain", *BASH_3])
def test_bash_keeps_count_of_words_that_it_takes_apart(kept: Open, kind: str) -> None:
    shell = kept(kind)
    assert shell.words("nbssh add x alice@host:22 --app no\t") == ["add", "x", "alice@host:22", "--app", "notebook"]
    assert shell.words('nbssh show "my\t') == ["show", "mybox"]
    assert shell.words("nbssh sho x\x02\x02\t") == ["show", "x"]


NAMES = {
    "bash": ["--noprofile", "--norc", "-euc", "compgen -A function || :; compgen -A variable; alias"],
    "zsh": ["-feuc", "print -l ${(k)functions} ${(k)parameters} ${(k)aliases}"],
    "fish": ["--no-config", "-c", "functions -a; set -n; alias"],
}


@pytest.mark.parametrize("shell", NAMES)
def test_reading_a_script_says_nothing_and_leaves_only_names_of_ours(
    shell: str, tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs(shell)
    *options, listing = NAMES[shell]
    seen = []
    for script in ("", f". {shlex.quote(str(FILES[shell]))}; "):
        done = subprocess.run(
            [shell, *options, f"{script}echo ---; {listing}"],
            env={"HOME": str(tmp_path), "PATH": beds.SYSTEM_PATH}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        said, names = done.stdout.split("---\n")
        assert said == ""
        seen.append(set(re.split(r"[\s,]+", names)))
    added = seen[1] - seen[0]
    assert added
    assert {name for name in added if not name.startswith("_nbssh")} == set()
    assert shell == "fish" or not list(tmp_path.iterdir())  # fish itself makes its folders


@pytest.mark.parametrize(
    ("command", "shell"),
    [
        (["shellcheck", "--enable=all"], "bash"),
        (["shfmt", "-d", "-i", "4", "-ci"], "bash"),
        (["bash", "-n"], "bash"),
        (["zsh", "-n"], "zsh"),
        (["fish", "-n"], "fish"),
        (["fish_indent", "--check"], "fish"),
    ],
)
def test_checkers_find_nothing(command: list[str], shell: str, needs: Callable[..., None]) -> None:
    needs(command[0])
    done = subprocess.run([*command, str(FILES[shell])], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_command_prints_the_script(shell: str) -> None:
    done = subprocess.run([str(beds.BIN / "nbssh"), "completions", shell], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (FILES[shell].read_text(), "")


def test_the_command_knows_no_other_shell() -> None:
    done = subprocess.run([str(beds.BIN / "nbssh"), "completions", "tcsh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nbssh: error: there is no completion script for 'tcsh'" in done.stderr
