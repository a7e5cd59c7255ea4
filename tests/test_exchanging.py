"""What stands between conversations and messages is stood for by what the rooms have."""

from __future__ import annotations

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.dial.idle import IdleConnections
from starship.exchanging import IIdle, IPatron
from starship.interfaces import IWayBack


def test_who_keeps_connections_between_requests_is_known_by_the_seam_alone() -> None:
    idle = IdleConnections(clock=Clock(), each=1, total=1, timeout=1.0, is_proxied=lambda route: False)
    assert verifyObject(IIdle, idle)


def test_whoever_has_an_exchange_may_have_a_way_back() -> None:
    assert IPatron.extends(IWayBack)
