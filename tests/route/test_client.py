"""The HTTP client is plain: nothing decoded, no cookies; and pooled, with an end (L20)."""

# mypy: allow-untyped-calls
# (treq.testing has no annotations)
from __future__ import annotations

import gzip

from treq.testing import RequestTraversalAgent
from twisted.internet.testing import MemoryReactorClock
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from starship.route.body import read_body
from starship.route.client import PlainAgent, api_client, plain_client
from starship.route.credentials import https_policy
from tests.fakes import success_of


class Api(Resource):
    """Answers as it is told and keeps the headers it saw."""

    isLeaf = True

    def __init__(self, body: bytes = b"{}", **headers: bytes) -> None:
        super().__init__()
        self.body = body
        self.headers = headers
        self.seen: list[Headers] = []

    def render_GET(self, request: Request) -> bytes:
        self.seen.append(request.requestHeaders)
        for name, value in self.headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return self.body


def test_it_is_an_agent() -> None:
    verifyObject(IAgent, PlainAgent(RequestTraversalAgent(Api())))


def test_a_coded_body_comes_as_it_was_sent_L20() -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    api = Api(bomb, content_encoding=b"gzip")
    response = success_of(plain_client(RequestTraversalAgent(api)).get("http://api/", unbuffered=True))
    assert response.headers.getRawHeaders(b"Content-Encoding") == [b"gzip,as-sent"]
    assert success_of(read_body(response, len(bomb))) == bomb
    assert api.seen[0].getRawHeaders(b"Accept-Encoding") == [b"identity"]


def test_cookies_go_neither_way() -> None:
    api = Api(set_cookie=b"tenant=a; Path=/")
    client = plain_client(RequestTraversalAgent(api))
    for _ in range(2):
        response = success_of(client.get("http://api/", cookies={"mine": "1"}))
        assert not response.headers.hasHeader(b"Set-Cookie")
        assert all(cookie.name == "mine" for cookie in response.cookies())
    assert not any(headers.hasHeader(b"Cookie") for headers in api.seen)


def test_a_client_that_never_asked_closes_at_once() -> None:
    client = api_client(
        MemoryReactorClock(), policy=https_policy(), connect_timeout=1.0, answer_limit=100, connections=4
    )
    success_of(client.close())
