"""Programs in a console of their own that has no window: no Ctrl-C and no closed window of ours reaches them.

Not DETACHED_PROCESS: what has no console at all makes its children, ssh's proxies, open one that is seen.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
from ctypes import byref, c_long, c_size_t, c_ulong, c_ulonglong, c_void_p, sizeof
from typing import TYPE_CHECKING, Any, ClassVar

from nbssh.adapters.laptop.background import Known
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import process
from nbssh.adapters.programs.lsof import Holder
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

# OpenProcess
_TERMINATE, _TAKE_HANDLES, _SET_QUOTA, _QUERY_ALL, _QUERY, _WAIT = 0x1, 0x40, 0x100, 0x400, 0x1000, 0x100000
_SAME_RIGHTS = 2  # DuplicateHandle
_NEW_GROUP, _FROM_JOB, _NO_WINDOW = 0x200, 0x1000000, 0x8000000  # CreateProcess
_LIMITS, _ENDS_WITH_JOB = 9, 0x2000  # JobObjectExtendedLimitInformation, JOB_OBJECT_LIMIT_…
_RUNS = 0x102  # WAIT_TIMEOUT
_END_MILLISECONDS = 5000
_PATH_LETTERS = 32768
_OTHERS = "another user"
_IPV4, _LISTENERS = socket.AF_INET, 3  # GetExtendedTcpTable: TCP_TABLE_OWNER_PID_LISTENER
_HERE = {0, 0x0100007F}  # 0.0.0.0, and 127.0.0.1 in the order of the net


class _Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("times", c_ulonglong * 2), ("flags", c_ulong), ("sizes", c_size_t * 2), ("processes", c_ulong),
        ("affinity", c_size_t), ("classes", c_ulong * 2), ("counters", c_ulonglong * 6), ("memory", c_size_t * 4),
    ]  # fmt: skip


class _Row(ctypes.Structure):
    """MIB_TCPROW_OWNER_PID."""

    _fields_: ClassVar = [(name, c_ulong) for name in ("state", "address", "port", "far", "far_port", "pid")]


class Process:
    """A process that is open: its number is nobody else's as long. Raises OSError where there is none."""

    def __init__(self, pid: int, rights: int = 0) -> None:
        self._kernel = _library("kernel32")
        with contextlib.ExitStack() as handles:
            self.handle = self._kept(handles, self._kernel.OpenProcess(_QUERY | _WAIT | rights, 0, pid))
            began, others = c_ulonglong(), [c_ulonglong() for _ in range(3)]
            _checked(self._kernel.GetProcessTimes(self.handle, byref(began), *map(byref, others)))
            self.known = Known(pid, began.value)
            self.close = handles.pop_all().close

    def status(self) -> int | None:
        """Return the status that it ended with, None while it runs."""
        if self._kernel.WaitForSingleObject(self.handle, 0) == _RUNS:
            return None
        status = c_ulong()
        _checked(self._kernel.GetExitCodeProcess(self.handle, byref(status)))
        return status.value

    def name(self) -> str:
        """Return the name of its program."""
        path, size = ctypes.create_unicode_buffer(_PATH_LETTERS), c_ulong(_PATH_LETTERS)
        _checked(self._kernel.QueryFullProcessImageNameW(self.handle, 0, path, byref(size)))
        return printable(path.value.rpartition("\\")[2], 60)

    def end(self) -> None:
        """End it, and wait for that."""
        self._kernel.TerminateProcess(self.handle, 1)
        self._kernel.WaitForSingleObject(self.handle, _END_MILLISECONDS)

    def _kept(self, handles: contextlib.ExitStack, handle: int | None) -> c_void_p:
        found = c_void_p(_checked(handle))
        handles.callback(self._kernel.CloseHandle, found)
        return found


class Hidden(Process):
    """One that we started. What it starts is in its job, and ends with the last who has that open."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid, _SET_QUOTA | _TERMINATE | _TAKE_HANDLES)
        self._is_free = False
        with contextlib.ExitStack() as handles:
            handles.callback(self.close)
            handles.callback(self._end_unless_free)
            self._job = self._kept(handles, self._kernel.CreateJobObjectW(None, None))
            self._limit(_ENDS_WITH_JOB)
            taken = self._kernel.AssignProcessToJobObject(self._job, self.handle)
            _checked(taken or self.status() is not None)  # one that has ended is taken into none
            self.close = handles.pop_all().close

    def owns(self, pid: int) -> bool:
        """Tell whether that process is it or what it started; 0, which nobody can name, may be."""
        if pid in {0, self.known.pid}:
            return True
        found = c_long()
        with contextlib.suppress(OSError), contextlib.closing(Process(pid, _QUERY_ALL)) as other:
            self._kernel.IsProcessInJob(other.handle, self._job, byref(found))
        return bool(found.value)

    def let_go(self) -> None:
        """Let it outlive us: from now on it has its job open itself, so what it starts ends with it."""
        ours = c_void_p(self._kernel.GetCurrentProcess())
        given = self._kernel.DuplicateHandle(ours, self._job, self.handle, None, 0, 0, _SAME_RIGHTS)
        _checked(given or self.status() is not None)
        self._is_free = True

    def _limit(self, flags: int) -> None:
        limits = _Limits(flags=flags)
        _checked(self._kernel.SetInformationJobObject(self._job, _LIMITS, byref(limits), sizeof(limits)))

    def _end_unless_free(self) -> None:
        if not self._is_free:
            self.end()


class WindowsBackground:
    """The programs in the background of Windows."""

    @contextlib.contextmanager
    def start(self, command: Sequence[str], *, errors: BinaryIO, cwd: Path) -> Iterator[Hidden]:
        """Start one that reads nothing and writes its stderr to `errors`; at the end of the block it ends."""
        with contextlib.ExitStack() as stack:
            with SYSTEM.uninterrupted(), _left_running(command, errors, cwd) as pid:
                try:
                    hidden = stack.enter_context(contextlib.closing(Hidden(pid)))
                except OSError as error:
                    raise NbsshError(
                        f"'{command[0]}' cannot be kept in the background: {error.strerror}",
                        f"leave a window open in its place: ssh {command[-1]}",
                    ) from None
            yield hidden

    def lasts(self, known: Known) -> bool:
        """Tell whether it is still there."""
        with contextlib.suppress(OSError), contextlib.closing(Process(known.pid)) as found:
            return found.known == known and found.status() is None
        return False

    def end(self, known: Known) -> None:
        """End it, if it is still there."""
        with contextlib.suppress(OSError), contextlib.closing(Process(known.pid, _TERMINATE)) as found:
            if found.known == known:
                found.end()

    def listeners(self, port: int) -> list[Holder]:
        """Return who listens on a port of 127.0.0.1."""
        ask, size = _library("iphlpapi").GetExtendedTcpTable, c_ulong()
        ask(None, byref(size), 0, _IPV4, _LISTENERS, 0)
        table = ctypes.create_string_buffer(size.value + 64 * sizeof(_Row))  # some may come meanwhile
        size = c_ulong(len(table))
        if ask(table, byref(size), 0, _IPV4, _LISTENERS, 0):
            return []
        rows = (_Row * c_ulong.from_buffer(table).value).from_buffer(table, sizeof(c_ulong))
        here = {row.pid for row in rows if socket.ntohs(row.port & 0xFFFF) == port and row.address in _HERE}
        return [_holder(pid) for pid in sorted(here)]


def _holder(pid: int) -> Holder:
    """Return who that is. One that we may not end is another user's, or Windows' own."""
    for rights, user in ((_TERMINATE, ""), (0, _OTHERS)):
        with contextlib.suppress(OSError), contextlib.closing(Process(pid, rights)) as found:
            return Holder(found.name(), pid, user)
    return Holder("a program", pid, _OTHERS) if pid else Holder("", 0)


@contextlib.contextmanager
def _left_running(command: Sequence[str], errors: BinaryIO, cwd: Path) -> Iterator[int]:
    """Start it outside of the job that ends all that our own starter started, such as pip's nbssh.exe and a terminal's.

    A job that lets nobody out takes it along at its end.
    """
    with contextlib.ExitStack() as stack:

        def start(flags: int) -> int:
            # Popen hands down the three streams and no other handle
            running = process.left_running(
                command, errors=errors, cwd=cwd, creationflags=_NO_WINDOW | _NEW_GROUP | flags
            )
            return stack.enter_context(running)

        try:
            pid = start(_FROM_JOB)
        except NbsshError as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            pid = start(0)
        yield pid


def _library(name: str) -> Any:  # noqa: ANN401  ctypes has no type for it on other systems
    library = getattr(ctypes, "WinDLL")(name, use_last_error=True)  # noqa: B009  it exists on Windows alone
    for function in ("OpenProcess", "CreateJobObjectW") if name == "kernel32" else ():
        getattr(library, function).restype = c_void_p
    return library


def _checked(done: int | None) -> int:
    if not done:
        raise getattr(ctypes, "WinError")(getattr(ctypes, "get_last_error")())  # noqa: B009  the same
    return done
