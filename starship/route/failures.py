"""
Failures: names whose lookup failed only just now are not asked about again for a while, which grows.

Part of `route`: CachingResolver's memory of errors, apart from routes and misses, bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from starship.errors import LookupFailed
from starship.names import Hostname


@frozen
class _Trouble:
    error: LookupFailed
    until: float
    interval: float


@define(eq=False, kw_only=True)
class Failures:
    """
    The `first` interval (s) is doubled with each failure up to `longest`, less up to a quarter by `jitter` (0 to 1), so
    that names that failed together are not asked about together. `first` 0: nothing is remembered. An API's Retry-After
    makes an interval longer, up to `patience` (s). At most `size` names. `served` counts the failures given again.
    """

    _clock: IReactorTime
    _first: float
    _longest: float
    _patience: float = 0.0
    _size: int = 10_000
    _jitter: Callable[[], float] = lambda: 0.0
    _troubles: OrderedDict[Hostname, _Trouble] = field(factory=OrderedDict, init=False)
    served: int = field(default=0, init=False)

    @property
    def entries(self) -> int:
        """Names in it, those whose interval is over too."""
        return len(self._troubles)

    def of(self, name: Hostname) -> LookupFailed | None:
        """How the name failed, while it is not to be asked about again."""
        trouble = self._troubles.get(name)
        return None if trouble is None or self._clock.seconds() >= trouble.until else trouble.error

    def note(self, name: Hostname, error: LookupFailed) -> None:
        """The name failed, again or for the first time in a long while."""
        if not self._first:
            return
        now = self._clock.seconds()
        before = self._troubles.pop(name, None)
        again = before is not None and now < before.until + self._longest
        interval = min(2 * before.interval, self._longest) if before is not None and again else self._first
        wait = max(interval * (1 - self._jitter() / 4), min(error.retry_after or 0.0, self._patience))
        self._troubles[name] = _Trouble(error, now + wait, interval)
        if len(self._troubles) > self._size:
            self._troubles.popitem(last=False)

    def forget(self, name: Hostname) -> None:
        """The name was answered."""
        if self._troubles:
            self._troubles.pop(name, None)

    def clear(self) -> None:
        """All names may be asked about again."""
        self._troubles.clear()
