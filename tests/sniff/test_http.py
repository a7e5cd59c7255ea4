"""Request heads over any cut, and the bound (L1, L6, L12, L15): what a first line and its followers may look like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.http import EMPTY_LINES_LIMIT, HttpSniffer
from starship.words import NEED_MORE, Hello
from tests.sniff.making import by_bytes, hello, hello_of, records, refusal_of, split, steady, verdict_of

LIMIT = 32768
HEAD = b"GET /a?b=c HTTP/1.1\r\nHost: shop.example.com\r\nAccept: */*\r\n\r\n"


def sniffer(limit: int = LIMIT) -> HttpSniffer:
    return HttpSniffer(limit)


def test_it_provides_its_seam() -> None:
    assert verifyObject(ISniffer, sniffer())


def test_a_head_is_read_to_its_empty_line_and_no_further() -> None:
    """L12: what follows is not looked at."""
    found = hello_of(steady(sniffer, HEAD))
    assert (found.name, found.scheme, found.consumed) == ("shop.example.com", "http", len(HEAD))


@pytest.mark.parametrize("body", [b"POST /x HTTP/1.1\r\nHost: evil.com\r\n\r\n", b"\0\n\r", b"5\r\n", HEAD])
def test_a_body_is_never_read(body: bytes) -> None:
    """L12: body bytes never decide."""
    head = b"POST / HTTP/1.1\r\nHost: a.com\r\nContent-Length: 40\r\n\r\n"
    assert sniffer().feed(head + body) == sniffer().feed(head)
    assert hello_of(sniffer().feed(head + body)).consumed == len(head)


@pytest.mark.parametrize("empty", [b"\r\n", b"\r\n\r\n", b"\r\n" * 50])
def test_empty_lines_before_the_request_are_ignored_and_counted(empty: bytes) -> None:
    """RFC 9112 section 2.2."""
    found = hello_of(steady(sniffer, empty + HEAD))
    assert (found.name, found.consumed) == ("shop.example.com", len(empty + HEAD))


def test_empty_lines_without_end_are_refused_before_they_cost_much() -> None:
    """32 KB of them cost 10 ms each time, so that one client of 25 Mbit/s kept all the others waiting for seconds."""
    most = b"\r\n" * EMPTY_LINES_LIMIT
    assert hello_of(steady(sniffer, most + HEAD)).name == "shop.example.com"
    found = refusal_of(steady(sniffer, most + b"\r\n" + HEAD))
    assert (found.reason, found.detail) == (Reason.BAD_HEAD, "there are more than 128 empty lines before the request")
    assert sniffer().feed(b"\r\n" * 16000) == found


REFUSED = [
    ("a bare LF after the request line", b"GET / HTTP/1.1\nHost: a.com\r\n\r\n"),
    ("a bare LF after a field", b"GET / HTTP/1.1\r\nHost: a.com\n\r\n"),
    ("a bare LF as the empty line", b"GET / HTTP/1.1\r\nHost: a.com\r\n\n"),
    ("a bare LF first", b"\n" + HEAD),
    ("an empty line of a bare LF", b"\r\n\n" + HEAD),
    ("a CR in the request line", b"GET /\r HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a CR in a field", b"GET / HTTP/1.1\r\nHost: a.com\rX: y\r\n\r\n"),
    ("two CRs at the end of a line", b"GET / HTTP/1.1\r\r\nHost: a.com\r\n\r\n"),
    ("a CR that leads", b"\rGET / HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a NUL in the target", b"GET /\0 HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a NUL in the host", b"GET / HTTP/1.1\r\nHost: a.com\0.evil.com\r\n\r\n"),
    ("a NUL in another field", b"GET / HTTP/1.1\r\nHost: a.com\r\nX: \0\r\n\r\n"),
    ("a control byte in a field", b"GET / HTTP/1.1\r\nHost: a.com\r\nX: \x1b[2J\r\n\r\n"),
    ("a folded field", b"GET / HTTP/1.1\r\nHost: a.com\r\nX: a\r\n b\r\n\r\n"),
    ("a folded host", b"GET / HTTP/1.1\r\nHost: a.com\r\n\t.evil.com\r\n\r\n"),
    ("white space before the first field", b"GET / HTTP/1.1\r\n Host: a.com\r\n\r\n"),
    ("a line of white space alone", b"GET / HTTP/1.1\r\nHost: a.com\r\n \r\n\r\n"),
    ("HTTP/0.9", b"GET /\r\n"),
    ("HTTP/0.9 with a version", b"GET / HTTP/0.9\r\n\r\n"),
    ("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: a.com\r\n\r\n"),
    ("HTTP/2.0", b"GET / HTTP/2.0\r\nHost: a.com\r\n\r\n"),
    ("HTTP/3", b"GET / HTTP/3\r\nHost: a.com\r\n\r\n"),
    ("a version of two digits", b"GET / HTTP/1.10\r\nHost: a.com\r\n\r\n"),
    ("a version in lower case", b"GET / http/1.1\r\nHost: a.com\r\n\r\n"),
    ("two spaces before the target", b"GET  / HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("two spaces after the target", b"GET /  HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a space in the target", b"GET /a b HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a tab in the request line", b"GET\t/ HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a space after the version", b"GET / HTTP/1.1 \r\nHost: a.com\r\n\r\n"),
    ("no target", b"GET HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("an unreserved octet over 127", b"GET /\xc3\xbc HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a method that begins with a hyphen", b"-ET / HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("an unknown method", b"FETCH / HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("a method in lower case", b"get / HTTP/1.1\r\nHost: a.com\r\n\r\n"),
    ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("a mail client", b"EHLO a.com\r\n"),
    ("a PROXY header where none is expected", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n"),
    ("RTSP", b"DESCRIBE / RTSP/1.0\r\n\r\n"),
    ("ICE", b"SOURCE / ICE/1.0\r\n\r\n"),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
]


def test_a_door_that_needs_the_whole_request_has_it_in_the_hello() -> None:
    assert hello_of(steady(sniffer, HEAD)).request is None
    found = hello_of(steady(lambda: HttpSniffer(LIMIT, is_kept=True), HEAD)).request
    assert found is not None
    assert (found.method, found.target, found.path, found.authority) == (b"GET", b"/a?b=c", "/a", b"shop.example.com")
    assert found.lines == b"Accept: */*\r\n"


@pytest.mark.parametrize("raw", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_clear_head_is_refused_while_it_comes(raw: bytes) -> None:
    """L12; SEMANTICS 4. Whole, in every cut and byte by byte alike."""
    assert refusal_of(steady(sniffer, raw)).reason is Reason.BAD_HEAD
    for cut in range(1, len(raw)):
        assert verdict_of(sniffer(), [raw[:cut], raw[cut:]]) == sniffer().feed(raw)


def test_the_preface_of_http2_is_recognised() -> None:
    assert "HTTP/2 with prior knowledge" in refusal_of(sniffer().feed(b"PRI * HTTP/2.0\r\n")).detail


@pytest.mark.parametrize("first", range(256))
def test_a_byte_that_begins_no_request_is_refused_at_once(first: int) -> None:
    verdict = sniffer().feed(bytes([first]))
    if first == 13 or 0x41 <= first <= 0x5A:
        assert verdict is NEED_MORE
    else:
        refusal = refusal_of(verdict)
        tls = first in (0x16, 0x80, 0x81)
        assert refusal.reason is (Reason.WRONG_DOOR if tls else Reason.BAD_HEAD)
        assert refusal.scheme == ("tls" if tls else None)


def test_a_tls_hello_on_this_door_is_recognised() -> None:
    assert refusal_of(steady(sniffer, records(hello()))).reason is Reason.WRONG_DOOR


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_bound_is_where_the_head_ends_whatever_the_cuts(data: st.DataObject) -> None:
    """Law 1, near the limit: just below, at and above the end of the head."""
    padding = b"X: " + b"y" * data.draw(st.integers(0, 300)) + b"\r\n"
    head = HEAD[:-2] + padding * data.draw(st.integers(0, 4)) + b"\r\n"
    limit = len(head) + data.draw(st.integers(-6, 6))
    whole = sniffer(limit).feed(head)
    assert (isinstance(whole, Hello)) is (len(head) <= limit)
    cuts = data.draw(st.sets(st.integers(1, len(head) - 1), max_size=20))
    assert verdict_of(sniffer(limit), split(head + b"body", cuts)) == whole
    assert steady(lambda: sniffer(limit), head) == whole


def test_a_head_without_end_is_431_and_a_request_line_without_end_is_414() -> None:
    fields = refusal_of(sniffer().feed(HEAD[:-2] + b"X: y\r\n" * 10000))
    assert (fields.reason, fields.code) == (Reason.HELLO_TOO_BIG, None)
    assert Reason.HELLO_TOO_BIG.row.status == 431
    line = refusal_of(sniffer().feed(b"HEAD /" + b"a" * 40000))
    assert (line.reason, line.code, line.manner.bodyless) == (Reason.HELLO_TOO_BIG, 414, True)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_the_bound_of_the_fields_is_where_one_is_too_many_whatever_the_cuts(data: st.DataObject) -> None:
    """Law 1."""
    fields = data.draw(st.integers(0, 5))
    head = b"\r\n" * data.draw(st.integers(0, 1)) + HEAD[:-2] + b"X: y\r\n" * fields + b"\r\n"
    verdict = steady(lambda: HttpSniffer(LIMIT, fields=4), head)
    assert isinstance(verdict, Hello) is (fields <= 2)
    if fields > 2:
        refusal = refusal_of(verdict)
        assert (refusal.reason, refusal.code) == (Reason.HELLO_TOO_BIG, None)
    cuts = data.draw(st.sets(st.integers(1, len(head) - 1), max_size=20))
    assert verdict_of(HttpSniffer(LIMIT, fields=4), split(head, cuts)) == verdict


def test_a_fault_before_the_field_too_many_is_the_one_that_is_told() -> None:
    refusal = refusal_of(steady(lambda: HttpSniffer(LIMIT, fields=2), HEAD[:-2] + b"X\0: y\r\nX: y\r\n\r\n"))
    assert refusal.reason is Reason.BAD_HEAD


def test_a_head_of_16_kb_always_passes() -> None:
    long_target = b"GET /" + b"a" * 15900 + b" HTTP/1.1\r\nHost: a.com\r\n\r\n"
    assert hello_of(steady(sniffer, long_target)).name == "a.com"
    many = b"GET / HTTP/1.1\r\nHost: a.com\r\n" + b"X-Field: value\r\n" * 1000 + b"\r\n"
    assert hello_of(sniffer().feed(many)).consumed == len(many)


def test_what_is_refused_while_it_comes_is_known_for_a_head_request() -> None:
    assert refusal_of(sniffer().feed(b"HEAD / HTTP/1.1\r\nHost: a.com\n")).manner.bodyless
    assert not refusal_of(sniffer().feed(b"GET / HTTP/1.1\r\nHost: a.com\n")).manner.bodyless


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a.com\r\n", b"\r\n", b"G"]),
    rest=st.lists(
        st.one_of(st.binary(max_size=12), st.sampled_from([b"\r\n", b"\r", b"\n", b"Host: b.com", b": ", b"GET "]))
    ),
)
def test_no_bytes_raise_and_no_cut_matters(start: bytes, rest: list[bytes]) -> None:
    steady(lambda: sniffer(120), start + b"".join(rest))


def test_the_time_is_linear_in_the_bytes_for_a_trickle() -> None:
    started = time.process_time()
    assert by_bytes(sniffer(2**17), b"GET /" + b"a" * 100000)[0] is NEED_MORE
    assert by_bytes(HttpSniffer(2**17, fields=20001 + 2), HEAD[:-2] + b"a:\r\n" * 20000)[0] is NEED_MORE
    assert time.process_time() - started < 10
