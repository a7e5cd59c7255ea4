"""
WireTransport: a leg that any Twisted Protocol can stand on.

The ground underfoot. Twisted's names for what a leg does: ITCPTransport with half-close, IPushProducer and IConsumer.
The data path does not pass through here; sniffing does.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import classImplements

from starship.wire.flow import as_socket
from starship.wire.hold import Owner
from starship.wire.leg import CLOSED, WireLeg, _nobody
from starship.words import Address, Stop


class WireTransport(WireLeg):
    """
    What a Protocol that came in is connected to.

    As with Twisted's own transports, a write never fails and never waits: what is not taken at once is kept, and a
    registered producer is asked to pause meanwhile.
    """

    __slots__ = ("_pulled",)

    @property
    def disconnecting(self) -> bool:
        """Whether it was told to close, and still has something to write. As Twisted's transports have it."""
        return self._finish is _nobody

    def write(self, data: bytes) -> None:
        if not self.send(data):
            self._ask_to_pause()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def loseConnection(self, connDone: Failure = CLOSED) -> None:
        self.close()

    def abortConnection(self) -> None:
        self.abort()

    def loseWriteConnection(self) -> None:
        self.end(self._told_shut)

    def getPeer(self) -> IPv4Address | IPv6Address:
        return twisted_address(self.remote)

    def getHost(self) -> IPv4Address | IPv6Address:
        return twisted_address(self.local())

    def getTcpNoDelay(self) -> bool:
        return bool(self._option(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._option(socket.IPPROTO_TCP, socket.TCP_NODELAY, enabled)

    def getTcpKeepAlive(self) -> bool:
        return bool(self._option(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self._option(socket.SOL_SOCKET, socket.SO_KEEPALIVE, enabled)

    # IPushProducer

    def pauseProducing(self) -> None:
        self.pause()

    def resumeProducing(self) -> None:
        self.resume()

    def stopProducing(self) -> None:
        self.close()

    # IConsumer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError("another producer is registered already")
        if self.fd < 0:
            producer.stopProducing()
            return
        self._producer = producer
        self._pulled = not streaming
        if self._pulled:
            self._pull()

    def unregisterProducer(self) -> None:
        self._producer = None

    # Inside

    def tell_end(self, owner: Owner) -> None:
        if IHalfCloseableProtocol.providedBy(owner):
            owner.readConnectionLost()
        else:
            self.close()  # who does not know of half-closed connections has no use for them

    def _ask_to_pause(self) -> None:
        producer = self._producer
        if producer is not None and not self._pulled:
            producer.pauseProducing()
            self.drained(self._pull)

    def _pull(self) -> None:
        """There is room: the producer may go on. One that is pulled is asked each time there is."""
        producer = self._producer
        if producer is not None and self.fd >= 0:
            producer.resumeProducing()
            if self._pulled:
                self.drained(self._pull_later)

    def _pull_later(self) -> None:
        self.ground.loop.again(self._pull)

    def _told_shut(self, how: Stop) -> None:
        if how is Stop.ENDED and IHalfCloseableProtocol.providedBy(self.owner):
            cast(Owner, self.owner).writeConnectionLost()

    def _option(self, level: int, name: int, value: bool | None = None) -> int:
        held = as_socket(self.fd)
        try:
            if value is not None:
                held.setsockopt(level, name, value)
            return held.getsockopt(level, name)
        finally:
            held.detach()


classImplements(WireTransport, ITCPTransport, IConsumer, IPushProducer)


def twisted_address(address: Address) -> IPv4Address | IPv6Address:
    """An address of ours as one of Twisted's."""
    return (IPv6Address if ":" in address.host else IPv4Address)("TCP", address.host, address.port)
