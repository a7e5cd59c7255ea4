"""
The world around the resolver, simulated: time, the names that people visit, and the API that knows them.

Part of the benchmarks. The API stands where the HTTP client does: what it says is read as any answer is.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from itertools import accumulate
from random import Random
from typing import Any, Final

from attrs import define, field, frozen
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers

from starship.names import Hostname
from starship.words import Ask

UNKNOWN_SHARE: Final = 0.05
"""Of the visits' names so many are known to nobody: tenants that left, slips of the pen."""

SOURCES: Final = 20_000
REFUSAL_S: Final = 0.001
_DONE: Final = Failure(ResponseDone())
_MISS: Final = b'{"miss": true}'


def name_of(rank: int) -> Hostname:
    """The name of a rank of popularity, from 0; a new string each time."""
    return Hostname(f"tenant-{rank:06d}.apps.example")


def is_unknown(rank: int) -> bool:
    """Whether nobody lives at this name; spread evenly over the ranks, the first ones spared."""
    return rank % round(1 / UNKNOWN_SHARE) == 19


def body_of(rank: int) -> bytes:
    """What the API says of a tenant: the words of the lookup contract."""
    return b'{"app": "tenant-%d", "endpoint": "10.%d.%d.%d:8443"}' % (rank, rank >> 16, rank >> 8 & 255, rank & 255)


def turn_to(clock: Clock, at: float) -> None:
    """Let time pass until a moment (s), each thing that is due at its own."""
    while clock.calls and clock.calls[0].getTime() <= at:
        clock.advance(max(0.0, clock.calls[0].getTime() - clock.seconds()))
    clock.advance(max(0.0, at - clock.seconds()))


@frozen
class Visit:
    """Who comes, and when (s)."""

    at: float
    ask: Ask


@define(eq=False)
class Zipf:
    """Draws ranks from 0 with a popularity of 1 / (rank + 1)."""

    count: int
    random: Random
    _sums: list[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sums = list(accumulate(1 / rank for rank in range(1, self.count + 1)))

    def draw(self) -> int:
        return bisect(self._sums, self.random.random() * self._sums[-1], 0, self.count - 1)


def visits(names: int, draws: int, seconds: float, seed: int) -> Iterator[Visit]:
    """As many visits as `draws`, with random gaps (a Poisson process), each from one of many sources."""
    random = Random(seed)
    zipf = Zipf(names, random)
    at, rate = 0.0, draws / seconds
    for _ in range(draws):
        at += random.expovariate(rate)
        source = random.randrange(SOURCES)
        yield Visit(at, Ask(name=name_of(zipf.draw()), source=f"198.18.{source >> 8}.{source & 255}", door="https"))


def scan(start: float, seconds: float, rate: float, seed: int) -> Iterator[Visit]:
    """Random names from one source, evenly."""
    random = Random(seed)
    for number in range(round(seconds * rate)):
        name = Hostname(f"{random.getrandbits(64):016x}.apps.example")
        yield Visit(start + number / rate, Ask(name=name, source="203.0.113.66", door="https"))


class Mode(Enum):
    """What the API does while it is out."""

    REFUSES = "refuses"
    HANGS = "hangs"


@frozen
class Outage:
    """From `start` to `end` (s)."""

    mode: Mode
    start: float
    end: float


@define(eq=False)
class Answered:
    """As much of a treq response as is used."""

    code: int
    _body: bytes
    headers: Headers = field(factory=Headers)

    @property
    def length(self) -> int:
        return len(self._body)

    def deliverBody(self, protocol: IProtocol) -> None:
        protocol.dataReceived(self._body)
        protocol.connectionLost(_DONE)


@define(eq=False, kw_only=True)
class ApiInMemory:
    """
    Answers after some 20 ms (log-normal, the slowest of a thousand 90 ms), but for its outage.

    `asked` counts the questions by second; `most` is the most that were under way at once.
    """

    _clock: Clock
    _random: Random
    _names: int
    _outage: Outage | None = None
    _all_known: bool = False
    asked: Counter[int] = field(factory=Counter, init=False)
    in_flight: int = field(default=0, init=False)
    most: int = field(default=0, init=False)

    def request(self, method: str, url: str, **options: Any) -> Deferred[Any]:
        """As a treq client. A question that is cancelled is over."""
        now = self._clock.seconds()
        self.asked[int(now)] += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        out = self._outage is not None and self._outage.start <= now < self._outage.end
        if out and self._outage is not None and self._outage.mode is Mode.HANGS:
            return Deferred(self._over)
        wait = REFUSAL_S if out else self._random.lognormvariate(-3.9, 0.5)

        def gone(given_up: Deferred[Any]) -> None:
            call.cancel()
            self._over(given_up)

        answer: Deferred[Any] = Deferred(gone)
        call = self._clock.callLater(wait, lambda: self._answer(answer, url, out))
        return answer

    def _answer(self, answer: Deferred[Any], url: str, out: bool) -> None:
        self._over(answer)
        if out:
            answer.errback(error.ConnectionRefusedError())
            return
        label = url.rpartition("/")[2].partition(".")[0]
        rank = int(label[7:]) if label.startswith("tenant-") else -1
        known = 0 <= rank < self._names and (self._all_known or not is_unknown(rank))
        answer.callback(Answered(200 if known else 404, body_of(rank) if known else _MISS))

    def _over(self, answer: Deferred[Any]) -> None:
        self.in_flight -= 1
