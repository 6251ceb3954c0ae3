"""The files in a host's tar stream: what every tar writes is read, and nothing else costs memory or time."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbssh.core.server import archive
from nbssh.core.server.archive import OddArchiveError

MOST = 8 << 20


def packed(members: list[tarfile.TarInfo], form: int, content: bytes = b"text\n") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode = kind, mode
    made.linkname = "elsewhere" * 30 if kind in {tarfile.SYMTYPE, tarfile.LNKTYPE} else ""
    return made


FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
NAMES = [
    "home/alice/.local/share/nbssh/box/launch",
    "/home/alice/x",
    "home/" + "long" * 30 + "/file",  # more than 100 characters: a prefix, or a header of its own
    "home/" + "a" * 90 + "/" + "b" * 90,
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("packs", [bytes, gzip.compress])
def test_what_every_tar_writes_is_read(form: str, name: str, packs: type[bytes]) -> None:
    data = packs(packed([member("home", tarfile.DIRTYPE), member(name, mode=0o700)], FORMATS[form]))
    assert archive.files(data, MOST) == {"/" + name.lstrip("/"): (b"text\n", 0o700)}


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_a_name_of_any_bytes_and_of_any_length(form: str) -> None:
    for name in ("x" * 4000, "home/\u7528\u6237/\udce9", "a" * 300 + "/" + "b" * 300):
        assert list(archive.files(packed([member(name)], FORMATS[form]), MOST)) == ["/" + name]


def test_links_devices_and_pipes_are_passed_over() -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE)
    for form in FORMATS.values():
        if form == tarfile.USTAR_FORMAT:
            continue  # it holds no such long target
        data = packed([*(member(f"odd{kind!r}", kind) for kind in kinds), member("good")], form)
        assert list(archive.files(data, MOST)) == ["/good"]


def test_the_last_of_two_of_one_name_counts_and_nothing_is_nothing() -> None:
    one, two = packed([member("x")], 1, b"1"), packed([member("x")], 1, b"22")
    assert archive.files(one[:1024] + two, MOST)["/x"][0] == b"22"
    assert archive.files(b"", MOST) == {}
    assert archive.files(bytes(10240), MOST) == {}


def test_a_stream_without_its_end_is_refused() -> None:
    whole = packed([member("x"), member("y")], 1)
    for cut in range(512, 4 * 512 + 1, 512):
        with pytest.raises(OddArchiveError):
            archive.files(whole[:cut], MOST)


# --- hostile ---------------------------------------------------------------------------------------------------------


def header(name: bytes = b"x", size: bytes = b"0", kind: bytes = b"0", more: bytes = b"") -> bytes:
    """Return a header with a right checksum."""
    raw = bytearray(512)
    raw[: len(name)] = name
    raw[100:107] = b"0000644"
    raw[124 : 124 + len(size)] = size
    raw[156:157] = kind
    raw[257:263] = b"ustar\0"
    raw[345 : 345 + len(more)] = more
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def sparse() -> bytes:
    """Return GNU's sparse file of 8 TiB in 10 KiB: an old header, and the same by pax records."""
    old = bytearray(header(b"big", b"0", b"S"))
    old[386:398], old[398:410] = b"00000000000\0", b"00000000000\0"
    old[483:495] = (0x80 << 88 | 8 << 40).to_bytes(12, "big")
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    return bytes(old) + bytes(1024)


def pax_sparse() -> bytes:
    records = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n37 GNU.sparse.realsize=8796093022208\n"
    return header(b"p", b"%o" % len(records), b"x") + records.ljust(512, b"\0") + header(b"big") + bytes(1024)


# made in their test: each worker reads this file, and one runs it
HOSTILE = {
    "a sparse file of 8 TiB": sparse,
    "the same in pax": pax_sparse,
    "a size in binary, 8 TiB": lambda: header(size=(0x80 << 88 | 8 << 40).to_bytes(12, "big")),
    "a size of 8 GiB": lambda: header(size=b"77777777777"),
    "a negative size": lambda: header(size=b"-1"),
    "a size of letters": lambda: header(size=b"12x"),
    "a size of 9s": lambda: header(size=b"999"),
    "50,000 long names in a row": lambda: header(size=b"1", kind=b"L") * 50_000,
    "50,000 extended headers in a row": lambda: (header(size=b"6", kind=b"x") + b"6 a=b\n".ljust(512, b"\0")) * 8000,
    "records without an end": lambda: header(size=b"2000", kind=b"x") + b"1" * 1024,
    "a record of its own length": lambda: header(size=b"2", kind=b"x") + b"0 ".ljust(512, b"\0"),
    "a record that reaches far": lambda: header(size=b"20", kind=b"x") + b"99999999999999 a=b\n".ljust(512, b"\0"),
    "no checksum": lambda: b"x" * 512,
    "cut in the middle": lambda: header(size=b"1000") + b"x" * 100,
    "half a header": lambda: header()[:300],
    "300,000 empty files": lambda: header() * 300_000,
    "gzip of nothing": lambda: gzip.compress(b""),
    "half a gzip": lambda: gzip.compress(b"x" * 10_000)[:20],
    "a gzip bomb": lambda: gzip.compress(bytes(200 << 20)),
    "gzip and rubbish": lambda: gzip.compress(b"") + b"rubbish",
    "a name that leads out": lambda: header(b"../../etc/passwd", b"0") + bytes(1024),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_stream_costs_little(what: str) -> None:
    found: dict[str, tuple[bytes, int]] = {}
    stream = HOSTILE[what]()
    tracemalloc.start()
    try:
        with contextlib.suppress(OddArchiveError):
            found = archive.files(stream, MOST)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert all(path.startswith("/") and len(content) <= MOST for path, (content, _) in found.items())
    assert peak < 4 * MOST


HEADERS = st.lists(st.binary(max_size=100).map(header), max_size=4).map(b"".join)


@given(st.binary(max_size=3000) | HEADERS)
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    for form in (data, gzip.compress(data), b"\x1f\x8b" + data):
        try:
            archive.files(form, MOST)
        except OddArchiveError:
            continue


def test_more_files_than_a_profile_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 3)
    assert list(archive.files(packed([member("x"), member("y")], 1), MOST)) == ["/x", "/y"]
    with pytest.raises(OddArchiveError, match="more than 3 members"):
        archive.files(packed([member(name) for name in "wxyz"], 1), MOST)
