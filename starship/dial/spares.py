"""
Spares: connections that are made before a client comes, so that it need not wait for the way to a far endpoint.

Part of the dial step. It knows addresses, legs and a clock; not what is said on a connection. An endpoint has spares
while it has clients: the first one of all waits as ever. A spare that says a word, or ends, is of no use: who speaks
first on a connection speaks to a client, and must not do so before there is one.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from starship.buckets import Buckets
from starship.interfaces import Connect, ICancel, ILeg
from starship.words import Address, Stop

SURE_S: Final = 1.0
"""What must not be said twice is said on a spare only if that is no older."""

KEEP_S: Final = 60.0
"""For so long after its last client an endpoint has spares."""

SPOKE_S: Final = 600.0
"""For so long an endpoint that spoke first is left in peace."""

TROUBLE_S: Final = 1.0
TROUBLE_LIMIT_S: Final = 60.0
"""The pause after a spare that could not be made, or ended: doubled each time, up to the limit."""

LOOK_S: Final = 1.0
CONNECT_S: Final = 3.0

PART_S: Final = 2.0
"""How long an endpoint has to end its side of a connection that we have ended."""

RESULTS: Final = ("taken", "aged", "ended", "spoke", "failed", "dead")
"""What becomes of spares. `aged`: closed unused; `dead`: found so by a client's first bytes, which went another way."""


@define(eq=False)
class Spare:
    """One connection; `since` when (s), and the `trip` (s) that it took to make."""

    shelf: _Shelf
    leg: ILeg
    since: float
    trip: float

    def heard(self, data: bytes) -> None:
        self.shelf.spares_of.spoke(self)

    def ended(self, how: Stop) -> None:
        self.shelf.spares_of.ended(self)


@define(eq=False)
class _Shelf:
    """The spares of one endpoint, the newest last, and those that are being made."""

    spares_of: Spares
    address: Address
    each: int = 0
    used: float = 0.0
    quiet_until: float = 0.0
    troubles: int = 0
    spares: list[Spare] = field(factory=list)
    making: set[_Making] = field(factory=set)


@define(eq=False)
class _Making:
    """One that is being made."""

    shelf: _Shelf
    began: float
    connector: ICancel | None = None

    def connected(self, leg: ILeg) -> None:
        self.shelf.spares_of.made(self, leg)

    def refused(self, why: OSError) -> None:
        self.shelf.spares_of.failed(self)


@define(eq=False, kw_only=True)
class Spares:
    """
    At most `total`, those that are being made too; at most `rate` are begun in a second. None gets older than `idle`
    (s). `results` by RESULTS.
    """

    connect: Connect
    bind_to: Callable[[Address], tuple[str, ...]]
    clock: IReactorTime
    total: int
    idle: float
    rate: int
    results: Counter[str] = field(init=False, factory=lambda: Counter(dict.fromkeys(RESULTS, 0)))
    _count: int = field(init=False, default=0)
    _shelves: OrderedDict[Address, _Shelf] = field(init=False, factory=OrderedDict)
    _bucket: Buckets = field(init=False)
    _soon: IDelayedCall | None = field(init=False, default=None)
    _look: IDelayedCall | None = field(init=False, default=None)
    _stopped: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._bucket = Buckets(self.rate, self.rate)

    def __len__(self) -> int:
        """How many there are now."""
        return sum(len(shelf.spares) for shelf in self._shelves.values())

    def ready(self, address: Address) -> int:
        """How many an endpoint has now."""
        shelf = self._shelves.get(address)
        return 0 if shelf is None else len(shelf.spares)

    def part_from(self, address: Address) -> None:
        """An endpoint is used no more: leave it in order, and make none for it until somebody is sent there again."""
        shelf = self._shelves.get(address)
        if shelf is None:
            return
        for spare in tuple(shelf.spares):
            self._part_from(spare)
        self._clear(shelf)

    def take(self, address: Address, each: int, *, sure: bool) -> Spare | None:
        """
        The newest one of an endpoint that shall have `each`; None where there is none.

        `sure`: only if it was made just now. The leg says nothing to anybody until it is read or carried.
        """
        shelf = self._shelves.get(address)
        now = self.clock.seconds()
        if shelf is None:
            if self._stopped:
                return None
            if len(self._shelves) >= self.total:
                self._clear(next(iter(self._shelves.values())))
            shelf = self._shelves[address] = _Shelf(self, address)
        else:
            self._shelves.move_to_end(address)
        shelf.each, shelf.used = each, now
        if self._soon is None and len(shelf.spares) + len(shelf.making) <= each and now >= shelf.quiet_until:
            self._soon = self.clock.callLater(0, self._fill_all)  # the client goes first
        if self._look is None:
            self._look = self.clock.callLater(LOOK_S, self._sweep)
        if not shelf.spares or (sure and now - shelf.spares[-1].since > SURE_S):
            return None
        spare = shelf.spares[-1]
        self._remove(spare)
        spare.leg.unread(b"")
        self.results["taken"] += 1
        return spare

    def proved(self, spare: Spare) -> None:
        """It was alive when a client came."""
        spare.shelf.troubles = 0

    def dead(self, spare: Spare) -> None:
        """It was not: whoever has others made at the same time trusts them no more."""
        self.results["dead"] += 1
        self._trouble(spare.shelf)
        for other in tuple(spare.shelf.spares):
            self._throw(other, "ended")

    def stop(self) -> None:
        """Leave none."""
        self._stopped = True
        for timer in (self._soon, self._look):
            if timer is not None and timer.active():
                timer.cancel()
        for shelf in tuple(self._shelves.values()):
            self._clear(shelf)

    # What becomes of one

    def made(self, making: _Making, leg: ILeg) -> None:
        shelf = making.shelf
        shelf.making.discard(making)
        now = self.clock.seconds()
        spare = Spare(shelf, leg, now, now - making.began)
        shelf.spares.append(spare)
        leg.read(spare.heard, spare.ended)

    def failed(self, making: _Making) -> None:
        making.shelf.making.discard(making)
        self._count -= 1
        self.results["failed"] += 1
        self._trouble(making.shelf)

    def spoke(self, spare: Spare) -> None:
        shelf = spare.shelf
        if spare not in shelf.spares:
            return
        shelf.quiet_until = self.clock.seconds() + SPOKE_S
        for one in tuple(shelf.spares):
            self._throw(one, "spoke" if one is spare else "aged")

    def ended(self, spare: Spare) -> None:
        if spare in spare.shelf.spares:
            self._throw(spare, "ended")
            self._trouble(spare.shelf)

    # Inside

    def _trouble(self, shelf: _Shelf) -> None:
        pause = min(TROUBLE_LIMIT_S, TROUBLE_S * 2.0 ** min(shelf.troubles, 10))
        shelf.troubles += 1
        shelf.quiet_until = max(shelf.quiet_until, self.clock.seconds() + pause)

    def _fill_all(self) -> None:
        self._soon = None
        now = self.clock.seconds()
        for shelf in tuple(self._shelves.values()):
            if now - shelf.used < KEEP_S:
                self._fill(shelf, now)

    def _fill(self, shelf: _Shelf, now: float) -> None:
        while (
            len(shelf.spares) + len(shelf.making) < shelf.each
            and self._count < self.total
            and now >= shelf.quiet_until
            and self._bucket.admits("", now)
        ):
            self._bucket.take("", now)
            self._count += 1
            making = _Making(shelf, now)
            shelf.making.add(making)
            bind = self.bind_to(shelf.address)
            connector = self.connect(shelf.address, bind, CONNECT_S, making.connected, making.refused)
            if making in shelf.making:
                making.connector = connector

    def _sweep(self) -> None:
        """Look after all of them: part from the old, forget endpoints without clients, fill up what a rate held up."""
        self._look = None
        now = self.clock.seconds()
        for shelf in tuple(self._shelves.values()):
            for spare in tuple(shelf.spares):
                if now - spare.since >= self.idle:
                    self._part_from(spare)
            if now - shelf.used < KEEP_S:
                self._fill(shelf, now)
            elif not shelf.spares and not shelf.making and now >= shelf.quiet_until:
                del self._shelves[shelf.address]
        if self._shelves:
            self._look = self.clock.callLater(LOOK_S, self._sweep)

    def _clear(self, shelf: _Shelf) -> None:
        del self._shelves[shelf.address]
        for making in tuple(shelf.making):
            shelf.making.discard(making)
            self._count -= 1
            if making.connector is not None:
                making.connector.cancel()
        for spare in tuple(shelf.spares):
            self._throw(spare, "aged")

    def _part_from(self, spare: Spare) -> None:
        self.results["aged"] += 1
        self._remove(spare)
        self._part(spare.leg)

    def _throw(self, spare: Spare, result: str) -> None:
        self.results[result] += 1
        self._remove(spare)
        spare.leg.abort()

    def _remove(self, spare: Spare) -> None:
        spare.shelf.spares.remove(spare)
        self._count -= 1

    def _part(self, leg: ILeg) -> None:
        leg.end(_nobody_waits)
        leg.read(_nobody_listens, _nobody_waits)
        self.clock.callLater(PART_S, leg.abort)


def _nobody_waits(how: Stop) -> None:
    """The connection closes itself."""


def _nobody_listens(data: bytes) -> None:
    """It had its say."""
