"""
The reactor that `twistd starship` runs on: Twisted's epoll reactor with a clock that never jumps.

The ground underfoot. Twisted's reactors tell the time by the wall clock, so that a step of it (NTP, a resumed virtual
machine) would fire every deadline at once, or none for an hour.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor


class MonotonicReactor(EPollReactor):
    """EPollReactor whose `seconds` are time.monotonic."""

    def seconds(self) -> float:
        return time.monotonic()


def install() -> None:
    """Make it the process's reactor, unless somebody (`twistd --reactor=`) has chosen another before."""
    if "twisted.internet.reactor" not in sys.modules:
        make: Callable[[], MonotonicReactor] = MonotonicReactor
        installReactor(make())
