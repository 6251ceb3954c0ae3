"""What a start of Jupyter needs on its host beside the program, and whether that is there. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from nbssh.core.text import printable

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.core.server.facts import Facts


class Lack(NamedTuple):
    """What is not as a start needs it. `key` is that of the profile; with `fatal` no session can start Jupyter."""

    key: str
    message: str
    repair: str
    fatal: bool = True


def lacks(name: str, profile: Profile, facts: Facts) -> list[Lack]:
    """Return what a start needs and the probe did not find."""
    found: list[Lack] = []
    host, edit = facts.host, f"nbssh edit {name}"
    if facts.shell_missing:
        what = f"the shell of the setup lines, '{facts.shell_missing}', is not on {host}"
        found.append(Lack("setup_shell", what, f"{edit}: setup_shell"))
    # rc files such as Debian's end early without -i, before what `conda init` wrote at their end
    shell = json.dumps([*(profile.setup_shell or ["bash", "-l"]), "-i"])
    alone = "" if "-i" in profile.setup_shell else f"; what works only in one takes setup_shell = {shell}"
    for number, status in facts.failed_lines:
        what = f"{line(profile, number)} ended with status {status} on {host}"
        found.append(Lack("setup", what, f"try it in a terminal there{alone}, then {edit}: setup", fatal=False))
    if facts.setup_late:
        what = f"the setup lines did not come to their end within 20 s on {host}"
        found.append(Lack("setup", what, f"if one of them waits for something: {edit}: setup", fatal=False))
    elif not facts.setup_ended:
        what = f"a setup line ends its shell on {host}, so Jupyter is not reached"
        found.append(Lack("setup", what, f'take exit, or exec without "$@", out of it: {edit}: setup'))
    if facts.folder_missing:
        folder = facts.folder_missing
        what = f"the notebooks' folder {folder} is not on {host}, or cannot be entered"
        found.append(Lack("dir", what, f"make it there: mkdir -p '{folder}'; or {edit}: dir"))
    return found


def line(profile: Profile, number: int) -> str:
    """Return how a setup line is called."""
    text = profile.setup[number - 1] if 0 < number <= len(profile.setup) else ""
    return f"setup line {number} ('{printable(text, 60)}')"
