"""The PROXY header, read back by a reader of our own from the specification's text."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from starship.dial.preface import preface, preface_of_a_check
from starship.names import Hostname
from starship.tlv import ALPN, AUTHORITY, AWS, CRC32C, SSL, UNIQUE_ID, crc32c
from starship.words import Address, Arrival, Hello, ProxyOptions, Tlv
from tests.fakes import arrival

V1_LIMIT_BYTES = 107
PLAIN = ProxyOptions()
HELLO = Hello(name=Hostname("a.example.com"), scheme="tls", consumed=200)

IPS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
ADDRESSES = st.builds(Address, host=IPS, port=st.integers(0, 65535))


def between(client: Address, local: Address) -> Arrival:
    return evolve(arrival(), client=client, local=local)


def read_v2(data: bytes) -> tuple[int, int, bytes, dict[int, bytes]]:
    """Section 2.2: signature 12, version and command 1, family and protocol 1, length 2, addresses, TLVs."""
    assert data[:12] == bytes.fromhex("0d0a0d0a000d0a515549540a")
    command, kind, length = data[12], data[13], int.from_bytes(data[14:16], "big")
    assert len(data) == 16 + length
    end = 16 + {0x00: 0, 0x11: 12, 0x21: 36}[kind]
    addresses, rest, tlvs = data[16:end], data[end:], {}
    while rest:
        size = int.from_bytes(rest[1:3], "big")
        assert len(rest) >= 3 + size
        assert rest[0] not in tlvs
        tlvs[rest[0]], rest = rest[3 : 3 + size], rest[3 + size :]
    return command, kind, addresses, tlvs


@pytest.mark.parametrize("version", [None, "off"])
def test_a_route_that_asks_for_none_gets_none(version: str | None) -> None:
    assert preface(version, PLAIN, arrival(), HELLO) == b""


@pytest.mark.parametrize(
    ("client", "local", "line"),
    [
        (Address("192.0.2.7", 50000), Address("192.0.2.1", 443), b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n"),
        (Address("2001:db8::7", 1), Address("2001:db8::1", 443), b"PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n"),
        (Address("192.0.2.7", 1), Address("2001:db8::1", 443), b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 443\r\n"),
        (Address("fe80::1%eth0", 1), Address("fe80::2%eth0", 443), b"PROXY TCP6 fe80::1 fe80::2 1 443\r\n"),
        (Address("/run/a.sock", 0), Address("/run/a.sock", 0), b"PROXY UNKNOWN\r\n"),
    ],
)
def test_v1_is_one_line_of_the_specification(client: Address, local: Address, line: bytes) -> None:
    assert preface("v1", PLAIN, between(client, local), HELLO) == line


@given(ADDRESSES, ADDRESSES)
def test_l10_v1_stays_below_its_limit_and_reads_back(client: Address, local: Address) -> None:
    line = preface("v1", PLAIN, between(client, local), HELLO)
    assert len(line) <= V1_LIMIT_BYTES
    word, family, source, target, sport, dport = line.removesuffix(b"\r\n").decode("ascii").split(" ")
    assert (word, int(sport), int(dport)) == ("PROXY", client.port, local.port)
    assert {ip_address(source).version, ip_address(target).version} == {4 if family == "TCP4" else 6}


def test_v2_over_ipv4_is_the_octets_of_the_specification() -> None:
    hello = Hello(name=Hostname("a.example"), scheme="tls", consumed=1, alpn=(b"h2",))
    sent = preface("v2", PLAIN, evolve(arrival(), id="ab-1"), hello)
    assert sent.hex(" ") == (
        "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 24 "  # signature, v2 PROXY, TCP over IPv4, 36 octets to come
        "c0 00 02 07 c0 00 02 01 c3 50 01 bb "  # 192.0.2.7 -> 192.0.2.1, 50000 -> 443
        "01 00 02 68 32 02 00 09 61 2e 65 78 61 6d 70 6c 65 05 00 04 61 62 2d 31"  # ALPN h2, AUTHORITY, UNIQUE_ID
    )


def test_v2_over_ipv6_is_the_octets_of_the_specification() -> None:
    hello = Hello(name=None, scheme="http", consumed=1)
    sent = preface("v2", PLAIN, evolve(between(Address("2001:db8::7", 1), Address("2001:db8::1", 80)), id="x"), hello)
    assert sent[12:].hex() == (
        "21210028" + "20010db8" + "00" * 11 + "07" + "20010db8" + "00" * 11 + "01" + "00010050" + "05000178"
    )


@given(ADDRESSES, ADDRESSES, st.lists(st.binary(min_size=1, max_size=255), max_size=3), st.text("ab-", max_size=300))
def test_l10_the_length_of_v2_equals_its_bytes_and_all_of_it_reads_back(
    client: Address, local: Address, alpn: list[bytes], number: str
) -> None:
    hello = evolve(HELLO, alpn=tuple(alpn))
    command, kind, addresses, tlvs = read_v2(preface("v2", PLAIN, evolve(between(client, local), id=number), hello))
    assert command == 0x21
    wide = kind == 0x21
    family, size = (socket.AF_INET6, 16) if wide else (socket.AF_INET, 4)
    assert wide == (":" in client.host or ":" in local.host)
    for end, raw in ((client, addresses[:size]), (local, addresses[size : 2 * size])):
        found = ip_address(socket.inet_ntop(family, raw))
        assert str(getattr(found, "ipv4_mapped", None) or found) == str(
            getattr(ip_address(end.host), "ipv4_mapped", None) or ip_address(end.host)
        )
    assert addresses[2 * size :] == client.port.to_bytes(2, "big") + local.port.to_bytes(2, "big")
    assert tlvs.pop(0x02) == b"a.example.com"
    assert tlvs.pop(0x05) == number.encode()[:128]
    assert tlvs == ({0x01: alpn[0]} if len(alpn) == 1 else {})


def test_v2_of_a_client_without_an_ip_address_says_so_and_keeps_its_length() -> None:
    sock = Address("/run/a.sock", 0)
    command, kind, addresses, tlvs = read_v2(preface("v2", PLAIN, between(sock, sock), HELLO))
    assert (command, kind, addresses) == (0x21, 0x00, b"")
    assert tlvs[0x02] == b"a.example.com"


def test_a_check_of_ours_names_no_client() -> None:
    assert preface_of_a_check("v1") == b"PROXY UNKNOWN\r\n"
    assert preface_of_a_check("v2").hex() == "0d0a0d0a000d0a515549540a" + "20000000"
    assert preface_of_a_check("off") == preface_of_a_check(None) == b""


def test_v2_never_claims_that_tls_was_terminated_here() -> None:
    assert 0x20 not in read_v2(preface("v2", PLAIN, arrival(), evolve(HELLO, alpn=(b"h2",))))[3]


BALANCED = evolve(
    arrival(),
    via=Address("10.0.0.9", 40000),
    tlvs=(
        Tlv(AUTHORITY, b"b.example"),
        Tlv(UNIQUE_ID, b"theirs"),
        Tlv(SSL, b"\x01" + bytes(4)),
        Tlv(AWS, b"\x01vpce-1"),
    ),
)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (PLAIN, {ALPN, AUTHORITY, UNIQUE_ID}),
        (ProxyOptions(authority=False), {ALPN, UNIQUE_ID}),
        (ProxyOptions(alpn=False), {AUTHORITY, UNIQUE_ID}),
        (ProxyOptions(unique_id=False), {ALPN, AUTHORITY}),
        (ProxyOptions(authority=False, alpn=False, unique_id=False), set()),
        (ProxyOptions(crc32c=True), {ALPN, AUTHORITY, UNIQUE_ID, CRC32C}),
        (ProxyOptions(relay=frozenset({AWS})), {ALPN, AUTHORITY, UNIQUE_ID, AWS}),
        (ProxyOptions(relay=frozenset({0xE4})), {ALPN, AUTHORITY, UNIQUE_ID}),
        (ProxyOptions(relay=None), {ALPN, AUTHORITY, UNIQUE_ID, SSL, AWS}),
    ],
)
def test_v2_carries_what_its_options_want_and_nothing_else(options: ProxyOptions, kinds: set[int]) -> None:
    hello = evolve(HELLO, alpn=(b"h2",))
    assert set(read_v2(preface("v2", options, BALANCED, hello))[3]) == kinds


def test_what_is_passed_on_is_as_it_came_in_and_our_own_name_and_the_balancers_id_win() -> None:
    passed = read_v2(preface("v2", ProxyOptions(relay=None), BALANCED, HELLO))[3]
    assert passed == {
        AUTHORITY: b"a.example.com",
        UNIQUE_ID: b"theirs",
        SSL: b"\x01" + bytes(4),
        AWS: b"\x01vpce-1",
    }
    nameless = evolve(HELLO, name=None)
    assert read_v2(preface("v2", ProxyOptions(relay=None), BALANCED, nameless))[3][AUTHORITY] == b"b.example"
    ours = read_v2(preface("v2", ProxyOptions(relay=frozenset({AWS})), BALANCED, HELLO))[3]
    assert ours[UNIQUE_ID] == BALANCED.id.encode()


@given(
    ADDRESSES,
    ADDRESSES,
    st.lists(st.builds(Tlv, st.sampled_from([SSL, AWS, 0xE4]), st.binary(max_size=99)), max_size=9),
)
def test_the_checksum_is_that_of_the_header_with_its_own_octets_zeroed(
    client: Address, local: Address, tlvs: list[Tlv]
) -> None:
    sent = preface("v2", ProxyOptions(crc32c=True, relay=None), evolve(between(client, local), tlvs=tuple(tlvs)), HELLO)
    assert len(sent) == 16 + int.from_bytes(sent[14:16], "big")
    assert sent[-7:-4] == bytes((CRC32C, 0, 4))
    assert crc32c(sent[:-4] + bytes(4)).to_bytes(4, "big") == sent[-4:]
