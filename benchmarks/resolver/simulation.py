"""
An hour of visits through the resolver, told by outcome and moment.

Part of the benchmarks: knows the chain and the world, and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from heapq import merge
from random import Random
from typing import Final

from attrs import define, field, frozen
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from benchmarks.resolver.chain import Chain, make_chain
from benchmarks.resolver.world import ApiInMemory, Outage, Visit, scan, turn_to, visits
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Answer, Miss, Origin, Route

BIN_S: Final = 10
"""The width of a moment in what is drawn."""

SCANNER: Final = "203.0.113.66"


class Outcome(StrEnum):
    """What a visitor met: five answers and three refusals."""

    HIT = "hit"
    STALE = "stale"
    FRESH = "fresh"
    NEGATIVE = "negative"
    UNKNOWN = "unknown, asked"
    OVER_LIMIT = "over limit"
    NEW_FAILED = "failed, never known"
    KNOWN_FAILED = "failed, known"


FAILED: Final = (Outcome.KNOWN_FAILED, Outcome.NEW_FAILED)
ANSWERED: Final = tuple(outcome for outcome in Outcome if outcome not in FAILED)


@frozen(kw_only=True)
class Scale:
    """How much of it: names, visits to them, simulated seconds, random names a second of a scanner."""

    names: int = 100_000
    draws: int = 1_000_000
    seconds: float = 3600.0
    scanned: float = 10_000.0
    seed: int = 1


@frozen(kw_only=True)
class Scenario:
    """`scan`: its first moment and its length (s)."""

    title: str
    outage: Outage | None = None
    scan: tuple[float, float] | None = None


@define(eq=False)
class Tally:
    """What was seen of visits of one kind. `waits` of those not answered at once: moment, seconds, known before."""

    outcomes: Counter[Outcome] = field(factory=Counter)
    over_time: dict[Outcome, Counter[int]] = field(factory=lambda: {outcome: Counter() for outcome in Outcome})
    waits: list[tuple[float, float, bool]] = field(factory=list)

    def note(self, outcome: Outcome, asked: float, now: float, known: bool) -> None:
        """One visit is answered; `known`: its name had been found before."""
        self.outcomes[outcome] += 1
        self.over_time[outcome][int(asked) // BIN_S] += 1
        if now > asked:
            self.waits.append((asked, now - asked, known))

    @property
    def total(self) -> int:
        """Visits answered."""
        return self.outcomes.total()


@define(eq=False, kw_only=True)
class Run:
    """One scenario, played. `people` and `scanners` are told apart by their source."""

    scale: Scale
    scenario: Scenario
    clock: Clock = field(factory=Clock, init=False)
    api: ApiInMemory = field(init=False)
    chain: Chain = field(init=False)
    people: Tally = field(factory=Tally, init=False)
    scanners: Tally = field(factory=Tally, init=False)
    most_waiting: int = field(default=0, init=False)
    _known: set[Hostname] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        random = Random(self.scale.seed + 1)
        self.api = ApiInMemory(clock=self.clock, random=random, names=self.scale.names, outage=self.scenario.outage)
        self.chain = make_chain(self.clock, self.api, random)

    def play(self, progress: Callable[[float], None]) -> None:
        """From the first visit until the last answer; `progress` hears the share that is done, now and then."""
        for number, visit in enumerate(self._visits()):
            turn_to(self.clock, visit.at)
            self._visit(visit)
            if not number % 10_000:
                progress(visit.at / self.scale.seconds)
        turn_to(self.clock, self.clock.seconds() + 60)
        progress(1.0)

    def _visits(self) -> Iterator[Visit]:
        scale = self.scale
        people = visits(scale.names, scale.draws, scale.seconds, scale.seed)
        if self.scenario.scan is None:
            return people
        scanners = scan(*self.scenario.scan, scale.scanned, scale.seed + 2)
        return merge(people, scanners, key=lambda visit: visit.at)

    def _visit(self, visit: Visit) -> None:
        """As a Journey does it."""
        answer = self.chain.outer.peek(visit.ask)
        if answer is not None:
            self._note(visit, answer)
            return
        waiting = self.chain.outer.resolve(visit.ask)
        waiting.addBoth(lambda result: self._note(visit, result))
        self.most_waiting = max(self.most_waiting, self.chain.queue.waiting)

    def _note(self, visit: Visit, result: Answer | Failure) -> None:
        ask = visit.ask
        assert ask.name is not None
        known = ask.name in self._known
        if isinstance(result, Route):
            self._known.add(ask.name)
        tally = self.scanners if ask.source == SCANNER else self.people
        tally.note(outcome_of(result, known), visit.at, self.clock.seconds(), known)


def outcome_of(result: Answer | Failure, known: bool) -> Outcome:
    """What it was to the visitor; a name that was found before and is not found now has failed."""
    match result:
        case Route(origin=Origin.HIT):
            return Outcome.HIT
        case Route(origin=Origin.STALE):
            return Outcome.STALE
        case Route():
            return Outcome.FRESH
        case _ if known:
            return Outcome.KNOWN_FAILED
        case Miss(reason=Reason.OVER_LIMIT):
            return Outcome.OVER_LIMIT
        case Miss(origin=Origin.NEGATIVE):
            return Outcome.NEGATIVE
        case Miss():
            return Outcome.UNKNOWN
        case _:
            return Outcome.NEW_FAILED
