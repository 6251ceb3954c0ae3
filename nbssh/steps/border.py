"""The border around each host: whatever goes wrong while it is handled is its own error, and no other host's.

`connect.connect` and each loop over hosts stand inside of it. A bug of ours in there is told as such and reaches the
bug log, but ends nothing for the others.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from nbssh.adapters.laptop import buglog
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError, of_the_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.adapters.laptop.paths import Paths


@contextlib.contextmanager
def around(name: str, paths: Paths) -> Iterator[None]:
    """Turn whatever the block raises into an NbsshError of the profile `name`; a bug is written into the bug log.

    Ctrl-C passes, and so does the error of a pipe whose reader has gone.
    """
    try:
        yield
    except (NbsshError, BrokenPipeError):
        raise
    except Exception as error:  # what a host's answer may set off is any of them
        if known := of_the_machine(error, SYSTEM.at_its_end):
            raise known from error
        raise _told(error, name, paths) from error


def _told(error: Exception, name: str, paths: Paths) -> NbsshError:
    hint = "please report it"
    with contextlib.suppress(Exception):
        buglog.append(paths.log, buglog.report(error, sys.argv[1:]))
        hint = f"please report it with {paths.log}"
    return NbsshError(f"'{name}': this is a bug in nbssh: {buglog.described(error)}", hint)
