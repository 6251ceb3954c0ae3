"""How what lies on a server comes back from it, whatever tools that has."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from remote_helpers import SHELLS, tools

from nbssh.core.files.program import Part, Program
from nbssh.core.files.render import render
from nbssh.steps.server_files import Look, Wanted

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = Program((Part("launch", b"#!/bin/sh\n", 0o700), Part("sub/part.sh", b"# x\n" * 999, 0o600)))
ALWAYS = ("tar", "cat", "ls", "awk", "sort", "printf")


def read(shell: str, path: Path, share: Path, *folders: Path) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(SHELLS[shell][0])
    assert program
    wanted = Wanted(PROGRAM.id, [part.name for part in PROGRAM.parts])
    script = render(Look(share=str(share), programs=[wanted], folders=[str(folder) for folder in folders]))
    return subprocess.run(
        [program, *SHELLS[shell][1:]], input=script.encode(), capture_output=True, check=False, env={"PATH": str(path)}
    )


def install(share: Path) -> Path:
    """Put PROGRAM in place; return its folder."""
    for part in PROGRAM.parts:
        path = share / "program" / PROGRAM.id / part.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part.data)
        path.chmod(part.mode)
    return share / "program" / PROGRAM.id


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "none"])
def test_files_come_back_compressed_or_not(shell: str, *, gzip: bool, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/file").write_bytes(b"\0\xff\n" * 9999)
    path = tools(tmp_path / "bin", *ALWAYS, *(["gzip"] if gzip else []))
    done = read(shell, path, tmp_path / "share", tmp_path / "a b", tmp_path / "not there")
    assert (done.returncode, done.stderr) == (0, b"")
    said, _, packed = done.stdout.partition(b"\n\n")
    assert said.decode() == f"program {PROGRAM.id} missing"
    assert (len(packed) < 9999) == gzip
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile(f"{tmp_path}/a b/file".removeprefix("/"))
        assert file
        assert file.read() == (tmp_path / "a b/file").read_bytes()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("tool", ["sha256sum", "shasum", "cksum"])
def test_a_program_comes_back_as_its_checksum(shell: str, tool: str, tmp_path: Path) -> None:
    needed = ["perl"] if tool == "shasum" else []
    path = tools(tmp_path / "bin", *ALWAYS, tool, *needed)
    share = tmp_path / "it's"
    folder = install(share)
    (share / "program/0000000000000000").mkdir()
    (share / "box/laptops").mkdir(parents=True)
    (share / "box/laptops/0123456789abcdef").write_text(f"{PROGRAM.id}\n")

    def found() -> list[str]:
        done = read(shell, path, share)
        assert (done.returncode, done.stderr) == (0, b"")
        first, last, *rest = done.stdout.decode().splitlines()
        assert (last, rest) == ("unnamed 0000000000000000", [""])
        words = first.split()
        assert words[:2] == ["program", PROGRAM.id]
        return words[2:]

    assert PROGRAM.is_whole(found()[0], found()[1:])
    (folder / "launch~").write_text("what nobody reads")
    assert PROGRAM.is_whole(found()[0], found()[1:])
    for harm in (
        lambda: (folder / "launch").chmod(0o755),
        lambda: (folder / "launch").write_bytes(b"#!/bin/SH\n"),
        (folder / "launch").unlink,
    ):
        harm()
        assert not PROGRAM.is_whole(found()[0], found()[1:])
        install(share)
    shutil.rmtree(folder)
    assert found() == ["missing"]


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_there_is_no_error(shell: str, tmp_path: Path) -> None:
    done = read(shell, tools(tmp_path / "bin", *ALWAYS, "gzip"), tmp_path / "share", tmp_path / "not there")
    said = f"program {PROGRAM.id} missing\n\n".encode()
    assert (done.returncode, done.stdout, done.stderr) == (0, said, b"")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("names", [("gzip", "cat", "printf"), ("cat", "printf")], ids=["gzip", "none"])
def test_what_tar_could_not_read_is_an_error(shell: str, names: tuple[str, ...], tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", *names)
    (path / "tar").write_text("#!/bin/sh\necho part\necho tar: file: Permission denied >&2\nexit 2\n")
    (path / "tar").chmod(0o755)
    done = read(shell, path, tmp_path / "share", tmp_path)
    assert done.returncode == 2
    assert done.stderr == b"tar: file: Permission denied\n"
