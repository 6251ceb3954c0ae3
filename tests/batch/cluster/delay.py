"""The long cable of a cluster bed: joins two new network devices, each way SECONDS long.

`delay.py OUTSIDE INSIDE SECONDS`: descriptors 5 and 4 are /dev/net/tun, each opened in the network namespace in which
the device of that name is to be. A stand-in for `tc qdisc … netem`, which not every kernel has.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "bench"))

import far

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x2, 0x1000

if __name__ == "__main__":
    for descriptor, name in ((5, sys.argv[1]), (4, sys.argv[2])):
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
        os.set_blocking(descriptor, False)
    far.relay(5, 4, float(sys.argv[3]))
