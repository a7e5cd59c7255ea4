"""
Relief: what is done where descriptors or memory of ours are used up.

Part of the dial step, rare: it knows who keeps connections that carry nothing, and not whom a client wants. Those are
given up so that a client who is here has one; what they free is there in the loop's next turn. That it is so is said
once, and once that it is over, however many clients it concerns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from starship.errors import DialShort

GIVEN_UP: Final = 4
"""Idle connections that are given up for one client: others come in meanwhile, and take descriptors too."""

QUIET_S: Final = 10.0
"""So long without want, and it is over."""


@define(eq=False, kw_only=True)
class Relief:
    """`give_up` closes so many idle connections at most, and says how many; `next_turn` calls when that is done."""

    _log = Logger()

    give_up: Callable[[int], int]
    next_turn: Callable[[Callable[[], None]], object]
    clock: IReactorTime
    failed: int = field(default=0, init=False)  # connects, since the want began
    _last: float = field(default=0.0, init=False)

    def find(self, why: DialShort, again: Callable[[], None] | None) -> bool:
        """A connect failed for want. True: there is room, and `again` (None: it was tried again) is called soon."""
        self._last = self.clock.seconds()
        if not self.failed:
            self._log.warn("our own means are used up, and endpoints cannot be reached: {why}", why=str(why))
            self.clock.callLater(QUIET_S, self._look)
        self.failed += 1
        if again is None or not self.give_up(GIVEN_UP):
            return False
        self.next_turn(again)
        return True

    def _look(self) -> None:
        left = self._last + QUIET_S - self.clock.seconds()
        if left > 0:
            self.clock.callLater(left, self._look)
            return
        count, self.failed = self.failed, 0
        self._log.info("our own means suffice again: {count} connects had failed for want of them", count=count)
