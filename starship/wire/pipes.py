"""
Pipes for splicing: borrowed by a busy direction, given back when it is idle.

The ground underfoot. os.splice moves bytes between two sockets only through a pipe; one that carries megabytes per
turn is worth its two descriptors, thousands of quiet ones are not.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final

PIPE_BYTES: Final = 1 << 18
"""What a pipe is asked to hold. The kernel's limit for a user's pipes in all may leave it at 64 KiB."""

SPARE: Final = 32
"""Pipes kept open for the next who is busy."""

Pipe = tuple[int, int, int]
"""The end to read from, the end to write to, and the capacity in bytes."""


class Pipes:
    """At most `limit` pipes are lent at a time; whoever gets none goes on copying."""

    def __init__(self, limit: int = 64) -> None:
        self.limit = limit
        self.lent = 0
        self._spare: list[Pipe] = []

    def borrow(self) -> Pipe | None:
        """An empty pipe, or None when there are too many already or descriptors ran out."""
        if self.lent >= self.limit:
            return None
        if self._spare:
            self.lent += 1
            return self._spare.pop()
        try:
            reads, writes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        self.lent += 1
        return reads, writes, _grown(writes)

    def give_back(self, pipe: Pipe, empty: bool) -> None:
        """Return a pipe; one that still holds bytes of a connection that died must never carry another's."""
        self.lent -= 1
        if empty and len(self._spare) < SPARE:
            self._spare.append(pipe)
        else:
            os.close(pipe[0])
            os.close(pipe[1])

    def close(self) -> None:
        """Close those that nobody has borrowed."""
        for reads, writes, _ in self._spare:
            os.close(reads)
            os.close(writes)
        self._spare.clear()


def _grown(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
