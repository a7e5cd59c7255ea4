"""What all Journeys share."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.guides import Guides
from starship.words import Door, Hello, Origin, Route, Upstream
from tests import fakes


def test_a_route_is_for_all_requests_where_nobody_says_otherwise() -> None:
    guides = Guides(
        resolver=fakes.FakeResolver(),
        tenants=fakes.FakeTenants(),
        dialer=fakes.FakeDialer(),
        ledger=fakes.FakeLedger(),
        clock=Clock(),
    )
    route = Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)
    assert guides.narrow(route, Hello(name=None, scheme="http", consumed=9), Door("http", 80)) is route
