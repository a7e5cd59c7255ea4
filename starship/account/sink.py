"""
Where lines go: a file that can be reopened, or a descriptor that somebody gave us, written without being stuck on it.

Part of `account`, floor 4; used by the access log's own thread alone. Knows descriptors; nothing of Endings or queues.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import define, field

FILE_BATCH_BYTES: Final = 256 * 1024
PIPE_BATCH_BYTES: Final = select.PIPE_BUF
"""A pipe that polls as writable takes this much without blocking, whatever the flags of a descriptor we share."""
PATIENCE_MS: Final = 50
"""How long to wait for a blocked pipe before looking whether we were told to give up."""
FILE_MODE: Final = 0o640


@define(eq=False)
class Sink:
    """
    Writes to `path`, or to a copy of the descriptor `fd` where path is None.

    `ill` says why the last write failed, `unopened` why the last reopening did; empty when all is well. `forsaken`
    may be set from outside: nothing waits any longer.
    """

    path: Path | None
    fd: int = 1
    ill: str = field(default="", init=False)
    unopened: str = field(default="", init=False)
    forsaken: bool = field(default=False, init=False)
    batch_bytes: int = field(default=PIPE_BATCH_BYTES, init=False)
    _out: int = field(default=-1, init=False)
    _torn: bool = field(default=False, init=False)

    @property
    def is_open(self) -> bool:
        """Between `open` and `close`."""
        return self._out >= 0

    def open(self) -> None:
        """
        Open, or open anew.

        A named file gets a description of its own, non-blocking, so that a FIFO without a reader fails at once.
        Raises: OSError; what was open before stays so.
        """
        if self.path is None:
            out = os.dup(self.fd)
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            out = os.open(self.path, flags, FILE_MODE)
        regular = stat.S_ISREG(os.fstat(out).st_mode)
        self.batch_bytes = FILE_BATCH_BYTES if regular else PIPE_BATCH_BYTES
        self.close()
        self._out = out

    def reopen(self) -> None:
        """Open anew; on failure the old file goes on and `unopened` says why."""
        try:
            self.open()
        except OSError as error:
            self.unopened = f"it cannot be reopened: {error.strerror}"
        else:
            self.unopened, self._torn = "", False

    def close(self) -> None:
        """Close, if open."""
        out, self._out = self._out, -1
        if out >= 0:
            os.close(out)

    def put(self, lines: Sequence[bytes]) -> int:
        """
        Write whole lines, waiting where the reader is slow.

        Returns: how many got out whole; the rest is lost, and `ill` says why. After a torn line, the next starts
        on a line of its own.
        """
        written = self._pour(b"".join((b"\n", *lines) if self._torn else lines)) - self._torn
        out, whole = 0, 0
        for line in lines:
            if whole + len(line) > written:
                break
            out, whole = out + 1, whole + len(line)
        if written >= 0:
            self._torn = written > whole
        return out

    def _pour(self, data: bytes) -> int:
        written = 0
        while written < len(data) and self._writable():
            try:
                written += os.write(self._out, data[written : written + self.batch_bytes])
                self.ill = ""
            except BlockingIOError:
                continue
            except OSError as error:
                self.ill = f"it cannot be written: {error.strerror}"
                break
        return written

    def _writable(self) -> bool:
        """Wait until the descriptor takes bytes; False once forsaken."""
        poll = select.poll()
        poll.register(self._out, select.POLLOUT)
        while not self.forsaken:
            if poll.poll(PATIENCE_MS):
                return True
        return False
