"""One client's place in the waiting room of its pool."""

from __future__ import annotations

from attrs import define, field

from starship.dial.candidates import Candidates
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.queued import Queued
from starship.errors import DialBusy
from tests.dial.pools.pooling import SOURCE, World, seat_of, up


@define(eq=False)
class Client:
    """Who waits."""

    seats: list[Seat] = field(factory=list)
    whys: list[DialBusy] = field(factory=list)

    def called(self, seat: Seat) -> None:
        self.seats.append(seat)

    def tired(self, why: DialBusy) -> None:
        self.whys.append(why)


def full(world: World, **terms: float) -> Pool:
    pool = world.pool(up("192.0.2.1"), up("192.0.2.2"), max_connections=1, **terms)
    for host in ("192.0.2.1", "192.0.2.2"):
        seat_of(pool, host).begin()
    return pool


def waits(pool: Pool, client: Client) -> Queued:
    assert pool.room is not None
    return Queued(client, pool, pool.room, Candidates(pool, SOURCE, None), 0)


def test_who_waits_is_called_to_the_endpoint_that_has_room_and_leaves_the_room() -> None:
    pool, client = full(World()), Client()
    assert waits(pool, client).join() is None
    assert pool.room is not None
    pool.freed()
    assert client.seats == []
    seat_of(pool, "192.0.2.2").given_up()
    assert [seat.label for seat in client.seats] == ["192.0.2.2:443"]
    assert len(pool.room) == 0


def test_who_has_left_is_not_called() -> None:
    pool, client = full(World()), Client()
    queued = waits(pool, client)
    queued.join()
    queued.leave()
    seat_of(pool, "192.0.2.2").given_up()
    assert client.seats == []


def test_who_waits_too_long_is_told_how_many_may_be_open() -> None:
    world, client = World(), Client()
    waits(full(world, queue_timeout=2.0), client).join()
    world.clock.advance(2.1)
    assert [str(why) for why in client.whys] == ["no endpoint had room in time: 1 connections are open to each"]


def test_beyond_the_queue_there_is_no_place() -> None:
    pool = full(World(), queue=1)
    waits(pool, Client()).join()
    why = waits(pool, Client()).join()
    assert str(why) == "no endpoint has room, and 1 clients wait: 1 connections are open to each"
