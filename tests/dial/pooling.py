"""Pools for tests, and candidates without a network."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock

from starship.dial.ejection import Ejection
from starship.dial.member import Members
from starship.dial.pool import Means, Pool
from starship.dial.resolve import Names
from starship.dial.seat import Seat
from starship.dial.terms import Terms
from starship.words import Upstream
from tests.dial.test_resolve import FakeResolver

SOURCE = "198.51.100.7"
RULES = Ejection(failures=3, time=10.0, share=0.5)


@define(eq=False)
class Load:
    """What a candidate carries."""

    load: int = 0


@define(eq=False)
class One:
    """A candidate for pickers."""

    label: str
    member: Load = field(factory=Load)


def ones(count: int) -> list[One]:
    return [One(f"10.0.{number // 250}.{number % 250}:443") for number in range(count)]


def up(host: str, port: int | None = 443, **more: Any) -> Upstream:
    return Upstream(host=host, port=port, **more)


@define(eq=False)
class World:
    """What pools stand on, and a clock for the test to turn."""

    clock: Clock = field(factory=Clock)
    resolver: FakeResolver = field(factory=FakeResolver)
    means: Means = field(init=False)

    def __attrs_post_init__(self) -> None:
        clock: Any = self.clock
        self.means = Means(members=Members(clock), names=Names(self.resolver, clock), clock=clock, random=Random(1))

    def pool(self, *upstreams: Upstream, **terms: Any) -> Pool:
        kinds: dict[str, Any] = {"policy": "round_robin", "ejection": RULES} | terms
        return Pool(name="web", upstreams=upstreams, port=8443, terms=Terms(**kinds), means=self.means)


def seat_of(pool: Pool, host: str) -> Seat:
    pool.current()
    (seat,) = [seat for seat in pool.seats if seat.member.address.host == host]
    return seat


def eject(pool: Pool, host: str) -> None:
    """Let so many connects fail as it takes."""
    seat = seat_of(pool, host)
    for _ in range(pool.terms.ejection.failures):
        seat.begin()
        seat.failed("refused", ours=False)


def picks(pool: Pool, count: int = 12) -> set[str]:
    """Who is chosen now."""
    chosen = (pool.pick(SOURCE, None) for _ in range(count))
    return {seat.member.address.host for seat in chosen if seat is not None}
