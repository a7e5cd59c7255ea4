"""
Long answers of the mock parts, sent as fast as the client reads them and no faster.

Part of `mock`, which knows only the ground. Knows twisted.web's request; holds one block in memory, not the whole.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.protocols.basic import FileSender
from twisted.web.http import Request
from twisted.web.resource import IResource
from twisted.web.server import Site

BLOCK: Final = bytes(range(256)) * 256


class Readable(Protocol):
    """What a stream is read from; empty at the end."""

    def read(self, size: int, /) -> bytes: ...


@define(eq=False)
class Pattern:
    """`length` bytes of a block repeated, between a head and a tail, read as a file is."""

    length: int
    block: bytes = BLOCK
    head: bytes = b""
    tail: bytes = b""
    _at: int = 0

    @property
    def total(self) -> int:
        """Head, pattern and tail together, in bytes."""
        return len(self.head) + self.length + len(self.tail)

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        if self.head:
            taken, self.head = self.head[:size], self.head[size:]
            return taken
        if left := self.length - self._at:
            start = self._at % len(self.block)
            taken = self.block[start : start + min(size, left)]
            self._at += len(taken)
            return taken
        taken, self.tail = self.tail[:size], self.tail[size:]
        return taken


def stream(request: Request, pattern: Pattern) -> None:
    """Send a pattern as the whole body, and finish."""
    request.setHeader(b"content-length", b"%d" % pattern.total)
    pour(request, pattern)


def pour(request: Request, source: Readable) -> None:
    """Send what can be read as the rest of the body, and finish, unless the client leaves first."""
    sending: Any = FileSender().beginFileTransfer(source, request)
    sending.addCallbacks(lambda last: request.finish(), _left)
    request.notifyFinish().addErrback(_left)


def _left(failure: object) -> None:
    """The client is gone before the end: its right."""


class QuietSite(Site):
    """A site that writes no log of its own: what is asked is shown in the words of whoever runs it."""

    noisy = False

    def log(self, request: Request) -> None:
        """Nothing."""


def quiet_site(resource: IResource, clock: IReactorTime) -> Any:
    """A site for a resource, on a clock that is not the global one. A protocol factory to whoever listens."""
    return QuietSite(resource, reactor=clock)
