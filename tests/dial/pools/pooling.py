"""Pools for tests, and candidates without a network."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from starship.dial.pools.ejection import Ejection
from starship.dial.pools.member import Members
from starship.dial.pools.pool import Means, Pool
from starship.dial.pools.seat import Seat
from starship.dial.pools.terms import Terms
from starship.words import Place, Upstream

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
class FakeName:
    """A name that is asked about through `house`. What the test says of it, it tells who watches and who waits."""

    house: FakeNames
    host: str
    srv: bool
    places: tuple[Place, ...] = ()
    stale: bool = True
    used: bool = False
    lasting: int = 0
    trouble: str | None = None
    watchers: list[Callable[[], None]] = field(factory=list)
    waiters: list[Deferred[tuple[Place, ...]]] = field(factory=list)
    asking: bool = False

    def __str__(self) -> str:
        return self.host

    def ask(self) -> None:
        if self.asking:
            return
        self.asking = True
        self.house.questions.append(self)
        if self.house.at_once is not None:
            self.answer(*self.house.at_once)

    def find(self) -> Deferred[tuple[Place, ...]]:
        self.ask()
        if not self.asking:
            return succeed(self.places)
        waiter: Deferred[tuple[Place, ...]] = Deferred(self.waiters.remove)
        self.waiters.append(waiter)
        return waiter

    def watch(self, moved: Callable[[], None], *, lasting: bool) -> None:
        self.watchers.append(moved)
        self.lasting += lasting

    def leave(self, moved: Callable[[], None], *, lasting: bool) -> None:
        self.watchers.remove(moved)
        self.lasting -= lasting

    def answer(self, *hosts: str | Place) -> None:
        """What a server says; without hosts: nothing new."""
        self.asking = False
        places = tuple(Place(host) if isinstance(host, str) else host for host in hosts) or self.places
        if places != self.places or (self.stale and places):
            self.places, self.stale = places, not places
            self._tell()
        while self.waiters:
            self.waiters.pop(0).callback(self.places)

    def grow_stale(self) -> None:
        """Nobody has used it for long."""
        self.stale = True
        self._tell()

    def _tell(self) -> None:
        for moved in tuple(self.watchers):
            moved()


@define(eq=False)
class FakeNames:
    """Keeps its questions for the test to answer; `at_once`: answers them so."""

    at_once: tuple[str, ...] | None = None
    questions: list[FakeName] = field(factory=list)
    known: dict[tuple[str, bool], FakeName] = field(factory=dict)

    def name(self, host: str, *, srv: bool = False) -> FakeName:
        return self.known.setdefault((host, srv), FakeName(self, host, srv))


@define(eq=False)
class World:
    """What pools stand on, and a clock for the test to turn."""

    clock: Clock = field(factory=Clock)
    resolver: FakeNames = field(factory=FakeNames)
    means: Means = field(init=False)

    def __attrs_post_init__(self) -> None:
        clock: Any = self.clock
        self.means = Means(members=Members(clock), names=self.resolver, clock=clock, random=Random(1))

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
