"""The only writer on a real file system: whole files, kept modes and links, refusals, two writers at once."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.files import access, atomic, swap, tidy
from nbssh.adapters.files import writer as files
from nbssh.core.files.change import Change, seal
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="chown needs root")
OLD = b"Host a\n  User me\n"


class Home:
    """A scratch home with the folders of the writer."""

    def __init__(self, top: Path) -> None:
        self.ssh = top / "home/.ssh"
        self.ssh.mkdir(parents=True, mode=0o700)
        self.config = self.ssh / "config"
        self.state = top / "state"
        self.lock = self.state / "lock"
        self.backups = self.state / "backups"

    def apply(self, *changes: Change, **options: Callable[..., None] | float) -> list[str]:
        return files.apply_changes(changes, lock=self.lock, backups=self.backups, **options)  # type: ignore[arg-type]

    def write(self, path: Path, new: bytes | None, mode: int | None = None, *, secret: bool = False) -> list[str]:
        old, old_mode = files.snapshot(path)
        wanted = mode if mode is not None else old_mode if old_mode is not None else 0o600
        return self.apply(Change(str(path), old, new, wanted, old_mode, "test", secret=secret))

    def saved(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.backups.iterdir())] if self.backups.exists() else []


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    strays = [path for path in tmp_path.rglob("*") if path.name.endswith(".nbssh-tmp")]
    assert strays == []


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@posix
@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777], ids="umask {:03o}".format)
def test_modes_are_ours_whatever_the_umask(home: Home, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_some(home)
    finally:
        os.umask(before)
    path = home.ssh / "nbssh.d/deep/mybox.conf"
    assert mode_of(path) == 0o600
    assert mode_of(home.ssh / "nbssh.d/open") == 0o700
    folders = [path.parent, path.parent.parent, home.state, home.backups]
    assert [mode_of(folder) for folder in folders] == [0o700] * 4
    assert {mode_of(backup) for backup in home.backups.iterdir()} == {0o600}
    assert mode_of(home.lock) == 0o600


def write_some(home: Home) -> None:
    home.write(home.ssh / "nbssh.d/deep/mybox.conf", b"x\n")
    home.write(home.ssh / "nbssh.d/deep/mybox.conf", b"y\n")
    home.write(home.ssh / "nbssh.d/open", b"#!/bin/sh\n", 0o700)


def test_only_not_found_is_none(home: Home) -> None:
    assert files.snapshot(home.config) == (None, None)
    assert files.read(home.ssh / "no/such") is None
    home.config.mkdir()
    with pytest.raises(NbsshError, match="config"):
        files.read(home.config)
    with pytest.raises(NbsshError, match="not a directory"):
        files.read(Path(__file__) / "x")


@posix
@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_read_error_is_no_empty_file(home: Home, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    home.config.write_bytes(OLD)
    real = os.open

    def fail(path: str, *rest: int) -> int:
        if str(path).endswith("config"):
            raise OSError(error, os.strerror(error), str(path))
        return real(path, *rest)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(NbsshError, match=os.strerror(error).lower()):
        home.apply(Change(str(home.config), None, b"new\n", 0o600, None, "test"))
    monkeypatch.undo()
    assert home.config.read_bytes() == OLD


@posix
def test_a_fifo_does_not_hang(home: Home) -> None:
    os.mkfifo(home.config)
    with pytest.raises(NbsshError, match="no regular file"):
        files.read(home.config)


@pytest.mark.parametrize("said", [None, 3], ids=["its own size", "of a file that grew"])
def test_a_limited_file_is_read_to_its_end(home: Home, monkeypatch: pytest.MonkeyPatch, said: int | None) -> None:
    home.config.write_bytes(b"0123456789")
    if said is not None:
        found = list(home.config.stat())
        found[stat.ST_SIZE] = said
        monkeypatch.setattr(os, "fstat", lambda _: os.stat_result(found))
    assert files.read(home.config, limit=10) == files.read(home.config, limit=11) == b"0123456789"
    with pytest.raises(NbsshError, match="more than"):
        files.read(home.config, limit=9)


def test_create_change_delete(home: Home) -> None:
    path = home.ssh / "nbssh.d/mybox.conf"
    assert home.write(path, b"one\n") == [str(path)]
    assert home.write(path, b"two\n") == [str(path)]
    assert path.read_bytes() == b"two\n"
    assert home.write(path, None) == [str(path)]
    assert not path.exists()
    assert tidy.remove_empty(path.parent) is True
    assert not path.parent.exists()
    assert tidy.remove_empty(path.parent) is True
    assert tidy.remove_empty(home.state) is False


def test_nothing_to_do_writes_nothing(home: Home) -> None:
    home.config.write_bytes(OLD)
    os.utime(home.config, (1, 1))
    inode = home.config.stat().st_ino
    assert home.write(home.config, OLD) == []
    assert home.apply() == []
    assert home.config.stat().st_mtime == 1
    assert home.config.stat().st_ino == inode
    assert not home.state.exists()


@posix
def test_a_mode_alone_changes_without_rewriting(home: Home) -> None:
    home.config.write_bytes(OLD)
    home.config.chmod(0o644)
    os.utime(home.config, (1, 1))
    assert home.write(home.config, OLD, 0o600) == [str(home.config)]
    assert mode_of(home.config) == 0o600
    assert home.config.stat().st_mtime == 1


@posix
def test_links_stay_links(home: Home) -> None:
    dotfiles = home.ssh.parent / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "config").write_bytes(OLD)
    (dotfiles / "second").symlink_to("config")
    home.config.symlink_to("../dotfiles/second")
    home.write(home.config, b"new\n")
    assert home.config.is_symlink()
    assert (dotfiles / "second").is_symlink()
    assert (dotfiles / "config").read_bytes() == b"new\n"
    assert home.saved() == [OLD]


@posix
def test_a_dangling_link_gets_its_target(home: Home) -> None:
    target = home.ssh.parent / "target"
    home.config.symlink_to(target)
    home.write(home.config, b"new\n")
    assert home.config.is_symlink()
    assert target.read_bytes() == b"new\n"
    assert mode_of(target) == 0o600


@posix
def test_a_link_into_a_missing_folder_is_refused(home: Home) -> None:
    home.config.symlink_to("/mnt/not-mounted-here/config")
    with pytest.raises(NbsshError, match="does not exist"):
        home.write(home.config, b"new\n")
    assert not Path("/mnt/not-mounted-here").exists()


@posix
def test_a_loop_of_links_is_refused(home: Home) -> None:
    home.config.symlink_to("other")
    (home.ssh / "other").symlink_to("config")
    with pytest.raises(NbsshError, match="symbolic links"):
        files.read(home.config)
    with pytest.raises(NbsshError, match="leads to itself"):
        home.apply(Change(str(home.config), None, b"new\n", 0o600, None, "test"))
    assert home.config.is_symlink()


@posix
def test_deleting_a_link_spares_its_target(home: Home) -> None:
    target = home.ssh / "target"
    target.write_bytes(OLD)
    home.config.symlink_to("target")
    home.write(home.config, None)
    assert not home.config.is_symlink()
    assert target.read_bytes() == OLD


@posix
@pytest.mark.parametrize("what", ["file", "folder"])
def test_read_only_is_refused(home: Home, what: str) -> None:
    home.config.write_bytes(OLD)
    home.config.chmod(0o444 if what == "file" else 0o600)
    home.ssh.chmod(0o500 if what == "folder" else 0o700)
    try:
        with pytest.raises(NbsshError, match="read-only") as caught:
            home.write(home.config, b"new\n")
    finally:
        home.ssh.chmod(0o700)
    assert "chmod u+w" in caught.value.hint
    assert home.config.read_bytes() == OLD


@root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_foreign_owner_is_refused(home: Home, what: str) -> None:
    home.config.write_bytes(OLD)
    os.chown(home.config if what == "file" else home.ssh, 12345, -1)
    with pytest.raises(NbsshError, match="belongs to user 12345"):
        home.write(home.config, b"new\n")
    assert home.config.read_bytes() == OLD


@root
def test_the_group_is_kept(home: Home) -> None:
    home.config.write_bytes(OLD)
    os.chown(home.config, -1, 12345)
    home.config.chmod(0o640)
    home.write(home.config, b"new\n")
    assert home.config.stat().st_gid == 12345
    assert mode_of(home.config) == 0o640


def test_extended_attributes_are_kept(home: Home) -> None:
    home.config.write_bytes(OLD)
    try:
        os.setxattr(home.config, "user.tag", b"mine")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    home.write(home.config, b"new\n")
    assert os.getxattr(home.config, "user.tag") == b"mine"


def test_changed_meanwhile(home: Home) -> None:
    change = Change(str(home.config), OLD, b"new\n", 0o600, None, "test")
    with pytest.raises(NbsshError, match="changed meanwhile"):
        home.apply(change)
    home.config.write_bytes(b"theirs\n")
    with pytest.raises(NbsshError, match="changed meanwhile, nothing written"):
        home.apply(change)
    assert home.config.read_bytes() == b"theirs\n"
    home.config.write_bytes(OLD)

    def edit(_change: Change, _candidate: str) -> None:
        home.config.write_bytes(b"theirs\n")

    with pytest.raises(NbsshError, match="changed meanwhile"):
        home.apply(change, check=edit)
    assert home.config.read_bytes() == b"theirs\n"


def test_what_is_not_ours_is_backed_up_once(home: Home) -> None:
    home.config.write_bytes(OLD)
    home.write(home.config, b"two\n")
    home.write(home.config, OLD)
    home.write(home.config, b"two\n")
    assert home.saved() == [OLD, b"two\n", OLD]
    names = sorted(path.name for path in home.backups.iterdir())
    assert [name.rsplit(".", 1)[1] for name in names] == ["0001", "0002", "0003"]
    assert all(name.rsplit(".", 1)[0] == str(home.config).replace("/", "%") for name in names)
    for number in range(20):
        home.write(home.config, b"%d\n" % number)
    assert len(home.saved()) == 10
    assert home.saved()[0] == OLD


def test_the_same_backup_is_not_made_twice(home: Home) -> None:
    home.config.write_bytes(OLD)

    def refuse(_change: Change, _candidate: str) -> None:
        raise NbsshError("no")

    for _ in range(3):
        with pytest.raises(NbsshError):
            home.apply(Change(str(home.config), OLD, b"new\n", 0o600, None, "test"), check=refuse)
    assert home.saved() == [OLD]


def test_our_own_files_and_secrets_are_not_backed_up(home: Home) -> None:
    path = home.ssh / "mybox.conf"
    sealed = seal("# nbssh-checksum:\nHost a\n").encode()
    home.write(path, sealed)
    home.write(path, sealed + b"# by hand\n")
    assert home.saved() == []
    home.write(path, sealed)
    assert home.saved() == [sealed + b"# by hand\n"]
    secret = home.state / "secrets/mybox.json"
    home.write(secret, b"one", secret=True)
    home.write(secret, b"two", secret=True)
    home.write(secret, None, secret=True)
    assert len(home.saved()) == 1


def test_a_path_too_long_for_a_backup_name(home: Home) -> None:
    path = home.ssh / ("d" * 100) / ("é" * 60)
    home.write(path, b"one\n")
    home.write(path, b"two\n")
    assert home.saved() == [b"one\n"]


def test_the_candidate_is_complete_and_hidden(home: Home) -> None:
    seen: list[tuple[bytes, bool]] = []

    def look(change: Change, candidate: str) -> None:
        path = Path(candidate)
        assert path.parent == Path(change.path).parent
        assert path.name.startswith(".")
        assert not path.name.endswith(".conf")
        assert not Path(change.path).exists()
        seen.append((path.read_bytes(), path.stat().st_mode & 0o777 == 0o600))

    home.apply(Change(str(home.ssh / "nbssh.d/a.conf"), None, b"new\n", 0o600, None, "test"), check=look)
    assert seen == [(b"new\n", True)]


@posix
def test_a_secret_is_private_before_it_has_content(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = os.write

    def watch(fd: int, data: bytes) -> int:
        seen.append(stat.S_IMODE(os.fstat(fd).st_mode))
        return real(fd, data)

    monkeypatch.setattr(os, "write", watch)
    atomic.write_new(str(home.ssh / "secret"), b"hash", 0o600)
    assert seen == [0o600]


def test_a_system_that_writes_in_small_pieces(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    home.write(home.config, b"0123456789\n")
    assert home.config.read_bytes() == b"0123456789\n"


@posix
@pytest.mark.parametrize("planted_as", ["link", "file"])
def test_a_file_planted_under_the_temporary_name(home: Home, monkeypatch: pytest.MonkeyPatch, planted_as: str) -> None:
    victim = home.ssh / "victim"
    planted = home.ssh / ".planted"
    planted.symlink_to(victim) if planted_as == "link" else planted.write_bytes(b"theirs")
    monkeypatch.setattr(atomic, "temporary", lambda _target: str(planted))
    with pytest.raises(NbsshError, match="file exists"):
        home.write(home.config, b"new\n")
    assert not victim.exists()
    assert not home.config.exists()


def plan_of_four(home: Home) -> tuple[list[Change], dict[Path, bytes | None]]:
    """Return changes that create (in a new folder), replace, delete and re-mode, and what there is before."""
    paths = [home.ssh / "nbssh.d/new.conf", home.config, home.ssh / "gone", home.ssh / "moded"]
    for path in paths[1:]:
        path.write_bytes(OLD)
        path.chmod(0o644)
        os.utime(path, (1, 1))
    changes = [
        Change(str(paths[0]), None, b"new\n", 0o600, None, "test"),
        Change(str(paths[1]), OLD, b"new\n", 0o600, 0o644, "test"),
        Change(str(paths[2]), OLD, None, 0o600, 0o644, "test"),
        Change(str(paths[3]), OLD, OLD, 0o600, 0o644, "test"),
    ]
    return changes, {path: None if path == paths[0] else OLD for path in paths}


def assert_untouched(home: Home, before: dict[Path, bytes | None]) -> None:
    for path, data in before.items():
        assert files.read(path) == data, path
        if data is not None:
            assert mode_of(path) == 0o644
            assert path.stat().st_mtime == 1
            assert path.stat().st_nlink == 1
    assert not (home.ssh / "nbssh.d").exists()


@pytest.mark.parametrize("error", [NbsshError("refused"), KeyboardInterrupt(), ValueError("a bug")], ids=type)
def test_a_failed_live_check_undoes_everything(home: Home, error: BaseException) -> None:
    changes, before = plan_of_four(home)

    def live() -> None:
        assert files.read(home.config) == b"new\n"
        assert files.read(home.ssh / "gone") is None
        raise error

    with pytest.raises(type(error)):
        home.apply(*changes, live=live)
    assert_untouched(home, before)
    assert len(home.apply(*changes)) == 4


def test_a_failed_check_in_the_middle_undoes_the_earlier_ones(home: Home) -> None:
    changes, before = plan_of_four(home)

    def check(change: Change, _candidate: str) -> None:
        if change.path == str(home.config):
            raise NbsshError("ssh refuses it")

    with pytest.raises(NbsshError, match="ssh refuses it"):
        home.apply(*changes, check=check)
    assert_untouched(home, before)


@posix
def test_without_hard_links(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(swap, "exchange", lambda *_: False)
    home.config.write_bytes(OLD)
    home.config.chmod(0o640)

    def live() -> None:
        raise NbsshError("refused")

    with pytest.raises(NbsshError, match="refused"):
        home.apply(Change(str(home.config), OLD, b"new\n", 0o600, 0o640, "test"), live=live)
    assert home.config.read_bytes() == OLD
    assert mode_of(home.config) == 0o640
    home.write(home.config, b"new\n")


def test_undoing_spares_what_somebody_else_wrote_since(home: Home) -> None:
    home.config.write_bytes(OLD)

    def live() -> None:
        home.config.write_bytes(b"theirs\n")
        raise NbsshError("refused")

    with pytest.raises(
        NbsshError, match=r"refused; not everything could be put back: .*config changed meanwhile"
    ) as caught:
        home.apply(Change(str(home.config), OLD, b"new\n", 0o600, None, "test"), live=live)
    assert home.config.read_bytes() == b"theirs\n"
    backup = caught.value.message.rsplit(" ", 1)[1]
    assert Path(backup).read_bytes() == OLD


FAILING = ["open", "write", "fsync", "fchmod", "exchange", "rename_to_free", "rename", "mkdir", "chmod", "close"]
FAILING += ["link", "replace"]  # where files cannot be swapped


@posix
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["ENOSPC", "^C"]
)
@pytest.mark.parametrize("call", FAILING)
def test_a_failure_anywhere_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
) -> None:
    """Let the n-th such call fail, for every n, until the whole plan succeeds."""
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else NbsshError
    for n in range(1, 60):
        home = Home(tmp_path / str(n))
        changes, before = plan_of_four(home)
        left = n
        module = swap if hasattr(swap, call) else os
        real = getattr(module, call)

        def fail(*args: object, real: Callable[..., object] = real, **kwargs: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                if call == "close":
                    real(*args, **kwargs)
                raise error
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(module, call, fail)
            if call in {"link", "replace"}:
                patch.setattr(swap, "_call", lambda: None)
            try:
                home.apply(*changes)
            except expected:
                failed = True
            else:
                failed = False
        strays = [path for path in home.ssh.parent.rglob("*") if path.name.endswith(".nbssh-tmp")]
        assert strays == [], (call, n)
        if not failed or (call == "close" and files.read(home.config) == b"new\n"):
            # Only the lock's own close can be hit when all is written.
            assert [files.read(change.path) for change in changes] == [change.new for change in changes]
            if left > 0:
                assert n > 1, f"{call} is never called"
                return
        else:
            assert_untouched(home, before)
            # what is interrupted ends, and a lock with it that filelock before 4.2 holds open here
            home.lock = home.lock.with_name("of-the-next")
            assert len(home.apply(*changes)) == 4
    pytest.fail("never got through")


def test_leftovers_of_a_killed_run_are_removed(home: Home) -> None:
    home.config.write_bytes(OLD)
    stray = Path(atomic.temporary(str(home.config)))
    stray.write_bytes(b"half")
    assert home.write(home.config, OLD) == []
    assert not stray.exists()
    stray.write_bytes(b"half")
    (home.ssh / ".config.swp").write_bytes(b"vim's")
    home.write(home.config, b"new\n")
    assert not stray.exists()
    assert (home.ssh / ".config.swp").exists()
    stray.write_bytes(b"half")
    assert tidy.sweep([home.ssh], lock=home.lock) == [str(stray)]


def test_the_holder_of_the_lock_is_named(home: Home) -> None:
    program = (
        "import sys, pathlib; from nbssh.adapters.files.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, home.lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        change = Change(str(home.config), None, b"new\n", 0o600, None, "test")
        with pytest.raises(NbsshError, match=f"process {holder.pid}"):
            home.apply(change, wait=0.1)
        assert not home.config.exists()
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    assert home.apply(change) == [str(home.config)]


def test_a_lock_that_cannot_be_made(home: Home) -> None:
    home.state.write_text("a file where the folder should be")
    with pytest.raises(NbsshError, match="cannot lock"):
        home.write(home.config, b"new\n")
    home.state.unlink()


def append_lines(name: str, top: str, count: int) -> None:
    """Add `count` lines to one file, one by one, reading again whenever somebody else was faster."""
    path, state = Path(top) / "config", Path(top) / "state"
    for number in range(count):
        while True:
            old, mode = files.snapshot(path)
            new = (old or b"") + f"# {name} {number}\n".encode()
            with contextlib.suppress(NbsshError):
                files.apply_changes(
                    [Change(str(path), old, new, 0o600, mode, "test")],
                    lock=state / "lock",
                    backups=state / "backups",
                )
                break


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_lines, args=(name, str(tmp_path), 50)) for name in "ab"]
    torn = 0
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        data = files.read(tmp_path / "config")
        torn += data is not None and not data.endswith(b"\n")
        time.sleep(0.001)
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert torn == 0
    lines = (tmp_path / "config").read_text().splitlines()
    assert sorted(lines) == sorted(f"# {name} {number}" for name in "ab" for number in range(50))
    for name in "ab":
        assert [line for line in lines if f" {name} " in line] == [f"# {name} {n}" for n in range(50)]


def test_remote_changes_are_a_bug_here(home: Home) -> None:
    with pytest.raises(ValueError, match="remote"):
        home.apply(Change("x", None, b"", 0o600, None, "test", where="mybox"))


# --- somebody saves the file at the worst moment ---------------------------------------------------------------------

THEIRS = b"Host a\n  User somebody\n# saved just now\n"


def save_by_rename(path: Path) -> None:
    new = path.with_name("editor.new")
    new.write_bytes(THEIRS)
    new.replace(path)


def save_in_place(path: Path) -> None:
    path.write_bytes(THEIRS)


SAVES = {"rename": save_by_rename, "in place": save_in_place}


def racing(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, save: Callable[[], None], *, after: bool
) -> None:
    """Have somebody save once, right before or after the first call of `name`."""
    real, left = getattr(module, name), [save]

    def call(*arguments: object, **options: object) -> object:
        if left and not after:
            left.pop()()
        done = real(*arguments, **options)
        if left:
            left.pop()()
        return done

    monkeypatch.setattr(module, name, call)


def cannot(*_: object) -> bool:
    return False


@posix
@pytest.mark.parametrize("save", SAVES)
@pytest.mark.parametrize("way", ["swap", "link"])
@pytest.mark.parametrize("what", ["change", "delete"])
def test_a_save_between_our_last_look_and_the_rename_survives(
    home: Home, monkeypatch: pytest.MonkeyPatch, save: str, way: str, what: str
) -> None:
    home.config.write_bytes(OLD)
    other = home.ssh / "nbssh.d/mybox.conf"
    new = None if what == "delete" else b"new\n"
    change = Change(str(home.config), OLD, new, 0o600, 0o644, "test")
    home.config.chmod(0o644)
    if way == "link":
        monkeypatch.setattr(swap, "exchange", cannot)
    # between the last look and what renames: the swap itself, the link that keeps the old file, the plain rename
    module, name = (swap, "exchange") if way == "swap" else (atomic, "keep")
    if what == "delete":
        module, name = os, "rename"
    racing(monkeypatch, module, name, lambda: SAVES[save](home.config), after=False)
    with pytest.raises(NbsshError, match="changed meanwhile"):
        home.apply(Change(str(other), None, b"x\n", 0o600, None, "test"), change)
    assert home.config.read_bytes() == THEIRS
    assert not other.exists(), "all or nothing"
    assert THEIRS not in home.saved()


@posix
@pytest.mark.parametrize("save", SAVES)
def test_a_save_right_after_the_second_name_survives_too(
    home: Home, monkeypatch: pytest.MonkeyPatch, save: str
) -> None:
    home.config.write_bytes(OLD)
    monkeypatch.setattr(swap, "exchange", cannot)
    racing(monkeypatch, atomic, "keep", lambda: SAVES[save](home.config), after=True)
    with pytest.raises(NbsshError, match="changed meanwhile"):
        home.write(home.config, b"new\n")
    assert home.config.read_bytes() == THEIRS


@posix
def test_a_write_through_a_file_that_was_open_before_survives(home: Home) -> None:
    home.config.write_bytes(OLD)
    with home.config.open("r+b") as editor:

        def save() -> None:  # while ssh is asked about the result
            editor.write(THEIRS)
            editor.flush()

        with pytest.raises(NbsshError, match="changed meanwhile"):
            home.apply(Change(str(home.config), OLD, b"new\n", 0o600, None, "test"), live=save)
    assert home.config.read_bytes() == THEIRS


@posix
def test_a_file_that_appears_at_the_last_moment_is_not_overwritten(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    racing(monkeypatch, swap, "rename_to_free", lambda: save_by_rename(home.config), after=False)
    with pytest.raises(NbsshError, match="changed meanwhile"):
        home.write(home.config, b"new\n")
    assert home.config.read_bytes() == THEIRS


@posix
def test_a_save_while_all_is_put_back_survives(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config.write_bytes(OLD)

    def fail() -> None:
        racing(monkeypatch, swap, "exchange", lambda: save_by_rename(home.config), after=False)
        raise NbsshError("no")

    with pytest.raises(NbsshError, match="no"):
        home.apply(Change(str(home.config), OLD, b"new\n", 0o600, None, "test"), live=fail)
    assert home.config.read_bytes() == THEIRS


@posix
def test_swapping_works_here_and_says_where_it_does_not(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = home.ssh / "one", home.ssh / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    if not swap.exchange(str(one), str(two)):
        pytest.skip("this file system cannot")
    assert (one.read_bytes(), two.read_bytes()) == (b"2", b"1")
    with pytest.raises(FileExistsError):
        swap.rename_to_free(str(one), str(two))
    with pytest.raises(FileNotFoundError):
        swap.exchange(str(one), str(home.ssh / "none"))
    monkeypatch.setattr(swap, "_call", lambda: lambda *_: errno.EINVAL)
    assert not swap.exchange(str(one), str(two))


# --- hard links ------------------------------------------------------------------------------------------------------


@posix
def test_a_file_with_two_names_is_refused(home: Home) -> None:
    home.config.write_bytes(OLD)
    twin = home.ssh.parent / "dotfiles-config"
    os.link(home.config, twin)
    with pytest.raises(NbsshError, match="has 2 names") as caught:
        home.write(home.config, b"new\n")
    assert "-samefile" in caught.value.hint
    assert home.config.read_bytes() == OLD
    assert home.config.stat().st_ino == twin.stat().st_ino
    assert home.saved() == []


@posix
def test_a_second_name_of_a_run_that_was_killed_is_none(home: Home) -> None:
    home.config.write_bytes(OLD)
    os.link(home.config, atomic.temporary(str(home.config)))
    access.refuse_linked(str(home.config))
    home.write(home.config, b"new\n")
    assert home.config.read_bytes() == b"new\n"


@posix
def test_files_of_ours_may_have_two_names_as_a_snapshot_makes_them(home: Home) -> None:
    path = home.ssh / "mybox.conf"
    sealed = seal("# nbssh-checksum:\nHost a\n").encode()
    home.write(path, sealed)
    os.link(path, home.ssh.parent / "snapshot")
    home.write(path, seal("# nbssh-checksum:\nHost b\n").encode())
    assert (home.ssh.parent / "snapshot").read_bytes() == sealed
    secret = home.state / "secrets/mybox.json"
    home.write(secret, b"one", secret=True)
    os.link(secret, home.ssh.parent / "snapshot2")
    home.write(secret, b"two", secret=True)
