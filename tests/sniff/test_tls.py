"""Records over any cut, and the bound (L1, L2, L4, L5): the outer half of the TLS sniffer."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.tls import TlsSniffer
from starship.words import NEED_MORE, Hello
from tests.sniff.making import (
    NAME,
    ORDINARY,
    by_bytes,
    hello,
    hello_of,
    record,
    records,
    refusal_of,
    sni,
    split,
    steady,
    verdict_of,
)

LIMIT = 65536
BIG = hello((*ORDINARY, (51, bytes(1300)), (21, bytes(900))))
HUGE = hello((*ORDINARY, (21, bytes(40000))))


def sniffer(limit: int = LIMIT) -> TlsSniffer:
    return TlsSniffer(limit)


def test_it_provides_its_seam() -> None:
    assert verifyObject(ISniffer, sniffer())


def test_an_ordinary_hello_is_read_to_its_last_byte_and_no_further() -> None:
    """L5: nothing after the hello is looked at."""
    raw = records(hello())
    found = hello_of(steady(sniffer, raw))
    assert (found.name, found.scheme, found.consumed) == (NAME.decode(), "tls", len(raw))
    assert found.alpn == (b"h2", b"http/1.1")


@pytest.mark.parametrize("minor", range(6))
def test_the_record_version_does_not_matter(minor: int) -> None:
    """L4."""
    assert hello_of(steady(sniffer, records(hello(), version=0x0300 + minor))).name == NAME.decode()


def test_a_handshake_header_may_be_cut_by_records_as_well() -> None:
    """L1: a record of each of the first bytes."""
    raw = records(hello(), cuts=(1, 2, 3, 4, 5))
    assert hello_of(steady(sniffer, raw)).consumed == len(raw) == len(hello()) + 6 * 5


def test_a_hello_over_many_full_records_is_read() -> None:
    raw = records(HUGE)
    assert hello_of(verdict_of(sniffer(), [raw])).consumed == len(raw)
    assert by_bytes(sniffer(), raw) == (sniffer().feed(raw), len(raw))


REFUSED = [
    ("a zero byte", b"\0", Reason.BAD_HELLO, None),
    ("a startup message of PostgreSQL (L3)", b"\0\0\0\x08\x04\xd2\x16\x2f", Reason.BAD_HELLO, None),
    ("an SSL 2.0 hello", b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10", Reason.BAD_HELLO, None),
    ("a line end", b"\r\n", Reason.BAD_HELLO, None),
    ("a PROXY header", b"\r\n\r\n\0\r\nQUIT\n", Reason.BAD_HELLO, None),
    ("an alert", record(b"\x01\0", kind=21), Reason.BAD_HELLO, 10),
    ("data", record(b"GET", kind=23), Reason.BAD_HELLO, 10),
    ("a change of ciphers", record(b"\x01", kind=20), Reason.BAD_HELLO, 10),
    ("a heartbeat", record(b"\x01\0\1", kind=24), Reason.BAD_HELLO, 10),
    ("DTLS", b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x40", Reason.BAD_HELLO, 70),
    ("an empty record", record(b""), Reason.BAD_HELLO, 10),
    ("an empty record in between", record(hello()[:9]) + record(b"") + record(hello()[9:]), Reason.BAD_HELLO, 10),
    ("an alert in between", record(hello()[:9]) + record(b"\x01\0", kind=21), Reason.BAD_HELLO, 10),
    ("ciphers changed in between", record(hello()[:9]) + record(b"\x01", kind=20), Reason.BAD_HELLO, 10),
    ("a letter in between", record(hello()[:9]) + b"GET /", Reason.BAD_HELLO, 10),
    ("too long a record", b"\x16\x03\x01\x40\x01", Reason.BAD_HELLO, 22),
    ("another message", record(b"\x02" + hello()[1:]), Reason.BAD_HELLO, 10),
    ("a hello request first", record(b"\0\0\0\0" + hello()), Reason.BAD_HELLO, 10),
    ("a message after the hello", record(hello() + b"\x10\0\0\0"), Reason.BAD_HELLO, 10),
    ("a second hello in the record", record(hello() + hello()), Reason.BAD_HELLO, 10),
    ("a last record too long", record(hello()[:9]) + record(hello()[9:] + b"\0"), Reason.BAD_HELLO, 10),
    ("a request", b"GET / HTTP/1.1\r\n", Reason.WRONG_DOOR, None),
    ("a letter", b"o", Reason.WRONG_DOOR, None),
]


@pytest.mark.parametrize(("raw", "reason", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_hello_is_refused_for_what_it_is(raw: bytes, reason: Reason, code: int | None) -> None:
    refusal = refusal_of(steady(sniffer, raw))
    assert (refusal.reason, refusal.code) == (reason, code)
    assert refusal.scheme == ("http" if reason is Reason.WRONG_DOOR else None)


@pytest.mark.parametrize("first", [byte for byte in range(256) if byte != 22])
def test_a_byte_that_begins_no_tls_is_refused_at_once(first: int) -> None:
    refusal = refusal_of(sniffer().feed(bytes([first])))
    letter = 0x41 <= first <= 0x5A or 0x61 <= first <= 0x7A
    assert refusal.reason is (Reason.WRONG_DOOR if letter else Reason.BAD_HELLO)


@pytest.mark.parametrize("length", [0, 40, 65532, 2**24 - 1])
def test_an_impossible_length_of_the_hello_is_refused_at_its_header(length: int) -> None:
    """L5: a lie is never waited for."""
    raw = b"\x16\x03\x01\x02\x00\x01" + length.to_bytes(3, "big")
    expected = Reason.HELLO_TOO_BIG if length > 40 else Reason.BAD_HELLO
    assert refusal_of(steady(sniffer, raw)).reason is expected


def test_a_length_that_lies_inside_the_hello_is_refused_before_the_rest_has_come() -> None:
    """L5: the extensions that do not end with the hello are refused at their length."""
    message = hello()
    lying = b"\x01" + (len(message) + 100).to_bytes(3, "big") + message[4:]
    verdict, count = by_bytes(sniffer(), records(lying))
    assert refusal_of(verdict).code == 50
    assert count < 100


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_bound_is_where_the_hello_ends_whatever_the_cuts(data: st.DataObject) -> None:
    """L1, law 1: records and segments cut anywhere, with the limit just below, at and above the end."""
    message = data.draw(st.sampled_from([hello(), BIG, hello(None)]))
    raw = records(message, data.draw(st.sets(st.integers(1, len(message) - 1), max_size=12)))
    limit = len(raw) + data.draw(st.integers(-7, 7))
    whole = sniffer(limit).feed(raw)
    assert (isinstance(whole, Hello)) is (len(raw) <= limit)
    if not isinstance(whole, Hello):
        assert refusal_of(whole).reason is Reason.HELLO_TOO_BIG
    cuts = data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=20))
    assert verdict_of(sniffer(limit), split(raw + b"more", cuts)) == whole
    assert steady(lambda: sniffer(limit), raw) == whole


def test_more_bytes_behind_the_hello_do_not_count_against_the_bound() -> None:
    raw = records(hello())
    assert hello_of(sniffer(len(raw)).feed(raw + bytes(100000))).consumed == len(raw)


def test_records_of_one_byte_count_with_their_headers() -> None:
    message = hello((sni(NAME), (21, bytes(12000))))
    raw = records(message, range(1, len(message)))
    assert len(raw) > LIMIT
    assert refusal_of(sniffer().feed(raw)).reason is Reason.HELLO_TOO_BIG
    assert hello_of(sniffer(len(raw)).feed(raw)).consumed == len(raw)


def test_a_hello_refused_for_its_size_is_refused_before_it_is_held() -> None:
    verdict, count = by_bytes(sniffer(1000), records(BIG))
    assert refusal_of(verdict).reason is Reason.HELLO_TOO_BIG
    assert count == 9


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=80),
    start=st.sampled_from([b"", b"\x16\x03\x01", b"\x16\x03\x01\0\x60\x01\0\0\x5c\x03\x03"]),
)
def test_no_bytes_raise_and_no_cut_matters(data: bytes, start: bytes) -> None:
    steady(sniffer, start + data)


def test_the_time_is_linear_in_the_bytes_for_a_trickle_of_records_and_bytes() -> None:
    """60,000 single bytes, and 10,000 records of one byte in one chunk: a rescan of each would take minutes."""
    started = time.process_time()
    assert by_bytes(sniffer(), records(HUGE))[1] == len(records(HUGE))
    small = hello((sni(NAME), *((1000 + number, b"") for number in range(2500))))
    assert hello_of(sniffer(2**17).feed(records(small, range(1, len(small))))).name == NAME.decode()
    assert time.process_time() - started < 10


def test_a_big_hello_in_two_segments_is_read_with_every_cut() -> None:
    """L2: post-quantum sizes."""
    raw = records(BIG)
    expected = sniffer().feed(raw)
    for cut in range(1, len(raw)):
        assert verdict_of(sniffer(), [raw[:cut], raw[cut:]]) == expected


def test_two_records_cut_anywhere_are_one_hello() -> None:
    """L1: every cut of the message into two records, whole and byte by byte."""
    message = hello()
    generator = random.Random(1)
    for cut in range(1, len(message)):
        raw = records(message, [cut])
        found = hello_of(sniffer().feed(raw))
        assert (found.name, found.consumed) == (NAME.decode(), len(raw))
        assert verdict_of(sniffer(), split(raw, [generator.randrange(1, len(raw)) for _ in range(4)])) == found


def test_who_has_not_said_all_is_waited_for() -> None:
    assert sniffer().feed(b"") is NEED_MORE
    assert sniffer().feed(records(hello())[:-1]) is NEED_MORE
    assert sniffer().feed(record(hello()[:1])) is NEED_MORE
