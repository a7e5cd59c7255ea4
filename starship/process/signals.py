"""
What signals mean here: SIGUSR1 reopens the access log; a second SIGTERM ends the drain.

Part of process. Twisted's own handler turns the first SIGTERM into a stop; ours is laid around it once the reactor
runs, because Twisted lays its own at that moment.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from attrs import define, field

Handler = Callable[[int, FrameType | None], Any] | int | None


@define(eq=False, kw_only=True)
class Signals:
    """`call` runs a function in the reactor's turn (`callFromThread`), never within the handler."""

    call: Callable[[Callable[[], object]], object]
    reopen: Callable[[], object]
    hurry: Callable[[], object]
    _before: dict[int, Handler] = field(init=False, factory=dict)
    _asked: bool = field(init=False, default=False)

    def install(self) -> None:
        """Lay our handlers. In the main thread, with the reactor running."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda number, frame: self.call(self.reopen))

    def restore(self) -> None:
        """Put back what was there."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self.call(self.hurry)
            return
        before = self._before.get(number)
        if callable(before):  # SIGINT may be ignored, as for a shell's background job
            self._asked = True
            before(number, frame)
