"""The lines of a snapshot: read back as they were written, or refused as a whole."""

from __future__ import annotations

import json
from io import BytesIO
from math import inf
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.route.lines import BadSnapshot, Line, head, line_of, read_lines, tail
from starship.route.store import Entry
from tests.route.resolvers import route

ENTRIES = [
    Entry("a.com", route("A"), 0.0, 50.0, 60.0, 90.0, 100),
    Entry("*.b.com", route("B", wildcard="*.b.com"), 0.0, inf, inf, inf, 100),
]


def whole(*lines: bytes) -> bytes:
    body = b"".join(lines)
    return head(1000.0) + body + tail(len(lines), crc32(body))


GOOD = whole(*(line_of(entry, 1000.0) for entry in ENTRIES))


def test_what_is_written_is_read_back() -> None:
    assert list(read_lines(BytesIO(GOOD))) == [
        Line("a.com", route("A"), 1060.0, 1090.0),
        Line("*.b.com", route("B", wildcard="*.b.com"), inf, inf),
    ]


@given(st.integers(0, len(GOOD) - 1))
@settings(max_examples=200)
def test_a_torn_file_is_refused_wherever_it_tore(at: int) -> None:
    with pytest.raises(BadSnapshot):
        list(read_lines(BytesIO(GOOD[:at])))


@given(st.integers(len(head(1000.0)), len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_file_with_a_changed_byte_is_refused(at: int, flip: int) -> None:
    bad = bytearray(GOOD)
    bad[at] ^= flip
    with pytest.raises(BadSnapshot):
        list(read_lines(BytesIO(bytes(bad))))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4096,
        b"SQLite format 3\x00",
        b"{}\n{}\n",
        b"[" * 100_000,
        head(1.0).replace(b'"version":1', b'"version":2') + tail(0, 0),
        head(1.0),
    ],
)
def test_an_alien_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadSnapshot):
        list(read_lines(BytesIO(content)))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "A.com"},
        {"name": "*.*.com"},
        {"name": 7},
        {"route": {"app": "A"}},
        {"route": {"endpoint": "10.0.0.24", "host": "b.com"}},
        {"route": []},
        {"expires": "soon"},
        {"forgotten": True},
    ],
)
def test_a_line_that_we_would_not_have_written_is_refused_with_the_file(change: dict[str, object]) -> None:
    fields = json.loads(line_of(ENTRIES[0], 0.0)) | change
    with pytest.raises(BadSnapshot):
        list(read_lines(BytesIO(whole(json.dumps(fields).encode() + b"\n"))))
