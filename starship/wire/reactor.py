"""
WireReactor: the reactor that `twistd starship` runs on. It waits on the wire.

The ground underfoot. Twisted's own poller is one descriptor among the others in our epoll, so its timers, threads, API
client and admin site work as ever, and cost the data path nothing.

Twisted's reactors tell the time by the wall clock, so that a step of it (NTP, a resumed virtual machine) would fire
every deadline at once, or none for an hour. This one's clock never jumps.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor

from starship.wire.loop import LEVEL, WireLoop

BROKEN = select.EPOLLHUP | select.EPOLLERR


class _Guest:
    """Twisted's own poller, as the wire sees it."""

    def __init__(self, turn: Callable[[], None]) -> None:
        self._turn = turn

    def ready(self, flags: int) -> None:
        self._turn()

    def broke(self) -> None:
        """The guests go on."""


class WireReactor(EPollReactor):
    """EPollReactor as a guest of `wire`, with time.monotonic for its seconds."""

    def __init__(self) -> None:
        self.wire = WireLoop()
        self._guests_came = False
        make: Callable[[], None] = super().__init__
        make()
        self.wire.watch(self._poller.fileno(), _Guest(self._guests_turn), LEVEL)

    seconds = staticmethod(time.monotonic)

    def doPoll(self, timeout: float | None) -> None:
        """
        Twisted's word for waiting (s; None: until something happens).

        Turns of the wire follow each other until there is something for Twisted to do: its look at timers and threads
        after each wait costs as much as serving a few connections.
        """
        turn, until = self.wire.turn, None if timeout is None else time.monotonic() + timeout
        self._guests_came = False
        turn(-1 if timeout is None else timeout)
        while not (self._guests_came or self._stopped):
            left = -1.0 if until is None else until - time.monotonic()
            if until is not None and left <= 0:
                return
            turn(left)

    doIteration = doPoll  # Twisted aliases the one to the other, so both are ours

    def _doReadOrWrite(self, selectable: Any, fd: int, event: int) -> None:
        # A hang-up is waited for by no one, so it comes without EPOLLIN to a descriptor that was paused. Resumed by an
        # earlier event of the same batch, Twisted would believe that its stream had ended: ask the socket instead.
        if event & BROKEN and fd in self._reads:
            event |= select.EPOLLIN
        handle: Callable[[Any, int, int], None] = super()._doReadOrWrite
        handle(selectable, fd, event)

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kw: object) -> Any:  # noqa: A002
        self._guests_came = True  # the new timer may be due before the wait is over
        return super().callLater(delay, callable, *args, **kw)

    def callFromThread(self, f: Callable[..., Any], *args: object, **kwargs: object) -> None:
        self._guests_came = True
        super().callFromThread(f, *args, **kwargs)

    def _moveCallLaterSooner(self, call: Any) -> Any:
        self._guests_came = True  # as with a new one
        move: Callable[[Any], Any] = super()._moveCallLaterSooner
        return move(call)

    def _guests_turn(self) -> None:
        self._guests_came = True
        turn: Callable[[float], None] = super().doPoll
        turn(0)


def install() -> None:
    """Make it the process's reactor, unless somebody (`twistd --reactor=`) has chosen another before."""
    if "twisted.internet.reactor" not in sys.modules:
        installReactor(WireReactor())
