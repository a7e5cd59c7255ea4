"""Who waits for a PROXY header is a trusted balancer, and one of a bounded number."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from starship.accept.porch import Porch
from starship.reasons import Reason
from tests.fakes import arrival

TRUSTED = {"https": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))}


def porch(connections: int = 0, inside: int = 0) -> Porch:
    return Porch(trusted=TRUSTED, connections=connections, inside=lambda: inside)


@pytest.mark.parametrize(
    ("door", "client", "lets_in"),
    [
        ("https", "192.0.2.7", True),
        ("https", "2001:db8::7", True),
        ("https", "198.51.100.7", False),
        ("https", "::1", False),
        ("other", "192.0.2.7", False),
    ],
)
def test_l10_a_header_is_waited_for_from_trusted_sources_alone(door: str, client: str, lets_in: bool) -> None:
    refusal = porch().enter(arrival(door=door, client=client))
    assert (refusal is None) == lets_in
    assert refusal is None or refusal.reason is Reason.DENIED


def test_those_who_wait_and_those_inside_are_no_more_than_the_limit_together() -> None:
    bounded = porch(connections=5, inside=3)
    assert [bounded.enter(arrival()) is None for _ in range(3)] == [True, True, False]
    refusal = bounded.enter(arrival())
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.OVER_LIMIT, "5 connections are open")
    bounded.leave()
    assert bounded.enter(arrival()) is None
    assert bounded.waiting == 2
