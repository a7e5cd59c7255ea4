"""Who is inside is listed in order, page by page; closed by what is meant; counted; in slices, one look at a time."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from starship.accept.live import CLOSING_LOOKS, SHOWING_LOOKS, SLICE, WAITING_LIMIT, Crowd
from starship.inside import Live, Order, Rank, Roll, Step, Wanted
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Address, Origin, Route, Upstream
from tests import fakes
from tests.accept.doors import Fate, House, Visit
from tests.fakes import errors_in, failure_of, success_of

ANYBODY = Wanted()


TURN_S = 0.001


class Turning(Clock):
    """As a reactor does: what is asked for in a turn comes in the next one at the earliest."""

    def callLater(self, delay: float, *arguments: Any, **more: Any) -> Any:
        return super().callLater(max(delay, TURN_S), *arguments, **more)


class World:
    """A door, and who looks at it."""

    def __init__(self, **parts: Any) -> None:
        self.house = House(clock=Turning(), **parts)
        self.crowd = Crowd(lambda: [self.house.factory], self.house.clock)

    @property
    def clock(self) -> Clock:
        clock: Clock = self.house.clock
        return clock

    def visits(self, count: int) -> list[Visit]:
        return [self.house.visit() for _ in range(count)]

    def turn(self, looking: Deferred[Any]) -> int:
        """Let slice after slice pass, until the look is over; how many there were."""
        turns = 1
        while not looking.called or looking.paused:
            self.clock.advance(TURN_S)
            turns += 1
            assert turns < 10_000
        return turns

    def page(
        self, wanted: Wanted = ANYBODY, order: Order = Order.AGE, after: Rank | None = None, limit: int = 100
    ) -> Roll:
        looking = self.crowd.page(wanted, order, after, limit)
        self.turn(looking)
        return success_of(looking)

    def rows(self, **wanted: Any) -> list[int]:
        """The numbers of those who are meant."""
        return [row.arrival.number for row in self.page(Wanted(**wanted)).rows]

    def close(self, **wanted: Any) -> int:
        closing = self.crowd.close(Wanted(**wanted))
        self.turn(closing)
        return success_of(closing)


def joining(**parts: Any) -> World:
    """Everybody who says a name is joined."""
    return World(dialer=fakes.FakeDialer(leg=fakes.FakeLeg()), **parts)


def says(visit: Visit, name: str) -> Visit:
    visit.says(name.encode() + b"\n")
    return visit


def from_host(visit: Visit, host: str) -> Visit:
    visit.protocol.arrival = evolve(visit.protocol.arrival, client=Address(host, 50000))
    return visit


def test_a_row_tells_all_that_is_known_of_a_connection() -> None:
    world = joining()
    visit = says(world.house.visit(), "a.com")
    world.clock.advance(2.5)
    visit.protocol.leg.send(b"12345")
    assert world.page() == Roll(
        rows=(
            Live(
                arrival=visit.protocol.arrival,
                step=Step.CARRYING,
                age=2.5,
                name=Hostname("a.com"),
                app="a",
                upstream=Address("192.0.2.80", 443),
                received=6,
                sent=5,
            ),
        ),
        meant=1,
        next=None,
    )


def test_each_step_of_the_walk_is_told() -> None:
    world = World(resolver=fakes.FakeResolver(), dialer=fakes.FakeDialer())
    sniffing, routing, dialling, carrying, refused, closing = world.visits(6)
    sniffing.says(b"a.c")
    for visit in (routing, dialling, carrying):
        says(visit, "a.com")
    refused.says(b"bad\n")
    closing.ends()
    for question in world.house.resolver.questions[1:]:
        question.callback(Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.FRESH))
    world.house.dialer.dials[1].outcome.dialled(fakes.FakeLeg())
    assert [row.step for row in world.page().rows] == [step for step in Step if step is not Step.WAITING]


def test_who_has_gone_is_listed_no_more() -> None:
    world = World()
    staying, going = world.visits(2)
    going.closes()
    assert world.rows() == [staying.protocol.arrival.number]


def test_the_oldest_come_first_or_those_who_carried_most() -> None:
    world = joining()
    for visit, size in zip(world.visits(4), (5, 50, 7, 50), strict=True):
        says(visit, "a.com")
        visit.protocol.leg.send(b"x" * size)
    assert [row.arrival.number for row in world.page().rows] == [1, 2, 3, 4]
    assert [row.arrival.number for row in world.page(order=Order.BYTES).rows] == [2, 4, 3, 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5), st.sampled_from(list(Order)))
def test_the_pages_of_a_list_hold_everybody_once_in_order(sizes: list[int], limit: int, order: Order) -> None:
    world = joining()
    for visit, size in zip(world.visits(len(sizes)), sizes, strict=True):
        visit.protocol.leg.send(b"x" * size)
    whole = world.page(order=order)
    found: list[Live] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = world.page(order=order, after=after, limit=limit)
        assert len(page.rows) <= limit
        assert page.meant == len(sizes)
        found += page.rows
        after, pages = page.next, pages + 1
    assert tuple(found) == whole.rows
    assert len(found) == len(sizes)


def test_those_are_meant_of_whom_all_holds_that_is_said() -> None:
    world = joining()
    names = ("a.com", "www.a.com", "b.com", "nota.com")
    for visit, name, host in zip(
        world.visits(4), names, ("10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::1%eth0"), strict=True
    ):
        says(from_host(visit, host), name)
    world.house.visit()  # which has said nothing yet
    assert world.rows(name="a.com") == [1]
    assert world.rows(name="*.a.com") == [2]
    assert world.rows(source=ip_network("10.0.0.2")) == [2]
    assert world.rows(source=ip_network("10.0.0.0/8")) == [1, 2]
    assert world.rows(source=ip_network("2001:db8::/32")) == [3]
    assert world.rows(source=ip_network("fe80::1")) == [4]
    assert world.rows(app="a") == [1, 2, 3, 4]
    assert world.rows(app="b") == []
    assert world.rows(upstream=Upstream(host="192.0.2.80")) == [1, 2, 3, 4]
    assert world.rows(upstream=Upstream(host="192.0.2.80", port=443)) == [1, 2, 3, 4]
    assert world.rows(upstream=Upstream(host="192.0.2.80", port=80)) == []
    assert world.rows(id="test-3") == [3]
    assert world.rows(name="a.com", source=ip_network("10.0.0.2")) == []
    assert world.rows(name="a.com", source=ip_network("10.0.0.1"), app="a") == [1]


def test_closing_ends_those_who_are_meant_and_leaves_the_others() -> None:
    world = joining()
    here, there, silent = says(world.house.visit(), "a.com"), says(world.house.visit(), "b.com"), world.house.visit()
    assert world.close(name="a.com") == 1
    assert world.house.ending.reason is Reason.CLOSED
    assert [join.cancelled for join in world.house.joins] == [1, 0]
    assert here.heard == there.heard == silent.heard == b""
    here.closes()
    assert world.rows() == [2, 3]


def test_who_is_not_joined_yet_is_told_why() -> None:
    world = World(resolver=fakes.FakeResolver())
    sniffing, routing = world.house.visit(), says(world.house.visit(), "a.com")
    assert world.close(source=ip_network("192.168.1.1")) == 2
    assert sniffing.heard == routing.heard == b"no: closed"
    assert {ending.reason for ending in world.house.ledger.endings} == {Reason.CLOSED}


def test_who_was_ended_before_is_not_closed_again() -> None:
    world = World()
    world.house.visit().says(b"bad\n")
    assert world.close() == 0
    assert world.house.ending.reason is Reason.BAD_HELLO


def test_one_that_cannot_be_closed_leaves_none_of_the_others_out() -> None:
    world = World()
    visits = world.visits(3)

    def broken(reason: Reason) -> None:
        raise RuntimeError("boom")

    broken_one: Any = visits[1].protocol
    broken_one.stop = broken
    with capturedLogs() as events:
        assert world.close() == 3
    assert [visit.heard for visit in visits] == [b"no: closed", b"", b"no: closed"]
    assert len(errors_in(events)) == 1


def test_a_list_is_made_in_slices() -> None:
    world = World()
    world.visits(2 * SLICE + 1)
    looking = world.crowd.page(ANYBODY, Order.AGE, None, 1)
    assert world.turn(looking) == 3
    assert success_of(looking).meant == 2 * SLICE + 1


def test_a_long_page_is_told_in_slices_too() -> None:
    world = World()
    at_once = SLICE // SHOWING_LOOKS
    world.visits(2 * at_once)
    looking = world.crowd.page(ANYBODY, Order.AGE, None, 1000)
    assert world.turn(looking) == 3
    assert len(success_of(looking).rows) == 2 * at_once


def test_many_are_closed_in_slices_and_who_comes_meanwhile_stays() -> None:
    world = World()
    at_once = SLICE // CLOSING_LOOKS
    visits = world.visits(3 * at_once)
    closing = world.crowd.close(ANYBODY)
    assert sum(bool(visit.heard) for visit in visits) == at_once
    late = world.house.visit()
    next(visit for visit in visits if not visit.heard).closes()  # gone by itself before its turn
    assert world.turn(closing) == 3
    assert success_of(closing) == 3 * at_once - 1
    assert late.heard == b""


def test_who_goes_while_a_list_is_made_costs_it_nothing() -> None:
    world = World()
    visits = world.visits(SLICE + 10)
    looking = world.crowd.page(ANYBODY, Order.AGE, None, 5)
    for visit in visits[:3]:
        visit.closes()
    world.turn(looking)
    numbers = [row.arrival.number for row in success_of(looking).rows]
    assert set(numbers).isdisjoint({1, 2, 3})


def test_one_looks_at_a_time_and_so_many_may_wait() -> None:
    world = World()
    world.visits(SLICE + 1)
    looking = [world.crowd.page(ANYBODY, Order.AGE, None, 1) for _ in range(WAITING_LIMIT)]
    assert not world.crowd.busy
    looking.append(world.crowd.page(ANYBODY, Order.AGE, None, 1))
    assert world.crowd.busy
    assert len(world.clock.getDelayedCalls()) - len(world.house.factory.live) == 1
    world.turn(looking[-1])
    assert [success_of(one).meant for one in looking] == [SLICE + 1] * (WAITING_LIMIT + 1)


@pytest.mark.parametrize(
    "begin", [lambda crowd: crowd.page(ANYBODY, Order.AGE, None, 1), lambda crowd: crowd.close(ANYBODY)]
)
def test_a_look_can_be_given_up_under_way_and_while_it_waits(begin: Callable[[Crowd], Deferred[Any]]) -> None:
    world = World()
    world.visits(SLICE + 1)
    first, second, third = (begin(world.crowd) for _ in range(3))
    second.cancel()
    first.cancel()
    assert isinstance(failure_of(first), CancelledError)
    assert isinstance(failure_of(second), CancelledError)
    world.turn(third)
    success_of(third)


def test_bytes_are_uncounted_from_the_first_to_the_ending() -> None:
    world = joining()
    visits = [says(visit, "a.com") for visit in world.visits(2)]
    visits[0].protocol.leg.send(b"xyz")
    assert world.crowd.uncounted() == (12, 3)
    world.house.joins[0].done(Reason.OK, "")
    assert world.crowd.uncounted() == (6, 0)
    assert (world.house.ending.received, world.house.ending.sent) == (6, 3)
    for visit in visits:
        visit.closes()
    world.house.joins[1].done(Reason.OK, "")
    assert world.crowd.uncounted() == (0, 0)


EVENTS = ("a.com\n", "a.c", "bad\n", "boom\n", "x" * 500, "ends", "shut", "late", "answer", "fail", "dialled", "done")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.sampled_from(["closes", "resets", "by hand"]))
def test_the_count_of_all_bytes_never_goes_back_and_ends_as_the_sum_of_all_endings(
    events: list[str], last: str
) -> None:
    house = House(resolver=fakes.FakeResolver(), dialer=fakes.FakeDialer())
    crowd, visit = Crowd(lambda: [house.factory], house.clock), house.visit()
    fate = Fate(house, visit)
    seen = [(0, 0)]

    def count() -> None:
        """As a scrape does."""
        came, went = crowd.uncounted()
        for ending in house.ledger.endings:
            came, went = came + ending.received, went + ending.sent
        assert came >= seen[-1][0]
        assert went >= seen[-1][1]
        seen.append((came, went))

    for event in events:
        fate.happen(event)
        if visit.protocol in house.factory.live and not visit.protocol.journey.ended:
            visit.protocol.leg.send(b"ok")
        count()
    if last == "by hand":
        success_of(crowd.close(ANYBODY))
        count()
    visit.resets() if last == "resets" else visit.closes()
    count()
    house.factory.stop(Reason.DRAINED)
    count()
    assert crowd.uncounted() == (0, 0)
    assert house.is_empty()


def test_those_of_a_pool_are_meant_while_they_carry_and_may_be_closed_for_a_reason_of_their_own() -> None:
    route = Route(app="a", upstreams=(), pool="web", origin=Origin.STATIC)
    world = joining(resolver=fakes.FakeResolver(known=route))
    visits = world.visits(3)
    for visit in visits:
        says(visit, "a.com")
    world.house.resolver.known = evolve(route, pool="other")
    says(world.house.visit(), "a.com")
    there = Upstream(host="192.0.2.80", port=443)
    assert world.rows(pool="web", upstream=there) == [1, 2, 3]
    assert world.rows(pool="web", upstream=Upstream(host="192.0.2.81")) == []
    closing = world.crowd.close(Wanted(pool="web", upstream=there), Reason.UPSTREAM_DOWN)
    world.turn(closing)
    assert success_of(closing) == 3
    assert {ending.reason for ending in world.house.ledger.endings} == {Reason.UPSTREAM_DOWN}
    assert (world.rows(pool="web"), world.rows(pool="other")) == ([], [4])
