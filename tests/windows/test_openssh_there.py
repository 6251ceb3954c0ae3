"""The ssh.exe of the bed: it reads Windows' files, has cmd.exe run commands, and cannot do what a release cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bed import Bed, bed
from bridge import NO_LOCAL_COMMAND, RELEASES
from laptop import Laptop, laptop, lend_config

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def lent() -> Iterator[Bed]:
    with bed(listen=True) as made:
        yield made


@pytest.fixture(scope="module")
def there(lent: Bed) -> Iterator[Laptop]:
    with laptop("3.13") as made:
        lend_config(made, lent)
        yield made


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_says_its_name(there: Laptop, release: str) -> None:
    said = there.run("ssh", "-V", NBSSH_BED_OPENSSH=release)
    assert (said.returncode, said.stderr) == (0, f"{RELEASES[release]}\r\n")


def test_words_and_streams_arrive(there: Laptop) -> None:
    done = there.run("ssh", "box", "cat; printf '%s\\n' 'é $x' >&2; exit 3", stdin="in\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "in\n", "é $x\n")


def test_files_are_named_as_windows_names_them(there: Laptop) -> None:
    (there.folder / "more.conf").write_bytes(b"\xef\xbb\xbfHost more\r\n    IdentityFile C:\\Users\\me\\key\r\n")
    (there.folder / "my config").write_bytes(b"\xef\xbb\xbfInclude C:/more.conf\r\n")
    done = there.run("ssh", "-F", "C:\\my config", "-G", "more")
    assert "identityfile C:\\Users\\me\\key" in done.stdout.splitlines()
    (there.folder / "more.conf").write_bytes(b"NoSuchOption 1\r\n")
    done = there.run("ssh", "-F", "C:\\my config", "-G", "more")
    assert done.returncode == 255
    assert done.stderr.startswith("C:\\more.conf: line 1: Bad configuration option: nosuchoption")


@pytest.mark.few
def test_cmd_exe_runs_the_local_command(there: Laptop) -> None:
    options = ["-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo %%OS%% >&2"]
    done = there.run("ssh", *options, "box", "true")
    assert (done.returncode, done.stderr.strip()) == (0, "Windows_NT")
    old = there.run("ssh", *options, "box", "true", NBSSH_BED_OPENSSH="7.7")
    assert old.returncode == 255
    assert NO_LOCAL_COMMAND in old.stderr


def test_what_a_release_cannot(there: Laptop) -> None:
    master = there.run("ssh", "-o", "ControlMaster=auto", "-o", "ControlPath=C:\\x", "box", "true")
    assert (master.returncode, "Not a socket" in master.stderr) == (255, True)
    options = there.folder / "options"
    options.write_text("SetEnv A=b\n", encoding="ascii")
    assert there.run("ssh", "-F", "C:\\options", "-G", "x").returncode == 0
    assert there.run("ssh", "-F", "C:\\options", "-G", "x", NBSSH_BED_OPENSSH="7.7").returncode == 255


def test_a_config_that_others_may_write_is_refused(there: Laptop) -> None:
    config = there.home / ".ssh" / "config"
    config.chmod(0o606)
    done = there.run("ssh", "box", "true")
    config.chmod(0o600)
    assert done.returncode == 255
    assert "Bad owner or permissions on C:\\users\\" in done.stderr
