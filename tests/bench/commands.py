"""The experiments with the commands of nbssh and with ssh itself: no Jupyter runs."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

from bed import BIN, REPOSITORY
from measure import Comparison, Experiment
from sessions import LOGIN, login
from stage import HOSTS, PORT, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stage import Stage

TYPER = "python -c 'import typer'"
XARGS = "xargs -P8 ssh HOST true"
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
# the same app with the completion that Typer would give it
_TYPERS = """\
#!{python}
from nbssh.cli.app import app
app._add_completion = True
app(prog_name="nbssh-typer")
"""


def import_typer(stage: Stage) -> dict[str, float]:
    """Start Python and import the library that every Typer program imports."""
    return {"return": stage.run(sys.executable, "-c", "import typer")}


def version(stage: Stage) -> dict[str, float]:
    """`nbssh --version`."""
    return {"return": stage.run("nbssh", "--version")}


def list_(stage: Stage) -> dict[str, float]:
    """`nbssh list`."""
    return {"return": stage.run("nbssh", "list")}


def declare(stage: Stage, count: int, destination: str = "box") -> None:
    """Make the profiles p000 … like `box`; `{}` in `destination` becomes the number. Installs nothing."""
    profile = (stage.profiles / "box.toml").read_text()
    secret = stage.home / ".local/state/nbssh/secrets/box.json"
    for number in range(count):
        name = f"p{number:03}"
        text = profile.replace("/nbssh/box/", f"/nbssh/{name}/").replace(f"port = {PORT}", f"port = {30000 + number}")
        text = text.replace('destination = "box"', f'destination = "{destination.format(f"{number:03}")}"')
        (stage.profiles / f"{name}.toml").write_text(text)
        (stage.profiles / f"{name}.toml").chmod(0o600)
        shutil.copy(secret, secret.with_name(f"{name}.json"))


def undeclare(stage: Stage) -> None:
    """Take every profile but `box` away, here and there."""
    folders = (stage.profiles, stage.home / ".local/state/nbssh/secrets", stage.home / ".ssh/nbssh.d")
    for path in (path for folder in folders for path in folder.glob("p[0-9]*")):
        path.unlink()
    for path in (stage.remote / ".local/share/nbssh").glob("p[0-9]*"):
        shutil.rmtree(path)


def applies(count: int, destination: str = "box") -> Callable[[Stage], dict[str, float]]:
    """Return a contender that runs `nbssh apply` with `count` profiles and nothing to do."""

    def run(stage: Stage) -> dict[str, float]:
        undeclare(stage)
        aside = stage.profiles / "box.toml", stage.folder / "box.toml"
        declare(stage, count, destination)
        os.rename(*aside)  # noqa: PTH104
        try:
            stage.run("nbssh", "apply")
            before = stage.logins()
            seconds = stage.run("nbssh", "apply")
            connections = stage.logins() - before
        finally:
            os.rename(*reversed(aside))  # noqa: PTH104
        hosts = count if "{}" in destination else 1
        if connections != hosts:
            raise RuntimeError(f"{connections} connections to {hosts} hosts")
        return {"return": seconds}

    return run


def xargs(stage: Stage) -> dict[str, float]:
    """Log in at each of the hosts, as many at once as `apply` does: what no other way of doing it can go below."""
    hosts = "".join(f"h{number:03}\n" for number in range(HOSTS))
    before = stage.logins()
    seconds = stage.run("xargs", "-P8", "-I{}", *stage.argv("ssh", "{}", "true"), stdin=hosts)
    if stage.logins() - before != HOSTS:
        raise RuntimeError(f"{stage.logins() - before} logins at {HOSTS} hosts")
    return {"return": seconds}


def ssh_g(stage: Stage) -> dict[str, float]:
    """`ssh -G other`."""
    return {"return": stage.run("ssh", "-G", "other")}


def ssh_g_with_1000(stage: Stage) -> dict[str, float]:
    """Run the same with a thousand profiles installed."""
    folder = stage.home / ".ssh/nbssh.d"
    text = (folder / "box.conf").read_text()
    for number in range(1000):
        path = folder / f"p{number:03}.conf"
        path.write_text(text.replace("box", f"p{number:03}"))
        path.chmod(0o600)
    stage.run("ssh", "-G", "other")
    found = ssh_g(stage)
    undeclare(stage)
    return found


def add(stage: Stage) -> dict[str, float]:
    """`nbssh add` whole, from nothing, without its questions."""
    before = stage.logins()
    words = ("--yes", "--token", "--port", str(PORT + 1), "--jupyter", f"{BIN}/jupyter-lab")
    seconds = stage.run("nbssh", "add", "fresh", "box", *words)
    logins = stage.logins() - before
    stage.run("nbssh", "remove", "fresh", "--yes")
    if logins != 1:
        raise RuntimeError(f"add authenticated {logins} times")
    return {"return": seconds}


class Tab:
    """One open shell with the completion of a program; each call presses Tab once and waits for the word."""

    def __init__(self, shell: str, program: str) -> None:
        self.shell, self.program, self.open = shell, program, False
        self.terminal: Terminal | None = None

    def __call__(self, stage: Stage) -> dict[str, float]:
        """Complete `PROGRAM pass` to `passwd`."""
        if self.terminal is None:
            self.terminal = self._start(stage)
        terminal = self.terminal
        terminal.type(f"{self.program} pass")
        time.sleep(0.2)  # what the shell does with each key (fish suggests) is done
        mark, began = len(terminal.said), time.monotonic()
        terminal.type("\t")
        terminal.until(b"wd", mark)
        seconds = time.monotonic() - began
        terminal.type("\x15")
        time.sleep(0.1)
        return {"word": seconds}

    def _start(self, stage: Stage) -> Terminal:
        env = stage.env | {"TERM": "xterm", "fish_greeting": ""}
        terminal = Terminal(SHELLS[self.shell], env, stage.home)
        stage_file = stage.folder / f"{self.program}.{self.shell}"
        stage_file.write_text(_script(stage, self.shell, self.program))
        read = {
            "bash": f"source {stage_file}",
            "zsh": f"autoload -Uz compinit; compinit -u -d {stage.folder}/dump; source {stage_file}",
            "fish": f"set -g fish_autosuggestion_enabled 0; source {stage_file}",
        }[self.shell]
        terminal.type(f"{read}; echo rea''dy\n")
        terminal.until(b"ready")
        time.sleep(0.3)
        return terminal

    def close(self) -> None:
        """End the shell."""
        if self.terminal:
            self.terminal.close()
            self.terminal = None


def _script(stage: Stage, shell: str, program: str) -> str:
    """Return the completion script: ours as it is committed, Typer's as Typer makes it."""
    if program == "nbssh":
        file = {"bash": "nbssh.bash", "zsh": "_nbssh", "fish": "nbssh.fish"}[shell]
        text = (REPOSITORY / "completions" / file).read_text()
        return f"{text}\ncompdef _nbssh nbssh\n" if shell == "zsh" else text
    from typer.completion import get_completion_script  # noqa: PLC0415  only this row needs it

    path = stage.folder / "bin" / program
    path.write_text(_TYPERS.format(python=sys.executable))
    path.chmod(0o755)
    return str(get_completion_script(prog_name=program, complete_var="_NBSSH_TYPER_COMPLETE", shell=shell))


def experiments() -> Iterator[Experiment]:
    """Return what there is to measure."""
    for shell in (shell for shell in SHELLS if shutil.which(shell)):
        tabs = {"nbssh": Tab(shell, "nbssh"), "Typer's own": Tab(shell, "nbssh-typer")}
        yield Experiment(
            "tab", tabs,
            (Comparison(f"Tab in {shell}", ("nbssh", "word"), ("Typer's own", "word"), 1 / 15),),
            far=False, after=lambda _, tabs=tabs: [tab.close() for tab in tabs.values()],
        )  # fmt: skip
    yield Experiment(
        "version",
        {"nbssh": version, TYPER: import_typer},
        (Comparison("nbssh --version", ("nbssh", "return"), (TYPER, "return"), 1.5),),
        far=False,
    )
    yield Experiment(
        "list",
        {"nbssh": list_, TYPER: import_typer},
        (Comparison("nbssh list, 100 profiles", ("nbssh", "return"), (TYPER, "return"), 2.5),),
        far=False,
        before=lambda stage: declare(stage, 100),
        after=undeclare,
    )
    yield Experiment(
        "ssh-G",
        {"with 1,000": ssh_g_with_1000, "with none": ssh_g},
        (
            Comparison(
                "ssh -G other, 1,000 profiles more", ("with 1,000", "return"), ("with none", "return"), 25, per=1
            ),
        ),
        far=False,
    )
    yield Experiment(
        "apply",
        {"1": applies(1), "10": applies(10), "100": applies(100)},
        tuple(
            Comparison(
                f"apply, nothing to do, each of {which}",
                (many, "return"),
                (few, "return"),
                15,
                per=int(many) - int(few),
                against=f"apply of {few}",
            )
            for which, few, many in (("2 to 10 profiles", "1", "10"), ("11 to 100", "10", "100"))
        ),
        after=undeclare,
    )
    yield Experiment(
        "hosts",
        {"100 hosts": applies(HOSTS, "h{}"), XARGS: xargs},
        (Comparison("apply to 100 hosts, nothing to do", ("100 hosts", "return"), (XARGS, "return"), 1.3),),
        after=undeclare,
    )
    yield Experiment(
        "add",
        {"nbssh": add, LOGIN: login, "nbssh --version": version},
        (
            Comparison(
                "add, whole", ("nbssh", "return"), (LOGIN, "return"), 4, sums=("nbssh --version", "return"),
                against=f"{LOGIN} + nbssh --version",
            ),
        ),
    )  # fmt: skip
