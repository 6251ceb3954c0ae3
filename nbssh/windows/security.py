"""Windows' own answers: who runs us, and the access list of a file, as text (security descriptor string format)."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_ulong, c_void_p, c_wchar_p
from typing import Any

_FILE, _LIST, _REVISION = 1, 4, 1  # SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, SDDL_REVISION_1
_OURSELVES, _QUERY, _USER = -1, 8, 1  # GetCurrentProcess, TOKEN_QUERY, TokenUser
_USER_BYTES = 256  # TOKEN_USER: a pointer to the number, attributes, and a number of at most 68 bytes


def user() -> str:
    """Return the number (SID) of the user who runs us. Raises OSError."""
    advapi, token, said = _library("advapi32"), c_void_p(), c_wchar_p()
    _check(advapi.OpenProcessToken(c_void_p(_OURSELVES), _QUERY, byref(token)))
    try:
        found = ctypes.create_string_buffer(_USER_BYTES)
        _check(advapi.GetTokenInformation(token, _USER, found, len(found), byref(c_ulong())))
        _check(advapi.ConvertSidToStringSidW(c_void_p.from_buffer(found), byref(said)))
    finally:
        _library("kernel32").CloseHandle(token)
    return _taken(said)


def rules(path: str) -> str:
    """Return the access list of a file or folder. Raises OSError."""
    advapi, descriptor, said = _library("advapi32"), c_void_p(), c_wchar_p()
    error = advapi.GetNamedSecurityInfoW(c_wchar_p(path), _FILE, _LIST, None, None, None, None, byref(descriptor))
    if error:
        raise _error(error)
    try:
        _check(
            advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, _REVISION, _LIST, byref(said), None)
        )
    finally:
        _library("kernel32").LocalFree(descriptor)
    return _taken(said)


def set_rules(path: str, wanted: str) -> None:
    """Give a file or folder this access list, and no other. Raises OSError."""
    advapi, descriptor = _library("advapi32"), c_void_p()
    convert = advapi.ConvertStringSecurityDescriptorToSecurityDescriptorW
    _check(convert(c_wchar_p(wanted), _REVISION, byref(descriptor), None))
    try:
        # SetNamedSecurityInfoW would go through all that is in a folder
        _check(advapi.SetFileSecurityW(c_wchar_p(path), _LIST, descriptor))
    finally:
        _library("kernel32").LocalFree(descriptor)


def _library(name: str) -> Any:  # noqa: ANN401  ctypes has no type for it on other systems
    return getattr(ctypes, "WinDLL")(name, use_last_error=True)  # noqa: B009  it exists on Windows alone


def _check(done: int) -> None:
    if not done:
        raise _error(getattr(ctypes, "get_last_error")())  # noqa: B009  the same


def _error(number: int) -> OSError:
    made: OSError = getattr(ctypes, "WinError")(number)  # noqa: B009  the same
    return made


def _taken(text: c_wchar_p) -> str:
    """Return a text that Windows made for us, and give it back."""
    said = text.value or ""
    _library("kernel32").LocalFree(text)
    return said
