"""A PROXY header is read in every cut, or refused in our words; what follows it is left alone."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.interfaces import IPrefaceReader
from starship.reasons import Reason
from starship.sniff.proxy import BLOCK_LIMIT_BYTES, FIELDS_LIMIT, LINE_LIMIT_BYTES, PrefaceReader
from starship.tlv import CRC32C, NOOP, SIGNATURE, UNIQUE_ID, crc32c
from starship.words import NEED_MORE, Address, NeedMore, Preface, Refusal, Tlv

Found = Preface | Refusal | NeedMore

V4_ENDS = bytes((192, 0, 2, 7, 192, 0, 2, 1)) + (50000).to_bytes(2, "big") + (443).to_bytes(2, "big")
CLIENT, LOCAL = Address("192.0.2.7", 50000), Address("192.0.2.1", 443)
AWS = b"\xea\x00\x05\x01vpce"
HELLO = b"\x16\x03\x01\x02\x00hello"


def read(data: bytes, cuts: Iterable[int] = ()) -> Found:
    """What is said of these pieces; that it is said once is the reader's contract."""
    reader = PrefaceReader()
    found: Found = NEED_MORE
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        found = reader.feed(data[start:end])
        if found is not NEED_MORE:
            break
    return found


def v2(body: bytes = V4_ENDS, *, command: int = 0x21, kind: int = 0x11, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return SIGNATURE + bytes((command, kind)) + size.to_bytes(2, "big") + body


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


def checked(body: bytes, rest: bytes = b"") -> bytes:
    """A header with a checksum between the two."""
    blank = v2(body + tlv(CRC32C, bytes(4)) + rest)
    return v2(body + tlv(CRC32C, crc32c(blank).to_bytes(4, "big")) + rest)


def line(text: str) -> bytes:
    return text.encode("latin-1") + b"\r\n"


WELL: dict[str, tuple[bytes, Address | None, Address | None, tuple[Tlv, ...]]] = {
    "v1 over IPv4": (line("PROXY TCP4 192.0.2.7 192.0.2.1 50000 443"), CLIENT, LOCAL, ()),
    "v1 over IPv6": (
        line("PROXY TCP6 2001:DB8::7 2001:db8:0:0::1 0 65535"),
        Address("2001:db8::7", 0),
        Address("2001:db8::1", 65535),
        (),
    ),
    "v1 with IPv4 in IPv6's clothes": (
        line("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 50000 443"),
        CLIENT,
        LOCAL,
        (),
    ),
    "v1 unknown": (line("PROXY UNKNOWN"), None, None, ()),
    "v1 unknown with whatever": (line("PROXY UNKNOWN ffff:f::1 whatever  1 2 3"), None, None, ()),
    "v1 as long as may be": (line("PROXY UNKNOWN " + "x" * (LINE_LIMIT_BYTES - 16)), None, None, ()),
    "v2 over IPv4": (v2(), CLIENT, LOCAL, ()),
    "v2 over IPv6": (
        v2(socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(15) + b"\x01\x00\x07\x01\xbb", kind=0x21),
        Address("2001:db8::7", 7),
        Address("::1", 443),
        (),
    ),
    "v2 with fields": (
        v2(V4_ENDS + tlv(UNIQUE_ID, b"id") + tlv(NOOP, bytes(9)) + AWS + tlv(0xE4, b"\xff\xfe")),
        CLIENT,
        LOCAL,
        (Tlv(UNIQUE_ID, b"id"), Tlv(0xEA, b"\x01vpce"), Tlv(0xE4, b"\xff\xfe")),
    ),
    "v2 with the right checksum": (checked(V4_ENDS, AWS), CLIENT, LOCAL, (Tlv(0xEA, b"\x01vpce"),)),
    "v2 local": (v2(b"", command=0x20, kind=0x00), None, None, ()),
    "v2 local with what is to be skipped": (v2(V4_ENDS + b"\x03\xff", command=0x20, kind=0xFF), None, None, ()),
    "v2 unspecified": (v2(b"", kind=0x00), None, None, ()),
    "v2 unspecified with fields": (v2(AWS, kind=0x00), None, None, (Tlv(0xEA, b"\x01vpce"),)),
    "v2 unspecified with what is to be skipped": (v2(b"\x05\xff\xff", kind=0x00), None, None, ()),
    "v2 unix": (v2(b"/run/a".ljust(108, b"\0") * 2 + AWS, kind=0x31), None, None, (Tlv(0xEA, b"\x01vpce"),)),
    "v2 of a datagram": (v2(kind=0x12), None, None, ()),
    "v2 as long as may be": (
        v2(V4_ENDS + tlv(NOOP, bytes(BLOCK_LIMIT_BYTES - len(V4_ENDS) - 3))),
        CLIENT,
        LOCAL,
        (),
    ),
}

ILL: dict[str, tuple[bytes, str]] = {
    "nothing of the kind": (HELLO, "does not begin"),
    "a request": (b"GET / HTTP/1.1\r\n", "does not begin"),
    "a post": (b"POST / HTTP/1.1\r\n", "does not begin"),
    "an HTTP/2 preface": (b"PRI * HTTP/2.0\r\n", "does not begin"),
    "empty lines": (b"\r\n\r\nGET", "does not begin"),
    "small letters": (line("proxy TCP4 192.0.2.7 192.0.2.1 1 2"), "does not begin"),
    "two spaces": (line("PROXY  TCP4 192.0.2.7 192.0.2.1 1 2"), "neither of TCP4"),
    "a space behind": (line("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 "), "neither of TCP4"),
    "no family": (line("PROXY "), "neither of TCP4"),
    "another family": (line("PROXY UDP4 192.0.2.7 192.0.2.1 1 2"), "neither of TCP4"),
    "more than unknown": (line("PROXY UNKNOWNS"), "neither of TCP4"),
    "too few words": (line("PROXY TCP4 192.0.2.7 192.0.2.1 1"), "neither of TCP4"),
    "the other family's address": (line("PROXY TCP4 2001:db8::7 192.0.2.1 1 2"), "not one of its family"),
    "IPv4 in TCP6": (line("PROXY TCP6 192.0.2.7 ::1 1 2"), "not one of its family"),
    "zeros in front": (line("PROXY TCP4 192.0.2.07 192.0.2.1 1 2"), "not one of its family"),
    "a number beyond": (line("PROXY TCP4 192.0.2.256 192.0.2.1 1 2"), "not one of its family"),
    "three numbers": (line("PROXY TCP4 192.0.2 192.0.2.1 1 2"), "not one of its family"),
    "a scope": (line("PROXY TCP6 fe80::1%eth0 ::1 1 2"), "not one of its family"),
    "a port beyond": (line("PROXY TCP4 192.0.2.7 192.0.2.1 65536 2"), "port"),
    "a port with a zero in front": (line("PROXY TCP4 192.0.2.7 192.0.2.1 01 2"), "port"),
    "a port with a sign": (line("PROXY TCP4 192.0.2.7 192.0.2.1 +1 2"), "port"),
    "an empty port": (line("PROXY TCP4 192.0.2.7 192.0.2.1  2"), "port"),
    "a bare line feed": (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\nGET", "not printable"),
    "a bare carriage return": (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\rGET", "not printable"),
    "a tab": (line("PROXY TCP4\t192.0.2.7 192.0.2.1 1 2"), "not printable"),
    "a NUL": (line("PROXY UNKNOWN \0"), "not printable"),
    "an Arabic digit": (line("PROXY UNKNOWN \xb2"), "not printable"),
    "one too long": (line("PROXY UNKNOWN " + "x" * (LINE_LIMIT_BYTES - 15)), "longer than 107"),
    "endless": (b"PROXY UNKNOWN " + b"x" * 1000, "longer than 107"),
    "version 1 in octets": (v2(command=0x11), "no known version"),
    "version 3": (v2(command=0x31), "no known version"),
    "command 2": (v2(command=0x22), "no known version"),
    "family 4": (v2(kind=0x41), "no known family"),
    "protocol 3": (v2(kind=0x13), "no known family"),
    "shorter than IPv4": (v2(V4_ENDS[:11]), "shorter than its addresses"),
    "shorter than IPv6": (v2(bytes(35), kind=0x21), "shorter than its addresses"),
    "shorter than a unix path": (v2(bytes(215), kind=0x31), "shorter than its addresses"),
    "longer than may be": (v2(b"", length=BLOCK_LIMIT_BYTES + 1), "longer than 8192"),
    "half a field's head": (v2(V4_ENDS + b"\x05\x00"), "longer than the rest"),
    "a field beyond the end": (v2(V4_ENDS + b"\x05\x00\x02x"), "longer than the rest"),
    "a wrong checksum": (v2(V4_ENDS + tlv(CRC32C, bytes(4))), "checksum"),
    "a checksum of three": (v2(V4_ENDS + tlv(CRC32C, bytes(3))), "checksum"),
    "two checksums": (checked(V4_ENDS, tlv(CRC32C, bytes(4))), "checksum"),
    "a long id": (v2(V4_ENDS + tlv(UNIQUE_ID, bytes(129))), "id in the PROXY header"),
    "too many fields": (v2(V4_ENDS + tlv(0xE4, b"") * (FIELDS_LIMIT + 1)), "more than 64 fields"),
}


def test_it_is_a_reader_of_prefaces() -> None:
    assert verifyObject(IPrefaceReader, PrefaceReader())


@pytest.mark.parametrize("name", WELL)
def test_l10_a_header_of_the_specification_says_who_the_client_is(name: str) -> None:
    header, client, local, tlvs = WELL[name]
    assert read(header) == Preface(consumed=len(header), client=client, local=local, tlvs=tlvs)


@pytest.mark.parametrize("name", WELL)
def test_l11_every_byte_alone_says_the_same_and_what_follows_is_left_alone(name: str) -> None:
    header = WELL[name][0]
    whole = read(header)
    assert read(header + HELLO) == whole
    assert read(header + HELLO, range(1, len(header) + len(HELLO))) == whole
    reader = PrefaceReader()
    for at in range(len(header) - 1):
        assert reader.feed(header[at : at + 1]) is NEED_MORE
        assert reader.feed(b"") is NEED_MORE
    assert reader.feed(header[-1:]) == whole


@pytest.mark.parametrize("name", ILL)
def test_l10_what_is_malformed_is_refused_with_the_same_words_at_every_cut(name: str) -> None:
    data, detail = ILL[name]
    whole = read(data)
    assert isinstance(whole, Refusal)
    assert whole.reason is Reason.BAD_PREFACE
    assert detail in whole.detail
    assert whole.detail.isprintable()
    assert read(data, range(1, len(data))) == whole
    assert read(data + b"x" * 100) == whole


@given(st.sampled_from([*WELL, *ILL]), st.lists(st.integers(0, 400), max_size=8), st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_s13_a_verdict_depends_on_the_bytes_and_never_on_the_cuts(name: str, cuts: list[int], more: bytes) -> None:
    data = (WELL[name][0] if name in WELL else ILL[name][0]) + more
    assert read(data, [min(cut, len(data)) for cut in cuts]) == read(data)


@given(
    st.sampled_from([header for header, *_ in WELL.values() if len(header) < 300]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=4),
    st.lists(st.integers(0, 300), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_s14_a_mutated_header_raises_nothing_and_any_cut_agrees(
    header: bytes, changes: list[tuple[int, int]], cuts: list[int]
) -> None:
    mutated = bytearray(header)
    for place, octet in changes:
        mutated[place % len(mutated)] = octet
    data = bytes(mutated) + b"more" * 20
    found = read(data)
    assert read(data, [min(cut, len(data)) for cut in cuts]) == found
    match found:
        case Preface(client=Address(host), local=Address(local)):
            assert str(ip_address(host)) == host
            assert str(ip_address(local)) == local
        case Refusal(reason=reason):
            assert reason is Reason.BAD_PREFACE


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6))
@settings(max_examples=100, deadline=None)
def test_every_field_is_kept_in_its_order_but_padding_and_checksum(fields: list[tuple[int, bytes]]) -> None:
    sent = [Tlv(kind, value) for kind, value in fields if kind != CRC32C]
    header = checked(V4_ENDS, b"".join(tlv(*field) for field in sent))
    kept = tuple(field for field in sent if field.kind != NOOP)
    assert read(header) == Preface(consumed=len(header), client=CLIENT, local=LOCAL, tlvs=kept)


@given(st.integers(0, 27), st.integers(1, 255))
def test_a_header_with_a_checksum_is_refused_when_any_of_its_octets_was_changed(place: int, change: int) -> None:
    header = bytearray(checked(V4_ENDS))
    header[place] ^= change
    found = read(bytes(header) + bytes(10))
    assert not isinstance(found, Preface) or found.client is None  # LOCAL and UNSPEC are to be skipped unread


def test_no_more_is_kept_of_an_endless_stream_than_a_header_may_be_long() -> None:
    reader = PrefaceReader()
    reader.feed(v2(b"", length=BLOCK_LIMIT_BYTES))
    for _ in range(64):
        reader.feed(bytes(65536))
    assert len(reader._seen) == 16 + BLOCK_LIMIT_BYTES
