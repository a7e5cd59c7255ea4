"""A member's place in a pool, and what who dials tells it."""

from __future__ import annotations

import pytest

from starship.words import Stop
from tests.dial.pools.pooling import RULES, World, seat_of, up
from tests.fakes import FakeLeg


def test_a_connection_is_counted_while_it_is_made_and_while_it_lives() -> None:
    pool = World().pool(up("192.0.2.1"), up("192.0.2.2"))
    seat = seat_of(pool, "192.0.2.1")
    member, leg = seat.member, FakeLeg()
    seat.begin()
    assert (member.load, member.live, member.total) == (1, 0, 0)
    seat.connected(leg)
    assert (member.load, member.live, member.total) == (1, 1, 1)
    leg.vanish(Stop.ENDED)
    assert (member.load, member.live, member.total, member.resets) == (0, 0, 1, 0)


@pytest.mark.parametrize("ours", [True, False])
def test_one_that_could_not_be_made_counts_against_the_endpoint_unless_it_was_our_own_means(ours: bool) -> None:
    seat = seat_of(World().pool(up("192.0.2.1"), up("192.0.2.2")), "192.0.2.1")
    seat.begin()
    seat.failed("why", ours=ours)
    assert (seat.member.load, seat.member.failures, seat.member.why) == (0, 0 if ours else 1, "" if ours else "why")


def test_one_that_was_given_up_counts_for_nothing() -> None:
    seat = seat_of(World().pool(up("192.0.2.1"), up("192.0.2.2")), "192.0.2.1")
    seat.begin()
    seat.given_up()
    assert (seat.member.load, seat.member.failures, seat.member.total) == (0, 0, 0)


def test_a_reset_counts_only_before_the_first_byte_and_a_byte_of_anybody_forgives_those_before() -> None:
    seat = seat_of(World().pool(up("192.0.2.1"), up("192.0.2.2")), "192.0.2.1")
    counts = []
    for received, how in ((0, Stop.LOST), (0, Stop.LOST), (0, Stop.ENDED), (5, Stop.LOST), (0, Stop.LOST)):
        leg = FakeLeg(received=received)
        seat.begin()
        seat.connected(leg)
        leg.vanish(how)
        counts.append(seat.member.resets)
    assert counts == [1, 2, 2, 0, 1]


def test_a_client_who_leaves_before_the_first_byte_is_no_fault_of_the_endpoint() -> None:
    seat = seat_of(World().pool(up("192.0.2.1"), up("192.0.2.2")), "192.0.2.1")
    for _ in range(10 * RULES.failures):
        leg = FakeLeg()
        seat.begin()
        seat.connected(leg)
        leg.abort()
    assert (seat.member.resets, seat.member.ejections) == (0, 0)


def test_a_member_that_no_pool_has_any_more_lives_as_long_as_its_connections() -> None:
    world = World()
    pool = world.pool(up("192.0.2.1"), up("192.0.2.2"))
    seat, leg = seat_of(pool, "192.0.2.1"), FakeLeg()
    seat.begin()
    seat.connected(leg)
    pool.close()
    assert [member.label for member in world.means.members] == ["192.0.2.1:443"]
    leg.vanish(Stop.ENDED)
    assert list(world.means.members) == []
