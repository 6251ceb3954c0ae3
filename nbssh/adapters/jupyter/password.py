"""The notebook password: hashed here, in Jupyter's format, so that it never leaves the laptop.

The only module that imports argon2.
"""

from __future__ import annotations

import argon2

# jupyter_server/auth/security.py: passwd(algorithm="argon2") calls PasswordHasher with these
_HASHER = argon2.PasswordHasher(memory_cost=10240, time_cost=10, parallelism=8)


def hash_password(password: str) -> str:
    """Return `password` as Jupyter's `hashed_password`: `argon2:$argon2id$v=19$m=10240,t=10,p=8$…`."""
    return "argon2:" + _HASHER.hash(password)
