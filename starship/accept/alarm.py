"""
Alarm: the one deadline of a conversation, moved with every request and hardly ever set anew.

Part of accept. Knows a clock. A moment that moves into the future costs a number; the clock's own call comes at the
moment that was due once, and finds out then that there is time left.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from starship.exchanging import IAlarm


@implementer(IAlarm)
@define(eq=False)
class Alarm:
    """See IAlarm. Never early; late by no more than the clock is."""

    clock: IReactorTime
    _due: float = field(default=0.0, init=False)
    _call: Callable[[], None] | None = field(default=None, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _rings: float = field(default=0.0, init=False)  # when the timer comes

    def set(self, seconds: float, call: Callable[[], None]) -> None:
        self._call = call
        self._due = due = self.clock.seconds() + seconds
        timer = self._timer
        if timer is None:
            self._rings, self._timer = due, self.clock.callLater(seconds, self._ring)
        elif due < self._rings:
            timer.cancel()
            self._rings, self._timer = due, self.clock.callLater(seconds, self._ring)

    def clear(self) -> None:
        self._call = None

    def stop(self) -> None:
        """Nothing is waited for any more, and no timer is left."""
        self._call = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _ring(self) -> None:
        self._timer = None
        call = self._call
        if call is None:
            return
        left = self._due - self.clock.seconds()
        if left > 0:
            self._rings, self._timer = self._due, self.clock.callLater(left, self._ring)
        else:
            self._call = None
            call()
