"""What pools and endpoints have done, by endpoint as it is written: for metrics, so nothing falls that should not."""

from __future__ import annotations

from starship.dial.pools.book import NamedPool
from starship.dial.pools.figures import figures
from starship.dial.pools.terms import Terms
from starship.poolviews import EndpointFigures
from starship.words import Upstream
from tests.dial.pools.pooling import RULES, SOURCE, World, eject, seat_of, up
from tests.fakes import FakeLeg


def named(world: World, *upstreams: Upstream) -> NamedPool:
    return NamedPool("web", upstreams, Terms(policy="round_robin", ejection=RULES), world.means)


def test_addresses_are_added_up_by_their_endpoint_and_a_counter_never_falls() -> None:
    world = World()
    web = named(world, up("a.example"), up("192.0.2.9"))
    pool = web.at(443)
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    for host in ("192.0.2.1", "192.0.2.2"):
        seat = seat_of(pool, host)
        seat.begin()
        seat.connected(FakeLeg())
    eject(pool, "192.0.2.2")
    name, address = figures(web).endpoints
    assert name == EndpointFigures(endpoint="a.example:443", used=True, live=2, total=2, failures=3, ejections=1)
    assert address == EndpointFigures(endpoint="192.0.2.9:443", used=True, live=0, total=0, failures=0, ejections=0)
    world.resolver.questions[0].answer("192.0.2.3")
    gone = figures(web).endpoints[0]
    assert (gone.live, gone.total, gone.failures, gone.ejections) == (0, 2, 3, 1)


def test_members_are_counted_by_how_they_stand() -> None:
    world = World()
    web = named(world, *(up(f"192.0.2.{number}") for number in range(1, 5)))
    pool = web.at(443)
    eject(pool, "192.0.2.1")
    web.overrides.drain("192.0.2.2:443", (), on=True)
    web.changed()
    found = figures(web)
    assert dict(found.states) == {"up": 2, "ejected": 1, "draining": 1}
    assert [one.used for one in found.endpoints] == [False, False, True, True]
    assert not found.panic


def test_an_address_that_several_doors_have_counts_once() -> None:
    world = World()
    web = named(world, up("192.0.2.1", None), up("192.0.2.2"))
    assert dict(figures(web).states) == {"up": 2}
    for port in (80, 443):
        pool = web.at(port)
        pool.pick(SOURCE, None)
    seat = seat_of(web.at(80), "192.0.2.2")
    seat.begin()
    seat.connected(FakeLeg())
    found = figures(web)
    assert dict(found.states) == {"up": 3}
    assert (found.total, found.endpoints[1].live, found.endpoints[1].total) == (2, 1, 1)
