"""The files in a tar stream of a host, read within bounds. Pure; nothing of it is trusted.

Python's tarfile makes 8 TiB of zeros from a sparse header of 512 bytes, and calls itself once for each long name. What
tar writes for plain files and folders needs little of the format: ustar (POSIX.1-1988), and a long name in front of a
member as GNU and pax have it. Everything else is passed over: links, devices, sparse files.
"""

from __future__ import annotations

import gzip
import io
import zlib

_BLOCK = 512
_GZIP = b"\x1f\x8b"  # RFC 1952
_NAME_BYTES = 4096  # PATH_MAX of Linux
MEMBERS = 20_000
_REGULAR, _GNU_NAME, _PAX = {b"0", b"\0", b"7"}, b"L", b"x"
_ABOUT_THE_NEXT = {b"K", b"g"}  # a long target of a link, and what holds for all: nothing that we need


class OddArchiveError(Exception):
    """This is no tar stream, or one of more than it may be; the text says which."""


def files(data: bytes, most: int) -> dict[str, tuple[bytes, int]]:
    """Return content and permission bits of the regular files in `data`, by absolute path.

    Compressed or not, `data` may stand for `most` bytes. Raises OddArchiveError.
    """
    data = _unpacked(data, most)
    found: dict[str, tuple[bytes, int]] = {}
    at, name = 0, b""
    for _ in range(MEMBERS):
        header = data[at : at + _BLOCK]
        if not header.strip(b"\0") and (header or not data):  # the end, or nothing at all
            return found
        if len(header) < _BLOCK or not _is_summed(header):
            raise OddArchiveError("a header is missing")
        size, kind = _number(header[124:136]), header[156:157]
        content = data[at + _BLOCK : at + _BLOCK + size]
        if len(content) < size:
            raise OddArchiveError("cut off")
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if kind == _GNU_NAME:
            name = content.rstrip(b"\0")
        elif kind == _PAX:
            name = _pax_path(content) or name
        elif kind not in _ABOUT_THE_NEXT:
            path = name or _ustar_name(header)
            if kind in _REGULAR and 0 < len(path) <= _NAME_BYTES:
                found["/" + path.decode("utf-8", "surrogateescape").removeprefix("/")] = content, _mode(header)
            name = b""
    raise OddArchiveError(f"more than {MEMBERS} members")


def _unpacked(data: bytes, most: int) -> bytes:
    """Return `data`, decompressed if need be; few bytes may stand for very many."""
    if data.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise OddArchiveError(f"not decompressed: {error}") from None
    if len(data) > most:
        raise OddArchiveError(f"more than {most >> 20} MiB")
    return data


def _is_summed(header: bytes) -> bool:
    """Tell whether the checksum is right, which counts its own eight bytes as blanks."""
    return sum(header[:148]) + 8 * 32 + sum(header[156:]) == _number(header[148:156])


def _number(field: bytes) -> int:
    """Return a number in octal digits; what is no such number, the binary ones of huge files too, is refused."""
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise OddArchiveError("a size that is no number")
    return int(digits, 8)


def _mode(header: bytes) -> int:
    return _number(header[100:108]) & 0o7777


def _ustar_name(header: bytes) -> bytes:
    name, prefix = header[:100].partition(b"\0")[0], header[345:500].partition(b"\0")[0]
    # GNU's own format has times where ustar has the prefix
    return prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name


def _pax_path(records: bytes) -> bytes:
    """Return the path in the records `LENGTH path=NAME` of an extended header, empty if there is none."""
    at, path = 0, b""
    while at < len(records):
        length, blank, _ = records[at : at + 20].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length) + 1:
            raise OddArchiveError("an extended header that is none")
        key, _, value = records[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        if key == b"path":
            path = value
        at += int(length)
    return path
