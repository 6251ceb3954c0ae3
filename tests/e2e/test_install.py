"""nbssh as people install it: a wheel in a fresh environment, an editable install, a plain checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import pytest

import nbssh
from nbssh.core.files.render import templates_dir

if TYPE_CHECKING:
    from collections.abc import Callable

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout, with the build backend of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(folder), str(beds.REPOSITORY)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own that sees our dependencies; return its bin folder.

    They come by a path file, not by an install; our own editable nbssh, itself a path file, is not seen so.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    command += ["--python", str(folder / "bin" / "python"), "install", "--no-deps", "--no-index"]
    command += ["--ignore-installed", str(wheel)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder / "bin"


@pytest.fixture(params=["wheel", "editable", "checkout"])
def run(request: pytest.FixtureRequest, bed: beds.Bed) -> Callable[..., Run]:
    """Run nbssh, installed in each way, in an empty folder and at a scratch home."""
    command = [str(beds.BIN / "nbssh")]
    if request.param == "wheel":
        command = [str(request.getfixturevalue("installed") / "nbssh")]
    if request.param == "checkout":
        command = [sys.executable, "-m", "nbssh"]
        bed.env["PYTHONPATH"] = str(beds.REPOSITORY)
    empty = bed.folder / "empty"
    empty.mkdir()
    return lambda *words, stdin="": bed.run(*command, *words, stdin=stdin, cwd=empty)


def test_the_wheel_carries_the_templates_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for path in templates_dir().rglob("*"):
        if path.is_file():
            assert f"nbssh/templates/{path.relative_to(templates_dir())}" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"nbssh", f"jupyter_nbssh-{nbssh.__version__}.dist-info"} | {
        name for name in tops if name.endswith(".data")
    }
    assert not [name for name in names if name.startswith("tests/") or "/tests/" in name or "/test_" in name]


def test_the_completions_are_where_shells_look(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    completions = [path.name for path in (beds.REPOSITORY / "completions").iterdir() if path.is_file()]
    assert completions
    for name in completions:
        assert [path for path in names if path.endswith(f"/{name}")], name


def test_the_man_pages_are_where_man_looks(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for path in (beds.REPOSITORY / "docs/man").iterdir():
        assert [name for name in names if name.endswith(f".data/data/share/man/man{path.suffix[1:]}/{path.name}")]


def test_it_says_its_version(run: Callable[..., Run]) -> None:
    done = run("--version")
    assert done.returncode == 0, done.stderr
    assert nbssh.__version__ in done.stdout


def test_it_makes_a_complete_profile_from_its_templates(run: Callable[..., Run], bed: beds.Bed) -> None:
    done = run("add", "box", "--offline", "--yes", "--password-stdin", stdin="secret")
    assert done.returncode == 0, done.stderr
    assert (bed.local_home / ".ssh" / "nbssh.d" / "box.conf").stat().st_mode & 0o777 == 0o600
    resolved = bed.run("ssh", "-G", "box-nb")
    assert "remotecommand test -r ~/.local/share/nbssh/program/" in resolved.stdout
    assert os.listdir(bed.folder / "empty") == []  # noqa: PTH208  names are enough


def test_the_installed_one_runs_its_own_code(installed: Path, bed: beds.Bed) -> None:
    script = "import nbssh, nbssh.core.files.render as r; print(nbssh.__file__); print(r.templates_dir())"
    done = bed.run(str(installed / "python"), "-I", "-c", script)
    assert done.stdout, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(installed.parent)
