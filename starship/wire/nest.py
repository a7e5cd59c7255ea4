"""
How a loop finds its turn: inside our reactor, or as a guest of whatever reactor there is.

The ground underfoot. An epoll is itself a descriptor that becomes readable, so it nests in any reactor that can watch
one; that costs a second wait per turn, which is why `twistd starship` installs WireReactor instead.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.wire.loop import WireLoop


@implementer(IReadDescriptor)
class Nest:
    """A loop as a descriptor of another reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._call: IDelayedCall | None = None
        self.loop = WireLoop()
        self.loop.on_work = self._come_soon
        reactor.addReader(self)
        reactor.addSystemEventTrigger("after", "shutdown", self.close)

    def fileno(self) -> int:
        return self.loop.fileno()

    def doRead(self) -> None:
        self.loop.turn(0)
        if self.loop.busy:
            self._come_soon()

    def logPrefix(self) -> str:
        return "wire"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor lets go of its descriptors."""

    def close(self) -> None:
        """Leave the reactor, and close the epoll."""
        if self.loop.stopped:
            return
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()
        self._reactor.removeReader(self)
        self.loop.stop()

    def _come_soon(self) -> None:
        if self._call is None or not self._call.active():
            self._call = self._reactor.callLater(0, self.doRead)


def loop_of(reactor: Any) -> WireLoop:
    """The loop of our own reactor, or a new one nested in another. Raises AttributeError for one that cannot watch."""
    wire = getattr(reactor, "wire", None)
    return wire if isinstance(wire, WireLoop) else Nest(reactor).loop
