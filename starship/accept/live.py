"""
Who is inside: the open connections are listed, closed and counted.

Part of accept. It looks at what the doors know anyway, so a connection costs nothing for being seen here. Long looks
are taken in slices, between which everybody is served; one look at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from starship.accept.gate import within
from starship.accept.sniffing import SniffingFactory, SniffingProtocol
from starship.inside import Live, Order, Rank, Roll, Step, Wanted
from starship.reasons import Reason
from starship.words import Network, Upstream

SLICE: Final = 250
"""Connections that are looked at in one turn of the reactor: well under a millisecond."""

CLOSING_LOOKS: Final = 25
"""To close one takes as long as so many looks, its line in the log included."""

SHOWING_LOOKS: Final = 5
"""The same for telling all that is known of one."""

WAITING_LIMIT: Final = 8
"""Looks that wait for the one under way; each holds a list of who is inside."""

OVER: Final = frozenset({Step.CLOSING, Step.REFUSED})
"""Steps of who need not be closed."""

_Test = Callable[[SniffingProtocol], bool]
_Found = tuple[int, int, SniffingProtocol, set[SniffingProtocol]]


@define(eq=False)
class Crowd:
    """Everybody at all `doors`. `clock` is the reactor's: between two slices it serves the others."""

    _log: ClassVar[Logger] = Logger()

    doors: Callable[[], Iterable[SniffingFactory]]
    clock: IReactorTime
    _turns: DeferredLock = field(factory=DeferredLock, init=False)

    @property
    def busy(self) -> bool:
        """Whether so many looks wait that no other should be begun."""
        return len(self._turns.waiting) >= WAITING_LIMIT

    def page(self, wanted: Wanted, order: Order, after: Rank | None, limit: int) -> Deferred[Roll]:
        """
        At most `limit` of those who are meant, beginning after a rank.

        Counts move while it is looked at: who carries more meanwhile may be seen twice or not at all by bytes, never
        by age. Cancelling ends the look.
        """
        return self._turns.run(lambda: Deferred.fromCoroutine(self._page(wanted, order, after, limit)))

    def close(self, wanted: Wanted, reason: Reason = Reason.CLOSED) -> Deferred[int]:
        """End everybody who is meant, and was inside when it began; say how many. Cancelling leaves the rest alone."""
        return self._turns.run(lambda: Deferred.fromCoroutine(self._close(wanted, reason)))

    def uncounted(self) -> tuple[int, int]:
        """The bytes from and to the clients that no Ending has counted yet."""
        received = sent = 0
        for door in self.doors():
            for protocol in door.live:
                came, went = protocol.journey.uncounted()
                received += came
                sent += went
        return received, sent

    async def _page(self, wanted: Wanted, order: Order, after: Rank | None, limit: int) -> Roll:
        is_meant, meant, found = meaning(wanted), 0, list[_Found]()
        by_bytes = order is Order.BYTES

        def look(protocol: SniffingProtocol, live: set[SniffingProtocol]) -> int:
            nonlocal meant
            if is_meant(protocol):
                meant += 1
                carried = protocol.received + protocol.sent if by_bytes else 0
                rank = (-carried, protocol.arrival.number)  # who is older has the smaller number
                if after is None or rank > after:
                    found.append((*rank, protocol, live))
                    if len(found) >= limit + SLICE:
                        _shorten(found, limit)
            return 1

        await self._look(look)
        _shorten(found, limit)
        goes_on = found[-1][:2] if len(found) == limit else None
        return Roll(rows=await self._rows(found), meant=meant, next=goes_on)

    async def _rows(self, found: list[_Found]) -> tuple[Live, ...]:
        rows: list[Live] = []
        for at, (_, _, protocol, live) in enumerate(found, 1):
            if protocol in live:  # else it has gone since
                rows.append(row_of(protocol, self.clock.seconds()))
            if at % (SLICE // SHOWING_LOOKS) == 0:
                await deferLater(self.clock, 0)
        return tuple(rows)

    async def _close(self, wanted: Wanted, reason: Reason) -> int:
        is_meant, closed = meaning(wanted), 0

        def look(protocol: SniffingProtocol, live: set[SniffingProtocol]) -> int:
            nonlocal closed
            if protocol.step in OVER or not is_meant(protocol):
                return 1
            closed += 1
            self._stop(protocol, reason)
            return CLOSING_LOOKS

        await self._look(look)
        return closed

    def _stop(self, protocol: SniffingProtocol, reason: Reason) -> None:
        try:
            protocol.stop(reason)
        except Exception:  # the others are to be closed all the same
            self._log.failure("a connection could not be closed: {id}", id=protocol.arrival.id)

    async def _look(self, look: Callable[[SniffingProtocol, set[SniffingProtocol]], int]) -> None:
        """Look at everybody who is inside now and still is when its turn comes. `look` says what it cost, in looks."""
        spent = 0
        for door in tuple(self.doors()):
            live = door.live
            for protocol in tuple(live):
                if spent >= SLICE:
                    spent = 0
                    await deferLater(self.clock, 0)
                if protocol in live:
                    spent += look(protocol, live)


def row_of(protocol: SniffingProtocol, now: float) -> Live:
    """All that is known of an open connection."""
    journey, arrival = protocol.journey, protocol.arrival
    return Live(
        arrival=arrival,
        step=protocol.step,
        age=now - arrival.start,
        name=journey.name,
        app=journey.app,
        upstream=journey.upstream,
        received=protocol.received,
        sent=protocol.sent,
    )


def meaning(wanted: Wanted) -> _Test:
    """Whether an open connection is meant."""
    tests: list[_Test] = []
    if wanted.id is not None:
        tests.append(lambda protocol: protocol.arrival.id == wanted.id)
    if wanted.name is not None:
        tests.append(_named(wanted.name))
    if wanted.source is not None:
        tests.append(_from(wanted.source))
    if wanted.app is not None:
        tests.append(lambda protocol: protocol.journey.app == wanted.app)
    if wanted.upstream is not None:
        tests.append(_to(wanted.upstream))
    if wanted.pool is not None:
        tests.append(lambda protocol: protocol.step is Step.CARRYING and protocol.journey.pool == wanted.pool)
    return lambda protocol: all(test(protocol) for test in tests)


def _named(name: str) -> _Test:
    if not name.startswith("*."):
        return lambda protocol: protocol.journey.name == name
    below = name[1:]
    return lambda protocol: (protocol.journey.name or "").endswith(below)


def _from(source: Network) -> _Test:
    if source.num_addresses == 1:
        host = str(source.network_address)
        return lambda protocol: protocol.arrival.client.host.partition("%")[0] == host
    return lambda protocol: within(protocol.arrival.client.host, (source,))


def _to(upstream: Upstream) -> _Test:
    def joined(protocol: SniffingProtocol) -> bool:
        there = protocol.journey.upstream
        return there is not None and there.host == upstream.host and upstream.port in (None, there.port)

    return joined


def _shorten(found: list[_Found], limit: int) -> None:
    """Keep those who come first."""
    found.sort(key=_rank)
    del found[limit:]


def _rank(found: _Found) -> Rank:
    return found[:2]
