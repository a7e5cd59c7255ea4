"""
Breaker: stops asking an API that fails, and finds out by one question at a time whether it is well again.

Part of `route`: failover keeps one for each API. Pure but for its clock; it asks nobody itself.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from starship.errors import LookupFailed, LookupInvalid
from starship.names import Hostname


class State(StrEnum):
    """Closed: asked. Open: not asked. Half open: one question finds out."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Pass(Enum):
    """Leave to ask: as one of many, or as the one that finds out."""

    PLAIN = "plain"
    PROBE = "probe"


@define(eq=False, kw_only=True)
class Breaker:
    """
    Opens after `failures` in a row (0: never), for a quarter of `interval` (s) at first, twice as long after each probe
    that fails, up to `interval`; less up to a quarter by `jitter` (0 to 1). An API's Retry-After makes it longer, up to
    `patience` (s).

    An answer that makes no sense counts once for each name: the same name failing again and again is that tenant's
    trouble, and must not close the API to all others. `told` hears of each change of state, once.
    """

    _clock: IReactorTime
    _failures: int
    _interval: float
    _patience: float = 0.0
    _jitter: Callable[[], float] = lambda: 0.0
    _told: Callable[[State], None] = lambda state: None
    state: State = field(default=State.CLOSED, init=False)
    since: float | None = field(default=None, init=False)  # when it turned last
    _strikes: int = field(default=0, init=False)
    _senseless: set[Hostname] = field(factory=set, init=False)
    _open_for: float = field(default=0.0, init=False)
    _until: float = field(default=0.0, init=False)

    @property
    def retry_in(self) -> float:
        """Seconds until the next question may find out; 0 where one may be asked now."""
        return max(0.0, self._until - self._clock.seconds()) if self.state is State.OPEN else 0.0

    @property
    def admits(self) -> bool:
        """Whether one may ask now: a look, which takes no leave."""
        return self.state is State.CLOSED or (self.state is State.OPEN and not self.retry_in)

    def admit(self) -> Pass | None:
        """Leave to ask; whoever gets it says later how it went, by one of the three below."""
        if self.state is State.CLOSED:
            return Pass.PLAIN
        if self.state is State.HALF_OPEN or self._clock.seconds() < self._until:
            return None
        self._turn(State.HALF_OPEN)
        return Pass.PROBE

    def answered(self) -> None:
        """The API answered: whatever was thought of it, it is well."""
        self._strikes = 0
        self._senseless.clear()
        self._open_for = 0.0
        self._turn(State.CLOSED)

    def failed(self, leave: Pass, name: Hostname, error: LookupFailed) -> None:
        """The API failed. What was asked before it was found to fail changes nothing any more."""
        if leave is Pass.PROBE:
            self._open(error)
        elif self.state is State.CLOSED and self._failures:
            if isinstance(error, LookupInvalid):
                if name in self._senseless:
                    return
                self._senseless.add(name)
            self._strikes += 1
            if self._strikes >= self._failures:
                self._open(error)

    def gave_up(self, leave: Pass) -> None:
        """We gave the question up: nothing was found out, and the next one may."""
        if leave is Pass.PROBE and self.state is State.HALF_OPEN:
            self._turn(State.OPEN)

    def _open(self, error: LookupFailed) -> None:
        self._open_for = min(2 * self._open_for or self._interval / 4, self._interval)
        wait = max(self._open_for * (1 - self._jitter() / 4), min(error.retry_after or 0.0, self._patience))
        self._until = self._clock.seconds() + wait
        self._turn(State.OPEN)

    def _turn(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.since = self._clock.seconds()
            self._told(state)
