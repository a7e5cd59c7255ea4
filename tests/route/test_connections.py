"""Connections to the API bring so much and no more, and close at once (L20)."""

# mypy: allow-untyped-calls
# (twisted.internet.testing has no annotations)
from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.web.client import URI, BrowserLikePolicyForHTTPS
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.route.connections import ApiEndpoints, BoundedConnection, BoundedEndpoint
from tests.fakes import success_of


class Reader(Protocol):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.data = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.lost = reason


class Transport(StringTransportWithDisconnection):
    """Tells an abort from a close."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        super().loseConnection()


@implementer(IStreamClientEndpoint)
class Inside:
    """Connects at once, without a transport."""

    def __init__(self) -> None:
        self.connected: list[IProtocol | None] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        protocol = protocolFactory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 80))
        assert protocol is not None
        self.connected.append(protocol)
        return succeed(protocol)


def connected(limit: int) -> tuple[Reader, Transport, BoundedConnection]:
    """A Reader behind the factory that a BoundedEndpoint hands to the endpoint inside."""
    inside = Inside()
    BoundedEndpoint(inside, limit).connect(Factory.forProtocol(Reader))
    bounded = inside.connected[0]
    assert isinstance(bounded, BoundedConnection)
    transport = Transport()
    transport.protocol = bounded
    bounded.makeConnection(transport)
    reader = bounded.wrappedProtocol
    assert isinstance(reader, Reader)
    return reader, transport, bounded


def test_over_the_limit_the_connection_is_aborted_L20() -> None:
    reader, transport, bounded = connected(4)
    bounded.dataReceived(b"ab")
    bounded.dataReceived(b"cd")
    assert reader.data == b"abcd"
    bounded.dataReceived(b"e")
    assert reader.data == b"abcd"
    assert transport.aborted
    assert reader.lost is not None


def test_each_question_has_its_own_limit() -> None:
    reader, transport, bounded = connected(4)
    bounded.dataReceived(b"abcd")
    bounded.write(b"GET")
    bounded.dataReceived(b"efgh")
    bounded.writeSequence([b"G", b"ET"])
    bounded.dataReceived(b"ijkl")
    assert reader.data == b"abcdefghijkl"
    assert transport.value() == b"GETGET"
    assert not transport.aborted


def test_closing_waits_for_nobody() -> None:
    reader, transport, bounded = connected(4)
    bounded.loseConnection()
    assert transport.aborted
    assert reader.lost is not None


def test_an_endpoint_is_made_for_http_and_https_and_nothing_else() -> None:
    reactor = MemoryReactorClock()
    endpoints = ApiEndpoints(reactor=reactor, policy=BrowserLikePolicyForHTTPS(), connect_timeout=1.0, answer_bytes=100)
    verifyObject(IAgentEndpointFactory, endpoints)
    for url in (b"http://127.0.0.1:8080/", b"https://api.example/", b"http://[::1]/"):
        assert isinstance(endpoints.endpointForURI(URI.fromBytes(url)), BoundedEndpoint)
    with pytest.raises(SchemeNotSupported):
        endpoints.endpointForURI(URI.fromBytes(b"ftp://api.example/", defaultPort=21))


def test_who_connects_sees_its_own_protocol() -> None:
    assert isinstance(success_of(BoundedEndpoint(Inside(), 4).connect(Factory.forProtocol(Reader))), Reader)
