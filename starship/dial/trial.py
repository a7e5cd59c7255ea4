"""
Trial: a spare connection under a client's first bytes, until it is known to be alive.

Part of the dial step. What may be said twice is said to the spare at once, and the client is joined to it at the first
byte of an answer, or when a reset would have come by now. Where it is dead, the bytes go to a new connection: nobody is
lost because an endpoint closed a spare at the moment of its use.
"""

from __future__ import annotations

from typing import Final, Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from starship.dial.spares import Spare, Spares
from starship.interfaces import ICancel, ILeg
from starship.words import Address, Stop

TRIPS: Final = 2.0
"""A reset comes one trip after the bytes that it answers; the second one is for the endpoint's machine."""

LEAST_S: Final = 0.005
MOST_S: Final = 1.0


class Trying(Protocol):
    """Who dials."""

    opening: bytes

    def connected(self, leg: ILeg) -> None:
        """There is a connection, on which nothing was said."""

    def opened(self, leg: ILeg) -> None:
        """There is one, and the opening bytes are written to it."""

    def spoiled(self) -> None:
        """It was dead: connect."""


@define(eq=False)
class Supply:
    """Spares for one dial; `each` endpoint shall have so many. `twice`: the opening bytes may be said twice."""

    spares: Spares
    each: int
    twice: bool

    def find(self, trying: Trying, address: Address) -> ICancel | None:
        """Begin with a spare; None where there is none that lives: then connect."""
        spare = self.spares.take(address, self.each, sure=not self.twice)
        if spare is None:
            return None
        trial = Trial(self.spares, spare, trying)
        if self.twice:
            return trial if trial.start() else None
        trial.over = True
        self.spares.proved(spare)
        trying.connected(spare.leg)
        return trial


@implementer(ICancel)
@define(eq=False)
class Trial:
    """One spare in use. Tells `trying` once, unless it is cancelled."""

    spares: Spares
    spare: Spare
    trying: Trying
    over: bool = False
    _starting: bool = field(init=False, default=True)
    _dead: bool = field(init=False, default=False)
    _deadline: IDelayedCall | None = field(init=False, default=None)

    def start(self) -> bool:
        """Say the opening bytes; False where it is dead already."""
        leg = self.spare.leg
        leg.send(self.trying.opening)
        leg.read(self._heard, self._ended)
        self._starting = False
        if not self.over:
            window = min(MOST_S, max(LEAST_S, TRIPS * self.spare.trip))
            self._deadline = self.spares.clock.callLater(window, self._in_time)
            return True
        return not self._dead

    def cancel(self) -> None:
        if not self.over:
            self._finish()
            self.spare.leg.abort()

    def _heard(self, data: bytes) -> None:
        self._lives(data)

    def _in_time(self) -> None:
        """No reset was heard. One that came while we were busy is heard in this turn, before we are sure."""
        self._deadline = self.spares.clock.callLater(0, self._lives, b"")

    def _lives(self, data: bytes) -> None:
        if self.over:
            return
        self._finish()
        self.spares.proved(self.spare)
        self.spare.leg.unread(data)
        self.trying.opened(self.spare.leg)

    def _ended(self, how: Stop) -> None:
        if self.over:
            return
        self._finish()
        self._dead = True
        self.spares.dead(self.spare)
        self.spare.leg.abort()
        if not self._starting:
            self.trying.spoiled()

    def _finish(self) -> None:
        self.over = True
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()
