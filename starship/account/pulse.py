"""
The pulse: how late the event loop is for its own timers, the first thing to look at when everything is slow.

Part of `account`, floor 4. Knows a clock and nothing else; `lag` is a histogram that the Collector reads.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from starship.account.ledger import Timings

BEAT_S: Final = 1.0


@define(eq=False)
class Pulse:
    """Beats every second on `clock` between `start` and `stop`."""

    clock: IReactorTime
    lag: Timings = field(factory=Timings, init=False)
    _due: float = field(default=0.0, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to beat."""
        self._due = self.clock.seconds() + BEAT_S
        self._call = self.clock.callLater(BEAT_S, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _beat(self) -> None:
        self.lag.observe(max(0.0, self.clock.seconds() - self._due))
        self.start()
