"""A file that holds secrets among other things is shown without them."""

from __future__ import annotations

import pytest

from nbssh.core.files.change import Change, Plan
from nbssh.core.files.diff import as_json, unified

OLD = b'{"ServerApp": {"password": "argon2:old", "port": 1},\n "IdentityProvider": {"token": "t0p\\"s", "x": "y"}}\n'


def shown(old: bytes, new: bytes) -> str:
    change = Change("/c.json", old, new, 0o600, 0o600, "why", where="box", secret=True, masked=True)
    text = unified(Plan([change]))
    diff = as_json(Plan([change]))[0]["diff"]
    assert diff is not None
    assert diff in text
    return text


@pytest.mark.parametrize("secret", ["argon2:old", "t0p", "argon2:new"])
def test_a_secret_value_is_never_shown(secret: str) -> None:
    new = OLD.replace(b'"port": 1', b'"port": 2').replace(b"argon2:old", b"argon2:new")
    text = shown(OLD, new)
    assert '"port": 2' in text
    assert '"x": "y"' in text
    assert secret not in text
    assert text.count("(not shown)") == 3


@pytest.mark.parametrize(
    "line",
    ['"hashed_password" : "s3cret"', '"Client_Secret":"s3cret"', '"token": "s3cret', '"cookie_key": "\\"s3cret\\\\"'],
)
def test_whatever_looks_like_a_secret(line: str) -> None:
    assert "s3cret" not in shown(b"{}\n", f"{{{line}}}\n".encode())


def test_a_change_of_secrets_alone_is_said() -> None:
    assert "# only values that are not shown differ" in shown(OLD, OLD.replace(b"argon2:old", b"argon2:new"))


def test_without_a_mask_nothing_is_shown() -> None:
    change = Change("/s.json", OLD, b"{}\n", 0o600, 0o600, "why", secret=True)
    assert "port" not in unified(Plan([change]))
    assert as_json(Plan([change]))[0]["diff"] is None
