"""
The listening socket: accepts in batches, and waits instead of spinning when descriptors run out.

The ground under accept. Knows sockets and a Factory; who is let in is decided by the Protocol that the Factory makes.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.tcp import Port, Server
from twisted.logger import Logger
from twisted.python.failure import Failure

ACCEPT_BATCH: Final = 64
"""Connections taken in one turn of the reactor, so that those already there get their turn too."""

ACCEPT_PAUSE_S: Final = 0.5
"""How long accepting rests when descriptors or memory ran out; the clients wait in the backlog."""

GONE_AGAIN: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNRESET,
        errno.EPERM,
        errno.EPROTO,
        errno.ENETDOWN,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
    }
)
"""The client left while it waited: errors of one connection, not of the port. Source: accept(2), "Error handling"."""


class WaitingPort(Port):
    """
    A stock Port with an accept loop of its own.

    Twisted's own loop accepts and drops clients when descriptors run out; this one leaves them in the kernel's
    backlog and comes back. `paused` counts how often that happened.
    """

    _log = Logger()
    paused = 0
    _rest: IDelayedCall | None = None
    _short = False  # the last accept failed for want of means

    def doRead(self) -> None:
        for _ in range(ACCEPT_BATCH):
            if self.disconnecting or not self.connected:
                return  # a client of this batch has made us stop
            try:
                connection, peer = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in GONE_AGAIN:
                    continue
                self._wait(error)
                return
            self._take(connection, peer)

    def connectionLost(self, reason: Failure) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.cancel()
        lose: Callable[[Failure], None] = super().connectionLost
        lose(reason)

    def _take(self, connection: socket.socket, peer: tuple[Any, ...]) -> None:
        if self._short:
            self._short = False
            self._log.info("accepting on port {port} again", port=self._realPortNumber)
        address = (IPv6Address if self.addressFamily == socket.AF_INET6 else IPv4Address)("TCP", *peer[:2])
        try:
            protocol = self.factory.buildProtocol(address) if self.factory else None
        except Exception:
            self._log.failure("no protocol could be made for a client of port {port}", port=self._realPortNumber)
            protocol = None
        if protocol is None:
            connection.close()
            return
        self.sessionno += 1
        transport = Server(connection, protocol, peer, self, self.sessionno, self.reactor)
        try:
            protocol.makeConnection(transport)
        except Exception:  # of one client; the port lives on
            self._log.failure("a client of port {port} could not be welcomed", port=self._realPortNumber)
            transport.abortConnection()

    def _wait(self, error: OSError) -> None:
        self.paused += 1
        if not self._short:
            self._short = True
            self._log.warn("accepting on port {port} rests: {why}", port=self._realPortNumber, why=error.strerror)
        self.reactor.removeReader(self)
        self._rest = IReactorTime(self.reactor).callLater(ACCEPT_PAUSE_S, self._wake)

    def _wake(self) -> None:
        self._rest = None
        if not self.disconnecting:
            self.reactor.addReader(self)
