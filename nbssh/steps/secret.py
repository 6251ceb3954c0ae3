"""A profile's secret, made: the hash of a password that is asked for, a token, an ssh key."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.jupyter.password import hash_password
from nbssh.adapters.ssh import keygen
from nbssh.adapters.terminal.ui import password_from_stdin
from nbssh.core.profile.declared import Secret
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.steps.profiles import Target


def new_secret(ui: Ui, name: str, *, token: bool, password_stdin: bool) -> Secret:
    """Return the hash of the password that is asked for, or a random token."""
    if token:
        if password_stdin:
            raise NbsshError("--token and --password-stdin exclude each other", "leave out one of the two")
        return Secret(token=secrets.token_urlsafe(32))
    text = password_from_stdin() if password_stdin else ui.new_password(name)
    return Secret(hash=hash_password(text))


def with_key(target: Target) -> Target:
    """Return the target with an ssh key of the profile's own, which the sshd may ask for where its way leads on."""
    if not target.way.leads_on or target.secret.key:
        return target
    key, public = keygen.generate(f"nbssh {target.name}")
    return target.with_secret(msgspec.structs.replace(target.secret, key=key, public_key=public))


def secret_trouble(target: Target) -> NbsshError | None:
    """Return what is wrong with the secret of a profile, if it has none or one that cannot be read."""
    try:
        if not target.lacks_secret:
            return None
    except NbsshError as error:
        return error
    return NbsshError(f"'{target.name}' has neither password nor token", f"give it one: nbssh passwd {target.name}")
