"""The end of a tunnel to a port: a socket that only its user can open. Lets in nobody but her own Jupyter.

usage: gate.py SOCKET PORT PID   listens on SOCKET for as long as the process PID lives, and hands each connection on
to 127.0.0.1:PORT. A port is everybody's: before a byte is sent, the listener there must be this user's, and the same
before and after the connection was made. Says `ready -` once it listens, and nothing more. Python 3.6 and newer.

If SOCKET is a folder it takes a port of its own, says `ready PORT`, and keeps that port, leading nowhere, for as long
as a process lives that a file guard.* of the folder names: the tunnels to it are open until then.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import threading

SECONDS = 0.25  # how soon it is gone after its Jupyter
CHUNK = 262144


def listener(port):
    """Return what tells our listener on 127.0.0.1:PORT from every other one; None where there is none of ours."""
    try:
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table]
    except OSError:
        return by_lsof(port)
    # proc(5): the address is in the byte order of the machine; 0A is LISTEN; then come the owner and the inode
    places = {"%s:%04X" % (address, port) for address in ("0100007F", "7F000001", "00000000")}
    found = [(row[7], row[9]) for row in rows if len(row) > 9 and row[1] in places and row[3] == "0A"]
    return found if found and all(uid == str(os.getuid()) for uid, _ in found) else None


def by_lsof(port):
    """Ask as macOS wants to be asked."""
    import subprocess  # noqa: PLC0415  nowhere else

    for address in "@127.0.0.1", "":
        at = ["lsof", "-nP", "-iTCP%s:%d" % (address, port), "-sTCP:LISTEN", "-t"]
        asked = [
            subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
            )
            for words in (at, [*at, "-a", "-u", str(os.getuid())])
        ]
        everybody, ours = (done.stdout.split() for done in asked)
        if everybody:
            return ours if ours == everybody else None
    return None


def proved(port):
    """Return a connection to our own listener, or None."""
    before = listener(port)
    if before is None:
        return None
    near = socket.socket()
    try:
        near.connect(("127.0.0.1", port))
        if listener(port) == before:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return near
    except OSError:
        pass
    near.close()
    return None


def pump(source, target):
    """Hand on what comes, and its end."""
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(CHUNK)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
        return
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def serve(client, port):
    """Join one connection to Jupyter; close it where the port is not hers."""
    with client:
        near = proved(port)
        if near is None:
            return
        with near:
            back = threading.Thread(target=pump, args=(near, client), daemon=True)
            back.start()
            pump(client, near)
            back.join()


def lives(pid):
    """Tell whether our Jupyter is there; a zombie is not."""
    try:
        os.kill(pid, 0)
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(") ")[2][:1] not in ("Z", "X")
    except ProcessLookupError:
        return False
    except OSError:
        return True


def listen(path):
    """Return a socket at `path`, in one step in the place of whatever was there."""
    os.chdir(os.path.dirname(path))
    name = os.path.basename(path)
    new = ".%d" % os.getpid()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    door = socket.socket(socket.AF_UNIX)
    door.bind(new)
    os.chmod(new, 0o600)
    door.listen(128)
    os.rename(new, name)
    return door, name, os.stat(name).st_ino


def guarded(folder):
    """Tell whether a connection that may have a tunnel to us is there."""
    for name in os.listdir(folder):
        if name.startswith("guard."):
            with contextlib.suppress(OSError, ValueError, IndexError), open(os.path.join(folder, name)) as guard:
                if lives(int(guard.read().split()[0])):
                    return True
    return False


def keep_port(folder, port, pid):
    """Be the port where tunnels end."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(128)
    with contextlib.closing(door), selectors.DefaultSelector() as watched:
        watched.register(door, selectors.EVENT_READ)
        say("ready %d" % door.getsockname()[1])
        while lives(pid) or guarded(folder):
            look(watched, door, port)


def look(watched, door, port):
    """Let in who comes."""
    for _ in watched.select(SECONDS):
        # whoever is gone already, and what no thread can be had for, is closed
        with contextlib.suppress(OSError, RuntimeError):
            client, _ = door.accept()
            threading.Thread(target=serve, args=(client, port), daemon=True).start()


def say(word):
    """Say it, and let go of whoever listens."""
    os.write(1, word.encode() + b"\n")
    for number in (1, 2):
        os.dup2(0, number)


def main():
    """Listen until Jupyter is gone, or another gate has taken the place."""
    path, port, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.umask(0o077)
    threading.stack_size(262144)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if os.path.isdir(path):
        keep_port(path, port, pid)
        return
    door, name, inode = listen(path)

    def ours():
        with contextlib.suppress(OSError):
            return os.lstat(name).st_ino == inode
        return False

    try:
        with selectors.DefaultSelector() as watched:
            watched.register(door, selectors.EVENT_READ)
            say("ready -")
            while lives(pid) and ours():
                look(watched, door, port)
    finally:
        if ours():
            os.unlink(name)


main()
