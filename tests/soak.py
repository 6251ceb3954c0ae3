"""Soak test: one server started, reached, cut off and killed again and again, with random accidents in between.

Real ssh, real Jupyter, real kernels. Prints the seed first, and at the end what leaked or was lost; anything but zero
is a failure. Run by `make soak`, not by pytest. Not a test of speed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING

import bed as beds
import serving
from ports import free_port

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    import pexpect
    from bed import Bed


class Soak:
    """The bed, its one profile, and what was counted."""

    def __init__(self, bed: Bed, seed: int, forward: str) -> None:
        self.bed = bed
        self.forward = forward
        self.random = random.Random(seed)  # noqa: S311  no secret
        self.count: Counter[str] = Counter()
        new = beds.REPOSITORY / ".venv-jupyter-new/bin/jupyter-server"
        jupyter = new if new.exists() else beds.BIN / "jupyter-server"
        words = ["--app", "server", "--forward", forward, "--remote-port", str(free_port())]
        self.port = serving.add(bed, *words, jupyter=jupyter)

    def cycle(self) -> None:
        """Start, compute, have accidents and attach after each, kill; look what is left."""
        if self.random.random() < 0.3:
            self.rubble()
        session = serving.start(self.bed)
        assert "started on" in serving.said(session), serving.said(session)
        pid = serving.server_pid(self.bed)
        visitor = Visitor(f"http://127.0.0.1:{self.port}/")
        visitor.login(serving.PASSWORD)
        kernel = visitor.start_kernel()
        value = self.random.randrange(1 << 30)
        visitor.run(kernel, f"value = {value}")
        for _ in range(self.random.randint(1, 3)):
            accident = self.random.choice([self.cut, self.vanish, self.detach, self.hang_up, self.asleep, self.second])
            self.count[f"accident: {accident.__name__}"] += 1
            accident(session)
            session = serving.start(self.bed)
            assert "is already running on" in serving.said(session), serving.said(session)
            assert serving.server_pid(self.bed) == pid, "another server"
            try:
                assert visitor.run(kernel, "value") == str(value)
            except Exception:
                self.count["kernels lost"] += 1
                raise
        self.end(session, pid)

    def rubble(self) -> None:
        """Leave what a power cut leaves: record, lock and socket of the dead."""
        run = serving.run_folder(self.bed)
        if not run.exists():
            return
        self.count["accident: rubble"] += 1
        (run / "record").write_text(f"pid {os.getpid()}\nstart gone/1\nhost {os.uname().nodename}\napp server\nat /x\n")
        (run / "lock").write_text(f"{os.getpid()} gone/1\n")
        (run / "ready").write_text(f"{os.getpid()} gone/1\n")
        if self.forward == "tcp":
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            server.bind(str(run.parent / "sock"))

    def cut(self, session: pexpect.spawn[str]) -> None:
        """Cut the line: sshd dies."""
        for process in serving.far_end(self.bed):
            serving.end(process)
        serving.ended(session)

    def vanish(self, session: pexpect.spawn[str]) -> None:
        """Let the laptop lose power: client and master die without a word."""
        for process in {serving.master(self.bed), *serving.named(self.bed, "box-nb")}:
            serving.end(process)
        serving.ended(session)

    def detach(self, session: pexpect.spawn[str]) -> None:
        """Press Ctrl-C."""
        serving.detach(session)
        if self.random.random() < 0.5:
            serving.close_tunnel(self.bed)

    def hang_up(self, session: pexpect.spawn[str]) -> None:
        """Close the terminal's window."""
        session.close(force=True)

    def asleep(self, session: pexpect.spawn[str]) -> None:
        """Let the laptop sleep and wake up."""
        sleeper = serving.master(self.bed)
        serving.end(sleeper, signal.SIGSTOP)
        time.sleep(self.random.random())
        serving.end(sleeper, signal.SIGCONT)
        serving.detach(session)

    def second(self, session: pexpect.spawn[str]) -> None:
        """Attach a second terminal, then kill the launch of one of them."""
        second = serving.start(self.bed)
        for process in serving.named(self.bed, "/launch ")[:1]:
            serving.end(process)
        second.close(force=True)
        session.close(force=True)

    def end(self, session: pexpect.spawn[str], pid: int) -> None:
        """Stop the server in one of the ways there are, and count what is left after it."""
        how = self.random.choice(["kill", "k", "nbssh kill", "kill -9"])
        self.count[f"end: {how}"] += 1
        if how == "k":
            session.sendline("k")
        elif how == "kill -9":
            serving.end(pid)
        elif how == "nbssh kill":
            self.bed.nbssh("kill", "box")
        else:
            serving.kill(self.bed)
        serving.ended(session)
        serving.close_tunnel(self.bed)
        serving.launches_end(self.bed)
        if how == "kill -9":
            # its kernels notice by themselves that their server is gone
            beds.until(lambda: not serving.named(self.bed, "ipykernel"), "the kernels end", 30)
        left = self.left(beds.GRACE)
        self.count["servers leaked"] += sum("jupyter" in line for line in left)
        self.count["other processes leaked"] += sum("jupyter" not in line for line in left)
        sock = serving.run_folder(self.bed).parent / "sock"
        # a server that was killed with -9 cannot remove its socket; the next start does
        self.count["sockets leaked"] += how != "kill -9" and sock.exists()

    def left(self, seconds: float) -> list[str]:
        """Return what still runs after it had time to end: an opener or an sshd may be about to."""
        limit = time.monotonic() + seconds
        while True:
            left = [line for process, line in self.bed.leftovers().items() if beds.is_running(process)]
            if not left or time.monotonic() > limit:
                for line in left:
                    say(f"soak: left running: {line}")
                return left
            time.sleep(0.05)


MUST_BE_ZERO = ("servers leaked", "sockets leaked", "kernels lost", "other processes leaked", "cycles failed")


def say(text: str) -> None:
    """Print at once: somebody waits and watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the cycles and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--forward", choices=["socket", "tcp"], default="socket")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long")
    chosen = parser.parse_args()
    # in the background of a script SIGINT is ignored, and the bed has to be taken down however this ends
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    say(f"soak: seed {chosen.seed}, {chosen.cycles} cycles, {chosen.forward}")
    until = time.monotonic() + chosen.minutes * 60 if chosen.minutes else float("inf")
    with beds.bed(listen=True) as bed:
        soak = Soak(bed, chosen.seed, chosen.forward)
        for number in range(chosen.cycles):
            if time.monotonic() > until:
                break
            soak.count["cycles"] += 1
            try:
                soak.cycle()
            except BaseException as error:
                soak.count["cycles failed"] += 1
                words = re.sub(r"\s+", " ", str(error))
                say(f"soak: cycle {number} failed: {words[:500]}")
                traceback.print_exc()
                if isinstance(error, KeyboardInterrupt):
                    raise
                for process in bed.leftovers():
                    serving.end(process)
            if number % 20 == 19:
                say(f"soak: {number + 1} cycles")
    for name in sorted({*soak.count, *MUST_BE_ZERO}):
        say(f"soak: {name}: {soak.count[name]}")
    return any(soak.count[name] for name in MUST_BE_ZERO)


if __name__ == "__main__":
    sys.exit(main())
