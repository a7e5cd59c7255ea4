"""Upstream connections between two requests: who may have one, how long they are kept, and what makes them useless."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.dial.idle import KNOWN_LIMIT, SURE_S, FreshDialer, IdleConnections, ReusingDialer
from starship.exchanging import IIdle
from starship.interfaces import IDialer
from starship.messages import Request
from starship.wire.parting import LOOK_S
from starship.words import Address, Hello, Origin, Route, Stop, Upstream
from tests import fakes
from tests.dial.test_dialer import Scene
from tests.exchange.ends import End

TIMEOUT_S = 30.0
HOME = Address("192.0.2.80", 80)
ROUTE = Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)
ARRIVAL = fakes.arrival(door="http", port=80)


def hello(method: bytes = b"GET") -> Hello:
    request = Request(method=method, target=b"/", path="/", minor=1)
    return Hello(name=None, scheme="http", consumed=1, request=request)


@define(eq=False)
class Shelf:
    """What is idle, and a clock."""

    each: int = 3
    total: int = 5
    clock: Clock = field(factory=Clock)
    idle: IdleConnections = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.idle = IdleConnections(
            clock=self.clock,
            each=self.each,
            total=self.total,
            timeout=TIMEOUT_S,
            is_proxied=lambda route: route.proxy_protocol is not None,
        )

    def put(self, route: Route = ROUTE, host: str = "192.0.2.80") -> End:
        end = End(host)
        self.idle.keep(end.leg, route, ARRIVAL, hello())
        return end

    def take(self, route: Route = ROUTE, *, sure: bool = False) -> object:
        return self.idle.take(HOME, route, sure=sure)


def test_the_one_that_was_used_last_is_taken_first_and_only_once() -> None:
    shelf = Shelf()
    verifyObject(IIdle, shelf.idle)
    first, second = shelf.put(), shelf.put()
    assert [shelf.take(), shelf.take(), shelf.take()] == [second.leg, first.leg, None]
    assert len(shelf.idle) == 0


@pytest.mark.parametrize(
    "other",
    [
        evolve(ROUTE, trusted=True),
        evolve(ROUTE, allow=(ip_network("192.0.2.0/24"),)),
        evolve(ROUTE, deny=(ip_network("192.0.2.0/24"),)),
        evolve(ROUTE, pool="web"),
    ],
)
def test_routes_of_another_policy_never_share_a_connection(other: Route) -> None:
    shelf = Shelf()
    end = shelf.put(other)
    assert shelf.take() is None
    assert shelf.take(other) is end.leg


def test_a_route_that_was_asked_for_anew_has_what_its_equal_left() -> None:
    shelf = Shelf()
    end = shelf.put()
    assert shelf.take(evolve(ROUTE, origin=Origin.FRESH)) is end.leg


def test_one_that_a_proxy_header_has_opened_is_never_kept() -> None:
    shelf = Shelf()
    end = shelf.put(evolve(ROUTE, proxy_protocol="v2"))
    assert (len(shelf.idle), end.wire.shut) == (0, True)


@pytest.mark.parametrize("event", [lambda end: end.says(b"x"), End.ends, End.resets])
def test_one_that_speaks_or_ends_is_thrown_away_at_once(event: Any) -> None:
    shelf = Shelf()
    end = shelf.put()
    event(end)
    assert (shelf.take(), len(shelf.idle)) == (None, 0)
    assert event is End.resets or end.wire.aborted


def test_one_that_was_taken_may_speak_again() -> None:
    shelf = Shelf()
    end = shelf.put()
    shelf.take()
    end.says(b"HTTP/1.1 200 OK")
    assert not end.wire.aborted


def test_it_is_ended_in_order_when_its_time_is_over_and_closed_where_the_upstream_does_not_end_its_side() -> None:
    shelf = Shelf()
    first = shelf.put()
    shelf.clock.advance(TIMEOUT_S / 2)
    second = shelf.put()
    shelf.clock.advance(TIMEOUT_S / 2)
    assert (first.wire.shut, second.wire.shut) == (True, False)
    assert not first.wire.disconnecting
    shelf.clock.pump([LOOK_S] * 3)
    assert (first.wire.disconnecting, first.wire.aborted) == (True, False)
    first.closes()
    shelf.clock.pump([TIMEOUT_S, *[LOOK_S] * 3])
    assert (len(shelf.idle), second.wire.disconnecting) == (0, True)
    second.closes()
    assert shelf.clock.getDelayedCalls() == []


def test_no_more_are_kept_than_each_endpoint_may_have_and_in_all_the_oldest_makes_room() -> None:
    shelf = Shelf()
    ends = [shelf.put() for _ in range(4)]
    assert [end.wire.shut for end in ends] == [False, False, False, True]
    others = [shelf.put(host=f"192.0.2.{number}") for number in (81, 82, 83)]
    assert (ends[0].wire.shut, len(shelf.idle)) == (True, 5)
    assert not any(end.wire.shut for end in others)


def test_where_none_are_wanted_none_are_kept() -> None:
    for shelf in (Shelf(each=0), Shelf(total=0)):
        assert shelf.put().wire.shut


def test_who_counts_connections_is_told_that_an_idle_one_carries_for_nobody() -> None:
    shelf, told = Shelf(), list[Stop]()
    end = End("192.0.2.80")
    end.leg.over = lambda leg, how: told.append(how)
    shelf.idle.keep(end.leg, ROUTE, ARRIVAL, hello())
    end.resets()
    assert told == [Stop.ENDED]


def test_a_request_that_must_not_be_sent_twice_takes_one_only_if_it_was_used_just_now() -> None:
    shelf = Shelf()
    end = shelf.put()
    shelf.clock.advance(SURE_S + 0.1)
    assert shelf.take(sure=True) is None
    assert shelf.take() is end.leg
    later = shelf.put()
    assert shelf.take(sure=True) is later.leg


# Dialling


@define(eq=False)
class House:
    """A dialer whose connects the test answers, and what is idle beside it."""

    shelf: Shelf = field(factory=Shelf)
    scene: Scene = field(factory=Scene)
    dialer: ReusingDialer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.dialer = ReusingDialer(self.scene.dialer, self.shelf.idle)

    def dial(self, route: Route = ROUTE, asked: Hello | None = None) -> None:
        self.dialer.dial(route, ARRIVAL, asked or hello(), b"opening", self.scene.outcome)


def test_what_is_remembered_of_a_route_is_its_own_and_the_doors() -> None:
    house, elsewhere = House(), evolve(ROUTE, upstreams=(Upstream(host="192.0.2.81"),))
    for _ in range(3):
        first, second = house.shelf.put(), house.shelf.put(elsewhere, "192.0.2.81")
        house.dial()
        house.dial(elsewhere)
        assert house.scene.outcome.legs[-2:] == [first.leg, second.leg]
    house.shelf.put()
    other = fakes.arrival(door="other", port=8080)
    house.dialer.dial(ROUTE, other, hello(), b"opening", house.scene.outcome)
    assert house.scene.tries == [Address("192.0.2.80", 8080)]


def test_no_more_than_so_many_routes_are_remembered() -> None:
    house = House()
    for _ in range(KNOWN_LIMIT + 1):
        route = evolve(ROUTE)
        end = house.shelf.put(route)
        house.dial(route)
        assert house.scene.outcome.legs.pop() is end.leg
    assert len(house.dialer._alone) == 1


def test_a_request_takes_the_idle_connection_of_where_it_would_have_been_dialled() -> None:
    house = House()
    verifyObject(IDialer, house.dialer)
    end = house.shelf.put()
    house.dial()
    assert (house.scene.outcome.legs, house.scene.tries) == ([end.leg], [])
    assert (end.heard, house.shelf.idle.reused) == (b"opening", 1)
    house.dial()
    assert house.scene.tries == [HOME]


def test_what_is_no_request_of_plain_http_gets_a_connection_of_its_own() -> None:
    house = House()
    house.shelf.put()
    house.dial(asked=Hello(name=None, scheme="tls", consumed=1))
    house.dial(evolve(ROUTE, proxy_protocol="v1"))
    assert (len(house.scene.tries), len(house.shelf.idle)) == (2, 1)


def test_a_connection_to_another_endpoint_of_the_route_is_not_taken_where_the_pick_fell_elsewhere() -> None:
    house = House()
    route = evolve(ROUTE, upstreams=(Upstream(host="192.0.2.80", weight=0), Upstream(host="192.0.2.81")))
    house.shelf.put(route)
    house.dial(route)
    assert house.scene.tries == [Address("192.0.2.81", 80)]


def test_a_member_of_a_pool_carries_what_was_taken_and_no_longer_what_is_idle() -> None:
    house = House()
    route = evolve(ROUTE, upstreams=(Upstream(host="192.0.2.80"), Upstream(host="192.0.2.80", port=8080, weight=0)))
    house.dial(route)
    leg = house.scene.succeed()
    pool = house.scene.pools.of(route, 80)
    assert pool is not None
    (seat,) = [seat for seat in pool.seats if seat.member.address == HOME]
    assert seat.member.load == 1
    house.shelf.idle.keep(leg, route, ARRIVAL, hello())
    assert seat.member.load == 0
    house.dial(route)
    assert (seat.member.load, house.scene.outcome.legs) == (1, [leg, leg])


def test_a_route_whose_name_is_not_resolved_is_dialled_as_ever() -> None:
    house = House()
    house.shelf.put()
    house.dial(evolve(ROUTE, upstreams=(Upstream(host="a.example"),)))
    assert house.scene.outcome.calls == 0
    assert len(house.shelf.idle) == 1


def test_a_second_try_gets_a_new_connection_and_is_counted() -> None:
    house = House()
    house.shelf.put()
    dialer = FreshDialer(house.scene.dialer, house.shelf.idle)
    dialer.dial(ROUTE, ARRIVAL, hello(), b"opening", house.scene.outcome)
    assert (house.scene.tries, house.shelf.idle.replays) == ([HOME], 1)


def test_f12_those_that_were_idle_for_longest_are_given_up_first_and_at_once() -> None:
    shelf = Shelf()
    ends = [shelf.put() for _ in range(3)]
    assert shelf.idle.give_up(2) == 2
    assert [end.wire.aborted for end in ends] == [True, True, False]
    assert (shelf.idle.give_up(2), shelf.idle.give_up(2), len(shelf.idle)) == (1, 0, 0)
