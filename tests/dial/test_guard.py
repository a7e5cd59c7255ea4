"""Where a lookup may not send us."""

from __future__ import annotations

import resource
import socket
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from starship.dial.guard import OWN_KEEP_S, OWN_LIMIT, Guard, OwnAddresses, is_this_machine
from starship.words import Address, Network


def nets(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def objection(host: str, *, allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), port: int = 8443) -> str | None:
    doors = (Address("0.0.0.0", 443), Address("192.0.2.9", 80))
    guard = Guard(allow=nets(*allow), deny=nets(*deny), doors=lambda: doors, is_ours=lambda ip: ip == "192.0.2.1")
    return guard.objection(Address(host, port))


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.255.255.254", "a loopback address"),
        ("::1", "a loopback address"),
        ("169.254.169.254", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("fd00:ec2::254", "a metadata service"),
        ("100.100.100.200", "a metadata service"),
        ("168.63.129.16", "a metadata service"),
        ("224.0.0.1", "a multicast address"),
        ("239.255.255.255", "a multicast address"),
        ("ff02::1", "a multicast address"),
        ("0.0.0.0", "an unspecified address"),
        ("0.1.2.3", "an unspecified address"),
        ("::", "an unspecified address"),
        ("255.255.255.255", "the broadcast address"),
    ],
)
def test_l21_what_is_forbidden_by_nature_says_what_it_is(host: str, kind: str) -> None:
    assert objection(host) == f"{host} is {kind}"


@pytest.mark.parametrize(
    "host", ["10.0.0.24", "172.16.0.1", "192.168.1.1", "100.64.0.1", "203.0.113.5", "fd12::1", "2001:db8::1"]
)
def test_private_and_public_addresses_are_allowed(host: str) -> None:
    assert objection(host) is None


@pytest.mark.parametrize(
    "dressed",
    [
        "::ffff:{dotted}",  # mapped
        "::{dotted}",  # compatible, RFC 4291 section 2.5.5.1
        "64:ff9b::{dotted}",  # NAT64, RFC 6052
        "2002:{hex}::",  # 6to4, RFC 3056
    ],
)
@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "224.0.0.1", "0.1.2.3", "100.100.100.200"])
def test_l21_ipv4_in_ipv6_clothes_is_judged_as_what_it_reaches(dressed: str, inner: str) -> None:
    raw = socket.inet_aton(inner).hex()
    host = dressed.format(dotted=inner, hex=f"{raw[:4]}:{raw[4:]}")
    assert objection(host) is not None
    assert objection(host, allow=("0.0.0.0/0",)) is None
    allowed = host.replace(inner, "10.0.0.1") if inner in host else "2002:0a00:0001::"
    assert objection(allowed) is None
    assert objection(allowed, deny=("10.0.0.0/8",)) is not None


def test_l21_teredo_is_judged_by_the_client_that_it_hides() -> None:
    hidden = bytes(octet ^ 0xFF for octet in socket.inet_aton("127.0.0.1")).hex()
    assert objection(f"2001:0:4136:e378:8000:63bf:{hidden[:4]}:{hidden[4:]}") is not None


def test_what_the_operator_allows_beats_what_is_forbidden_by_nature() -> None:
    assert objection("127.0.0.1", allow=("127.0.0.0/8",)) is None
    assert objection("::1", allow=("127.0.0.0/8",)) is not None
    assert objection("169.254.1.1", allow=("169.254.0.0/16",)) is None


def test_what_the_operator_denies_beats_what_he_allows() -> None:
    assert objection("10.1.2.3", allow=("10.0.0.0/8",), deny=("10.1.0.0/16",)) == "10.1.2.3 is in a denied range"
    assert objection("10.2.2.3", allow=("10.0.0.0/8",), deny=("10.1.0.0/16",)) is None
    assert objection("2001:db8::1", deny=("2001:db8::/32",)) is not None


def test_l21_our_own_listeners_are_forbidden_even_in_an_allowed_range() -> None:
    assert objection("192.0.2.1", port=443) == "192.0.2.1:443 is one of our own listeners"
    assert objection("192.0.2.1", port=443, allow=("192.0.2.0/24",)) is not None
    assert objection("192.0.2.1", port=444) is None
    assert objection("192.0.2.2", port=443) is None
    assert objection("192.0.2.9", port=80) is not None
    assert objection("192.0.2.1", port=80) is None
    assert objection("::ffff:192.0.2.1", port=443) is not None


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_l21_no_address_makes_the_guard_raise_and_a_denied_world_denies_all(address: object) -> None:
    objection(str(address))
    assert objection(str(address), deny=("0.0.0.0/0", "::/0")) is not None


def test_the_addresses_of_this_machine_are_known_and_others_are_not() -> None:
    assert is_this_machine("127.0.0.1")
    assert is_this_machine("::1")
    assert not is_this_machine("192.0.2.77")
    assert not is_this_machine("2001:db8::77")


def test_without_a_descriptor_nothing_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        lowest = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        known = is_this_machine("127.0.0.1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert known is False


def test_an_answer_of_the_kernel_is_kept_for_a_while_and_they_are_bounded() -> None:
    asked: list[str] = []
    clock = Clock()

    def ask(host: str) -> bool:
        asked.append(host)
        return False

    own = OwnAddresses(clock, ask)
    assert [own("192.0.2.1"), own("192.0.2.1"), own("192.0.2.2")] == [False] * 3
    assert asked == ["192.0.2.1", "192.0.2.2"]
    clock.advance(OWN_KEEP_S - 0.1)
    own("192.0.2.1")
    assert len(asked) == 2
    clock.advance(0.2)
    own("192.0.2.1")
    assert len(asked) == 3
    for number in range(OWN_LIMIT * 2):
        own(str(number))
        assert len(own._known) <= OWN_LIMIT


def test_where_ports_are_listed_no_other_may_be_named() -> None:
    guard = Guard(ports=(range(443, 444), range(8000, 9000)))
    assert guard.objection(Address("10.0.0.24", 443)) is None
    assert guard.objection(Address("10.0.0.24", 8999)) is None
    assert guard.objection(Address("10.0.0.24", 22)) == "port 22 is not allowed"
    assert guard.objection(Address("127.0.0.1", 443)) == "127.0.0.1 is a loopback address"


def test_the_doors_are_asked_for_once_and_again_when_one_was_opened_or_closed() -> None:
    doors, asked = [Address("0.0.0.0", 443)], []

    def look() -> list[Address]:
        asked.append(len(doors))
        return doors

    guard = Guard(doors=look, is_ours=lambda ip: True)
    assert guard.objection(Address("10.0.0.24", 8443)) is None
    assert guard.objection(Address("10.0.0.25", 8443)) is None
    assert asked == [1]
    doors.append(Address("0.0.0.0", 8443))
    guard.look_again()
    assert guard.objection(Address("10.0.0.24", 8443)) == "10.0.0.24:8443 is one of our own listeners"
    doors.pop()
    guard.look_again()
    assert guard.objection(Address("10.0.0.24", 8443)) is None
