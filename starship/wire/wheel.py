"""
Wheel: coarse deadlines for thousands of connections.

The ground underfoot. A deadline falls into the slot of its tick, and one timer of the reactor's serves a whole slot.
Who has nothing but a deadline (`put`) costs an entry in a dict, and leaves by taking it out; the reactor's own timers
keep a heap in order. A call comes up to TICK_S late, never early; who is put LONG_S ahead is told up to a second late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

TICK_S: Final = 0.1
TICKS_PER_S: Final = 10

LONG_S: Final = 30.0
"""From here on a second holds one slot: it keeps its place until its time, also where all have left."""


class Late(Protocol):
    """Who has a deadline."""

    def late(self) -> object:
        """It is over."""


Slot = dict[Late, None]
"""Those of one tick, in the order in which they came. Taking oneself out is leaving."""


@implementer(IDelayedCall)
class Spoke:
    """One deadline."""

    __slots__ = ("_arguments", "_call", "_slot", "_time", "_wheel")

    def __init__(self, wheel: Wheel, time: float, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._wheel = wheel
        self._time = time
        self._call: Callable[..., object] | None = call
        self._arguments = arguments
        self._slot: Slot = wheel.slot(time)
        self._slot[self] = None

    def active(self) -> bool:
        return self._call is not None

    def cancel(self) -> None:
        """Let go of the call and all that it holds."""
        self._call, self._arguments = None, ()
        self._slot.pop(self, None)

    def getTime(self) -> float:
        return self._time

    def reset(self, secondsFromNow: float) -> None:
        self._move(self._wheel.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self._move(self._time + secondsLater)

    def late(self) -> None:
        """Make the call."""
        call, arguments = self._call, self._arguments
        self._call, self._arguments = None, ()
        if call is not None:
            call(*arguments)

    def _move(self, time: float) -> None:
        self._slot.pop(self, None)
        self._time = time
        self._slot = self._wheel.slot(time)
        self._slot[self] = None


@implementer(IReactorTime)
class Wheel:
    """
    An IReactorTime for deadlines that may be coarse, driven by one that is exact.

    An exception of a call is logged and costs the slot's other calls nothing.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._slots: dict[int, Slot] = {}
        self._next = 0  # the tick that the timer is set for; 0: none
        self._timer: IDelayedCall | None = None
        self.seconds = clock.seconds

    def put(self, delay: float, late: Late) -> Slot:
        """Tell `late` in `delay` seconds, unless it takes itself out of the slot before."""
        tick = int((self.seconds() + delay) * TICKS_PER_S) + 1
        if delay >= LONG_S:
            tick += -tick % TICKS_PER_S
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._new(tick)
        slot[late] = None
        return slot

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kwargs: Any) -> Spoke:  # noqa: A002
        time = self.seconds() + delay
        return Spoke(self, time, callable if not kwargs else lambda *all_args: callable(*all_args, **kwargs), args)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Those that are still to be made."""
        return [late for slot in self._slots.values() for late in slot if isinstance(late, Spoke)]

    def slot(self, time: float) -> Slot:
        """Whose deadline is at `time`."""
        tick = int(time * TICKS_PER_S) + 1
        return self._slots.get(tick) or self._new(tick)

    def _new(self, tick: int) -> Slot:
        slot = self._slots.setdefault(tick, {})
        if not self._next or tick < self._next:
            self._set_timer(tick)
        return slot

    def _set_timer(self, tick: int) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._next = tick
        self._timer = self._clock.callLater(max(0.0, tick / TICKS_PER_S - self.seconds()), self._serve)

    def _serve(self) -> None:
        self._timer = None
        now = max(int(self.seconds() * TICKS_PER_S), self._next)  # the timer may be a rounding error early
        due = sorted(tick for tick in self._slots if tick <= now)
        for tick in due:
            slot = self._slots.pop(tick)
            for late in tuple(slot):
                if late not in slot:
                    continue  # somebody who was told has taken it out
                del slot[late]
                try:
                    late.late()
                except Exception:
                    self._log.failure("a deadline failed")
        self._next = 0
        if self._slots:
            self._set_timer(max(now + 1, min(self._slots)))
