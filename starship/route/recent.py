"""
Recent: what was done about a name only just now, so that it is not done again. Bounded.

Part of `route`: CachingResolver's rate of asking again about a name.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from starship.names import Hostname


@define(eq=False)
class Recent:
    """Names of the last `interval` seconds, at most `size` of them: the oldest give way."""

    _clock: IReactorTime
    _interval: float
    _size: int = 10_000
    _done: OrderedDict[Hostname, float] = field(factory=OrderedDict, init=False)

    def within(self, name: Hostname) -> bool:
        """Whether it was done within the interval."""
        done = self._done.get(name)
        return done is not None and self._clock.seconds() - done < self._interval

    def note(self, name: Hostname) -> None:
        """It is done now."""
        if not self._interval:
            return
        self._done[name] = self._clock.seconds()
        self._done.move_to_end(name)
        if len(self._done) > self._size:
            self._done.popitem(last=False)
