"""
The Ledger: the last step of the walk. What arrived, how it ended, that it departed, in plain integers.

Part of `account`, floor 4. On the hot path it adds to integers and hands the Ending to its writers; nobody waits
for it. It knows nothing of files or Prometheus: writers and the Collector come to it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Protocol

from attrs import define, field, frozen
from zope.interface import implementer

from starship.interfaces import ILedger
from starship.reasons import Reason
from starship.words import Arrival, Ending, Origin

STEPS: Final = ("hello", "route", "dial", "total")

BOUNDS_S: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0),
)
"""Upper bounds of the buckets (s): from a hit in the cache to a tunnel that lives for hours."""

EndingKey = tuple[str, Reason, Origin]
"""Door, reason, answer. The mood follows from the reason."""


class Writer(Protocol):
    """Whoever wants to see each Ending. Answers at once and raises nothing."""

    def write(self, ending: Ending) -> None:
        """Take an Ending."""


class Timings:
    """
    A histogram of seconds in plain integers: `counts[i]` fell into the bucket up to `bounds[i]`, the last above all.

    Any room can be given `observe` as a callable.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = BOUNDS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration (s)."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@frozen(kw_only=True)
class Snapshot:
    """The Ledger at one moment; nothing in it moves afterwards. `accepted` and `active` by door, times by step."""

    live: int
    accepted: dict[str, int]
    active: dict[str, int]
    endings: dict[EndingKey, int]
    requests: dict[tuple[str, Reason], int]  # of HTTP, by door and reason
    received: int
    sent: int
    steps: dict[str, tuple[tuple[int, ...], float]]  # the counts of each bucket, the sum (s)


@implementer(ILedger)
@define(eq=False)
class Ledger:
    """
    Counts what happens at `doors` (their names, known from the start so that a quiet door shows as 0).

    `live` is the number of connections that arrived and have not departed: 0 when all is over.
    """

    doors: Iterable[str] = ()
    writers: tuple[Writer, ...] = ()
    live: int = field(default=0, init=False)
    received: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    accepted: dict[str, int] = field(factory=dict, init=False)
    active: dict[str, int] = field(factory=dict, init=False)
    endings: dict[EndingKey, int] = field(factory=dict, init=False)
    requests: dict[tuple[str, Reason], int] = field(factory=dict, init=False)
    hello: Timings = field(factory=Timings, init=False)
    route: Timings = field(factory=Timings, init=False)
    dial: Timings = field(factory=Timings, init=False)
    total: Timings = field(factory=Timings, init=False)

    def __attrs_post_init__(self) -> None:
        self.accepted.update(dict.fromkeys(self.doors, 0))
        self.active.update(self.accepted)

    def arrived(self, arrival: Arrival) -> None:
        """Open the record of a connection."""
        door = arrival.door.name
        self.live += 1
        self.accepted[door] = self.accepted.get(door, 0) + 1
        self.active[door] = self.active.get(door, 0) + 1

    def ended(self, ending: Ending) -> None:
        """Count an Ending, its bytes and its times, and show it to the writers."""
        key = (ending.arrival.door.name, ending.reason, ending.origin)
        self.endings[key] = self.endings.get(key, 0) + 1
        if ending.hello is not None and ending.hello.request is not None:
            asked = (key[0], ending.reason)
            self.requests[asked] = self.requests.get(asked, 0) + 1
        self.received += ending.received
        self.sent += ending.sent
        seconds = ending.seconds
        hello, route, dial, total = seconds.hello, seconds.route, seconds.dial, seconds.total
        # `observe` in its place: this is the end of every connection.
        if hello is not None:
            self.hello.counts[bisect_left(BOUNDS_S, hello)] += 1
            self.hello.total += hello
        if route is not None:
            self.route.counts[bisect_left(BOUNDS_S, route)] += 1
            self.route.total += route
        if dial is not None:
            self.dial.counts[bisect_left(BOUNDS_S, dial)] += 1
            self.dial.total += dial
        self.total.counts[bisect_left(BOUNDS_S, total)] += 1
        self.total.total += total
        for writer in self.writers:
            writer.write(ending)

    def departed(self, arrival: Arrival) -> None:
        """Close the record of a connection."""
        door = arrival.door.name
        self.live -= 1
        self.active[door] = self.active.get(door, 0) - 1

    def snapshot(self) -> Snapshot:
        """The state of now, for those who read: metrics, admin."""
        times = zip(STEPS, (self.hello, self.route, self.dial, self.total), strict=True)
        return Snapshot(
            live=self.live,
            accepted=dict(self.accepted),
            active=dict(self.active),
            endings=dict(self.endings),
            requests=dict(self.requests),
            received=self.received,
            sent=self.sent,
            steps={step: (tuple(timings.counts), timings.total) for step, timings in times},
        )
