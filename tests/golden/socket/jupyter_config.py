# Made by nbssh 0.1.0 for profile mybox: kernels and terminals get the PYTHONPATH that Jupyter would have had.
# change: nbssh edit mybox, then nbssh apply mybox
# remove: nbssh remove mybox
# nbssh-checksum: sha256:d553033f1a40a997c66792af56c1715b75069587bd49b08744d5c8eebd719548
#
# Every Jupyter reads this file before it starts anything. With fast_start the folder below stands on PYTHONPATH, and its
# module takes it out again; where nothing imports that module, this does.

import os
import sys

folder = "/home/alice/.local/share/nbssh/mybox/fast"


def without(paths):
    return [path for path in paths if path != folder]


sys.path[:] = without(sys.path)
if "PYTHONPATH" in os.environ:
    paths = without(os.environ["PYTHONPATH"].split(os.pathsep))
    if paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    else:
        del os.environ["PYTHONPATH"]
