"""
Parting: how a leg is let go of so that its peer has all that was said to it.

The ground underfoot, rare: it knows a leg and a clock, and not what was said. Closing over unread bytes resets a
connection, and a reset drops what the kernel still keeps for a slow reader (megabytes of it). So our stream is ended
first; what the peer says is read over; and the connection is closed once the peer's kernel has confirmed everything.
Source: RFC 9112 section 9.6.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from starship.interfaces import ILeg
from starship.words import Stop

LINGER_S: Final = 2.0
"""How long a peer that has confirmed everything may take to end its own stream."""

LINGER_LIMIT_BYTES: Final = 1 << 20
"""What it may send meanwhile before it is cut off."""

LOOK_S: Final = 1.0
"""What the peer has yet to confirm is looked at this often."""

UNKNOWN: Final = -1


@define(eq=False)
class Parting:
    """
    Seconds. A peer that confirms nothing for `patience` is reset, and so is whoever is still there after `most` (0: no
    such limit); one that has confirmed everything is closed LINGER_S later, in order. `start` once.
    """

    leg: ILeg
    clock: IReactorTime
    patience: float
    most: float = 0.0
    _before: int = field(default=0, init=False)
    _pending: int = field(default=UNKNOWN, init=False)
    _quiet: float = field(default=0.0, init=False)
    _spent: float = field(default=0.0, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def start(self) -> None:
        """End our stream, and look after the rest."""
        leg = self.leg
        told = leg.over

        def gone(leg: ILeg, how: Stop) -> None:
            self._stop()
            if told is not None:
                told(leg, how)

        leg.over = gone
        self._before = leg.received
        self._timer = self.clock.callLater(LOOK_S, self._look)
        leg.end(_nobody_waits)  # closes it, if its peer has ended already
        leg.read(self._discard, self._ended)

    def _look(self) -> None:
        self._timer = None
        pending = self.leg.pending()
        self._spent += LOOK_S
        self._quiet = self._quiet + LOOK_S if pending == self._pending else 0.0
        self._pending = pending
        if not pending and self._quiet >= LINGER_S:
            self.leg.close()
        elif (pending and self._quiet >= self.patience) or (self.most and self._spent >= self.most):
            self.leg.abort()
        else:
            self._timer = self.clock.callLater(LOOK_S, self._look)

    def _discard(self, data: bytes) -> None:
        if self.leg.received - self._before > LINGER_LIMIT_BYTES:
            self.leg.abort()

    def _ended(self, how: Stop) -> None:
        if how is Stop.LOST:
            self._stop()

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


def _nobody_waits(how: Stop) -> None:
    """What is left is seen in what is pending."""
