"""Heads of responses over any cut: framing, interim responses, and what is not passed on (L12)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.exchange.response import INTERIM_LIMIT, BadResponse, ResponseReader, printable
from starship.words import NEED_MORE, NeedMore, Response
from tests.sniff.making import split

LIMIT = 4096
HEAD = b'HTTP/1.1 200 OK\r\nServer: x/1\r\nContent-Length: 5\r\nETag: \t"y" \r\n\r\n'

Verdict = NeedMore | Response | BadResponse


def head(*fields: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *fields, "", ""]).encode("latin-1")


def reader(method: bytes = b"GET", *, upgrading: bool = False, limit: int = LIMIT, fields: int = 100) -> ResponseReader:
    return ResponseReader(method, limit, fields, upgrading)


def read_all(made: ResponseReader, pieces: list[bytes]) -> tuple[list[Verdict], bytes]:
    """All verdicts but NeedMore, as far as there are any; and what is behind the last head."""
    verdicts: list[Verdict] = []
    for at, piece in enumerate(pieces):
        verdict = made.feed(piece)
        while verdict is not NEED_MORE:
            verdicts.append(verdict)
            if isinstance(verdict, BadResponse) or is_last(verdict):
                return verdicts, made.rest + b"".join(pieces[at + 1 :])
            verdict = made.feed(b"")
    return verdicts, b""


def is_last(verdict: Verdict) -> bool:
    return isinstance(verdict, Response) and (verdict.status >= 200 or verdict.status == 101)


def read(raw: bytes, method: bytes = b"GET", *, upgrading: bool = False) -> Response | BadResponse:
    """The one verdict, seen to be the same byte by byte and in all two pieces."""
    whole = read_all(reader(method, upgrading=upgrading), [raw])
    for pieces in ([raw[at : at + 1] for at in range(len(raw))], *([raw[:cut], raw[cut:]] for cut in range(len(raw)))):
        assert read_all(reader(method, upgrading=upgrading), pieces)[0] == whole[0]
    (verdict,) = whole[0]
    assert not isinstance(verdict, NeedMore)
    return verdict


def response(raw: bytes, method: bytes = b"GET", *, upgrading: bool = False) -> Response:
    found = read(raw, method, upgrading=upgrading)
    assert isinstance(found, Response), found
    return found


def test_a_head_is_read_to_its_empty_line_and_no_further() -> None:
    made = reader()
    assert made.feed(HEAD + b"hello") == Response(
        status=200,
        reason=b"OK",
        minor=1,
        lines=b'Server: x/1\r\nETag: "y"\r\n',
        length=5,
        consumed=len(HEAD),
    )
    assert made.rest == b"hello"
    assert response(HEAD).consumed == len(HEAD)


FRAMED = [
    ("a length", b"GET", head("Content-Length: 7"), (7, False, False, False)),
    ("no octets", b"GET", head("Content-Length: 0"), (0, False, False, False)),
    ("chunks", b"GET", head("Transfer-Encoding: chunked"), (None, True, False, False)),
    ("until close", b"GET", head(), (None, False, True, False)),
    ("until close in HTTP/1.0", b"GET", head(status="HTTP/1.0 200 OK"), (None, False, True, False)),
    ("HEAD", b"HEAD", head("Content-Length: 7"), (7, False, False, True)),
    ("HEAD without a length", b"HEAD", head(), (None, False, False, True)),
    ("HEAD with chunks", b"HEAD", head("Transfer-Encoding: chunked"), (None, True, False, True)),
    ("204", b"GET", head(status="HTTP/1.1 204 No Content"), (None, False, False, True)),
    ("204 with no octets", b"GET", head("Content-Length: 0", status="HTTP/1.1 204 -"), (0, False, False, True)),
    ("304", b"GET", head("Content-Length: 7", status="HTTP/1.1 304 -"), (7, False, False, True)),
    ("205", b"GET", head("Content-Length: 0", status="HTTP/1.1 205 -"), (0, False, False, False)),
]


@pytest.mark.parametrize(("method", "raw", "framing"), [case[1:] for case in FRAMED], ids=[case[0] for case in FRAMED])
def test_a_response_knows_where_its_body_ends(
    method: bytes, raw: bytes, framing: tuple[int | None, bool, bool, bool]
) -> None:
    """RFC 9112 section 6.3."""
    found = response(raw, method)
    assert (found.length, found.chunked, found.until_close, found.bodyless) == framing


CLOSING = [
    (head("Content-Length: 0"), False),
    (head("Content-Length: 0", "Connection: Close"), True),
    (head("Content-Length: 0", "Connection: x, close"), True),
    (head("Content-Length: 0", status="HTTP/1.0 200 OK"), True),
    (head("Content-Length: 0", "Connection: keep-alive", status="HTTP/1.0 200 OK"), False),
    (head(), True),
    (head("Connection: keep-alive"), True),
]


@pytest.mark.parametrize(("raw", "closes"), CLOSING)
def test_a_response_says_whether_its_connection_is_of_use_afterwards(raw: bytes, closes: bool) -> None:
    assert response(raw).close is closes


def test_interim_responses_come_one_by_one() -> None:
    raw = head(status="HTTP/1.1 100 Continue") + head("Link: </a>", status="HTTP/1.1 103 -") + HEAD + b"hello"
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        verdicts, rest = read_all(reader(), pieces)
        assert [verdict.status for verdict in verdicts if isinstance(verdict, Response)] == [100, 103, 200]
        assert rest == b"hello"


def test_interim_responses_without_end_are_bad() -> None:
    verdicts, _ = read_all(reader(), [head(status="HTTP/1.1 102 -") * 1000])
    assert len(verdicts) == INTERIM_LIMIT + 1
    assert isinstance(verdicts[-1], BadResponse)


def test_a_switch_of_protocols_is_the_last_response() -> None:
    """K7."""
    made = reader(upgrading=True)
    found = made.feed(head("Connection: Upgrade", "Upgrade: websocket", status="HTTP/1.1 101 -") + b"\x81\x00")
    assert isinstance(found, Response)
    assert (found.upgrade, found.bodyless, made.rest) == (b"websocket", True, b"\x81\x00")


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 \t a \xff z", "HTTP/1.1 999 ?"])
def test_a_reason_is_passed_on_as_it_is(line: str) -> None:
    assert response(head("Content-Length: 0", status=line)).reason == line[13:].encode("latin-1")


BAD = [
    ("HTTP/0.9", b"<html>hello</html>"),
    ("nothing like it", b"SSH-2.0-OpenSSH\r\n\r\n"),
    ("a line before", b"\r\n" + HEAD),
    ("HTTP/0.9 with a status line", head(status="HTTP/0.9 200 OK")),
    ("HTTP/1.2", head(status="HTTP/1.2 200 OK")),
    ("HTTP/2", head(status="HTTP/2.0 200 OK")),
    ("HTTP/1.10", head(status="HTTP/1.10 200 OK")),
    ("lower case", head(status="http/1.1 200 OK")),
    ("another protocol", head(status="ICY 200 OK")),
    ("no status", head(status="HTTP/1.1 OK")),
    ("a status of two digits", head(status="HTTP/1.1 20 OK")),
    ("a status of four digits", head(status="HTTP/1.1 2000 OK")),
    ("a status below 100", head(status="HTTP/1.1 099 OK")),
    ("two spaces", head(status="HTTP/1.1  200 OK")),
    ("a tab", head(status="HTTP/1.1\t200 OK")),
    ("a NUL in the reason", head(status="HTTP/1.1 200 O\0K")),
    ("a CR in the reason", head("Content-Length: 0", status="HTTP/1.1 200 O\rK")),
    ("a status line in LF", HEAD.replace(b"OK\r\n", b"OK\n")),
    ("a field in LF", HEAD.replace(b"x/1\r\n", b"x/1\n")),
    ("an end in LF", HEAD[:-2] + b"\n"),
    ("all in LF", HEAD.replace(b"\r\n", b"\n")),
    ("a CR in a field", head("X: a\rSet-Cookie: b", "Content-Length: 0")),
    ("a NUL in a field", head("X: \0", "Content-Length: 0")),
    ("a control octet", head("X: \x1b[2J", "Content-Length: 0")),
    ("a folded field", head("X: a", " b", "Content-Length: 0")),
    ("a folded first field", head(" X: a", "Content-Length: 0")),
    ("a space before the colon", head("Content-Length : 5")),
    ("no colon", head("nonsense")),
    ("no name", head(": x")),
    ("a name with a space", head("X Y: z")),
    ("a name with odd octets", head("X\xff: z")),
    ("two lengths", head("Content-Length: 5", "Content-Length: 6")),
    ("two equal lengths", head("Content-Length: 5", "Content-Length: 5")),
    ("a list of lengths", head("Content-Length: 5, 5")),
    ("a length with a sign", head("Content-Length: +5")),
    ("a length in hexadecimal", head("Content-Length: 0x5")),
    ("an empty length", head("Content-Length:")),
    ("a length without bound", head("Content-Length: " + "9" * 30)),
    ("length and chunks", head("Content-Length: 5", "Transfer-Encoding: chunked")),
    ("chunks and length", head("Transfer-Encoding: chunked", "Content-Length: 5")),
    ("chunks twice", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("another coding", head("Transfer-Encoding: gzip, chunked")),
    ("an unknown coding", head("Transfer-Encoding: xchunked")),
    ("identity", head("Transfer-Encoding: identity")),
    ("chunks with a control octet", head("Transfer-Encoding: \x0bchunked")),
    ("chunks in HTTP/1.0", head("Transfer-Encoding: chunked", status="HTTP/1.0 200 OK")),
    ("204 with a length", head("Content-Length: 5", status="HTTP/1.1 204 -")),
    ("204 with chunks", head("Transfer-Encoding: chunked", status="HTTP/1.1 204 -")),
    ("100 with a length", head("Content-Length: 5", status="HTTP/1.1 100 -")),
    ("100 with chunks", head("Transfer-Encoding: chunked", status="HTTP/1.1 100 -")),
    ("100 in HTTP/1.0", head(status="HTTP/1.0 100 -")),
    ("101 without an offer", head("Connection: Upgrade", "Upgrade: websocket", status="HTTP/1.1 101 -")),
]


@pytest.mark.parametrize("raw", [case[1] for case in BAD], ids=[case[0] for case in BAD])
def test_what_two_readers_could_read_in_two_ways_is_bad(raw: bytes) -> None:
    """L12: the same strictness as towards clients."""
    verdict = read(raw)
    assert isinstance(verdict, BadResponse)
    assert verdict.detail.isascii()
    assert verdict.detail.isprintable()


@pytest.mark.parametrize("raw", [head("Upgrade:", status="HTTP/1.1 101 -"), head(status="HTTP/1.1 101 -"),
                                 head("Upgrade: a", status="HTTP/1.0 101 -")])  # fmt: skip
def test_a_switch_to_nothing_is_bad(raw: bytes) -> None:
    assert isinstance(read(raw, upgrading=True), BadResponse)


@pytest.mark.parametrize("first", [byte for byte in range(256) if byte != ord("H")])
def test_a_first_octet_that_begins_no_response_is_bad_at_once(first: int) -> None:
    assert isinstance(reader().feed(bytes([first])), BadResponse)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_bounds_are_where_the_head_ends_whatever_the_cuts(data: st.DataObject) -> None:
    """Law 1."""
    raw = HEAD[:-2] + b"X: y\r\n" * data.draw(st.integers(0, 4)) + b"\r\n"
    limit = len(raw) + data.draw(st.integers(-6, 6))
    pieces = split(raw, data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=10)))
    ((verdict,), _) = read_all(reader(limit=limit), pieces)
    assert isinstance(verdict, Response) is (len(raw) <= limit)
    ((verdict,), _) = read_all(reader(fields=5), pieces)
    assert isinstance(verdict, Response) is (raw.count(b"\r\n") - 2 <= 5)


def test_a_head_without_end_is_bad_at_the_bound() -> None:
    made = reader()
    assert made.feed(HEAD[:-2]) is NEED_MORE
    assert made.feed(b"X: " + b"y" * (LIMIT - len(HEAD) - 2)) is NEED_MORE
    assert isinstance(made.feed(b"y"), BadResponse)


ODD = [b"", b"\0", b"\n", b"\r", b" ", b":", b"\r\n", b"\r\n\r\n", b"\xff", b"Content-Length: 6\r\n", b"HTTP/1.1 "]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_octets_raise_and_no_cut_matters(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([b"", head(status="HTTP/1.1 100 Continue")])) + HEAD + b"hello")
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=3)):
        raw[at : at + 1] = data.draw(st.sampled_from(ODD))
    whole = read_all(reader(limit=150), [bytes(raw)])
    cuts = data.draw(st.sets(st.integers(1, len(raw)), max_size=20))
    assert read_all(reader(limit=150), split(bytes(raw), cuts))[0] == whole[0]


def test_a_parser_s_words_are_short_and_printable() -> None:
    assert printable("a\nb" + "c" * 200) == "a?b" + "c" * 97
