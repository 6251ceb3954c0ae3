"""Reads and installs the program and a profile's files on a host. Nothing that is read is trusted.

An install has two halves, with the laptop's own files written in between. First what is new gets there, and the program
that the aliases still name is kept. Then, when nothing here names it any more, what is old goes.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.programs.process import OUTPUT_BYTES
from nbssh.adapters.terminal import trace
from nbssh.core import answers
from nbssh.core.files import server_files, server_record
from nbssh.core.files.change import Kind, Plan
from nbssh.core.files.program import program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import share_folder, states_folder
from nbssh.core.server import archive
from nbssh.core.ssh.destination import typed
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.core.files.program import Program
    from nbssh.core.files.server_files import Parcel
    from nbssh.core.profile.declared import Declared

RemoteFile = tuple[bytes, int]
"""Content and permission bits of a file on a host."""

AT_ONCE = 128  # folders in one answer of a server, which has a minute for it
FOLDER_BYTES = 1 << 17  # what the files of one profile on its host may be together; they are 10 kB
_CHANGED = "changed"  # what `install` says where the profile's parameters are others than it was told
_ID = re.compile(r"[0-9a-f]{16}\Z")


class Look(Template, frozen=True, kw_only=True):
    """What `read` is asked for."""

    templates: ClassVar = ("sent/read",)
    share: str
    programs: list[Wanted]
    folders: list[str]


class Install(Template, frozen=True, kw_only=True):
    """What `install` puts in place and takes away. `parts` are the files of `program`; none if that folder is there.

    `profile` is the file of the profile's parameters. `sums` is empty where it stays; otherwise the install goes on
    only if cksum(1) says one of these of it, an empty text where there may be none.
    """

    templates: ClassVar = ("sent/install",)
    name: str
    share: str
    data: str
    states: str
    program: str
    parts: list[Parcel]
    files: list[Parcel]
    deleted: list[str]
    emptied: list[str]
    tidies: bool
    profile: str
    sums: list[str]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A program that `read` is to look at."""

    id: str
    names: list[str]


@dataclasses.dataclass
class Present:
    """What lies on a host: the profiles' files by absolute path, and the programs by share folder and id.

    `unnamed` are the share folders that hold a program which no laptop has registered.
    """

    files: dict[str, RemoteFile] = dataclasses.field(default_factory=dict)
    programs: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    unnamed: set[str] = dataclasses.field(default_factory=set)

    def program(self, declared: Declared) -> str:
        """Return what there is of the program of `declared`: whole, damaged or missing."""
        return self.programs.get((share_folder(declared.server), program_of(declared.way).id), "missing")

    def lists(self, data: str) -> list[bytes]:
        """Return the files in `data`, a profile's folder, that tell the checksums of those that hold no seal."""
        return [
            self.files[path][0] for path in (server_files.settings_path(data), f"{data}/manifest") if path in self.files
        ]

    def is_torn(self, data: str) -> bool:
        """Tell whether the files in `data` do not belong together: edited by hand, or somebody writes them."""
        lists = self.lists(data)
        there = [path for path in server_files.config_paths(data) if path in self.files]
        return bool(lists) and any(server_files.is_unlisted(path, self.files[path][0], data, lists) for path in there)


def read_remote(connection: Connection, wanted: Sequence[Declared]) -> Present:
    """Return what is there of the profiles `wanted`, which are all on this host. Not one question for each."""
    present = Present()
    shares: dict[str, list[Declared]] = {}
    for declared in wanted:
        shares.setdefault(share_folder(declared.server), []).append(declared)
    for share, those in shares.items():
        for some in range(0, len(those), AT_ONCE):
            _read(connection, share, those[some : some + AT_ONCE], present)
        # another laptop that is writing is done in a moment; what she has edited by hand stays
        if torn := [declared for declared in those if present.is_torn(declared.folder)]:
            _read(connection, share, torn, present)
    return present


def _read(connection: Connection, share: str, those: Sequence[Declared], present: Present) -> None:
    programs = {program.id: program for program in (program_of(declared.way) for declared in those)}
    look = Look(
        share=share,
        programs=[Wanted(program.id, [part.name for part in program.parts]) for program in programs.values()],
        folders=[declared.folder for declared in those],
    )
    output = max(OUTPUT_BYTES, len(those) * FOLDER_BYTES)
    with trace.step(f"read the files on {connection.shown}"):
        out = connection.run(render(look), output=output)
    said, _, data = out.partition(b"\n\n")
    answered = {_note(row, share, programs, present) for row in answers.rows(said)}
    if not programs.keys() <= answered:
        raise NbsshError(
            f"{connection.shown}: what came back does not tell which files are there",
            f"look at what its login shell prints: {typed(connection.shown, 'true')}",
        )
    try:
        present.files |= archive.files(data, output)
    except archive.OddArchiveError as error:
        raise NbsshError(
            f"{connection.shown}: what came back is no tar stream of ours ({error})", "look at the host's tar"
        ) from None


def _note(words: list[str], share: str, programs: dict[str, Program], present: Present) -> str:
    """Take up one line of `read` and return the program that it tells of; a line of another form is no answer."""
    match words:
        case ["program", id_, "missing"] if id_ in programs:
            present.programs[share, id_] = "missing"
        case ["program", id_, kind, *sums] if id_ in programs:
            present.programs[share, id_] = "whole" if programs[id_].is_whole(kind, sums) else "damaged"
        case ["unnamed", id_] if _ID.match(id_):
            present.unnamed.add(share)
            return ""
        case _:
            return ""
    return id_


def install(connection: Connection, declared: Declared, changes: Sequence[Change]) -> None:
    """Put what is new in place on the host, all of it or nothing. What the aliases may still name stays."""
    new = [_keeping_the_old(change) for change in Plan(changes).changes if change.new is not None]
    if new:
        _run(connection, declared, new)


def settle(connection: Connection, declared: Declared, changes: Sequence[Change], *, tidies: bool = False) -> None:
    """Take away what is old, now that nothing here names it; `tidies`: programs that nobody needs in any case."""
    plan = Plan(changes)
    moved = [change for change in plan.changes if change.kind is Kind.REGISTRATION and change.old and change.new]
    gone = [change for change in plan.changes if change.new is None]
    if moved or gone or tidies:
        _run(connection, declared, moved, gone, tidies=True)


def take_back(connection: Connection, declared: Declared, changes: Sequence[Change], *, tidies: bool = True) -> None:
    """Undo `install`; `tidies`: a program that nobody else needs goes with what named it."""
    back = []
    for change in Plan(changes).changes:
        if change.kind is not Kind.PROGRAM and change.new is not None:
            mode = change.mode if change.old_mode is None else change.old_mode
            back.append(dataclasses.replace(change, old=change.new, new=change.old, mode=mode, old_mode=change.mode))
    gone = [change for change in back if change.new is None]
    _run(connection, declared, [change for change in back if change.new is not None], gone, tidies=tidies)


def _keeping_the_old(change: Change) -> Change:
    """Return a registration with the program that it named before, until the aliases are written."""
    if change.kind is Kind.REGISTRATION and change.old and change.new:
        return dataclasses.replace(change, new=change.new + change.old)
    return change


def _run(
    connection: Connection,
    declared: Declared,
    new: Sequence[Change],
    gone: Sequence[Change] = (),
    *,
    tidies: bool = False,
) -> None:
    program, share, data = program_of(declared.way), share_folder(declared.server), declared.folder
    parts = program.parts if any(change.kind is Kind.PROGRAM for change in new) else ()
    folders = {change.path.rpartition("/")[0] for change in gone}
    model = Install(
        name=declared.name,
        share=share,
        data=data,
        states=states_folder(declared.server),
        program=f"{share}/program/{program.id}",
        parts=[server_files.parcel(part.name, part.data, part.mode) for part in parts],
        files=[
            server_files.parcel(change.path, change.new or b"", change.mode)
            for change in new
            if change.kind is not Kind.PROGRAM
        ],
        deleted=[change.path for change in gone],
        emptied=sorted(folders, reverse=True),
        tidies=tidies,
        profile=server_files.settings_path(data),
        sums=[
            "" if content is None else server_record.summed(content)
            for change in (*new, *gone)
            if change.kind is Kind.SETTINGS and change.old != change.new
            for content in (change.old, change.new)
        ],
    )
    with trace.step(f"install on {connection.shown}"):
        said = answers.rows(connection.run(render(model)))
    if [_CHANGED] in said:
        raise NbsshError(
            f"another nbssh changed '{declared.name}' on {connection.shown} at the same time; nothing was changed",
            "say it again",
        )
    for change in (*new, *gone):
        trace.file(change.action, change.name, None if change.new is None else change.mode)
