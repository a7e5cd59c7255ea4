"""
Wheel: coarse deadlines for thousands of connections.

The ground underfoot. A deadline falls into the slot of its tick, and one timer of the reactor's serves a whole slot.
Setting one costs a list append and cancelling one an assignment, where the reactor's own timers keep a heap in order.
A call comes up to TICK_S late, never early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

TICK_S: Final = 0.1

SWEEP_AT: Final = 8
"""A slot is swept when as many have left it, and they are half of it."""


@implementer(IDelayedCall)
class Spoke:
    """One deadline."""

    __slots__ = ("_arguments", "_call", "_time", "_wheel", "tick")

    def __init__(self, wheel: Wheel, time: float, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._wheel = wheel
        self._time = time
        self._call: Callable[..., object] | None = call
        self._arguments = arguments
        self.tick = 0  # the slot that serves it

    def active(self) -> bool:
        return self._call is not None

    def cancel(self) -> None:
        """Let go of the call and all that it holds."""
        if self._call is not None:
            self._call, self._arguments = None, ()
            self._wheel.let_go(self.tick)

    def getTime(self) -> float:
        return self._time

    def reset(self, secondsFromNow: float) -> None:
        self._move(self._wheel.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self._move(self._time + secondsLater)

    def turn(self, tick: int) -> None:
        """Make the call, unless it was cancelled or moved to another slot."""
        call, arguments = self._call, self._arguments
        if call is not None and self.tick == tick:
            self._call, self._arguments = None, ()
            call(*arguments)

    def _move(self, time: float) -> None:
        self._time = time
        self._wheel.let_go(self.tick)
        self._wheel.place(self, time)


@implementer(IReactorTime)
class Wheel:
    """
    An IReactorTime for deadlines that may be coarse, driven by one that is exact.

    An exception of a call is logged and costs the slot's other calls nothing.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._slots: dict[int, list[Spoke]] = {}
        self._left: dict[int, int] = {}  # how many in a slot are cancelled or moved since it was swept
        self._next = 0  # the tick that the timer is set for; 0: none
        self._timer: IDelayedCall | None = None
        self.seconds = clock.seconds

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kwargs: Any) -> Spoke:  # noqa: A002
        time = self.seconds() + delay
        spoke = Spoke(self, time, callable if not kwargs else lambda *all_args: callable(*all_args, **kwargs), args)
        self.place(spoke, time)
        return spoke

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Those that are still to be made."""
        return [spoke for slot in self._slots.values() for spoke in slot if spoke.active()]

    def place(self, spoke: Spoke, time: float) -> None:
        """Put a spoke into the slot of its time."""
        spoke.tick = tick = int(time / TICK_S) + 1
        slot = self._slots.get(tick)
        if slot is None:
            self._slots[tick] = [spoke]
            if not self._next or tick < self._next:
                self._set_timer(tick)
        else:
            slot.append(spoke)

    def let_go(self, tick: int) -> None:
        """A spoke has left its slot: most connections end long before their deadlines, and must not pile up there."""
        left = self._left[tick] = self._left.get(tick, 0) + 1
        slot = self._slots.get(tick)
        if slot is None:
            del self._left[tick]
        elif left >= SWEEP_AT and left * 2 >= len(slot):
            slot[:] = [spoke for spoke in slot if spoke.active() and spoke.tick == tick]
            del self._left[tick]

    def _set_timer(self, tick: int) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._next = tick
        self._timer = self._clock.callLater(max(0.0, tick * TICK_S - self.seconds()), self._serve)

    def _serve(self) -> None:
        self._timer = None
        now = max(int(self.seconds() / TICK_S), self._next)  # the timer may be a rounding error early
        due = sorted(tick for tick in self._slots if tick <= now)
        for tick in due:
            self._left.pop(tick, None)
            for spoke in self._slots.pop(tick):
                try:
                    spoke.turn(tick)
                except Exception:
                    self._log.failure("a deadline failed")
        self._next = 0
        if self._slots:
            self._set_timer(max(now + 1, min(self._slots)))
