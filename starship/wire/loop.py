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
from typing import ClassVar, Final, Protocol

from twisted.logger import Logger

READS: Final = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
EDGES: Final = READS | select.EPOLLOUT
LEVEL: Final = select.EPOLLIN

BATCH: Final = 256
"""Events taken in one turn."""


class Watcher(Protocol):
    """Whom the loop tells of a descriptor."""

    def ready(self, flags: int) -> object:
        """An event, with its epoll flags."""

    def broke(self) -> object:
        """An exception of ours came through `ready`."""


class WireLoop:
    """
    The epoll of one thread.

    `on_work` is called when work comes up between turns, for whoever waits elsewhere and would not look.
    `broken` counts the exceptions of ours that were caught on their way through; each ended one connection.
    """

    _log: ClassVar[Logger] = Logger(namespace="starship.wire.loop.WireLoop")  # said, since it may be compiled

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watchers: list[Watcher | None] = []  # by descriptor: they are small numbers
        self._again: list[Callable[[], object]] = []
        self._soon: list[Callable[[], object]] = []
        self._leaving: list[int] = []
        self._turning = False
        self.on_work: Callable[[], object] | None = None
        self.broken = 0
        self.fileno = self._epoll.fileno

    def watch(self, fd: int, watcher: Watcher, flags: int = EDGES) -> None:
        """Tell `watcher` of each event of this descriptor. Raises OSError."""
        if self._epoll.closed:
            raise OSError(errno.EBADF, "the loop has stopped")
        self._epoll.register(fd, flags)
        watchers = self._watchers
        if fd >= len(watchers):
            watchers += [None] * (fd + 64 - len(watchers))
        watchers[fd] = watcher

    def mind(self, fd: int, flags: int) -> None:
        """Look for other events of a descriptor from here on, and tell of those that are there already."""
        self._epoll.modify(fd, flags)

    def rest(self, fd: int, watcher: Watcher | None, flags: int = LEVEL) -> None:
        """Stop watching a descriptor that stays open; with `watcher`, watch it again."""
        self._epoll.modify(fd, 0 if watcher is None else flags)
        self._watchers[fd] = watcher

    def hand_over(self, fd: int, watcher: Watcher) -> None:
        """Let another be told of a descriptor that is watched already."""
        self._watchers[fd] = watcher

    def watched(self) -> dict[int, Watcher]:
        """Who is told, by descriptor."""
        return {fd: watcher for fd, watcher in enumerate(self._watchers) if watcher is not None}

    def close(self, fd: int) -> None:
        """Close a descriptor, watched or not, once this turn's batch is over. Events still in the batch are dropped."""
        if fd < len(self._watchers):
            self._watchers[fd] = None
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
        watchers = self._watchers
        for fd, flags in events:
            watcher = watchers[fd]
            if watcher is not None:
                try:
                    watcher.ready(flags)
                except Exception:
                    self._broke(watcher)
        if again:
            self._call(again)
        while self._soon:
            soon, self._soon = self._soon, []
            self._call(soon)
        self._turning = False
        if self._leaving:
            leaving, self._leaving = self._leaving, []
            for fd in leaving:
                try:
                    os.close(fd)
                except OSError:
                    self._log.failure("a descriptor could not be closed")

    def _call(self, calls: list[Callable[[], object]]) -> None:
        """Call something of each connection; its exception ends that connection alone."""
        for call in calls:
            try:
                call()
            except Exception:
                self._broke(getattr(call, "__self__", None))

    @property
    def stopped(self) -> bool:
        """Whether it turns no more."""
        return self._epoll.closed

    def stop(self) -> None:
        """Close the epoll. Descriptors that are still watched stay their owners'."""
        self._watchers[:] = [None] * len(self._watchers)
        self._epoll.close()

    def _broke(self, watcher: object) -> None:
        self.broken += 1
        self._log.failure("an event broke its connection")
        end = getattr(watcher, "broke", None)
        if end is not None:
            try:
                end()
            except Exception:
                self._log.failure("a broken connection could not be ended")
