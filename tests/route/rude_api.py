"""An HTTP server on loopback that misbehaves as it is told: raw bytes, at its own pace."""

# mypy: allow-untyped-calls
# (parts of twisted.internet have no annotations)
from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

ANSWER = b'{"app": "A", "host": "a.com", "endpoint": "10.0.0.24"}'
DRIP_S = 0.01

Conduct = Callable[["RudeProtocol"], None]
"""What the server does with a whole request."""


class RudeProtocol(Protocol):
    """One connection. `flood` and `drip` go on until the connection is lost."""

    def __init__(self, server: RudeServer) -> None:
        self.server = server
        self.transport: Any
        self.request = b""
        self.dripping: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.server.connections.add(self)
        self.server.accepted += 1

    def dataReceived(self, data: bytes) -> None:
        self.request += data
        if self.request.endswith(b"\r\n\r\n"):
            self.server.requests.append(self.request)
            self.request = b""
            self.server.conduct(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.dripping is not None and self.dripping.active():
            self.dripping.cancel()
        self.server.lost(self)

    def say(self, data: bytes) -> None:
        self.transport.write(data)

    def drip(self, data: bytes) -> None:
        """One byte after another, for ever."""
        self.transport.write(data[:1])
        self.dripping = self.server.reactor.callLater(DRIP_S, self.drip, data[1:] + data[:1])

    def flood(self, data: bytes) -> None:
        """As fast as it is taken, for ever."""
        self.transport.registerProducer(_Flood(self.transport, data), False)


class _Flood:
    def __init__(self, transport: Any, data: bytes) -> None:
        self.transport, self.data = transport, data

    def resumeProducing(self) -> None:
        self.transport.write(self.data)

    def stopProducing(self) -> None:
        pass


class RudeServer(Factory):
    """Counts what came, and tells when nothing of it is left."""

    noisy = False

    def __init__(self, reactor: Any, conduct: Conduct) -> None:
        self.reactor, self.conduct = reactor, conduct
        self.connections: set[RudeProtocol] = set()
        self.requests: list[bytes] = []
        self.accepted = 0
        self._empty: list[Deferred[None]] = []

    def buildProtocol(self, addr: object) -> RudeProtocol:
        return RudeProtocol(self)

    def lost(self, connection: RudeProtocol) -> None:
        self.connections.discard(connection)
        if not self.connections:
            waiting, self._empty = self._empty, []
            for one in waiting:
                one.callback(None)

    def empty(self) -> Deferred[None]:
        """Fires when no connection is left; TimeoutError when some stay for half a minute."""
        if not self.connections:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._empty.append(waiting)
        return waiting.addTimeout(30.0, self.reactor)


def http(status: str = "200 OK", body: bytes = ANSWER, *headers: str, length: int | None = None) -> bytes:
    """A response. `length` lies about the body."""
    said = len(body) if length is None else length
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {said}", *headers])
    return head.encode() + b"\r\n\r\n" + body


def saying(data: bytes, *, close: bool = False) -> Conduct:
    """Say it, and perhaps close."""

    def conduct(connection: RudeProtocol) -> None:
        connection.say(data)
        if close:
            connection.transport.loseConnection()

    return conduct


def chunks_without_end(connection: RudeProtocol) -> None:
    connection.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.flood(b"1\r\n \r\n" * 1000)


def interim_answers_without_end(connection: RudeProtocol) -> None:
    connection.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 200)


def headers_without_end(connection: RudeProtocol) -> None:
    connection.say(b"HTTP/1.1 200 OK\r\n")
    connection.flood(b"X: y\r\n" * 1000)


def one_header_without_end(connection: RudeProtocol) -> None:
    connection.say(b"HTTP/1.1 200 OK\r\nX: ")
    connection.flood(b"y" * 4096)


GZIP_BOMB = http("200 OK", gzip.compress(b" " * 10_000_000), "Content-Encoding: gzip")
DEEP_JSON = http("200 OK", b"[" * 60_000)
TEN_MEGABYTES = http("200 OK", b" " * 10 * 1024 * 1024)
REDIRECT = http("302 Found", b"", "Location: /")
HTML = http("200 OK", b"<html>It works!</html>", "Content-Type: text/html")
