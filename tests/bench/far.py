"""A server that is far away: a network namespace behind a pair of TUN devices and a process that delays each packet.

Linux and root only. Run as a program it is that process: `far.py FD FD SECONDS`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# of the network for benchmarks (RFC 2544): nobody's real one is hidden by it
HERE, THERE = "198.18.73.1", "198.18.73.2"
MTU = 1500
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI, _CLONE_NEWNET = 0x400454CA, 0x1, 0x1000, 0x40000000


def is_possible() -> bool:
    """Tell whether this machine and user can have a delayed network."""
    return os.getuid() == 0 and Path("/dev/net/tun").exists() and sys.platform == "linux"


@contextlib.contextmanager
def delayed(round_trip: float) -> Iterator[list[str]]:
    """Make a namespace at THERE, `round_trip` seconds away; give the words before a command that runs in it."""
    taken = subprocess.run(
        ["ip", "route", "show", "to", "root", "198.18.0.0/15"], capture_output=True, check=True
    ).stdout
    if taken:
        raise RuntimeError(f"198.18.0.0/15 is in use here: {taken.decode()}")
    name = f"nbssh-bench-{os.getpid()}"
    device = f"nbb{os.getpid()}"
    with contextlib.ExitStack() as stack:
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "delete", name)
        near = _tun(device)
        stack.callback(os.close, near)
        with _inside(name):
            far = _tun(device)
        stack.callback(os.close, far)
        for words, address, peer in (([], HERE, THERE), (["-netns", name], THERE, HERE)):
            _ip(*words, "address", "add", address, "peer", peer, "dev", device)
            _ip(*words, "link", "set", device, "mtu", str(MTU), "up")
        _ip("-netns", name, "link", "set", "lo", "up")
        relay = subprocess.Popen(
            [sys.executable, __file__, str(near), str(far), str(round_trip / 2)], pass_fds=(near, far)
        )
        stack.callback(relay.wait)
        stack.callback(relay.terminate)
        yield ["nsenter", f"--net=/run/netns/{name}", "--"]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _tun(name: str) -> int:
    """Return the open end of a new TUN device in the network namespace of this thread."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


@contextlib.contextmanager
def _inside(name: str) -> Iterator[None]:
    """Move this thread into the namespace and back: setns(2), which Python knows only from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    for path in (f"/run/netns/{name}", "/proc/self/ns/net"):
        if not Path(path).exists():
            raise FileNotFoundError(path)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if libc.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(home, _CLONE_NEWNET)
        os.close(home)
        os.close(there)


def relay(near: int, far: int, seconds: float) -> None:
    """Pass every packet on to the other end after `seconds`, in order, without loss; never returns."""
    queues: dict[int, deque[tuple[float, bytes]]] = {near: deque(), far: deque()}  # by where they go
    other = {near: far, far: near}
    while True:
        dues = [queue[0][0] for queue in queues.values() if queue]
        wait = max(0.0, min(dues) - time.monotonic()) if dues else None
        for end in select.select([near, far], [], [], wait)[0]:
            with contextlib.suppress(BlockingIOError):
                for _ in range(64):  # then look whether others are due
                    packet = os.read(end, 65536)
                    queues[other[end]].append((time.monotonic() + seconds, packet))
        now = time.monotonic()
        for end, queue in queues.items():
            while queue and queue[0][0] <= now:
                with contextlib.suppress(OSError):  # the device is not up yet, or its queue is full: a lost packet
                    os.write(end, queue.popleft()[1])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
