"""A pool as it stands."""

from __future__ import annotations

import attrs
import pytest

from starship.dial.pools.terms import Terms
from starship.dial.pools.views import foresee, unused, view
from starship.words import Stop
from tests.dial.pools.pooling import SOURCE, World, eject, seat_of, up
from tests.fakes import FakeLeg


def test_a_view_says_how_each_member_stands_since_when_and_why() -> None:
    world = World()
    pool = world.pool(
        up("192.0.2.1", weight=3), up("192.0.2.2"), up("192.0.2.3"), up("192.0.2.9", backup=True), slow_start=30.0
    )
    world.clock.advance(100)
    pool.pick(SOURCE, None)
    eject(pool, "192.0.2.2")
    seat_of(pool, "192.0.2.3").draining = True
    pool.changed()
    seat = seat_of(pool, "192.0.2.1")
    leg = FakeLeg()
    seat.begin()
    seat.connected(leg)
    world.clock.advance(4)
    seen = view(pool)
    assert (seen.name, seen.policy, seen.total, seen.waiting, seen.panic) == ("web", "round_robin", 1, 0, False)
    one, out, drained, spare = seen.members
    assert (one.address, one.endpoint, one.state, one.weight, one.share) == (*["192.0.2.1:443"] * 2, "up", 3, 1.0)
    assert (one.live, one.total, one.failures, one.since) == (1, 1, 0, 4.0)
    assert (out.back_in, one.back_in) == (6.0, 0.0)
    assert (out.state, out.since, out.why, out.failures, out.ejections) == ("ejected", 4.0, "refused", 3, 1)
    assert (drained.state, drained.draining, drained.share) == ("up", True, 0.0)
    assert (spare.backup, spare.share) == (True, 0.0)
    world.clock.advance(7)
    assert (view(pool).members[1].state, view(pool).members[1].since) == ("slow", 1.0)
    leg.vanish(Stop.ENDED)
    assert view(pool).members[0].live == 0


def test_looking_changes_nothing() -> None:
    pool = World().pool(up("192.0.2.1"), up("192.0.2.2"))
    first = pool.pick(SOURCE, None)
    for _ in range(5):
        view(pool)
    assert pool.total == 1
    assert pool.pick(SOURCE, None) is not first


def test_a_pool_that_was_never_used_is_as_it_is_written() -> None:
    seen = unused("web", Terms(), (up("a.example", None, weight=2), up("192.0.2.9", backup=True)))
    assert [(member.address, member.state, member.weight, member.backup) for member in seen.members] == [
        ("a.example", "up", 2, False),
        ("192.0.2.9:443", "up", 1, True),
    ]
    assert [member.share for member in seen.members] == [1.0, 0.0]
    assert attrs.asdict(seen)["total"] == 0


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("round_robin", "it has the next turn"),
        ("least_connections", "it has the fewest connections for its weight"),
        ("hash_source", "the client's address belongs to it"),
        ("hash_host", "the name belongs to it"),
    ],
)
def test_the_next_choice_is_foreseen_and_looking_at_it_is_not_choosing(policy: str, why: str) -> None:
    pool = World().pool(*(up(f"192.0.2.{number}") for number in range(1, 5)), policy=policy)
    for number in range(2, 5):
        seat_of(pool, f"192.0.2.{number}").begin()
    for _ in range(8):
        foreseen = [foresee(pool, SOURCE, "a.example") for _ in range(3)]
        before = pool.total
        seat = pool.pick(SOURCE, "a.example")
        assert seat is not None
        assert {(each.address, each.why) for each in foreseen} == {(seat.label, why)}
        assert pool.total == before + 1


def test_what_lots_decide_cannot_be_foreseen_and_it_is_said_why() -> None:
    reasons = {"random": "drawn by weight", "random_two": "two are drawn", "least_connections": "several"}
    for policy, why in reasons.items():
        pool = World().pool(up("192.0.2.1"), up("192.0.2.2"), policy=policy)
        foreseen = foresee(pool, SOURCE, None)
        assert foreseen.address is None
        assert foreseen.why.startswith(why)
    hashed = foresee(World().pool(up("192.0.2.1"), up("192.0.2.2"), policy="hash_source"), None, None)
    assert (hashed.address, hashed.why) == (None, "it depends on the client's address, which was not said")


def test_who_is_alone_is_foreseen_also_when_it_is_full_and_nobody_is_nobody() -> None:
    pool = World().pool(up("192.0.2.1"), policy="random", max_connections=1)
    assert foresee(pool, None, None).why == "it is the only one that is used"
    seat_of(pool, "192.0.2.1").begin()
    assert foresee(pool, None, None).why == "it is the only one that is used; it is full, so another one is looked for"
    pool.overrides.drain("192.0.2.1:443", (), on=True)
    pool.seats_changed()
    assert foresee(pool, None, None).address is None
