"""
WireLoop: one edge-triggered epoll, and its turn.

The ground underfoot. Knows descriptors and what to call when one is ready; not what a connection is. Whoever waits on
it (WireReactor, or any other reactor through WireGuest) calls `turn`.

Traps this module answers: a descriptor that is closed within a batch may be reused by the next accept of the same
batch, so closing waits until the batch is over; an exception would lose the rest of the batch, since an edge comes
once, so each event is guarded; a connection that can be read for ever would starve the others, so whoever has used
up its budget asks to be called again in the next turn.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from twisted.logger import Logger

EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
LEVEL: Final = select.EPOLLIN

BATCH: Final = 256
"""Events taken in one turn."""

Ready = Callable[[int], object]
"""What is called with the epoll flags of a descriptor."""


class WireLoop:
    """
    The epoll of one thread.

    `on_work` is called when work comes up between turns, for whoever waits elsewhere and would not look.
    `broken` counts the exceptions of ours that were caught on their way through; each ended one connection.
    """

    _log = Logger()

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._again: list[Callable[[], object]] = []
        self._soon: list[Callable[[], object]] = []
        self._leaving: list[int] = []
        self._turning = False
        self.on_work: Callable[[], object] | None = None
        self.broken = 0
        self.fileno = self._epoll.fileno

    def watch(self, fd: int, ready: Ready, flags: int = EDGES) -> None:
        """Call `ready` with the flags of each event of this descriptor. Raises OSError."""
        if self._epoll.closed:
            raise OSError(errno.EBADF, "the loop has stopped")
        self._epoll.register(fd, flags)
        self._ready[fd] = ready

    def rest(self, fd: int, ready: Ready | None, flags: int = LEVEL) -> None:
        """Stop watching a descriptor that stays open; with `ready`, watch it again."""
        if ready is None:
            self._ready.pop(fd, None)
            self._epoll.modify(fd, 0)
        else:
            self._epoll.modify(fd, flags)
            self._ready[fd] = ready

    def hand_over(self, fd: int, ready: Ready) -> None:
        """Let another be called for a descriptor that is watched already."""
        self._ready[fd] = ready

    def close(self, fd: int) -> None:
        """Close a descriptor, watched or not, once this turn's batch is over. Events still in the batch are dropped."""
        self._ready.pop(fd, None)
        if self._turning:
            self._leaving.append(fd)
        else:
            os.close(fd)

    def again(self, call: Callable[[], object]) -> None:
        """Call in the next turn, which then does not wait."""
        self._again.append(call)
        if self.on_work is not None and not self._turning:
            self.on_work()

    def soon(self, call: Callable[[], object]) -> None:
        """Call at the end of this turn, or in the next one if none is under way."""
        if self._turning:
            self._soon.append(call)
        else:
            self.again(call)

    @property
    def busy(self) -> bool:
        """Whether the next turn has something to do without waiting."""
        return bool(self._again)

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds (-1: for ever), and serve what is ready. Raises nothing."""
        if self._epoll.closed:
            return
        events = self._epoll.poll(0 if self._again else timeout, BATCH)
        self._turning = True
        again, self._again = self._again, []  # those who ask from here on have had this turn
        ready = self._ready
        for fd, flags in events:
            call = ready.get(fd)
            if call is not None:
                try:
                    call(flags)
                except Exception:
                    self._broke(call)
        for resumed in again:
            self.guard(resumed)
        while self._soon:
            soon, self._soon = self._soon, []
            for call_now in soon:
                self.guard(call_now)
        self._turning = False
        if self._leaving:
            leaving, self._leaving = self._leaving, []
            for fd in leaving:
                with suppress(OSError):
                    os.close(fd)

    def guard(self, call: Callable[[], object]) -> None:
        """Call something of a connection; its exception ends that connection alone."""
        try:
            call()
        except Exception:
            self._broke(call)

    @property
    def stopped(self) -> bool:
        """Whether it turns no more."""
        return self._epoll.closed

    def stop(self) -> None:
        """Close the epoll. Descriptors that are still watched stay their owners'."""
        self._ready.clear()
        self._epoll.close()

    def _broke(self, call: Callable[..., object]) -> None:
        self.broken += 1
        self._log.failure("an event broke its connection")
        owner = getattr(call, "__self__", None)
        end = getattr(owner, "broke", None)
        if end is not None:
            try:
                end()
            except Exception:
                self._log.failure("a broken connection could not be ended")
