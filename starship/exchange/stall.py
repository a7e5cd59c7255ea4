"""
A stall: nothing has moved for a while where bytes should.

Part of `exchange`, floor 4: it knows an alarm and a count, not what is counted. No clock is read per piece:
the count is looked at a few times in the time allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from starship.exchanging import IAlarm

CHECKS: Final = 2
"""How often the count is looked at per time allowed; so many looks without a change are a stall."""


@define(eq=False)
class Stall:
    """Calls `stalled` once `moved` (bytes so far) has stood still for `seconds`, at most half as long again."""

    seconds: float
    alarm: IAlarm
    moved: Callable[[], int]
    stalled: Callable[[], None]
    _seen: int = field(default=-1, init=False)
    _quiet: int = field(default=0, init=False)

    def watch(self) -> None:
        """Begin, or begin again: all of the time is allowed from here on."""
        self._quiet = 0
        self.alarm.set(self.seconds / CHECKS, self._check)

    def _check(self) -> None:
        moved = self.moved()
        self._quiet = self._quiet + 1 if moved == self._seen else 0
        self._seen = moved
        if self._quiet < CHECKS:
            self.alarm.set(self.seconds / CHECKS, self._check)
        else:
            self.stalled()
