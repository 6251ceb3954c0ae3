"""The options of `nbssh add` that say something of the profile: one table, for all that has to know them. Pure.

The command line, its help and its completions are made of it, the profile that `add` declares, the comparison with one
that is there, and the descriptions in the JSON schema. A new option is a row here and a field of the Profile. Imported
for every help text, so it imports no model itself; a test compares it with the model.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbssh.core.text import printable
from nbssh.errors import Exit, NbsshError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbssh.core.profile.profile import Profile

# text; a number, of which 0 says nothing; hours, with a fraction; lines, by repeating it; words of one shell command;
# a flag without a value
Kind = Literal["text", "number", "hours", "lines", "words", "flag"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option. `key` is what it sets in the profile: `app`, or `scheduler.kind` in a table.

    `metavar` stands for its value; the choices `a|b|c` are checked, but for those with `others`, and offered by
    completions. `default` is what the
    help says of it, in words. `sets` is what a flag puts into the profile. `needs` is the key of the option without
    which this one means nothing. `about` describes the key in the schema of profile files.
    """

    flag: str
    key: str
    kind: Kind
    help: str
    metavar: str = ""
    default: str = ""
    sets: str | bool = True
    needs: str = ""
    about: str = ""
    others: bool = False

    @property
    def parameter(self) -> str:
        """Its name in Python."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def choices(self) -> tuple[str, ...]:
        """All values that it takes, none if these are not words of a list."""
        return tuple(self.metavar.split("|")) if "|" in self.metavar else ()

    @property
    def told(self) -> str:
        """Its line of help."""
        return f"{self.help} (default: {self.default})." if self.default else f"{self.help}."

    def read(self, value: Any) -> Any:  # noqa: ANN401  as the command line gives it, as the profile has it
        """Return what `value` says as the profile has it, None where it says nothing; raise if it cannot be read."""
        if self.kind == "flag":
            return self.sets if value else None
        if self.kind == "words":
            return self._words(value) or None
        if self.kind == "lines":
            return list(value or ()) or None
        if self.kind == "number":
            return value or None
        if self.choices and not self.others and value is not None and value not in self.choices:
            said = f"{self.flag} {printable(value, 60)}: there is no such {self.parameter}"
            raise NbsshError(said, " or ".join(self.choices), code=Exit.USAGE)
        return value

    def _words(self, value: str | None) -> list[str]:
        try:
            return shlex.split(value or "")
        except ValueError as error:
            raise NbsshError(
                f"{self.flag} {printable(value or '', 60)}: {str(error).lower()}", "correct its quotes", code=Exit.USAGE
            ) from None


OPTIONS = (
    Option(
        flag="--port", key="port", kind="number", metavar="N",
        help="Local port", default="one of 20000-29999, made from the name",
        about="The local port, on 127.0.0.1.",
    ),
    Option(
        flag="--also", key="also", kind="lines", metavar="[LOCAL:]REMOTE",
        help="A port (6006), HOST:PORT or socket of the host, too; repeatable",
        about="More of the host by the same connection: '6006', 'LOCAL:PORT', 'LOCAL:HOST:PORT', 'LOCAL:/socket'.",
    ),
    Option(
        flag="--jupyter", key="jupyter", kind="text", metavar="PATH",
        help="Jupyter's program on the host, or its environment's folder",
        about="Jupyter's program on the host, or its environment's folder; found by itself if empty.",
    ),
    Option(
        flag="--app", key="app", kind="text",
        metavar="lab|notebook|server|marimo|tensorboard|code-server|rstudio|pluto",
        help="What to run, or an app that you described", default="lab", others=True,
        about="What runs on the host: JupyterLab, Jupyter Notebook, a bare Jupyter Server or an app (apps/NAME.toml).",
    ),
    Option(
        flag="--dir", key="dir", kind="text", metavar="DIR",
        help="Notebook folder on the host", default="home",
        about="The notebooks' folder on the host: absolute, below ~/, or relative to the home.",
    ),
    Option(
        flag="--server-dir", key="server_dir", kind="text", metavar="DIR",
        help="Folder on the host for nbssh's files", default="below the home",
        about="Where nbssh's own files are on the host, an absolute path; for a home that compute nodes lack.",
    ),
    Option(
        flag="--setup", key="setup", kind="lines", metavar="LINE",
        help="Shell line to run before Jupyter; repeatable",
        about="Shell lines to run before Jupyter, such as 'module load anaconda'.",
    ),
    Option(
        flag="--setup-shell", key="setup_shell", kind="words", metavar="COMMAND", needs="setup",
        help="Shell for the --setup lines, e.g. 'bash -l'",
        about="The shell for the setup lines, as words: ['/bin/bash', '-l'].",
    ),
    Option(
        flag="--forward", key="forward", kind="text", metavar="auto|socket|tcp",
        help="How the tunnel ends on the host",
        about="How the tunnel ends on the host: at a private unix socket or at a TCP port.",
    ),
    Option(
        flag="--remote-port", key="remote_port", kind="number", metavar="N",
        help="Port on the host, for tcp",
        about="The port on the host, for forward = 'tcp'.",
    ),
    Option(
        flag="--scheduler", key="scheduler.kind", kind="text", metavar="slurm|gridengine|pbs|lsf|flux|oar|pjm",
        help="Run Jupyter in a batch job of this scheduler",
        about="Run Jupyter in a batch job of this kind, with these options for its submission command.",
    ),
    Option(
        flag="--job-option", key="scheduler.options", kind="lines", metavar="OPTION", needs="scheduler.kind",
        help="Option of its submission command; repeatable",
    ),
    Option(
        flag="--adopt", key="adopt", kind="flag",
        help="Use the Jupyter that you run there already, started by hand",
        about="Use the Jupyter that runs there already, started by hand: the one that listens on remote_port.",
    ),
    Option(
        flag="--idle", key="idle_hours", kind="hours", metavar="HOURS",
        help="Shut down after so long without use",
        about="Shut an unused Jupyter down after so many hours.",
    ),
    Option(
        flag="--after-idle", key="after_idle", kind="text", metavar="COMMAND", needs="idle_hours",
        help="Run this on the host once --idle has ended Jupyter",
        about="A line for sh, run once on the host when idle_hours has ended Jupyter, and never otherwise.",
    ),
    Option(
        flag="--persist", key="persist", kind="text", metavar="TIME",
        help="Keep the connection so long after its last use, e.g. 1h", default="5 s",
        about="How long the connection stays open after its last use, as ControlPersist in ssh_config(5) has it: 1h.",
    ),
    Option(
        flag="--no-browser", key="browser", kind="flag", sets=False,
        help="Never open a browser",
        about="Whether ssh NAME-nb opens the browser.",
    ),
    Option(
        flag="--token", key="auth", kind="flag", sets="token",
        help="A random token instead of a password",
        about="How to log in to the notebooks; change it with: nbssh passwd NAME [--token].",
    ),
)  # fmt: skip


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return key -> value of what `given` says, parameters of the command line. Raises NbsshError."""
    unknown = given.keys() - {option.parameter for option in OPTIONS}
    if unknown:
        raise TypeError(f"no option of add: {', '.join(sorted(unknown))}")
    read = {option.key: option.read(given.get(option.parameter)) for option in OPTIONS}
    found = {key: value for key, value in read.items() if value is not None}
    by_key = {option.key: option for option in OPTIONS}
    for option in OPTIONS:
        if option.key in found and option.needs and option.needs not in found:
            needed = by_key[option.needs]
            raise NbsshError(f"{option.flag} needs {needed.flag}", f"say which: {needed.flag} {needed.metavar}")
    return found


def nested(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the keys say as the document of a profile: `scheduler.kind` in the table `scheduler`."""
    document: dict[str, Any] = {}
    for key, value in keys.items():
        table, dot, inner = key.partition(".")
        if dot:
            document.setdefault(table, {})[inner] = value
        else:
            document[key] = value
    return document


def differing(keys: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return those of the keys that `profile` has another value for; what nobody said differs from nothing."""
    return [key for key, value in keys.items() if _value(profile, key) != value]


def _value(profile: Profile, key: str) -> object:
    found: object = profile
    for part in key.split("."):
        found = getattr(found, part, None)
    return found
