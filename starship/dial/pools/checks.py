"""
Checks: finds out time and again which endpoints of the pools are well, before a client has to.

Part of the dial step. One check for each endpoint and question, however many pools name it, at moments that lie apart
from each other. It looks at the pools every LOOK_S: whoever is a member by then is checked, by name or not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import chain
from random import Random
from typing import Final, assert_never

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from starship.dial.health.check import KINDS, Ill, Outcome, Pace, Question, Tally, Unmade, Well
from starship.dial.health.probe import Line, Probe
from starship.dial.pools.listed import Asked, nobody
from starship.dial.pools.member import Member
from starship.dial.pools.pool import Pool
from starship.words import Address

LOOK_S: Final = 1.0

AT_ONCE: Final = 128
"""Checks under way at the same time. The others wait their turn."""

FIRST_RATE: Final = 100
"""First checks in a second: who is new is asked soon, but thousands of new ones not all at the same moment."""

JITTER: Final = 0.1
"""The share of an interval by which it is longer or shorter, at random: checks do not fall into step."""

RESULTS: Final = ("passed", "failed", "unmade")

Place = tuple[Member, Question]


@define(eq=False, repr=False)
class Watch:
    """One endpoint and question, from the first check to the last. `cutting`: pools that close its connections."""

    checks: Checks
    member: Member
    question: Question
    pace: Pace
    cutting: tuple[str, ...]
    over: bool = False
    asking: bool = False
    tally: Tally = field(init=False)
    _began: float = 0.0
    _timer: IDelayedCall | None = None
    _probe: Probe | None = None

    def __attrs_post_init__(self) -> None:
        self.tally = Tally(self.pace)

    def start(self, within: float) -> None:
        """The first check comes at any moment from now on within so many seconds."""
        self._plan(self.checks.random.random() * min(within, self.pace.interval))

    def keep(self, pace: Pace, cutting: tuple[str, ...]) -> None:
        """What the pools want of it by now."""
        self.pace = self.tally.pace = pace
        self.cutting = cutting

    def stop(self) -> None:
        """No more."""
        self.over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._probe is not None:
            self._probe.cancel()
        self.member.forget(self.question)

    def begin(self) -> None:
        """Its turn: ask."""
        address = self.member.address
        self.asking = True
        if self._probe is not None:
            self._probe.cancel()  # who still takes leave of it has had an interval for that
        self._began = self.checks.clock.seconds()
        where = Address(address.host, self.question.port or address.port)
        self._probe = Probe(self.checks.line, where, self.question, self.pace.timeout, self._done)
        self._probe.start()

    def _plan(self, delay: float) -> None:
        self._timer = self.checks.clock.callLater(max(0.0, delay), self.checks.queue, self)

    def _done(self, outcome: Outcome) -> None:
        self.asking = False
        interval = self.pace.interval * (1 + JITTER * (2 * self.checks.random.random() - 1))
        self._plan(self._began + interval - self.checks.clock.seconds())
        match outcome:
            case Well():
                self.checks.count(self.question, "passed")
                if self.tally.count(well=True):
                    self.checks.changes["up"] += 1
                    self.member.comes_up(self.question)
            case Ill(why):
                self.checks.count(self.question, "failed")
                if self.tally.count(well=False):
                    self.checks.changes["down"] += 1
                    self.member.goes_down(f"{self.question}: {why}", self.question)
                    self.checks.cut(self)
            case Unmade():
                self.checks.count(self.question, "unmade")
            case _:
                assert_never(outcome)
        self.checks.free()


@define(eq=False, kw_only=True)
class Checks:
    """
    `pools` are those of now, whenever it is asked; `listed` are endpoints of others, whose connections are not closed.
    `close(pool, address)` closes the connections that a pool has to an endpoint, and says how many.

    `results` by kind and one of RESULTS; `changes` by `up` and `down`.
    """

    _log = Logger()

    pools: Callable[[], Iterable[Pool]]
    line: Line
    clock: IReactorTime
    random: Random
    close: Callable[[str, Address], Deferred[int]]
    listed: Asked = nobody
    results: Counter[tuple[str, str]] = field(
        init=False, factory=lambda: Counter({(kind, result): 0 for kind in KINDS for result in RESULTS})
    )
    changes: Counter[str] = field(init=False, factory=lambda: Counter(up=0, down=0))
    _watches: dict[Place, Watch] = field(init=False, factory=dict)
    _waiting: deque[Watch] = field(init=False, factory=deque)
    _under_way: int = field(init=False, default=0)
    _serving: bool = field(init=False, default=False)
    _closing: set[Deferred[None]] = field(init=False, factory=set)
    _timer: IDelayedCall | None = field(init=False, default=None)

    @property
    def endpoints(self) -> dict[str, int]:
        """How many are checked, by what is thought of them; one that is asked two questions counts twice."""
        down = sum(watch.tally.down for watch in self._watches.values())
        return {"up": len(self._watches) - down, "down": down}

    @property
    def waiting(self) -> int:
        """Checks that wait their turn."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to look."""
        self._look()

    def stop(self) -> None:
        """Look no more, and leave nothing under way. What is thought of the endpoints is forgotten."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        for watch in self._watches.values():
            watch.stop()
        self._watches.clear()
        self._waiting.clear()
        self._under_way = 0
        for closing in tuple(self._closing):
            closing.cancel()

    # For watches

    def queue(self, watch: Watch) -> None:
        """It is time for one."""
        self._waiting.append(watch)
        self._serve()

    def free(self) -> None:
        """One is done."""
        self._under_way -= 1
        self._serve()

    def count(self, question: Question, result: str) -> None:
        """One result."""
        self.results[question.kind, result] += 1

    def cut(self, watch: Watch) -> None:
        """Close the connections to an endpoint that was found down, for the pools that want that."""
        for pool in watch.cutting:
            closing = self.close(pool, watch.member.address).addCallback(self._closed, pool, watch.member.label)
            closing.addErrback(self._not_closed)
            if not closing.called:
                self._closing.add(closing)
                closing.addCallback(self._over, closing)

    # Inside

    def _serve(self) -> None:
        """Let those begin who wait. One that is done at once is taken up by this loop, so many go no deeper."""
        if self._serving:
            return
        self._serving = True
        while self._waiting and self._under_way < AT_ONCE:
            watch = self._waiting.popleft()
            if not watch.over:
                self._under_way += 1
                watch.begin()
        self._serving = False

    def _look(self) -> None:
        self._timer = self.clock.callLater(LOOK_S, self._look)
        wanted = self._wanted()
        for place in [place for place in self._watches if place not in wanted]:
            gone = self._watches.pop(place)
            gone.stop()
            self._under_way -= gone.asking
        new = [place for place in wanted if place not in self._watches]
        for place, watch in self._watches.items():
            watch.keep(*wanted[place])
        for place in new:
            watch = self._watches[place] = Watch(self, *place, *wanted[place])
            watch.start(within=max(LOOK_S, len(new) / FIRST_RATE))

    def _wanted(self) -> dict[Place, tuple[Pace, tuple[str, ...]]]:
        wanted: dict[Place, tuple[Pace, tuple[str, ...]]] = {}
        checked = [pool for pool in self.pools() if pool.terms.check is not None]
        named = ((pool, seat) for pool in checked for seat in pool.standing())
        for pool, seat in chain(named, self.listed()):
            check, question = pool.terms.check, seat.question
            if check is None or question is None:
                continue
            place = seat.member, question
            pace, cutting = wanted.get(place, (check.pace, ()))
            if check.closes and pool.name and pool.name not in cutting:
                cutting = (*cutting, pool.name)
            wanted[place] = pace.stricter(check.pace), cutting
        return wanted

    def _closed(self, count: int, pool: str, label: str) -> None:
        if count:
            self._log.info("{count} connections of {pool} to {label} were closed", count=count, pool=pool, label=label)

    def _over(self, _: None, closing: Deferred[None]) -> None:
        self._closing.discard(closing)

    def _not_closed(self, failure: Failure) -> None:
        failure.trap(CancelledError)
