"""Whom a pool uses now, and in which order it falls back."""

from __future__ import annotations

from math import inf
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from starship.dial.pools.ejection import Ejection
from starship.dial.pools.pool import Pool
from starship.dial.pools.table import EMPTY, lay
from tests.dial.pools.pooling import SOURCE, World, eject, picks, seat_of, up

MEMBERS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def order(pool: Pool) -> list[str]:
    return [seat.member.address.host for seat in pool.others(SOURCE, None)]


def three(world: World, **terms: object) -> Pool:
    return world.pool(*map(up, MEMBERS), **terms)


def test_members_come_first_then_those_of_no_weight_then_backups() -> None:
    pool = World().pool(up("192.0.2.9", backup=True), up("192.0.2.5", weight=0), up("192.0.2.1"), up("192.0.2.2"))
    assert picks(pool) == {"192.0.2.1", "192.0.2.2"}
    assert set(order(pool)[:2]) == {"192.0.2.1", "192.0.2.2"}
    assert order(pool)[2:] == ["192.0.2.5", "192.0.2.9"]


def test_one_that_is_left_out_is_tried_last_and_taken_back_in_when_its_time_is_over() -> None:
    world = World()
    pool = three(world)
    eject(pool, "192.0.2.2")
    assert picks(pool) == {"192.0.2.1", "192.0.2.3"}
    assert order(pool)[-1] == "192.0.2.2"
    world.clock.advance(9.9)
    assert "192.0.2.2" not in picks(pool)
    world.clock.advance(0.2)
    assert picks(pool) == set(MEMBERS)


def test_no_more_than_the_share_is_left_out_and_the_last_never() -> None:
    pool = three(World(), ejection=Ejection(failures=3, time=10.0, share=0.3))
    for host in MEMBERS[:2]:
        eject(pool, host)
    assert len(picks(pool, 40)) == 2
    pool = three(World(), ejection=Ejection(failures=3, time=10.0, share=1.0))
    for host in MEMBERS:
        eject(pool, host)
    assert len(picks(pool, 40)) == 1
    assert len(order(pool)) == 3


def test_backups_serve_when_no_member_is_up_and_go_when_one_is() -> None:
    pool = World().pool(up("192.0.2.1"), up("192.0.2.9", backup=True))
    seat_of(pool, "192.0.2.1").member.goes_down("503")
    assert picks(pool) == {"192.0.2.9"}
    assert order(pool) == ["192.0.2.9", "192.0.2.1"]
    seat_of(pool, "192.0.2.1").member.comes_up()
    assert picks(pool) == {"192.0.2.1"}


def test_all_down_is_all_tried() -> None:
    pool = World().pool(*map(up, MEMBERS), up("192.0.2.9", backup=True))
    for host in (*MEMBERS, "192.0.2.9"):
        seat_of(pool, host).member.goes_down("503")
    assert pool.current().panic
    assert picks(pool, 40) == set(MEMBERS)
    assert order(pool)[-1] == "192.0.2.9"


def test_who_is_drained_is_not_tried_even_last() -> None:
    pool = three(World())
    pool.overrides.drain("192.0.2.2:443", (), on=True)
    pool.seats_changed()
    assert picks(pool) == {"192.0.2.1", "192.0.2.3"}
    assert sorted(order(pool)) == ["192.0.2.1", "192.0.2.3"]


def test_with_nobody_there_is_no_picker() -> None:
    pool = World().pool()
    assert pool.pick(SOURCE, None) is None
    assert (order(pool), pool.current()) == ([], EMPTY)


def test_a_round_goes_on_where_it_was_when_nobody_has_come_or_gone() -> None:
    pool = three(World())
    before = pool.current().picker
    pool.changed()
    assert pool.current().picker is before
    seat_of(pool, "192.0.2.1").member.goes_down("503")
    assert pool.current().picker is not before


def test_a_slow_start_gives_back_its_share_in_steps() -> None:
    world = World()
    pool = three(world, slow_start=20.0)
    assert pool.current().until == inf
    eject(pool, "192.0.2.1")
    world.clock.advance(10)
    shares = []
    for _ in range(12):
        table = pool.current()
        (share,) = [
            share
            for seat, share in zip(table.seats, table.shares, strict=True)
            if seat.member.address.host == "192.0.2.1"
        ]
        shares.append(share)
        world.clock.advance(2)
    assert shares == [10, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100]
    assert pool.current().until == inf


def test_a_member_of_no_weight_that_is_all_there_is_is_used() -> None:
    pool = World().pool(up("192.0.2.1", weight=0), up("192.0.2.2", weight=0))
    assert picks(pool, 40) == {"192.0.2.1", "192.0.2.2"}


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.sampled_from(["up", "out", "down", "drained"])), max_size=8
    ),
    st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=150)
def test_nobody_who_may_be_tried_is_lost_and_those_who_are_well_come_first(
    rows: list[tuple[bool, int, str]], share: float
) -> None:
    world = World()
    rules = Ejection(failures=1, time=10.0, share=share)
    ups = [up(f"192.0.2.{number}", backup=row[0], weight=row[1]) for number, row in enumerate(rows)]
    pool = world.pool(*ups, ejection=rules)
    pool.current()
    for seat, (_, _, how) in zip(pool.seats, rows, strict=True):
        match how:
            case "out":
                seat.member.failed(rules, "refused")
            case "down":
                seat.member.goes_down("503")
            case "drained":
                seat.draining = True
    table = lay(pool.seats, pool.terms, 0.0, Random(1), EMPTY)
    order = list(table.others(SOURCE, None, Random(1)))
    may = {seat for seat, row in zip(pool.seats, rows, strict=True) if row[2] != "drained"}
    assert set(order) == may
    assert len(order) == len(may)
    well = [seat for seat, row in zip(pool.seats, rows, strict=True) if row[2] == "up"]
    if well:
        assert not table.panic
        ranks = [(seat.backup, seat.weight == 0) for seat in order if seat in well]
        assert ranks == sorted(ranks)
