"""Our one line in ~/.ssh/config: shown before it is written, never put back unasked, taken out byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import access, tidy, writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.files import change as changes
from nbssh.core.files.change import Change, Plan
from nbssh.core.files.diff import painted, unified
from nbssh.core.profile.profile import all_aliases
from nbssh.core.ssh import block, include
from nbssh.core.ssh.include import Kind
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from nbssh.core.ssh.block import Block
    from nbssh.core.ssh.include import IncludeState
    from nbssh.steps.context import Context

_ABOUT_TO = b"about to be "


def state_of(context: Context) -> IncludeState:
    """Return where the user's config includes our files. Raises if that also reads what is no ssh_config."""
    found = include.include_state(*_read(context))
    if found.wide:
        raise NbsshError(
            f"{_place(context, found.file, found.line)}: this Include also reads files of nbssh that are no ssh_config",
            "write it as: Include nbssh.d/*.conf",
        )
    return found


def too_low(context: Context, state: IncludeState) -> str:
    """Return what is wrong with an Include that stands below a Host or Match line, in words."""
    return (
        f"the Include at {_place(context, state.file, state.line)} stands below '{state.block}' and counts only there"
    )


def change(context: Context) -> Change | None:
    """Return the change that makes ssh read our files, None if it does already."""
    paths = context.paths
    state = state_of(context)
    if state.kind is Kind.EFFECTIVE:
        return None
    old, mode = writer.snapshot(paths.user_config)
    new = include.include_added(include.include_removed(old or b""), skips_mark=SYSTEM.client.skips_mark)
    why = "makes ssh read the files of nbssh"
    if state.kind is Kind.LOW:
        why += f"; {too_low(context, state)}"
    mode_wanted = 0o600 if mode is None else mode
    return Change(str(paths.user_config), old, new, mode_wanted, mode, why, kind=changes.Kind.INCLUDE)


def removal(context: Context) -> Change | None:
    """Return the change that takes our line out, None if it is not there."""
    path = context.paths.user_config
    old, mode = writer.snapshot(path)
    new = include.include_removed(old or b"")
    if old is None or new == old:
        return None
    # A file that was not there before us and holds nothing else goes again.
    gone = not new and b"made" in (writer.read(_marker(context)) or b"")
    why = "ssh no longer reads the files of nbssh"
    return Change(str(path), old, None if gone else new, mode or 0o600, mode, why, kind=changes.Kind.INCLUDE)


def _marker(context: Context) -> Path:
    """Return the file that remembers that we put the line in once: a line that the user took out stays out."""
    return context.paths.state / "included"


def forget(context: Context) -> None:
    """Delete what remembers that the line was put in once."""
    tidy.remove(_marker(context))


def was_added(context: Context) -> bool:
    """Tell whether the line was put in at some time; a run that was killed just before does not count."""
    said = writer.read(_marker(context))
    return said is not None and not said.startswith(_ABOUT_TO)


def with_marker(context: Context, added: Change) -> list[Change]:
    """Return `added` between what remembers that it is about to be done and that it was done.

    A kill in between must neither lose that the file was made by us nor pass for a line that the user took out.
    """
    path = str(_marker(context))
    old, mode = writer.snapshot(path)
    text = b"spliced\n" if added.old is not None else b"made\n"
    why = "remembers that the Include line was added"
    before = Change(path, old, _ABOUT_TO + text, 0o600, mode, why, secret=True, kind=changes.Kind.MARKER)
    after = Change(path, before.new, text, 0o600, before.mode, why, secret=True, kind=changes.Kind.MARKER)
    return [before, added, after]


def unfinished(context: Context) -> list[Change]:
    """Return what a run that was killed right after it had put the line in left undone."""
    path = str(_marker(context))
    old, mode = writer.snapshot(path)
    if old is None or not old.startswith(_ABOUT_TO) or removal(context) is None:
        return []
    why = "remembers that the Include line was added"
    new = old.removeprefix(_ABOUT_TO)
    return [Change(path, old, new, 0o600, mode, why, secret=True, kind=changes.Kind.MARKER)]


def refuse_unwritable(context: Context) -> None:
    """Raise, before anything is done, if ~/.ssh/config is not ours to write; the hint is the way by hand."""
    path = str(context.paths.user_config)
    try:
        target = access.resolve(path)
        access.refuse_foreign(target)
        access.refuse_linked(target)
    except NbsshError as error:
        raise NbsshError(
            f"{error.message}; nothing was changed",
            f"if another program manages that file, have it put this line at the very top: {include.INCLUDE.decode()}",
        ) from None


def consent(context: Context, wanted: Change) -> bool:
    """Show the change of ~/.ssh/config and ask for it."""
    context.ui.talk(unified(Plan([wanted])), paint=painted)
    return context.ui.ask(
        f"add this Include line to {context.paths.shown(context.paths.user_config)}?",
        otherwise="say --yes, or add the line yourself: nbssh init --print",
        default=True,
    )


def listening_ports(context: Context) -> frozenset[int]:
    """Return the local ports that the user's own ssh_config forwards, for whatever host."""
    return include.listening_ports(*_read(context))


def has_host(context: Context, host: str) -> bool:
    """Tell whether the user has a `Host` line with this very name."""
    config, disk = _read(context)
    return include.find_host(config, host, disk) is not None


def own_hosts(context: Context) -> frozenset[str]:
    """Return all names that the user's own `Host` lines have."""
    return block.hosts(*_read(context))


def refuse_taken_aliases(context: Context, name: str, *, leads_on: bool) -> None:
    """Raise if the user has a `Host NAME-nb` of her own somewhere; `leads_on` is that of the profile's way."""
    for wanted in all_aliases(name, leads_on=leads_on):
        if found := own_block(context, wanted):
            raise taken_alias(context, wanted, found)


def taken_alias(context: Context, wanted: str, found: Block) -> NbsshError:
    """Return the error for a block of the user's own that is in the way."""
    return NbsshError(
        f"{place(context, found)}: there is a 'Host {wanted}' already that is not ours",
        "take another profile name, or rename that block"
        + ("; for its forwards there is: nbssh add --also" if found.keywords & {*block.FORWARDS} else ""),
    )


def place(context: Context, found: Block) -> str:
    """Return where a block stands."""
    return _place(context, found.file, found.line)


def own_block(context: Context, name: str) -> Block | None:
    """Return what the user has below a `Host` line with this very name."""
    config, disk = _read(context)
    return block.block_of(config, name, disk) if include.find_host(config, name, disk) else None


def _read(context: Context) -> tuple[bytes, SshDisk]:
    """Return the user's config, empty if there is none, and the disk that its Include lines lead to."""
    config = writer.read(context.paths.user_config) or b""
    if SYSTEM.client.skips_mark:
        config = config.removeprefix(include.MARK)
    return config, SshDisk.of(context.paths.home)


def _place(context: Context, file: str, line: int) -> str:
    return f"{context.paths.shown(file or context.paths.user_config)}:{line}"
