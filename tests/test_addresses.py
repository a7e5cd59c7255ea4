"""Endpoints and networks: one reading for the ini file and the lookup's answers (S12)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from starship.addresses import (
    NOWHERE,
    POOL_NAMES,
    BadAddress,
    address_of,
    is_ip,
    parse_network,
    parse_pool,
    parse_upstream,
    plain_ip,
)
from starship.words import Address, PoolName, Upstream

UPSTREAMS = [
    ("10.0.0.24", "10.0.0.24", None),
    ("10.0.0.24:8443", "10.0.0.24", 8443),
    ("[2001:db8::1]:443", "2001:db8::1", 443),
    ("[2001:DB8:0::1]", "2001:db8::1", None),
    ("2001:db8::1", "2001:db8::1", None),
    ("[::ffff:10.0.0.24]:80", "10.0.0.24", 80),
    ("::ffff:a00:18", "10.0.0.24", None),
    ("Ingress.Example.", "ingress.example", None),
    ("ingress.example:1", "ingress.example", 1),
    ("bücher.example:65535", "xn--bcher-kva.example", 65535),
    ("localhost:80", "localhost", 80),
]

NO_UPSTREAMS = [
    ("", "empty"),
    (":80", "empty"),
    ("10.0.0.24:", "port"),
    ("10.0.0.24:0", "port"),
    ("10.0.0.24:65536", "port"),
    ("10.0.0.24:+80", "port"),
    ("10.0.0.24: 80", "port"),
    ("10.0.0.24:\uff18\uff10", "port"),
    ("10.0.0.24:8_0", "port"),
    ("10.0.0.256", "not an IP"),
    ("010.0.0.1", "not an IP"),
    ("127.1", "address"),
    ("0x7f000001", "address"),
    ("2130706433", "address"),
    ("fe80::1%eth0", "scope"),
    ("[fe80::1%eth0]:80", "scope"),
    ("[10.0.0.24]:80", "brackets"),
    ("[a.com]", "brackets"),
    ("[2001:db8::1", "brackets"),
    ("[2001:db8::1]80", "brackets"),
    ("[]", "brackets"),
    ("1:2:3", "not an IP"),
    ("http://a.com", "port"),
    ("\ud800.com", "internationalised"),
    ("a.com/path", "byte"),
    ("a b", "byte"),
    ("a\0.com", "byte"),
    ("user@a.com:80", "byte"),
    ("a" * 300, "longer"),
]

NETWORKS = [
    ("10.0.0.0/8", "10.0.0.0/8"),
    ("192.0.2.1", "192.0.2.1/32"),
    ("2001:DB8::/32", "2001:db8::/32"),
    ("2001:db8::1", "2001:db8::1/128"),
    ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ("::/0", "::/0"),
    ("0.0.0.0/0", "0.0.0.0/0"),
]

NO_NETWORKS = [
    ("10.0.0.1/8", "bits set beyond"),
    ("10.0.0.0/33", "prefix"),
    ("10.0.0.0/255.0.0.0", "prefix"),
    ("10.0.0.0/", "prefix"),
    ("10.0.0.0/-1", "prefix"),
    ("a.com", "CIDR"),
    ("", "CIDR"),
    ("fe80::1%eth0", "CIDR"),
    ("1" * 300, "CIDR"),
]


@pytest.mark.parametrize(("text", "host", "port"), UPSTREAMS)
def test_an_endpoint_has_one_canonical_spelling_S12(text: str, host: str, port: int | None) -> None:
    assert parse_upstream(text) == Upstream(host=host, port=port)


@pytest.mark.parametrize(
    ("text", "host"), [("srv:_http._tcp.A.example.", "_http._tcp.a.example"), ("srv:web.service", "web.service")]
)
def test_an_endpoint_may_be_the_srv_records_of_a_name(text: str, host: str) -> None:
    found = parse_upstream(text)
    assert found == Upstream(host=host, srv=True)
    assert parse_upstream(str(found)) == found


def test_a_host_may_be_called_srv() -> None:
    assert parse_upstream("srv:443") == Upstream(host="srv", port=443)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("srv:", "empty"),
        ("srv:a.example:80", "no port"),
        ("srv:10.0.0.1", "no SRV"),
        ("srv:99999", "port"),
        ("srv:[::1]", "no port"),
    ],
)
def test_what_has_no_srv_records_has_a_reason(text: str, why: str) -> None:
    found = parse_upstream(text)
    assert isinstance(found, BadAddress)
    assert why in found.why


@pytest.mark.parametrize(
    ("host", "expected"), [("192.0.2.1", True), ("::1", True), ("a.example", False), ("a1", False)]
)
def test_an_address_is_told_from_a_name(host: str, expected: bool) -> None:
    assert is_ip(host) is expected


@pytest.mark.parametrize(("text", "why"), NO_UPSTREAMS)
def test_what_is_no_endpoint_has_a_reason_S12(text: str, why: str) -> None:
    bad = parse_upstream(text)
    assert isinstance(bad, BadAddress)
    assert why in bad.why


@pytest.mark.parametrize(("text", "network"), NETWORKS)
def test_a_network_is_read(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize(("text", "why"), NO_NETWORKS)
def test_what_is_no_network_has_a_reason(text: str, why: str) -> None:
    bad = parse_network(text)
    assert isinstance(bad, BadAddress)
    assert why in bad.why


@given(st.text(st.characters(exclude_categories=()), max_size=60) | st.from_regex(r"[\[\]0-9a-f:.%/]{0,40}"))
def test_no_text_raises_and_no_reason_repeats_it(text: str) -> None:
    for bad in (parse_upstream(text), parse_network(text)):
        if isinstance(bad, BadAddress):
            assert bad.why.isprintable()
            assert len(bad.why) < 100


NAMES = r"(?:srv:)?[a-f]{1,3}(?:\.[a-f]{1,3}){0,2}\.?"
IPS = r"(?:[1-9]?[0-9]\.){3}[0-9]{1,3}|\[?[0-9a-f]{0,4}::?[0-9a-f:.]{0,9}\]?"


@given(st.from_regex(r"[\[\]0-9a-f:.]{0,40}") | st.from_regex(rf"(?:{NAMES}|{IPS})(?::[0-9]{{1,5}})?", fullmatch=True))
def test_an_endpoint_reads_its_own_spelling_back(text: str) -> None:
    found = parse_upstream(text)
    if isinstance(found, Upstream):
        assert parse_upstream(str(found)) == found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("/run/starship.sock", "/run/starship.sock"),
        ("", ""),
    ],
)
def test_an_address_is_spelled_in_one_way(text: str, plain: str) -> None:
    assert plain_ip(text) == plain


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        (IPv4Address("TCP", "192.0.2.7", 80), Address("192.0.2.7", 80)),
        (IPv6Address("TCP", "2001:db8::7", 80), Address("2001:db8::7", 80)),
        (IPv6Address("TCP", "::ffff:192.0.2.7", 80), Address("192.0.2.7", 80)),
        (UNIXAddress("/run/starship.sock"), NOWHERE),
    ],
)
def test_an_address_of_twisted_s_has_one_spelling(address: IAddress, ours: Address) -> None:
    assert address_of(address) == ours


@pytest.mark.parametrize(
    ("text", "name"), [("pool:web", "web"), ("pool:a.b_c-1@x", "a.b_c-1@x"), ("10.0.0.1", None), ("Pool:web", None)]
)
def test_r6_a_pool_is_told_from_an_endpoint(text: str, name: str | None) -> None:
    found = parse_pool(text)
    assert not isinstance(found, BadAddress)
    assert found == (None if name is None else PoolName(name))


@pytest.mark.parametrize("text", ["pool:", "pool:a b", "pool:" + "a" * 65, "pool:é", "pool:a/b"])
def test_r6_a_name_that_no_pool_has_is_told(text: str) -> None:
    found = parse_pool(text)
    assert isinstance(found, BadAddress)
    assert found.why == f"pool: goes before {POOL_NAMES}"
