"""
RetryBudget: how many tries a pool may spend on endpoints that failed last.

Part of the dial step. Where everything is down, each client would try everything, and an outage become a storm of
connects. A try of an endpoint whose last connect did not fail costs nothing, so nobody is refused on whom one waits.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

SAVED_S: Final = 10.0
"""What was earned earlier than this is forgotten, little by little."""


@define(eq=False, kw_only=True)
class RetryBudget:
    """
    A `share` (0 to 1) of the connections, and `least` a second in any case. `spent` and `refused` count.

    Nothing is counted while all is well: what was earned is worked out when somebody asks.
    """

    clock: IReactorTime
    share: float
    least: int
    spent: int = field(init=False, default=0)
    refused: int = field(init=False, default=0)
    _left: float = field(init=False)
    _seen: int = field(init=False, default=0)
    _at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = self.least * SAVED_S
        self._at = self.clock.seconds()

    def take(self, total: int) -> bool:
        """Whether one more try may be made; `total` counts the connections of the pool so far."""
        now = self.clock.seconds()
        elapsed = now - self._at
        earned = self.share * (total - self._seen) + self.least * elapsed
        if elapsed > SAVED_S:
            earned *= SAVED_S / elapsed
        self._left = self._left * max(0.0, 1 - elapsed / SAVED_S) + earned
        self._seen, self._at = total, now
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        self.spent += 1
        return True
