"""How the files of a profile come back from its server, whatever tools that has."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from remote_helpers import SHELLS, tools

from nbssh.core.files.render import render

if TYPE_CHECKING:
    from pathlib import Path


def read(shell: str, path: Path, *folders: Path) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(SHELLS[shell][0])
    assert program
    script = render("remote/read", folders=[str(folder) for folder in folders])
    return subprocess.run(
        [program, *SHELLS[shell][1:]], input=script.encode(), capture_output=True, check=False, env={"PATH": str(path)}
    )


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("names", [("tar", "gzip"), ("tar",)], ids=["gzip", "none"])
def test_files_come_back_compressed_or_not(shell: str, names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/file").write_bytes(b"\0\xff\n" * 9999)
    done = read(shell, tools(tmp_path / "bin", *names), tmp_path / "a b", tmp_path / "not there")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (len(done.stdout) < 9999) == ("gzip" in names)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        file = archive.extractfile(f"{tmp_path}/a b/file".removeprefix("/"))
        assert file
        assert file.read() == (tmp_path / "a b/file").read_bytes()


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_there_is_no_error(shell: str, tmp_path: Path) -> None:
    done = read(shell, tools(tmp_path / "bin", "tar", "gzip"), tmp_path / "not there")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("names", [("gzip", "cat"), ("cat",)], ids=["gzip", "none"])
def test_what_tar_could_not_read_is_an_error(shell: str, names: tuple[str, ...], tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", *names)
    (path / "tar").write_text("#!/bin/sh\necho part\necho tar: file: Permission denied >&2\nexit 2\n")
    (path / "tar").chmod(0o755)
    done = read(shell, path, tmp_path)
    assert done.returncode == 2
    assert done.stderr == b"tar: file: Permission denied\n"
