"""
Connections to the API: named or numbered, plain or TLS, and bounded in what they may bring.

Part of `route`: `client.py` builds its agent on these endpoints. Knows neither HTTP nor what is asked.
"""

# mypy: allow-untyped-calls
# (twisted.protocols.policies has no annotations)
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import define
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IReactorTime, IStreamClientEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

ATTEMPT_DELAY_S: Final = 0.1
"""From one address of a name to its next. HostnameEndpoint also tells of a refusal only after that."""


@implementer(IAgentEndpointFactory)
@define(eq=False, kw_only=True)
class ApiEndpoints:
    """Where a URL of the API leads. `answer_bytes` bounds all that may come back for one question, head and framing."""

    _reactor: IReactorTime
    _policy: IPolicyForHTTPS
    _connect_timeout: float
    _answer_bytes: int

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Errors: SchemeNotSupported for what is neither http nor https."""
        host = uri.host.decode("ascii")
        endpoint = self._endpoint(host, uri.port)
        if uri.scheme == b"https":
            endpoint = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        elif uri.scheme != b"http":
            raise SchemeNotSupported("the API is asked over http or https")
        return BoundedEndpoint(endpoint, self._answer_bytes)

    def _endpoint(self, host: str, port: int) -> Any:
        """An address needs no resolving, which would take a thread, and learns of a refusal at once."""
        if isIPAddress(host):
            return TCP4ClientEndpoint(self._reactor, host, port, timeout=self._connect_timeout)
        if isIPv6Address(host):
            return TCP6ClientEndpoint(self._reactor, host, port, timeout=self._connect_timeout)
        return HostnameEndpoint(self._reactor, host, port, timeout=self._connect_timeout, attemptDelay=ATTEMPT_DELAY_S)


@implementer(IStreamClientEndpoint)
@define(eq=False)
class BoundedEndpoint:
    """An endpoint whose connections are BoundedConnections, unseen by who connects."""

    _endpoint: IStreamClientEndpoint
    _limit: int

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """As the endpoint inside."""
        connected: Deferred[Any] = self._endpoint.connect(_BoundedFactory(protocolFactory, self._limit))
        return connected.addCallback(lambda bounded: bounded.wrappedProtocol)


class BoundedConnection(ProtocolWrapper):
    """
    Counts what comes in since we last wrote, and aborts over the limit: Twisted's HTTP client bounds a line, but
    neither the number of header lines nor of interim answers. Closing is aborting: the client closes when it has all it
    wants, and an orderly TLS close would wait, without a limit, for a peer that does not answer.
    """

    def __init__(self, factory: _BoundedFactory, wrapped: IProtocol) -> None:
        super().__init__(factory, wrapped)
        self._limit = factory.limit
        self._received = 0

    def write(self, data: bytes) -> None:
        self._received = 0
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self._received = 0
        super().writeSequence(data)

    def dataReceived(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._limit:
            self.loseConnection()
        else:
            super().dataReceived(data)

    def loseConnection(self) -> None:
        self.disconnecting = 1
        self.abortConnection()


class _BoundedFactory(WrappingFactory[BoundedConnection]):
    protocol = BoundedConnection
    noisy = False

    def __init__(self, wrapped: IProtocolFactory, limit: int) -> None:
        super().__init__(wrapped)
        self.limit = limit
