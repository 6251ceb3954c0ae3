"""A new ssh key, made by ssh-keygen; nothing of it stays on the disk here."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nbssh.adapters.programs import process
from nbssh.errors import NbsshError

SECONDS = 20.0


def generate(comment: str) -> tuple[str, str]:
    """Return (private key in OpenSSH's format, line for authorized_keys) of a new ed25519 key without a passphrase."""
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:  # 0700
        path = Path(folder, "key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
        done = process.run(command, seconds=SECONDS)
        if done.status:
            said = done.err.decode("utf-8", "replace").strip()
            raise NbsshError(f"ssh-keygen made no key: {said}", "install the whole OpenSSH client")
        return path.read_text(encoding="utf-8"), path.with_suffix(".pub").read_text(encoding="utf-8").strip()
