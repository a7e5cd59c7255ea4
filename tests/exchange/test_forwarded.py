"""Whom a request is said to come from (K6)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from attrs import evolve

from starship.exchange.forwarded import NAMES, USUAL, Forwarding, Told
from starship.hops import OF_REQUESTS, SPOOFED
from starship.sniff.http import HttpSniffer
from starship.words import Address, Request
from tests.fakes import arrival
from tests.sniff.making import hello_of

ID = "ab12-7.2"
CLIENT = "198.51.100.7"
PROXY = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))


def request(*fields: str, line: str = "GET /a?b HTTP/1.1", host: str = "Host: Shop.example.com:8080") -> Request:
    raw = "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1")
    found = hello_of(HttpSniffer(32768, is_kept=True).feed(raw)).request
    assert found is not None
    return found


def told(forwarding: Forwarding, asked: Request, client: str = CLIENT) -> Told:
    who = evolve(arrival(), client=Address(client, 4711), local=Address("203.0.113.1", 8080))
    return forwarding.introduce(who).of(asked, ID)


def lines(forwarding: Forwarding, asked: Request, client: str = CLIENT) -> list[str]:
    said = told(forwarding, asked, client).lines.decode()
    assert said == "" or said.endswith("\r\n")
    return said.split("\r\n")[:-1]


def only(*names: str) -> Forwarding:
    return Forwarding(names=frozenset(names), request_id=False)


def test_an_upstream_is_told_of_the_client_what_is_usual() -> None:
    assert lines(Forwarding(), request()) == [
        "X-Forwarded-For: 198.51.100.7",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Port: 8080",
        "X-Real-IP: 198.51.100.7",
        "X-Forwarded-Host: Shop.example.com:8080",
        "X-Request-Id: ab12-7.2",
    ]


EACH = [
    ("X-Forwarded-For", "198.51.100.7"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Host", "Shop.example.com:8080"),
    ("X-Forwarded-Port", "8080"),
    ("X-Real-IP", "198.51.100.7"),
    ("X-Original-URI", "/a?b"),
    ("X-Scheme", "http"),
    ("Forwarded", 'for=198.51.100.7;host="Shop.example.com:8080";proto=http'),
]


@pytest.mark.parametrize(("name", "value"), EACH)
def test_each_field_can_be_chosen_alone(name: str, value: str) -> None:
    assert lines(only(name), request()) == [f"{name}: {value}"]


def test_all_that_can_be_chosen_is_tried_here() -> None:
    assert {name for name, _ in EACH} == set(NAMES)
    assert set(NAMES) > USUAL


def test_nothing_chosen_is_nothing_told() -> None:
    assert lines(only(), request()) == []


def test_an_ipv6_address_is_quoted_in_forwarded_alone() -> None:
    """RFC 7239 section 6."""
    assert lines(only("Forwarded"), request(host="Host: a.com"), "2001:db8::1") == [
        'Forwarded: for="[2001:db8::1]";host=a.com;proto=http'
    ]
    assert lines(only("X-Forwarded-For"), request(), "2001:db8::1") == ["X-Forwarded-For: 2001:db8::1"]


def test_who_named_no_host_has_none_told() -> None:
    nobody = request(line="GET / HTTP/1.0", host="")
    assert lines(only("X-Forwarded-Host", "Forwarded"), nobody) == ["Forwarded: for=198.51.100.7;proto=http"]


def test_what_a_client_claims_of_itself_is_left_out() -> None:
    """K6: replaced, those too that are not set by us."""
    for forwarding in (Forwarding(), only()):
        assert told(forwarding, request("X-Forwarded-For: 192.0.2.1")).without >= SPOOFED | OF_REQUESTS
    assert {name.lower().encode() for name in NAMES} <= SPOOFED


APPENDED = [
    ("X-Forwarded-For", ["X-Forwarded-For: 192.0.2.1"], "192.0.2.1, 198.51.100.7"),
    ("X-Forwarded-For", ["x-forwarded-for: 192.0.2.1, 192.0.2.2", "X-Forwarded-For: 192.0.2.3"],
     "192.0.2.1, 192.0.2.2, 192.0.2.3, 198.51.100.7"),
    ("X-Forwarded-For", ["X-Forwarded-For:"], "198.51.100.7"),
    ("Forwarded", ["Forwarded: for=192.0.2.1"],
     'for=192.0.2.1, for=198.51.100.7;host="Shop.example.com:8080";proto=http'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "value"), APPENDED)
def test_what_a_trusted_proxy_says_is_appended_to(name: str, fields: list[str], value: str) -> None:
    forwarding = evolve(only(name), trusted=PROXY)
    assert lines(forwarding, request(*fields)) == [f"{name}: {value}"]
    appended = [field for field in fields if not field.endswith(":")]
    assert (name.lower().encode() in told(forwarding, request(*fields)).without) is bool(appended)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"X-Forwarded-For", "Forwarded"}))
def test_what_a_trusted_proxy_knows_better_is_kept(name: str) -> None:
    forwarding = evolve(only(name), trusted=PROXY)
    said = told(forwarding, request(f"{name}: theirs"))
    assert said.lines == b""
    assert name.lower().encode() not in said.without
    assert lines(forwarding, request()) == lines(only(name), request())


def test_what_connection_names_is_not_kept_so_it_is_made_and_a_chain_is_kept_all_the_same() -> None:
    """A client behind a trusted proxy cannot take its own address away."""
    asked = request("Connection: X-Forwarded-Proto, X-Forwarded-For", "X-Forwarded-Proto: https", "X-Forwarded-For: 1")
    forwarding = evolve(only("X-Forwarded-For", "X-Forwarded-Proto"), trusted=PROXY)
    assert lines(forwarding, asked) == ["X-Forwarded-For: 1, 198.51.100.7", "X-Forwarded-Proto: http"]


def test_a_proxy_is_trusted_by_its_network_in_both_families() -> None:
    for client, trusts in [(CLIENT, True), ("2001:db8::5", True), ("192.0.2.1", False), ("2001:db9::1", False)]:
        forwarding = evolve(only("X-Forwarded-For"), trusted=PROXY)
        said = lines(forwarding, request("X-Forwarded-For: 192.0.2.9"), client)
        assert said == [f"X-Forwarded-For: 192.0.2.9, {client}" if trusts else f"X-Forwarded-For: {client}"]


def test_a_request_has_the_id_of_its_own_line_in_the_log() -> None:
    forwarding = evolve(only(), request_id=True)
    assert lines(forwarding, request("X-Request-Id: theirs")) == [f"X-Request-Id: {ID}"]
    assert b"x-request-id" in told(forwarding, request()).without


IDS = [
    (["0af7651916cd43dd8448eb211c80319c"], True),
    (["a" * 128], True),
    (["a" * 129], False),
    (["a b"], False),
    (['a"b'], False),
    (["\xff"], False),
    ([""], True),
    (["a", "b"], False),
]


@pytest.mark.parametrize(("ids", "sane"), IDS)
def test_a_sane_id_of_a_trusted_proxy_is_kept(ids: list[str], sane: bool) -> None:
    forwarding = evolve(only(), request_id=True, trusted=PROXY)
    said = lines(forwarding, request(*(f"X-Request-Id: {one}" for one in ids)))
    assert said == [f"X-Request-Id: {(sane and ids[0]) or ID}"]


def test_without_ids_of_ours_a_client_s_own_is_its_own_affair() -> None:
    assert b"x-request-id" not in told(only(), request()).without


@pytest.mark.parametrize("trusted", [(), PROXY])
def test_via_says_how_the_client_spoke(trusted: tuple[()]) -> None:
    """RFC 9110 section 7.6.3: a line of its own, behind those of others."""
    forwarding = evolve(only(), via="starship", trusted=trusted)
    assert lines(forwarding, request()) == ["Via: 1.1 starship"]
    assert lines(forwarding, request("Via: 1.1 x", line="GET / HTTP/1.0")) == ["Via: 1.0 starship"]
    assert b"via" not in told(forwarding, request()).without
