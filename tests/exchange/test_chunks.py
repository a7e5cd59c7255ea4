"""Bodies in chunks, over any cut: what comes of them, where they end, and what is refused (L12)."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.exchange.chunks import (
    FORBIDDEN,
    LINE_LIMIT_OCTETS,
    TRAILERS_LIMIT,
    TRAILERS_LIMIT_OCTETS,
    BadChunks,
    ChunkReader,
    Piece,
)
from starship.exchange.written import chunk, last_chunk
from tests.sniff.making import split

BODY = b'5\r\nhello\r\nA;name="va;l"\r\n, world!!!\r\n000000001\r\n.\r\n0\r\nX-Sum: 1 2 \r\nEtag:\r\n\r\n'
ODD = [b"", b"\0", b"\n", b"\r", b" ", b";", b"f", b"0", b"\r\n", b"\xff"]
NEXT = b"GET /next HTTP/1.1\r\n"


def read(pieces: list[bytes]) -> Piece | BadChunks:
    """All of it, as if it were one piece; what is behind the end comes to `rest`."""
    reader, data = ChunkReader(), b""
    for at, piece in enumerate(pieces):
        verdict = reader.feed(piece)
        data += verdict.data
        if isinstance(verdict, BadChunks):
            return BadChunks(verdict.detail, data)
        if verdict.done:
            rest = verdict.rest + b"".join(pieces[at + 1 :])
            return Piece(data, done=True, trailers=verdict.trailers, rest=rest)
        assert not verdict.rest
        assert not verdict.trailers
    return Piece(data)


def steady(raw: bytes) -> Piece | BadChunks:
    """The verdict of the whole, seen to be the same byte by byte and in every two pieces."""
    whole = read([raw])
    assert read([raw[at : at + 1] for at in range(len(raw))]) == whole
    for cut in range(1, min(len(raw), 200)):
        assert read([raw[:cut], b"", raw[cut:]]) == whole
    return whole


def test_a_body_is_its_octets_its_trailers_and_its_end() -> None:
    trailers = ((b"X-Sum", b"1 2"), (b"Etag", b""))
    assert steady(BODY + NEXT) == Piece(b"hello, world!!!.", done=True, trailers=trailers, rest=NEXT)


def test_an_empty_body_is_over_at_once() -> None:
    assert steady(b"0\r\n\r\n") == Piece(b"", done=True)
    assert steady(b"000;x\r\n\r\n" + NEXT) == Piece(b"", done=True, rest=NEXT)


@pytest.mark.parametrize("end", range(len(BODY)))
def test_no_body_is_over_before_its_last_octet(end: int) -> None:
    verdict = read([BODY[:end]])
    assert isinstance(verdict, Piece)
    assert not verdict.done


BAD = [
    ("an empty size", b"\r\n"),
    ("a size with a sign", b"+5\r\nhello\r\n"),
    ("a size below zero", b"-5\r\nhello\r\n"),
    ("a size with 0x", b"0x5\r\nhello\r\n"),
    ("a size with an underscore", b"1_0\r\n"),
    ("white space before the size", b" 5\r\nhello\r\n"),
    ("white space after the size", b"5 \r\nhello\r\n"),
    ("white space before an extension", b"5 ;x\r\nhello\r\n"),
    ("a tab after the size", b"5\t\r\nhello\r\n"),
    ("a size of 16 digits", b"0000000000000005\r\nhello\r\n"),
    ("a size beyond 64 bits", b"10000000000000005\r\nhello\r\n"),
    ("the greatest size of 64 bits", b"FFFFFFFFFFFFFFFF\r\n"),
    ("a size that is no number", b"xyz\r\n"),
    ("a size in other digits", b"\xd9\xa5\r\nhello\r\n"),
    ("a size that ends in LF", b"5\nhello\r\n0\r\n\r\n"),
    ("a size that ends in CR", b"5\rhello\r\n0\r\n\r\n"),
    ("a size that ends in two CRs", b"5\r\r\nhello\r\n"),
    ("a NUL behind the size", b"5\0\r\nhello\r\n"),
    ("an extension with LF", b"5;a\nb\r\nhello\r\n"),
    ("an extension with CR", b"5;a\rb\r\nhello\r\n"),
    ("an extension with a NUL", b"5;\0\r\nhello\r\n"),
    ("an extension without end", b"5;" + b"a" * LINE_LIMIT_OCTETS + b"\r\nhello\r\n"),
    ("a chunk longer than its size", b"5\r\nhello!\r\n"),
    ("a chunk shorter than its size", b"5\r\nhell\r\n0\r\n\r\n"),
    ("a chunk that ends in LF", b"5\r\nhello\n0\r\n\r\n"),
    ("a chunk that ends in CR", b"5\r\nhello\r0\r\n\r\n"),
    ("a chunk that ends in other octets", b"5\r\nhelloxx0\r\n\r\n"),
    ("a folded trailer", b"0\r\nX: a\r\n b\r\n\r\n"),
    ("white space before a trailer", b"0\r\n X: a\r\n\r\n"),
    ("white space before a colon", b"0\r\nX : a\r\n\r\n"),
    ("a trailer without colon", b"0\r\nnonsense\r\n\r\n"),
    ("a trailer without name", b"0\r\n: a\r\n\r\n"),
    ("a trailer that ends in LF", b"0\r\nX: a\n\r\n"),
    ("a trailer with a CR", b"0\r\nX: a\rb\r\n\r\n"),
    ("a trailer with a NUL", b"0\r\nX: \0\r\n\r\n"),
    ("a request where trailers belong", b"0\r\nGET / HTTP/1.1\r\n\r\n"),
    ("an end in LF", b"0\r\n\n"),
    ("an end in CR and something", b"0\r\n\rX\n"),
    ("trailers too long", b"0\r\nX: " + b"a" * TRAILERS_LIMIT_OCTETS + b"\r\n\r\n"),
    ("trailers too long together", b"0\r\n" + (b"Etag: " + b"a" * 1000 + b"\r\n") * 10 + b"\r\n"),
    ("dropped trailers too long together", b"0\r\n" + (b"Host: " + b"a" * 1000 + b"\r\n") * 10 + b"\r\n"),
    ("too many trailers", b"0\r\n" + b"a:\r\n" * (TRAILERS_LIMIT + 1) + b"\r\n"),
]


@pytest.mark.parametrize("raw", [case[1] for case in BAD], ids=[case[0] for case in BAD])
def test_what_two_readers_could_end_elsewhere_is_bad(raw: bytes) -> None:
    """L12."""
    verdict = steady(b"3\r\nabc\r\n" + raw)
    assert isinstance(verdict, BadChunks)
    assert verdict.data.startswith(b"abc")
    assert verdict.detail.isascii()


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_a_trailer_that_would_mean_something_earlier_is_dropped(name: bytes) -> None:
    """RFC 9110 section 6.5.1."""
    verdict = steady(b"0\r\n%b: 1\r\n%b: 1\r\nX: y\r\n\r\n" % (name.title(), name.replace(b"-", b"_")))
    assert verdict == Piece(b"", done=True, trailers=((b"X", b"y"),))


def test_what_is_held_is_never_more_than_a_line() -> None:
    reader = ChunkReader()
    for _ in range(LINE_LIMIT_OCTETS - 1):
        assert reader.feed(b"1") == Piece(b"")
    assert isinstance(reader.feed(b"1"), BadChunks)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_the_cuts_the_verdict_is_the_same(data: st.DataObject) -> None:
    """Law 1; bytes of all kinds, and no exception."""
    raw = bytearray(BODY + NEXT)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=3)):
        raw[at : at + 1] = data.draw(
            st.sampled_from([b"", b"\0", b"\n", b"\r", b" ", b";", b"f", b"0", b"\r\n", b"\xff"])
        )
    cuts = data.draw(st.sets(st.integers(1, len(raw)), max_size=20))
    assert read(split(bytes(raw), cuts)) == read([bytes(raw)])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.sampled_from([(b"X-A", b"1"), (b"Etag", b"")])))
def test_what_is_written_is_read_back_here_and_by_h11(parts: list[bytes], trailers: list[tuple[bytes, bytes]]) -> None:
    raw = b"".join(chunk(part) for part in parts) + last_chunk(trailers)
    assert read([raw + NEXT]) == Piece(b"".join(parts), done=True, trailers=tuple(trailers), rest=NEXT)
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"POST / HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n" + raw)
    body = b""
    assert isinstance(other.next_event(), h11.Request)
    while isinstance(event := other.next_event(), h11.Data):
        body += event.data
    assert body == b"".join(parts)
    assert isinstance(event, h11.EndOfMessage)
    assert [(name, value) for name, value in event.headers] == [(name.lower(), value) for name, value in trailers]
