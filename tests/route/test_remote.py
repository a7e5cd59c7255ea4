"""RemoteResolver asks once, in one fixed way, within its limits (S4, S8, S11, L20, L21)."""

# mypy: allow-untyped-calls
# (treq.testing has no annotations)
from __future__ import annotations

from typing import Any

import pytest
from treq.testing import RequestTraversalAgent, StubTreq
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface.verify import verifyObject

from starship.errors import LookupBusy, LookupInvalid, LookupRefused, LookupServerError, LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.client import plain_client
from starship.route.remote import RemoteResolver
from starship.words import Ask, Miss, Origin, Route
from tests.fakes import failure_of, success_of
from tests.route.resolvers import ask

ANSWER = b'{"app": "A", "host": "a.com", "endpoint": "10.0.0.24"}'


class Api(Resource):
    """Answers what it is told; keeps what it was asked. Body None: it never answers."""

    isLeaf = True

    def __init__(self, body: bytes | None = ANSWER, status: int = 200, **headers: bytes) -> None:
        super().__init__()
        self.body, self.status, self.headers = body, status, headers
        self.requests: list[Request] = []

    def render(self, request: Request) -> Any:
        self.requests.append(request)
        request.setResponseCode(self.status)
        for name, value in self.headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return NOT_DONE_YET if self.body is None else self.body


class Asked:
    """A RemoteResolver over an API in memory."""

    def __init__(self, api: Api, client: Any = None, **options: Any) -> None:
        self.clock = Clock()
        self.agent = RequestTraversalAgent(api)
        settings: dict[str, Any] = {
            "url": "http://api:8080/v1/hosts?host={host}&by=starship",
            "deadline": 3.0,
            "answer_limit": 1024,
            "concurrency": 2,
            **options,
        }
        self.resolver = RemoteResolver(client=client or plain_client(self.agent), clock=self.clock, **settings)


def test_it_is_a_resolver_that_knows_nothing_by_itself() -> None:
    resolver = Asked(Api()).resolver
    verifyObject(IResolver, resolver)
    assert resolver.peek(ask()) is None


def test_a_name_is_asked_for_and_its_answer_is_a_route_S4() -> None:
    api = Api()
    asked = Asked(api, token=lambda: "s3cret")
    answer = success_of(asked.resolver.resolve(ask()))
    assert isinstance(answer, Route)
    assert answer.origin is Origin.FRESH
    assert str(answer.upstreams[0]) == "10.0.0.24"
    (request,) = api.requests
    assert request.method == b"GET"
    assert request.uri == b"/v1/hosts?host=a.com&by=starship"
    headers = {name: values for name, values in request.requestHeaders.getAllRawHeaders() if name != b"Connection"}
    assert headers == {
        b"Host": [b"api:8080"],
        b"Accept": [b"application/json"],
        b"Accept-Encoding": [b"identity"],
        b"User-Agent": [b"Starship"],
        b"Authorization": [b"Bearer s3cret"],
    }
    assert asked.clock.getDelayedCalls() == []
    assert asked.resolver.in_flight == 0


def test_the_token_is_asked_for_each_time_and_may_be_none() -> None:
    api = Api()
    tokens = iter(["one", None])
    asked = Asked(api, token=lambda: next(tokens))
    for _ in range(2):
        success_of(asked.resolver.resolve(ask()))
    assert [request.getHeader("authorization") for request in api.requests] == ["Bearer one", None]
    assert "one" not in repr(asked.resolver)


def test_a_name_reaches_the_url_percent_encoded_in_its_one_place_L21() -> None:
    api = Api(status=404)
    asked = Asked(api)
    hostile = Ask(name=Hostname("a.com/../?x=1&host=b.com#{host}\r\n"), source="192.0.2.7", door="https")
    success_of(asked.resolver.resolve(hostile))
    assert api.requests[0].args[b"host"] == [b"a.com/../?x=1&host=b.com#{host}\r\n"]
    assert api.requests[0].path == b"/v1/hosts"


def test_a_stub_of_treq_will_do_as_a_client() -> None:
    stub: Any = StubTreq(Api())
    assert isinstance(success_of(Asked(Api(), client=stub).resolver.resolve(ask())), Route)


def test_who_names_nobody_is_not_asked_about() -> None:
    api = Api()
    assert success_of(Asked(api).resolver.resolve(ask(None))) == Miss(origin=Origin.NONE, reason=Reason.NO_NAME)
    assert not api.requests


def test_a_404_is_a_miss_S8() -> None:
    assert success_of(Asked(Api(b"<h1>no</h1>", 404)).resolver.resolve(ask())) == Miss(origin=Origin.FRESH)


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        (Api(b"oops", 500), LookupServerError),
        (Api(b"x" * 2000, 500), LookupServerError),
        (Api(b"", 302, location=b"http://elsewhere/"), LookupRefused),
        (Api(b"", 401), LookupRefused),
        (Api(b"<html>"), LookupInvalid),
        (Api(b'{"endpoint": 5}'), LookupInvalid),
        (Api(b'{"endpoint": "10.0.0.24"}' + b" " * 1024), LookupInvalid),
        (Api(ANSWER, content_encoding=b"gzip"), LookupInvalid),
    ],
)
def test_an_answer_that_is_none_is_a_failed_lookup_S11_L20(api: Api, kind: type[Exception]) -> None:
    asked = Asked(api)
    assert type(failure_of(asked.resolver.resolve(ask()))) is kind
    assert len(api.requests) == 1
    assert asked.clock.getDelayedCalls() == []
    assert asked.resolver.in_flight == 0


def test_a_redirect_is_not_followed_L21() -> None:
    api = Api(b"", 307, location=b"http://api:8080/loop")
    why = failure_of(Asked(api).resolver.resolve(ask()))
    assert "redirect" in str(why)
    assert len(api.requests) == 1


def test_a_busy_api_says_when_to_come_back() -> None:
    why = failure_of(Asked(Api(b"", 503, retry_after=b"7")).resolver.resolve(ask()))
    assert isinstance(why, LookupServerError)
    assert why.retry_after == 7.0


def test_no_answer_within_the_deadline_is_a_timeout_and_not_a_moment_before_S11() -> None:
    asked = Asked(Api(None))
    outcomes: list[object] = []
    asked.resolver.resolve(ask()).addBoth(outcomes.append)
    asked.clock.advance(2.9)
    assert outcomes == []
    asked.clock.advance(0.1)
    (late,) = outcomes
    assert isinstance(late, Failure)
    assert isinstance(late.value, LookupTimeout)
    assert str(late.value) == "no answer from the API within 3 s"
    assert asked.resolver.in_flight == 0
    assert asked.clock.getDelayedCalls() == []


def test_cancelling_is_ordinary() -> None:
    asked = Asked(Api(None))
    question = asked.resolver.resolve(ask())
    question.cancel()
    assert isinstance(failure_of(question), CancelledError)
    assert asked.resolver.in_flight == 0
    assert asked.clock.getDelayedCalls() == []


def test_one_question_too_many_is_not_asked_L22() -> None:
    api = Api(None)
    asked = Asked(api)
    under_way = [asked.resolver.resolve(ask("a.com")), asked.resolver.resolve(ask("b.com"))]
    assert asked.resolver.in_flight == 2
    assert isinstance(failure_of(asked.resolver.resolve(ask("c.com"))), LookupBusy)
    assert len(api.requests) == 2
    under_way[0].cancel()
    failure_of(under_way[0])
    api.body = ANSWER
    assert isinstance(success_of(asked.resolver.resolve(ask())), Route)
    under_way[1].cancel()
    failure_of(under_way[1])


def test_a_failing_api_is_logged_once_and_so_is_its_return_S11() -> None:
    class Moody:
        """A client that fails until told otherwise."""

        failing: Exception | None = ResponseNeverReceived([Failure(ConnectionError())])

        def request(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
            client: Any = StubTreq(Api())
            if self.failing is None:
                return client.request(*args, **kwargs)  # type: ignore[no-any-return]
            failed: Deferred[Any] = Deferred()
            failed.errback(self.failing)
            return failed

    client = Moody()
    asked = Asked(Api(), client=client)
    with capturedLogs() as events:
        for _ in range(3):
            assert isinstance(failure_of(asked.resolver.resolve(ask())), LookupRefused)
        client.failing = None
        for _ in range(2):
            success_of(asked.resolver.resolve(ask()))
    ours = [event for event in events if event["log_namespace"] == "starship.route.remote.RemoteResolver"]
    said = [formatEvent(event).partition(":")[0] for event in ours if event["log_level"] is not LogLevel.debug]
    assert said == ["The lookup API fails", "The lookup API answers again"]
