"""
Drain: how the service stops without cutting anyone.

Part of process. Its stages: tell the balancer (lame duck), stop accepting, wait for those inside, end the rest. It
knows a clock and what to call; not what a connection is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

LOOK_EVERY_S: Final = 0.05
FAREWELL_S: Final = 4.0
"""How long those who were ended have to be gone: the time that a refused client gets to read its answer, and a bit."""


@define(eq=False, kw_only=True)
class Drain:
    """
    `inside` counts the connections; `close_doors` stops accepting; `end_all` ends who is still inside.

    Times in seconds. `hurry` (a second SIGTERM) skips whatever wait is under way.
    """

    _log = Logger()

    clock: IReactorTime
    lame_duck: float
    timeout: float
    inside: Callable[[], int]
    close_doors: Callable[[], object]
    end_all: Callable[[], object]
    hurried: bool = field(init=False, default=False)
    _done: Deferred[None] = field(init=False, factory=Deferred)
    _call: IDelayedCall | None = field(init=False, default=None)
    _next: Callable[[], None] | None = field(init=False, default=None)

    def start(self) -> Deferred[None]:
        """Begin. Fires when nobody is inside, or all has been done that can be done."""
        self._log.info("stopping: {inside} connections are open", inside=self.inside())
        self._after(self.lame_duck if not self.hurried else 0.0, self._close)
        return self._done

    def hurry(self) -> None:
        """End at once."""
        self.hurried = True
        if self._call is not None and self._call.active() and self._next is not None:
            self._log.info("stopping at once")
            self._call.cancel()
            self._next()

    def _close(self) -> None:
        self.close_doors()
        self._wait(self.clock.seconds() + (0.0 if self.hurried else self.timeout), self._end)

    def _end(self) -> None:
        if self.inside():
            self._log.info("ending {inside} connections", inside=self.inside())
            self.end_all()
        self._wait(self.clock.seconds() + (0.0 if self.hurried else FAREWELL_S), self._finish)

    def _finish(self) -> None:
        self._done.callback(None)

    def _wait(self, until: float, then: Callable[[], None]) -> None:
        """Go on as soon as nobody is inside, and at `until` in any case."""
        if not self.inside() or self.clock.seconds() >= until:
            then()
        else:
            self._next = then
            self._call = self.clock.callLater(LOOK_EVERY_S, self._wait, until, then)

    def _after(self, delay: float, then: Callable[[], None]) -> None:
        if delay:
            self._next = then
            self._call = self.clock.callLater(delay, then)
        else:
            then()
