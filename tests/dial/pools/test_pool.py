"""Endpoints that share a load."""

from __future__ import annotations

from collections import Counter

from starship.dial.pools.member import State
from starship.words import Place, Stop
from tests.dial.pools.pooling import SOURCE, World, eject, picks, seat_of, up
from tests.fakes import FakeLeg


def test_k10_the_load_is_shared_over_all_replicas() -> None:
    pool = World().pool(*(up(f"192.0.2.{number}") for number in range(1, 6)))
    counts = Counter(seat.label for _ in range(100) if (seat := pool.pick(SOURCE, None)) is not None)
    assert set(counts.values()) == {20}


def test_k10_replicas_that_change_are_found_again_and_those_who_stay_keep_what_is_known_of_them() -> None:
    world = World()
    pool = world.pool(up("a.example"))
    assert pool.pick(SOURCE, None) is None
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    assert picks(pool) == {"192.0.2.1", "192.0.2.2"}
    eject(pool, "192.0.2.2")
    staying = seat_of(pool, "192.0.2.2")
    world.resolver.name("a.example").answer("192.0.2.2", "192.0.2.3", "192.0.2.4")
    assert picks(pool) == {"192.0.2.3", "192.0.2.4"}
    assert seat_of(pool, "192.0.2.2") is staying


def test_k10_a_replica_that_joins_others_begins_slowly_and_the_first_ones_do_not() -> None:
    world = World()
    pool = world.pool(up("a.example"), slow_start=20.0)
    pool.pick(SOURCE, None)
    name = world.resolver.name("a.example")
    name.answer("192.0.2.1", "192.0.2.2")
    assert pool.current().shares == (100, 100)
    world.clock.advance(5)
    name.answer("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert pool.current().shares == (100, 100, 10)
    assert seat_of(pool, "192.0.2.3").member.state(20.0) is State.SLOW
    world.clock.advance(10)
    assert pool.current().shares == (100, 100, 50)
    world.clock.advance(10)
    assert pool.current().shares == (100, 100, 100)
    name.answer("192.0.2.1", "192.0.2.3")
    assert pool.current().shares == (100, 100)


def test_one_who_has_left_is_forgotten_once_its_connections_are_over() -> None:
    world = World()
    pool = world.pool(up("a.example"), up("192.0.2.9"))
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1")
    seat, leg = seat_of(pool, "192.0.2.1"), FakeLeg()
    seat.begin()
    seat.connected(leg)
    world.resolver.name("a.example").answer("192.0.2.2")
    assert picks(pool) == {"192.0.2.2", "192.0.2.9"}
    assert (len(world.means.members), leg.aborted) == (3, 0)
    leg.vanish(Stop.ENDED)
    assert len(world.means.members) == 2


def test_names_that_nobody_used_lately_leave_no_members_behind() -> None:
    world = World()
    pool = world.pool(up("a.example"))
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    assert picks(pool) == {"192.0.2.1", "192.0.2.2"}
    world.resolver.name("a.example").grow_stale()
    assert (len(world.means.members), pool.seats) == (0, ())
    assert pool.pick(SOURCE, None) is None
    world.resolver.questions[1].answer("192.0.2.1")
    assert picks(pool) == {"192.0.2.1"}


def test_the_priorities_of_services_are_kept_among_members() -> None:
    world = World()
    pool = world.pool(up("_http._tcp.a.example", None, srv=True))
    name = world.resolver.name("_http._tcp.a.example", srv=True)
    name.answer(*(Place(f"192.0.2.{tier}", 80, 1, tier) for tier in range(3)))
    assert picks(pool) == {"192.0.2.0"}
    eject(pool, "192.0.2.0")
    assert picks(pool) == {"192.0.2.1"}


def test_the_weights_of_services_are_the_shares_of_their_addresses() -> None:
    world = World()
    pool = world.pool(up("_http._tcp.a.example", None, srv=True))
    name = world.resolver.name("_http._tcp.a.example", srv=True)
    name.answer(Place("192.0.2.1", 80, 3), Place("192.0.2.2", 80, 1), Place("192.0.2.3", 80, 0))
    seats = [pool.pick(SOURCE, None) for _ in range(40)]
    counts = Counter(seat.member.address.host for seat in seats if seat is not None)
    assert counts == {"192.0.2.1": 30, "192.0.2.2": 10}


def test_an_address_that_moves_from_one_endpoint_to_another_is_still_watched() -> None:
    world = World()
    pool = world.pool(up("a.example"), up("b.example", weight=2))
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1")
    world.resolver.questions[1].answer("192.0.2.2")
    picks(pool)
    world.resolver.name("a.example").answer("192.0.2.2")
    world.resolver.name("b.example").answer("192.0.2.3")
    picks(pool)
    seat = seat_of(pool, "192.0.2.2")
    assert (str(seat.upstream), seat.weight, pool in seat.member.watchers) == ("a.example:443", 1, True)


def test_what_one_pool_learns_of_an_address_all_pools_know() -> None:
    world = World()
    one, other = world.pool(up("192.0.2.1"), up("192.0.2.2")), world.pool(up("192.0.2.3"), up("192.0.2.1"))
    picks(other)
    eject(one, "192.0.2.1")
    assert picks(one) == {"192.0.2.2"}
    assert picks(other) == {"192.0.2.3"}


def test_only_one_with_a_limit_has_a_room_and_is_ever_full() -> None:
    world = World()
    free, limited = world.pool(up("192.0.2.1"), up("192.0.2.2")), world.pool(up("192.0.2.1"), max_connections=2)
    seat = seat_of(limited, "192.0.2.1")
    seat.begin()
    assert not limited.full(seat)
    seat.begin()
    assert limited.full(seat)
    assert free.room is None
    assert not free.full(seat_of(free, "192.0.2.1"))


def test_a_new_address_takes_who_waits_for_room() -> None:
    world = World()
    pool = world.pool(up("a.example"), max_connections=1)
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1")
    seat_of(pool, "192.0.2.1").begin()
    served: list[str] = []

    class Waiter:
        def room(self) -> bool:
            served.extend(seat.label for seat in pool.others(SOURCE, None) if not pool.full(seat))
            return bool(served)

        def tired(self) -> None:
            """Never."""

    assert pool.room is not None
    assert pool.room.join(Waiter())
    world.resolver.name("a.example").answer("192.0.2.1", "192.0.2.2")
    assert served == ["192.0.2.2:443"]


def test_closed_it_watches_nobody_and_who_is_still_at_it_goes_on() -> None:
    world = World()
    pool = world.pool(up("192.0.2.1"), up("192.0.2.2"))
    picks(pool)
    pool.close()
    assert len(world.means.members) == 0
    pool.seats_changed()
    assert picks(pool) == {"192.0.2.1", "192.0.2.2"}
    assert len(world.means.members) == 0


def test_an_operators_weight_counts_for_the_endpoint_or_for_one_address_of_a_name() -> None:
    world = World()
    pool = world.pool(up("a.example"))
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    picks(pool)
    pool.overrides.weigh("a.example:443", (), 5)
    pool.overrides.weigh("192.0.2.2:443", (), 7)
    pool.seats_changed()
    assert [seat_of(pool, host).weight for host in ("192.0.2.1", "192.0.2.2")] == [5, 7]


def test_an_operators_word_on_an_address_is_forgotten_when_the_name_has_it_no_more() -> None:
    world = World()
    pool = world.pool(up("a.example"))
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    pool.overrides.drain("192.0.2.2:443", (), on=True)
    pool.seats_changed()
    assert picks(pool) == {"192.0.2.1"}
    for hosts in (("192.0.2.1",), ("192.0.2.1", "192.0.2.2")):
        world.resolver.questions[0].answer(*hosts)
        assert picks(pool) == set(hosts)


def test_a_pool_and_its_seats_show_themselves_and_not_each_other() -> None:
    pool = World().pool(up("192.0.2.1"), up("192.0.2.2"))
    picks(pool)
    assert "Seat(" not in repr(pool)
    assert "Pool(" not in repr(pool.seats[0])
    assert "192.0.2.2" not in repr(pool.seats[0])


def test_who_is_used_no_more_is_told_for_those_who_keep_connections_ready() -> None:
    world = World()
    unused: list[str] = []
    world.means.unused = lambda address: unused.append(address.host)
    pool = world.pool(up("a.example"), up("192.0.2.9", backup=True))
    pool.pick(SOURCE, None)
    name = world.resolver.name("a.example")
    name.answer("192.0.2.1", "192.0.2.2", "192.0.2.3")
    pool.pick(SOURCE, None)
    assert unused == ["192.0.2.9"]  # it stood in before there was an address
    unused.clear()
    name.answer("192.0.2.2", "192.0.2.3")
    pool.pick(SOURCE, None)
    assert unused == ["192.0.2.1"]
    eject(pool, "192.0.2.2")
    pool.pick(SOURCE, None)
    assert unused == ["192.0.2.1", "192.0.2.2"]
    world.clock.advance(10)
    pool.pick(SOURCE, None)
    assert len(unused) == 2
