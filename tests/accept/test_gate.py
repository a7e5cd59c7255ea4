"""Who comes in: networks, limits for all and for one source, and what a route asks for its own name."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv6Address
from zope.interface.verify import verifyObject

from starship.accept.gate import ACME_TLS, Gate, Guestlist, TenantGate, within
from starship.addresses import address_of, source_of
from starship.buckets import Buckets
from starship.interfaces import IGate, ITenantGate
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Arrival, Hello, Origin, Route, Upstream
from tests import fakes

NAME = Hostname("a.com")
HOSTS = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")


def gate(connections: int = 0, per_source: int = 0, guests: Guestlist | None = None) -> Gate:
    """A gate for the door `https`."""
    return Gate(connections=connections, per_source=per_source, guests={} if guests is None else {"https": guests})


def route(**parts: Any) -> Route:
    """A route with what a tenant asks."""
    return Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT, **parts)


def hello(name: Hostname | None = NAME, alpn: tuple[bytes, ...] = ()) -> Hello:
    """A hello over TLS."""
    return Hello(name=name, scheme="tls", consumed=1, alpn=alpn)


def test_the_gates_offer_their_interfaces() -> None:
    assert verifyObject(IGate, gate())
    assert verifyObject(ITenantGate, TenantGate())


def test_without_limits_everybody_comes_in() -> None:
    doorman = gate()
    assert all(doorman.admit(fakes.arrival(number)) is None for number in range(1, 100))
    assert doorman.inside == 99


def test_a_source_has_its_burst_of_new_connections_and_then_its_rate() -> None:
    doorman = Gate(connections=0, per_source=0, guests={}, newcomers=Buckets(2.0, 3.0))

    def came_in(now: float, client: str) -> int:
        arrivals = [evolve(fakes.arrival(number, client=client), start=now) for number in range(1, 6)]
        refusals = [doorman.admit(one) for one in arrivals]
        for one, refusal in zip(arrivals, refusals, strict=True):
            if refusal is None:
                doorman.leave(one)  # who left is as new when it comes again
            else:
                source = source_of(client)
                assert refusal.reason is Reason.OVER_LIMIT
                assert refusal.detail == f"too many new connections came from {source}"
        return refusals.count(None)

    assert came_in(0.0, "192.0.2.1") == 3
    assert came_in(0.0, "192.0.2.2") == 3
    assert came_in(0.4, "192.0.2.1") == 0
    assert came_in(1.0, "192.0.2.1") == 2
    assert came_in(100.0, "192.0.2.1") == 3
    assert came_in(0.0, "2001:db8::1") == 3
    assert came_in(0.0, "2001:db8::ffff:1") == 0  # the same /64
    assert came_in(0.0, "2001:db8:0:1::1") == 3


def test_sources_that_are_remembered_are_bounded_and_who_is_refused_for_another_reason_pays_nothing() -> None:
    newcomers = Buckets(1.0, 1.0, 10)
    doorman = Gate(connections=50, per_source=0, guests={}, newcomers=newcomers)
    for number in range(100):
        doorman.admit(fakes.arrival(number, client=f"192.0.2.{number}"))
    assert (doorman.inside, len(newcomers)) == (50, 10)
    assert newcomers.admits("192.0.2.99", 0.0)


def test_the_global_limit_is_exact_and_frees_with_each_leaving() -> None:
    doorman = gate(connections=2)
    first, second, third = (fakes.arrival(number, client=f"192.0.2.{number}") for number in (1, 2, 3))
    assert doorman.admit(first) is None
    assert doorman.admit(second) is None
    refusal = doorman.admit(third)
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.OVER_LIMIT, "2 connections are open")
    doorman.leave(first)
    assert doorman.admit(third) is None


def test_a_source_s_limit_leaves_other_sources_alone() -> None:
    doorman = gate(per_source=1)
    assert doorman.admit(fakes.arrival(client="192.0.2.1")) is None
    refusal = doorman.admit(fakes.arrival(client="192.0.2.1"))
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.OVER_LIMIT, "1 connections are open from 192.0.2.1")
    assert doorman.admit(fakes.arrival(client="192.0.2.2")) is None
    assert doorman.sources == 2


def test_ipv6_sources_are_counted_by_their_64() -> None:
    doorman = gate(per_source=1)
    assert doorman.admit(fakes.arrival(client="2001:db8::1")) is None
    assert doorman.admit(fakes.arrival(client="2001:db8::ffff:2")) is not None
    assert doorman.admit(fakes.arrival(client="2001:db8:0:1::1")) is None


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_a_source_is_an_ipv4_address_or_an_ipv6_64(host: str, source: str) -> None:
    assert source_of(host) == source


def test_an_ipv4_client_of_a_dual_stack_door_is_counted_as_ipv4() -> None:
    mapped = address_of(IPv6Address("TCP", "::ffff:192.0.2.1", 50000)).host
    doorman = gate(per_source=1, guests=Guestlist(deny=(ip_network("198.51.100.0/24"),)))
    assert doorman.admit(fakes.arrival(client=mapped)) is None
    assert doorman.admit(fakes.arrival(client="192.0.2.1")) is not None
    denied = address_of(IPv6Address("TCP", "::ffff:198.51.100.9", 50000)).host
    refusal = doorman.admit(fakes.arrival(client=denied))
    assert refusal is not None
    assert refusal.reason is Reason.DENIED


@pytest.mark.parametrize(
    ("host", "admitted"),
    [("192.0.2.1", True), ("192.0.2.200", False), ("198.51.100.1", False), ("2001:db8::1", True), ("2002::1", False)],
)
def test_deny_is_read_before_allow(host: str, admitted: bool) -> None:
    guests = Guestlist(
        allow=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), deny=(ip_network("192.0.2.128/25"),)
    )
    assert guests.admits(host) is admitted
    doorman = gate(guests=guests)
    assert (doorman.admit(fakes.arrival(client=host)) is None) is admitted
    assert doorman.inside == admitted


def test_another_door_s_list_does_not_count() -> None:
    doorman = gate(guests=Guestlist(deny=(ip_network("0.0.0.0/0"),)))
    assert doorman.admit(fakes.arrival(door="http")) is None


def test_an_address_is_in_no_network_of_the_other_family() -> None:
    assert not within("192.0.2.1", (ip_network("::/0"),))
    assert not within("2001:db8::1", (ip_network("0.0.0.0/0"),))
    assert within("fe80::1%eth0", (ip_network("fe80::/10"),))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(HOSTS)), max_size=60))
def test_counts_hold_through_any_comings_and_goings_and_return_to_zero(moves: list[tuple[bool, str]]) -> None:
    doorman = gate(connections=6, per_source=2)
    inside: list[Arrival] = []
    for comes, host in moves:
        if comes:
            arrival = fakes.arrival(client=host)
            same = sum(source_of(other.client.host) == source_of(host) for other in inside)
            admitted = doorman.admit(arrival) is None
            assert admitted is (len(inside) < 6 and same < 2)
            if admitted:
                inside.append(arrival)
        elif inside:
            doorman.leave(inside.pop(0))
        assert doorman.inside == len(inside)
    for arrival in inside:
        doorman.leave(arrival)
    assert (doorman.inside, doorman.sources) == (0, 0)


def test_a_route_in_maintenance_lets_certificates_renew() -> None:
    tenants, closed = TenantGate(), route(maintenance=True)
    for alpn in ((), (b"h2",), (ACME_TLS, b"h2")):
        refusal = tenants.enter(hello(alpn=alpn), closed, fakes.arrival())
        assert refusal is not None
        assert refusal.reason is Reason.MAINTENANCE
    assert tenants.enter(hello(alpn=(ACME_TLS,)), closed, fakes.arrival()) is None


@pytest.mark.parametrize(
    ("parts", "admitted"),
    [
        ({}, True),
        ({"allow": ()}, False),
        ({"allow": (ip_network("192.0.2.0/24"),)}, True),
        ({"allow": (ip_network("198.51.100.0/24"),)}, False),
        ({"allow": (ip_network("192.0.2.0/24"),), "deny": (ip_network("192.0.2.7/32"),)}, False),
    ],
)
def test_a_route_s_networks_are_enforced_and_an_empty_allow_is_nobody(parts: dict[str, Any], admitted: bool) -> None:
    refusal = TenantGate().enter(hello(), route(**parts), fakes.arrival(client="192.0.2.7"))
    assert refusal is None if admitted else refusal is not None and refusal.reason is Reason.DENIED


def test_a_name_s_limit_counts_that_name_alone_also_those_from_before_the_limit() -> None:
    tenants, limited = TenantGate(), route(max_connections=1)
    assert tenants.enter(hello(), route(), fakes.arrival()) is None
    refusal = tenants.enter(hello(), limited, fakes.arrival())
    assert refusal is not None
    assert refusal.reason is Reason.OVER_LIMIT
    assert tenants.enter(hello(Hostname("b.com")), limited, fakes.arrival()) is None
    assert tenants.enter(hello(None), limited, fakes.arrival()) is None
    tenants.leave(NAME)
    assert tenants.enter(hello(), limited, fakes.arrival()) is None


def test_a_limit_of_none_at_all_closes_the_name() -> None:
    assert TenantGate().enter(hello(), route(max_connections=0), fakes.arrival()) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(("a.com", "b.com")), st.integers(0, 3)), max_size=60))
def test_a_tenant_s_counts_return_to_nothing(moves: list[tuple[bool, str, int]]) -> None:
    tenants = TenantGate()
    inside: list[Hostname] = []
    for comes, text, limit in moves:
        name = Hostname(text)
        if comes:
            admitted = tenants.enter(hello(name), route(max_connections=limit), fakes.arrival()) is None
            assert admitted is (inside.count(name) < limit)
            if admitted:
                inside.append(name)
        elif inside:
            tenants.leave(inside.pop())
    for name in inside:
        tenants.leave(name)
    assert not tenants._inside
