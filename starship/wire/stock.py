"""
Legs on Twisted's stock transports.

The ground under accept and dial. A StockLeg knows one ITCPTransport and nothing of names, routes or refusals; the
Protocol that owns the transport tells it what happens there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from typing import Protocol as Structure

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.addresses import address_of
from starship.interfaces import ILeg
from starship.wire.libc import unacknowledged
from starship.wire.transport import WireTransport
from starship.words import Address, Stop

HOLD_LIMIT_BYTES = 32768
"""What a leg keeps of bytes that nobody carries yet, before it stops reading; one read more may come on top."""

HOLD_READ_BYTES = 16384
"""The size of one read while nobody carries."""

CARRY_READ_BYTES = 65536
"""The size of one read while carrying, and the mark at which a transport asks whoever writes to it to pause."""


class Stream(Structure):
    """What a leg uses of Twisted's ITCPTransport, IConsumer and IPushProducer."""

    def getHost(self) -> IAddress: ...
    def write(self, data: bytes) -> object: ...
    def registerProducer(self, producer: Any, streaming: bool) -> object: ...
    def unregisterProducer(self) -> object: ...
    def pauseProducing(self) -> object: ...
    def resumeProducing(self) -> object: ...
    def loseConnection(self) -> object: ...
    def loseWriteConnection(self) -> object: ...
    def abortConnection(self) -> object: ...


@implementer(ILeg, IPushProducer)
class StockLeg:
    """
    One side of a connection on a stock transport.

    It is the streaming producer of its own transport: that is how Twisted says that its buffer is full or empty.
    """

    __slots__ = (
        "_done",
        "_ear",
        "_ended",
        "_finish",
        "_full",
        "_held",
        "_left",
        "_lost",
        "_paused",
        "_shut",
        "_to",
        "_transport",
        "_waiter",
        "dialogue",
        "held",
        "over",
        "received",
        "remote",
        "sent",
    )

    def __init__(self, transport: Stream, remote: Address) -> None:
        self._transport = transport
        self.remote = remote
        self.received = 0
        self.sent = 0
        self.over: Callable[[ILeg, Stop], object] | None = None
        self._held: list[bytes] = []
        self.held = 0
        self.dialogue = False  # Twisted tells of the loss as soon as a write fails: nothing is read after it
        self._to: ILeg | None = None
        self._ear: Callable[[bytes], None] | None = None  # who reads, where nobody carries
        self._left: int | None = None
        self._done: Callable[[Stop], None] | None = None
        self._finish: Callable[[Stop], None] | None = None
        self._waiter: Callable[[], None] | None = None
        self._full = False
        self._paused = False
        self._ended = False  # the peer's end of stream has come
        self._shut = False  # ours has gone
        self._lost = False
        self._read_in(HOLD_READ_BYTES)
        transport.registerProducer(self, True)

    # Told by the Protocol that owns the transport.

    def heard(self, data: bytes) -> None:
        """Bytes arrived."""
        if self._lost:
            return
        self.received += len(data)
        if self._to is not None:
            self._pass(data, self._to)
        elif self._ear is not None:
            self._ear(data)
        else:
            self._keep(data)

    def heard_end(self) -> None:
        """The peer's stream has ended; held bytes still go first."""
        self._ended = True
        self._settle()
        self._close_when_over()

    def shut(self) -> None:
        """Our end of stream has gone to the kernel."""
        self._shut = True
        finish, self._finish = self._finish, None
        self._close_when_over()
        if finish is not None:
            finish(Stop.ENDED)

    def lost(self, reason: Failure) -> None:
        """Nothing is left of the connection."""
        if self._lost:
            return  # aborted: nobody is told
        self._lost = True
        in_order = self._ended and self._shut and reason.check(ConnectionDone) is not None
        finish, self._finish = self._finish, None
        done, self._done = self._done, None
        self._to = self._ear = None
        if finish is not None:
            finish(Stop.LOST)
        if done is not None and not in_order:
            done(Stop.LOST)
        self.resumeProducing()  # whoever waits to write here must learn that there is nothing to wait for
        self._tell_over(Stop.ENDED if in_order else Stop.LOST)

    # ILeg

    def local(self) -> Address:
        """Our own end."""
        return address_of(self._transport.getHost())

    def send(self, data: bytes) -> bool:
        if self._lost:
            return True
        self.sent += len(data)
        self._transport.write(data)
        return not self._full

    def drained(self, resume: Callable[[], None]) -> None:
        if self._full:
            self._waiter = resume
        else:
            resume()

    def pause(self) -> None:
        if not self._paused and not self._ended and not self._lost:
            self._paused = True
            self._transport.pauseProducing()

    def resume(self) -> None:
        # Reading again after the end of stream would only find the end again.
        if self._paused and not self._ended and not self._lost:
            self._paused = False
            self._transport.resumeProducing()

    def later(self) -> None:
        """Twisted reads once in a turn anyway."""

    def end(self, done: Callable[[Stop], None]) -> None:
        if self._lost:
            done(Stop.LOST)
            return
        self._finish = done
        self._transport.unregisterProducer()  # a registered producer keeps Twisted from closing
        self._transport.loseWriteConnection()

    def pending(self) -> int:
        transport = self._transport
        if self._lost or not isinstance(transport, Connection):
            return 0
        handle = transport.getHandle()
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen + unacknowledged(handle.fileno())

    def close(self) -> None:
        if not self._lost:
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def abort(self) -> None:
        self._done = self._finish = self._waiter = None
        self._to = self._ear = None
        self._held.clear()
        self.held = 0
        self._full = False
        if not self._lost:
            self._lost = True
            self._transport.abortConnection()
            self._tell_over(Stop.ENDED)

    def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        if self._lost:
            done(Stop.LOST)
            return
        self._to, self._left, self._done = to, limit, done
        self._ear = None
        self._read_in(CARRY_READ_BYTES)
        self._flow()

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        if self._lost:
            ended(Stop.LOST)
            return
        self._to = None
        self._ear, self._done = heard, ended
        self._read_in(HOLD_READ_BYTES)
        held = self.take()
        if held:
            heard(held)
        if self._ear is heard:
            self._settle()

    def unread(self, data: bytes) -> None:
        self._to = self._ear = self._done = None
        self._read_in(HOLD_READ_BYTES)
        before = self.take()
        if data or before:
            self._keep(data + before)

    @property
    def full(self) -> bool:
        return self._full

    @property
    def dead(self) -> bool:
        return self._lost

    # The owner's own words

    def take(self) -> bytes:
        """All bytes held so far; they are the caller's from here on."""
        data = b"".join(self._held)
        self._held.clear()
        self.held = 0
        self.resume()
        return data

    def begin(self) -> None:
        """Twisted reads by itself."""

    @property
    def ended(self) -> bool:
        """Whether the peer's end of stream has come."""
        return self._ended

    # IPushProducer: what the transport's write buffer asks of whoever fills it

    def pauseProducing(self) -> None:
        self._full = True

    def resumeProducing(self) -> None:
        self._full = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter()

    def stopProducing(self) -> None:
        """The connection is lost: `lost` will say so."""

    # Inside

    def _read_in(self, size: int) -> None:
        if isinstance(self._transport, FileDescriptor):
            self._transport.bufferSize = size

    def _keep(self, data: bytes) -> None:
        self._held.append(data)
        self.held += len(data)
        if self.held >= HOLD_LIMIT_BYTES:
            self.pause()

    def _flow(self) -> None:
        if self._to is None:
            return
        held = self.take()
        if held or self._left == 0:
            self._pass(held, self._to)
        self._settle()

    def _pass(self, data: bytes, to: ILeg) -> None:
        if self._left is not None:
            data, rest = data[: self._left], data[self._left :]
            self._left -= len(data)
            if rest:
                self._keep(rest)
        if data and not to.send(data):
            self.pause()
            to.drained(self._flow)
        if self._left == 0:
            self._to = None
            done, self._done = self._done, None
            if done is not None:
                done(Stop.LIMIT)

    def _settle(self) -> None:
        # `done` stays: it is told, too, when the connection breaks after the peer's end.
        if self._ended and not self._held and (self._to is not None or self._ear is not None):
            self._to = self._ear = None
            if self._done is not None:
                self._done(Stop.ENDED)

    def _close_when_over(self) -> None:
        if self._ended and self._shut and not self._lost:
            self._transport.loseConnection()

    def _tell_over(self, why: Stop) -> None:
        over, self.over = self.over, None
        if over is not None:
            over(self, why)


Leg = StockLeg | WireTransport
"""A leg that a Protocol may own."""


def leg_on(transport: ITransport) -> Leg:
    """The one place that chooses: a transport of the wire is a leg itself, any other is given one."""
    if isinstance(transport, WireTransport):
        return transport
    return StockLeg(cast(Stream, transport), address_of(transport.getPeer()))


@implementer(IHalfCloseableProtocol)
class LegProtocol(Protocol):
    """Tells a leg what happens on its transport."""

    leg: Leg

    def dataReceived(self, data: bytes) -> None:
        self.leg.heard(data)

    def readConnectionLost(self) -> None:
        self.leg.heard_end()

    def writeConnectionLost(self) -> None:
        self.leg.shut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.leg.lost(reason)
