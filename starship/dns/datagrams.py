"""
A socket for one question over UDP: it speaks to one server, and hears that one alone.

Part of `dns`: knows a socket and who watches it, no message and no deadline. Twisted's own UDP port would write two
lines into the log for each question.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.words import Address


@implementer(IReadDescriptor)
@define(eq=False)
class Datagrams:
    """
    `reactor` watches (IReactorFDSet) and keeps time. `heard` gets each datagram, of which `limit` octets are read;
    `broke` is called when the kernel says that the server is not there. Neither is called after `close`.
    """

    _reactor: Any
    _limit: int
    _heard: Callable[[bytes], object]
    _broke: Callable[[], object]
    _socket: socket.socket | None = field(init=False, default=None)

    def send(self, server: Address, datagram: bytes) -> None:
        """Open the socket, and send; at most once. Raises OSError, and is closed then. `server` has no name."""
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self._socket = opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            (*_, place), *_ = socket.getaddrinfo(*server, family, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)
            opened.connect(place)
            opened.send(datagram)
            self._reactor.addReader(self)
        except OSError:
            self._socket = None
            opened.close()
            raise

    def close(self) -> None:
        """Hear no more. May be called again."""
        opened = self._socket
        if opened is not None:
            self._reactor.removeReader(self)
            self._socket = None
            self._reactor.callLater(0, opened.close)  # its number may still be among the events under way

    # What the reactor asks

    def fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """Twisted's name for us in its log."""
        return "dns"

    def doRead(self) -> None:
        """One datagram; the reactor calls again while there are more."""
        opened = self._socket
        if opened is None:
            return
        try:
            datagram = opened.recv(self._limit)
        except (BlockingIOError, InterruptedError):  # the kernel dropped what it had announced: its sum was wrong
            return
        except OSError:
            self.connectionLost()
            return
        self._heard(datagram)

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self._socket is not None:
            self.close()
            self._broke()
