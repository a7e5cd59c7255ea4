"""
The listening socket: accepts in batches, and waits instead of spinning when descriptors run out.

The ground under accept. Knows sockets and a Factory; who is let in is decided by the Protocol that the Factory makes.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Port, Server
from twisted.logger import Logger

ACCEPT_BATCH: Final = 64
"""Connections taken in one turn of the reactor, so that those already there get their turn too."""

ACCEPT_PAUSE_S: Final = 0.5
"""How long accepting rests when descriptors or memory ran out; the clients wait in the backlog."""

OUT_OF_MEANS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class WaitingPort(Port):
    """
    A stock Port with an accept loop of its own.

    Twisted's own loop accepts and drops clients when descriptors run out; this one leaves them in the kernel's
    backlog and comes back. `paused` counts how often that happened.
    """

    _log = Logger()
    paused = 0
    _resting = False

    def doRead(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                connection, peer = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in OUT_OF_MEANS:
                    self._rest(error)
                    return
                continue  # the client left while it waited (ECONNABORTED and kin): accept(2), "Error handling"
            self._accepting()
            self._take(connection, peer)

    def _take(self, connection: socket.socket, peer: tuple[Any, ...]) -> None:
        address = (IPv6Address if self.addressFamily == socket.AF_INET6 else IPv4Address)("TCP", *peer[:2])
        protocol = self.factory.buildProtocol(address) if self.factory else None
        if protocol is None:
            connection.close()
            return
        self.sessionno += 1
        protocol.makeConnection(Server(connection, protocol, peer, self, self.sessionno, self.reactor))

    def _rest(self, error: OSError) -> None:
        self.paused += 1
        if not self._resting:
            self._resting = True
            self._log.warn("accepting on port {port} rests: {why}", port=self._realPortNumber, why=error.strerror)
        self.reactor.removeReader(self)
        IReactorTime(self.reactor).callLater(ACCEPT_PAUSE_S, self._wake)

    def _wake(self) -> None:
        if self.connected and not self.disconnecting:
            self.reactor.addReader(self)

    def _accepting(self) -> None:
        if self._resting:
            self._resting = False
            self._log.info("accepting on port {port} again", port=self._realPortNumber)
