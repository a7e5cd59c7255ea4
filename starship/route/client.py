"""
The HTTP client that asks the API: pooled, bounded, plain (no cookies, no coded bodies, no redirects followed).

Part of `route`: service.py builds one and gives it to `RemoteResolver`. Knows nothing of names or answers.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import define
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from starship.route.connections import ApiEndpoints

IDLE_CONNECTION_S: Final = 60
HEAD_LIMIT_BYTES: Final = 65_536
FRAMING_FACTOR: Final = 8
"""A chunk of one byte is six on the wire; a body within its own limit must not fail for the way it was cut."""


@define(eq=False)
class ApiClient:
    """A treq client and the connections it keeps. `http` is for RemoteResolver; close it when the last asked."""

    http: HTTPClient
    _pool: HTTPConnectionPool

    def close(self) -> Deferred[None]:
        """Drop the idle connections. Fires once they are gone."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        return closed


def api_client(
    reactor: IReactorTime,
    *,
    policy: IPolicyForHTTPS,
    connect_timeout: float,
    answer_limit: int,
    connections: int,
) -> ApiClient:
    """
    Build the client. `reactor` also connects and resolves names; at most `connections` idle ones are kept.

    A GET whose pooled connection died before an answer came is sent again once on a new connection; the pool does
    that by itself (HTTPConnectionPool.retryAutomatically), for no other failure, and never after a cancellation.
    """
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = connections
    pool.cachedConnectionTimeout = IDLE_CONNECTION_S
    endpoints = ApiEndpoints(
        reactor=reactor,
        policy=policy,
        connect_timeout=connect_timeout,
        answer_bytes=HEAD_LIMIT_BYTES + FRAMING_FACTOR * answer_limit,
    )
    agent = Agent.usingEndpointFactory(reactor, endpoints, pool=pool)
    return ApiClient(plain_client(agent), pool)


def plain_client(agent: IAgent, **options: Any) -> HTTPClient:
    """A treq client that sees each answer as it was sent. Tests give it an agent in memory."""
    return HTTPClient(PlainAgent(agent), **options)


@implementer(IAgent)
@define(eq=False)
class PlainAgent:
    """
    Keeps an HTTP client from being clever.

    treq always offers gzip and inflates what comes, before anyone can count it (a 64 KiB bomb is 64 MiB), and keeps
    cookies. Here the offer is withdrawn, a coded body stays coded and marked as such, and cookies go neither way.
    """

    _agent: IAgent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """As the agent inside."""
        plain = Headers() if headers is None else headers.copy()
        plain.setRawHeaders(b"Accept-Encoding", [b"identity"])
        plain.removeHeader(b"Cookie")
        return self._agent.request(method, uri, plain, bodyProducer).addCallback(_as_sent)


def _as_sent(response: IResponse) -> IResponse:
    """Take the cookies off, and end Content-Encoding with a coding that no decoder knows, so that none is applied."""
    response.headers.removeHeader(b"Set-Cookie")
    codings = response.headers.getRawHeaders(b"Content-Encoding", [])
    if any(coding.strip().lower() != b"identity" for coding in codings):
        response.headers.setRawHeaders(b"Content-Encoding", [*codings, b"as-sent"])
    return response
