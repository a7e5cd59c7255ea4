"""The admin site bounds whoever asks, lets in whom it should, and finds the page that is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure

from starship.admin.health import HealthPages
from starship.admin.readiness import Readiness
from starship.admin.replies import Place, Reply, Unfit, Visit
from starship.admin.site import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, REQUEST_DEADLINE_S, STRANGER_BODY_LIMIT_BYTES
from starship.admin.token import Doorkeeper
from tests.admin.visiting import Visitor, answer_of, echo, reply

PIECES = (b"GET ", b"/", b"metrics", b" HTTP/1.1", b"\r\n", b"\xff", b"Accept: ", b"%00", b"x" * 99, b"/in/", b"PUT ")
HEALTH = (b"/", b"/metrics", b"/healthz", b"/readyz")
SECRET = Doorkeeper(token=lambda: "s3cret")


def places(page: object = echo) -> dict[bytes, Place]:
    assert callable(page)
    return {
        **HealthPages(CollectorRegistry(), Readiness((lambda: True,), listening=True)).places(),
        b"/in": Place({b"GET": page, b"POST": page}),
        b"/in/": Place({b"GET": page, b"PUT": page, b"DELETE": page}),
        b"/in/exact": Place({b"POST": page}),
    }


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(places())


def test_a_path_that_ends_in_a_slash_takes_one_more_step_and_an_exact_one_comes_first(visitor: Visitor) -> None:
    assert visitor.ask(b"/in").body == b"||0"
    assert visitor.ask(b"/in/a.com?q=1").body == b"a.com|1|0"
    assert visitor.ask(b"/in/%2A.a.com").body == b"*.a.com||0"
    assert visitor.ask(b"/in/exact").status == 405
    assert [visitor.ask(path).status for path in (b"/in/", b"/in/a/b", b"//in", b"/in//a")] == [404] * 4


@pytest.mark.parametrize(
    "path",
    [b"/metrics/", b"//metrics", b"/metrics/x", b"/%6detrics", b"/../etc/passwd", b"/<script>", b"http://a.com/x"],
)
def test_every_other_path_is_404_and_is_not_shown(visitor: Visitor, path: bytes) -> None:
    answer = visitor.ask(path)
    assert (answer.status, answer.body) == (404, b"not found\n")


@pytest.mark.parametrize("path", [*HEALTH, b"/nowhere", b"/in"])
def test_head_has_the_headers_of_get_and_no_body(visitor: Visitor, path: bytes) -> None:
    get, head = visitor.ask(path), visitor.ask(path, b"HEAD")
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.keys() == get.headers.keys()


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"BREW"])
def test_any_other_method_is_405_and_says_which_there_are(visitor: Visitor, method: bytes) -> None:
    answer = visitor.ask(b"/healthz", method)
    assert (answer.status, answer.headers[b"allow"], answer.body) == (405, b"GET, HEAD", b"only GET and HEAD\n")
    answer = visitor.ask(b"/in", method)
    assert (answer.status, answer.headers[b"allow"]) == (405, b"GET, HEAD, POST")


@pytest.mark.parametrize("path", [*HEALTH, b"/nowhere", b"/in"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(visitor: Visitor, path: bytes) -> None:
    headers = visitor.ask(path).headers
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert headers[b"server"] == b"starship"
    assert b"access-control-allow-origin" not in headers


def test_who_has_no_token_sees_health_and_nothing_guarded() -> None:
    visitor = Visitor(places(), SECRET)
    assert [visitor.ask(path).status for path in HEALTH] == [200] * 4
    answer = visitor.ask(b"/in/a.com")
    assert (answer.status, answer.headers[b"www-authenticate"]) == (401, b'Bearer realm="starship"')
    assert visitor.ask(b"/in/a.com", b"GET", b"Authorization: Bearer s3cret").status == 200


def test_a_body_is_json_or_it_is_refused(visitor: Visitor) -> None:
    """A form of another site cannot send this type without asking first."""
    assert visitor.ask(b"/in", b"POST", body={"a": 1}).body == b"||8"
    assert visitor.ask(b"/in", b"POST", b"Content-Type: Application/JSON; charset=utf-8", body={}).status == 200
    for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b"\xff"):
        assert visitor.ask(b"/in", b"POST", b"Content-Type: " + kind, body={}).status == 415


def test_a_query_or_body_that_cannot_be_meant_is_400_with_words(visitor: Visitor) -> None:
    answer = visitor.ask(b"/in?p=1")
    assert (answer.status, answer.json) == (400, {"error": "an unknown parameter; known are q"})


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\n\r\n" + b"x" * 5000,
        b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n",
    ],
)
def test_a_large_body_is_refused_once_and_the_connection_ends(visitor: Visitor, rest: bytes) -> None:
    head = b"POST /in HTTP/1.1\r\nHost: localhost\r\n" + rest.replace(b"%d", b"%d" % (BODY_LIMIT_BYTES + 1))
    answer, transport = visitor.send(head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.replace(b"HTTP/1.1 100 Continue", b"").count(b"HTTP/1.1") == 1
    assert transport.disconnecting


def test_of_who_is_not_let_in_only_a_small_body_is_read_and_none_is_kept() -> None:
    visitor = Visitor(places(), SECRET)
    chunks = b"1000\r\n" + b"x" * STRANGER_BODY_LIMIT_BYTES + b"\r\n"
    head = b"POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert visitor.send(head + chunks + b"0\r\n\r\n")[0].startswith(b"HTTP/1.1 401 ")
    answer, transport = visitor.send(head + chunks + b"1\r\nx\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert transport.disconnecting


def test_a_body_of_a_mebibyte_in_any_cut_is_taken(visitor: Visitor) -> None:
    transport, channel = visitor.open()
    head = b"POST /in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    channel.dataReceived(head % BODY_LIMIT_BYTES)
    for _ in range(16):
        channel.dataReceived(b"x" * (BODY_LIMIT_BYTES // 16))
    assert answer_of(transport.value()).body == b"||%d" % BODY_LIMIT_BYTES


def test_a_long_head_is_refused_and_the_connection_ends(visitor: Visitor) -> None:
    answer, transport = visitor.send(
        b"GET / HTTP/1.1\r\n" + b"X: %b\r\n" % (b"x" * 1000) * (HEAD_LIMIT_BYTES // 1000 + 1)
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert transport.disconnecting


def test_a_request_that_dribbles_is_ended_at_its_deadline(visitor: Visitor) -> None:
    transport, channel = visitor.open()
    for byte in b"GET / HTTP/1.1\r\nX:"[: int(REQUEST_DEADLINE_S) - 1]:
        visitor.clock.advance(1)
        channel.dataReceived(bytes([byte]))
    visitor.clock.advance(REQUEST_DEADLINE_S - visitor.clock.seconds() - 0.01)
    assert not transport.disconnecting
    visitor.clock.advance(0.01)
    assert transport.disconnecting


def test_a_connection_serves_many_requests_each_with_its_deadline(visitor: Visitor) -> None:
    transport, channel = visitor.open()
    for _ in range(5):
        visitor.clock.advance(REQUEST_DEADLINE_S - 1)
        channel.dataReceived(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert transport.value().count(b"200 OK") == 5
    assert not transport.disconnecting
    visitor.clock.advance(REQUEST_DEADLINE_S)
    assert transport.disconnecting


GET = b"GET /in HTTP/1.1\r\nHost: localhost\r\n\r\n"


def waiting() -> tuple[Visitor, list[Deferred[Reply]], list[Deferred[Reply]]]:
    """A site whose page answers later; the questions, and those that were given up."""
    asked: list[Deferred[Reply]] = []
    given_up: list[Deferred[Reply]] = []

    def page(visit: Visit) -> Deferred[Reply]:
        asked.append(Deferred(given_up.append))
        return asked[-1]

    return Visitor(places(page)), asked, given_up


def test_a_page_may_answer_later_and_is_not_ended_by_the_deadline_of_requests() -> None:
    visitor, asked, _ = waiting()
    transport, channel = visitor.open()
    channel.dataReceived(GET)
    visitor.clock.advance(2 * REQUEST_DEADLINE_S)
    assert (transport.value(), transport.disconnecting) == (b"", False)
    asked[0].callback(reply("late"))
    assert answer_of(transport.value()).body == b"late"


def test_who_leaves_gives_the_question_up() -> None:
    visitor, asked, given_up = waiting()
    _, channel = visitor.open()
    channel.dataReceived(GET)
    with capturedLogs() as events:
        channel.connectionLost(Failure(ConnectionDone()))
    assert given_up == asked
    assert not [event for event in events if event["log_level"] >= LogLevel.error]


@pytest.mark.parametrize(("error", "status", "errors"), [(Unfit("no"), 400, 0), (ZeroDivisionError(), 500, 1)])
def test_a_later_failure_is_told_and_only_our_own_is_logged(error: Exception, status: int, errors: int) -> None:
    visitor, asked, _ = waiting()
    transport, channel = visitor.open()
    channel.dataReceived(GET)
    with capturedLogs() as events:
        asked[0].errback(error)
    assert answer_of(transport.value()).status == status
    assert len([event for event in events if event["log_level"] >= LogLevel.error]) == errors


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x00" * 9000,
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /in/\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /in/%ff?%ff=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /in?\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nAccept: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nCookie: \xff=;;=\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx",
        b"POST /in HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx",
    ],
)
def test_no_bytes_make_an_error_of_ours(visitor: Visitor, raw: bytes) -> None:
    with capturedLogs() as events:
        visitor.send(raw)
    assert not [event for event in events if event["log_level"] >= LogLevel.error]


@given(st.lists(st.sampled_from(PIECES)))
def test_no_shuffled_bytes_make_an_error_of_ours(parts: list[bytes]) -> None:
    with capturedLogs() as events:
        Visitor(places()).send(b"".join(parts) + b"\r\nHost: localhost\r\n\r\n")
    assert not [event for event in events if event["log_level"] >= LogLevel.error]


def test_the_site_keeps_no_log_and_no_timer_of_its_own(visitor: Visitor) -> None:
    visitor.site.doStart()
    assert visitor.clock.getDelayedCalls() == []
    visitor.site.doStop()
