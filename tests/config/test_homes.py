"""Where something lives is endpoints, each with its weight, or one pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.homes import DNS_SERVERS, ENDPOINTS, MEMBERS, read_endpoints
from starship.config.values import Bad
from starship.words import Address, Endpoints, PoolName, Upstream

HERE = Path()


@pytest.mark.parametrize(
    ("written", "home"),
    [
        ("10.0.0.24", (Upstream(host="10.0.0.24"),)),
        (
            "[::1]:8443 ,A.internal:80\n10.0.0.1",
            (Upstream(host="::1", port=8443), Upstream(host="a.internal", port=80), Upstream(host="10.0.0.1")),
        ),
        (
            "10.0.0.1 weight=3, 10.0.0.2 backup weight=0",
            (Upstream(host="10.0.0.1", weight=3), Upstream(host="10.0.0.2", weight=0, backup=True)),
        ),
        ("pool:web", PoolName("web")),
        (
            "srv:_http._tcp.A.internal backup, srv:443",
            (Upstream(host="_http._tcp.a.internal", srv=True, backup=True), Upstream(host="srv", port=443)),
        ),
    ],
)
def test_endpoints_or_a_pool_are_read_and_shown_alike(written: str, home: Endpoints) -> None:
    assert read_endpoints(written, HERE) == home
    assert read_endpoints(ENDPOINTS.show(home), HERE) == home


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("", "endpoints such as"),
        ("10.0.0.1,,10.0.0.2", "endpoints such as"),
        ("10.0.0.1:0", "endpoints such as"),
        ("http://x", "endpoints such as"),
        ("10.0.0.1 weight=70000", "endpoints such as"),
        ("10.0.0.1 backup backup", "endpoints such as"),
        ("10.0.0.1 spare", "endpoints such as"),
        ("10.0.0.1, 10.0.0.1 backup", "each endpoint once"),
        ("srv:_http._tcp.a.internal weight=3", "endpoints such as"),
        ("srv:_http._tcp.a.internal:80", "endpoints such as"),
        ("pool:", "a pool such as"),
        ("pool:a, pool:b", "a pool such as"),
    ],
)
def test_a_text_that_is_none_says_what_is_allowed(written: str, allowed: str) -> None:
    found = read_endpoints(written, HERE)
    assert isinstance(found, Bad)
    assert found.allowed.startswith(allowed)


@pytest.mark.parametrize(
    ("written", "servers"),
    [
        ("127.0.0.1:5353", (Address("127.0.0.1", 5353),)),
        (
            "10.0.0.53, [2001:db8::53]:54 ::1",
            (Address("10.0.0.53", 53), Address("2001:db8::53", 54), Address("::1", 53)),
        ),
    ],
)
def test_dns_servers_are_addresses_with_or_without_a_port(written: str, servers: tuple[Address, ...]) -> None:
    assert DNS_SERVERS.read(written, HERE) == servers
    assert DNS_SERVERS.read(DNS_SERVERS.show(servers), HERE) == servers


@pytest.mark.parametrize(
    "written",
    ["", "ns.example", "127.0.0.1:0", "10.0.0.1, 10.0.0.1:53", "srv:a", ",".join(f"10.0.0.{n}" for n in range(9))],
)
def test_what_is_no_dns_server_says_what_is_allowed(written: str) -> None:
    found = DNS_SERVERS.read(written, HERE)
    assert isinstance(found, Bad)
    assert found.allowed.startswith("1 to 8 IP addresses")


def test_a_pool_has_members_and_no_other_pools() -> None:
    assert isinstance(MEMBERS.read("pool:web", HERE), Bad)


def test_a_long_list_costs_no_more_than_its_length() -> None:
    many = ",".join(f"10.{number >> 8}.{number & 255}.1" for number in range(20_000))
    found = read_endpoints(many, HERE)
    assert isinstance(found, tuple)
    assert len(found) == 20_000
