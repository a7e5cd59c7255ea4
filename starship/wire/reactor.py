"""
The reactor that `twistd starship` runs on: Twisted's epoll reactor with a clock that never jumps.

The ground underfoot. Twisted's reactors tell the time by the wall clock, so that a step of it (NTP, a resumed virtual
machine) would fire every deadline at once, or none for an hour.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor

BROKEN = select.EPOLLHUP | select.EPOLLERR


class MonotonicReactor(EPollReactor):
    """EPollReactor whose `seconds` are time.monotonic, and which does not take a reset for an end of stream."""

    def seconds(self) -> float:
        return time.monotonic()

    def _doReadOrWrite(self, selectable: Any, fd: int, event: int) -> None:
        # A hang-up is waited for by no one, so it comes without EPOLLIN to a descriptor that was paused. Resumed by an
        # earlier event of the same batch, Twisted would believe that its stream had ended: ask the socket instead.
        if event & BROKEN and fd in self._reads:
            event |= select.EPOLLIN
        handle: Callable[[Any, int, int], None] = super()._doReadOrWrite
        handle(selectable, fd, event)


def install() -> None:
    """Make it the process's reactor, unless somebody (`twistd --reactor=`) has chosen another before."""
    if "twisted.internet.reactor" not in sys.modules:
        make: Callable[[], MonotonicReactor] = MonotonicReactor
        installReactor(make())
