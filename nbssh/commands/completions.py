"""The completion scripts: what Typer knows about our commands, as a small model, rendered for four shells.

The scripts are static and committed under completions/; a test fails when they are stale. `nbssh completions`
prints the committed files, so what people load is what was tested. Must not import the command line: the tree comes
as an argument. Must not install anything: no rc file is ours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from nbssh.adapters.files import writer
from nbssh.core.files.template import Template
from nbssh.errors import Exit, NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator

# shell -> its script's name below completions/ and, as a template, below templates/completions/
SCRIPTS = {"bash": "nbssh.bash", "zsh": "_nbssh", "fish": "nbssh.fish", "powershell": "nbssh.ps1"}

# shell -> what puts its script where it belongs; the folder is there for few
PLACES = {
    "bash": "with the package bash-completion, for each new bash: mkdir -p ~/.local/share/bash-completion/completions "
    "&& nbssh completions bash > ~/.local/share/bash-completion/completions/nbssh",
    "zsh": "with fpath+=~/.zfunc above compinit in ~/.zshrc: "
    "mkdir -p ~/.zfunc && nbssh completions zsh > ~/.zfunc/_nbssh",
    "fish": "for each new fish: mkdir -p ~/.config/fish/completions "
    "&& nbssh completions fish > ~/.config/fish/completions/nbssh.fish",
    "powershell": "for each new PowerShell: nbssh completions powershell >> $PROFILE",
}

# A metavar that names its choices, such as lab|notebook|server.
_CHOICES = re.compile(r"[a-z0-9][a-z0-9-]*(\|[a-z0-9][a-z0-9-]*)+")


class Offer(NamedTuple):
    """What can stand in a place, by its metavar: `kind` is "profile", "host", "choice" or "nothing"."""

    label: str
    kind: str
    choices: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The offer as one word of the scripts' tables: profile, host, - or the choices as one|two."""
        return "|".join(self.choices) if self.kind == "choice" else self.kind.replace("nothing", "-")


class Option(NamedTuple):
    """One option: its flags in order of length, its value (None if it takes none), and its help in a few words."""

    flags: tuple[str, ...]
    value: Offer | None
    repeatable: bool
    help: str


class Argument(NamedTuple):
    """One argument: what can stand there, and whether more of the same may follow."""

    offer: Offer
    repeatable: bool


class Command(NamedTuple):
    """One command; the name of the program itself is empty."""

    name: str
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]


class Scripts(Template, frozen=True, kw_only=True):
    """What the completion scripts know: the program itself, and its commands."""

    templates: ClassVar = tuple(f"completions/{name}" for name in SCRIPTS.values())
    program: Command
    commands: list[Command]


def script(shell: str) -> str:
    """Return the completion script of `shell` as it was committed; an unknown shell is a usage error."""
    if shell not in SCRIPTS:
        raise NbsshError(
            f"there is no completion script for '{shell}'", f"one of: {', '.join(SCRIPTS)}", code=Exit.USAGE
        )
    path = scripts_dir() / SCRIPTS[shell]
    text = writer.read(path)
    if text is None:
        raise NbsshError(f"{path} is missing", "install nbssh again")
    return text.decode()


def scripts_dir() -> Path:
    """Return the folder of the committed scripts: the repository's in a checkout, otherwise the package's own copy."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent
    return (checkout if (checkout / "pyproject.toml").is_file() else package) / "completions"


def render_scripts(tree: Any) -> dict[str, str]:  # noqa: ANN401  Typer keeps its classes to itself
    """Return shell -> script for `tree`, the Click group that Typer makes of an app."""
    from nbssh.core.files.render import render  # noqa: PLC0415  jinja2: 70 ms that printing a script does without

    program, *commands = read_tree(tree)
    model = Scripts(program=program, commands=commands)
    return {shell: render(model, f"completions/{name}") for shell, name in SCRIPTS.items()}


def read_tree(tree: Any) -> list[Command]:  # noqa: ANN401
    """Return the program itself, then its commands, in the order of the help text and without hidden things."""
    helps = tuple(tree.context_settings.get("help_option_names", ("--help",)))
    shown = {name: command for name, command in tree.commands.items() if not command.hidden}
    first = Argument(Offer("COMMAND", "choice", tuple(shown)), repeatable=False)
    program = _read_command("", tree, helps)._replace(arguments=(first,))
    return [program, *(_read_command(name, command, helps) for name, command in shown.items())]


def _read_command(name: str, command: Any, helps: tuple[str, ...]) -> Command:  # noqa: ANN401
    parameters = [each for each in command.params if not getattr(each, "hidden", False)]
    options = [each for each in parameters if each.param_type_name == "option"]
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    # Where a DESTINATION is asked for, NAME is that of a new profile, which is the host's by default.
    adds = any("DESTINATION" in (each.metavar or "") for each in arguments)
    return Command(
        name,
        _say(command.help),
        (*(_read_option(each) for each in options), Option(helps, None, repeatable=False, help="Show the help")),
        tuple(Argument(_offer(each.metavar, adds=adds), each.nargs == -1) for each in arguments),
    )


def _read_option(option: Any) -> Option:  # noqa: ANN401
    flags = tuple(sorted([*option.opts, *option.secondary_opts], key=len))
    value = None if option.is_flag or option.count else _offer(option.metavar, adds=False)
    return Option(flags, value, repeatable=option.multiple or option.count, help=_say(option.help))


def _offer(metavar: str | None, *, adds: bool) -> Offer:
    label = re.sub(r"[\[\].]", "", metavar or "") or "VALUE"
    if _CHOICES.fullmatch(label):
        return Offer(label, "choice", tuple(label.split("|")))
    if label == "DESTINATION" or (label == "NAME" and adds):
        return Offer(label, "host")
    return Offer(label, "profile" if label == "NAME" else "nothing")


def _say(text: str | None) -> str:
    """Return the first line of a help text, without its full stop, in ASCII: Windows' PowerShell reads no UTF-8."""
    line = next(_lines(text or ""), "")
    return line.removesuffix(".").replace("…", "...").encode("ascii", "replace").decode()


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
