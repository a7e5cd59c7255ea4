"""The admin site shows, changes nothing, and bounds whoever asks."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs
from twisted.web.server import Site

from starship.account.ledger import Ledger
from starship.account.metrics import register
from starship.account.sources import Sources
from starship.admin.readiness import Readiness
from starship.admin.site import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, REQUEST_DEADLINE_S, make_site

PIECES = (b"GET ", b"/", b"metrics", b" HTTP/1.1", b"\r\n", b"\xff", b"Accept: ", b"%00", b"x" * 99)
PAGES = (b"/", b"/metrics", b"/healthz", b"/readyz")


@define(eq=False)
class Visit:
    """A connection to a site."""

    site: Site
    clock: Clock
    readiness: Readiness

    def open(self) -> tuple[StringTransport, IProtocol]:
        transport = StringTransport()
        channel = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        channel.makeConnection(transport)
        return transport, channel

    def send(self, raw: bytes) -> tuple[bytes, StringTransport]:
        transport, channel = self.open()
        channel.dataReceived(raw)
        return transport.value(), transport

    def ask(self, path: bytes, method: bytes = b"GET", *headers: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers by their lower-case names, body."""
        head = b"\r\n".join((method + b" " + path + b" HTTP/1.1", b"Host: whatever", *headers))
        answer, _ = self.send(head + b"\r\n\r\n")
        first, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = first.split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines)
        return int(status.split()[1]), {name.lower(): value for name, value in fields.items()}, body


@pytest.fixture
def visit() -> Visit:
    registry, clock = CollectorRegistry(), Clock()
    register(registry, Sources(ledger=Ledger(doors=("https",))))
    readiness = Readiness((lambda: True,), listening=True)
    return Visit(make_site(registry, readiness, clock), clock, readiness)


def test_metrics_are_in_the_text_format_of_prometheus(visit: Visit) -> None:
    status, headers, body = visit.ask(b"/metrics")
    assert (status, headers[b"content-type"]) == (200, b"text/plain; version=0.0.4; charset=utf-8")
    names = {family.name for family in parse(body.decode())}
    assert {"starship_build_info", "starship_connections", "process_open_fds"} <= names


def test_metrics_are_in_openmetrics_for_those_who_accept_it(visit: Visit) -> None:
    accept = b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    _, headers, body = visit.ask(b"/metrics", b"GET", accept)
    assert headers[b"content-type"].startswith(b"application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert "starship_build_info" in {family.name for family in parse_openmetrics(body.decode())}


@pytest.mark.parametrize(
    "accept",
    [b"application/openmetrics-text; version=\xff9.9.9.9", b"application/openmetrics-text;version=", b"*/*;" * 500],
)
def test_no_accept_header_breaks_the_metrics(visit: Visit, accept: bytes) -> None:
    status, headers, _ = visit.ask(b"/metrics", b"GET", b"Accept: " + accept)
    assert status == 200
    assert b"9.9" not in headers[b"content-type"]


def test_health_is_that_the_process_answers(visit: Visit) -> None:
    visit.readiness.draining = True
    assert visit.ask(b"/healthz")[::2] == (200, b"ok\n")


def test_ready_is_200(visit: Visit) -> None:
    assert visit.ask(b"/readyz")[::2] == (200, b"ready\n")


def test_not_ready_is_503_and_says_why(visit: Visit) -> None:
    visit.readiness.listening = False
    assert visit.ask(b"/readyz")[::2] == (503, b"starting\nthe listeners are not bound yet\n")


def test_draining_is_503_for_as_long_as_it_lasts(visit: Visit) -> None:
    visit.readiness.draining = True
    status, headers, body = visit.ask(b"/readyz", b"GET", b"Accept: application/json")
    assert (status, headers[b"content-type"]) == (503, b"application/json")
    assert json.loads(body) == {"ready": False, "state": "draining", "reasons": ["the service is draining"]}


def test_the_index_links_every_page_and_loads_nothing_from_elsewhere(visit: Visit) -> None:
    status, headers, body = visit.ask(b"/")
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert set(re.findall(rb'href="([^"]+)"', body)) == set(PAGES) - {b"/"}
    assert b"http" not in body
    (style,) = re.findall(rb"<style>(.*?)</style>", body, re.DOTALL)
    assert b"'sha256-%b'" % b64encode(sha256(style).digest()) in headers[b"content-security-policy"]


@pytest.mark.parametrize("path", [*PAGES, b"/nowhere"])
def test_head_has_the_headers_of_get_and_no_body(visit: Visit, path: bytes) -> None:
    status, headers, body = visit.ask(path, b"GET")
    asked_head = visit.ask(path, b"HEAD")
    assert (asked_head[0], asked_head[2]) == (status, b"")
    assert asked_head[1].keys() == headers.keys()
    if path != b"/metrics":  # whose process figures move
        assert asked_head[1][b"content-length"] == b"%d" % len(body)


@pytest.mark.parametrize("path", [*PAGES, b"/nowhere"])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"BREW"])
def test_any_other_method_is_405(visit: Visit, method: bytes, path: bytes) -> None:
    status, headers, body = visit.ask(path, method)
    assert (status, headers[b"allow"], body) == (405, b"GET, HEAD", b"only GET and HEAD\n")


@pytest.mark.parametrize(
    "path",
    [b"/metrics/", b"//metrics", b"/metrics/x", b"/%6detrics", b"/../etc/passwd", b"/<script>", b"http://a.com/x"],
)
def test_every_other_path_is_404_and_is_not_shown(visit: Visit, path: bytes) -> None:
    status, _, body = visit.ask(path)
    assert (status, body) == (404, b"not found\n")


def test_a_query_changes_nothing(visit: Visit) -> None:
    assert visit.ask(b"/healthz?verbose=<b>")[::2] == (200, b"ok\n")


@pytest.mark.parametrize("path", [*PAGES, b"/nowhere"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(visit: Visit, path: bytes) -> None:
    _, headers, _ = visit.ask(path)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert headers[b"server"] == b"starship"


def test_a_small_body_is_thrown_away(visit: Visit) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    answer, transport = visit.send(b"POST / HTTP/1.1\r\n" + form + b"Content-Length: 3\r\n\r\na=b")
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert not transport.disconnecting


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1),
        b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1) + b"x" * (BODY_LIMIT_BYTES + 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n" + b"1\r\nx\r\n0\r\n\r\n",
    ],
)
def test_a_large_body_is_refused_once_and_the_connection_ends(visit: Visit, rest: bytes) -> None:
    answer, transport = visit.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + rest)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert transport.disconnecting


def test_a_long_head_is_refused_and_the_connection_ends(visit: Visit) -> None:
    answer, transport = visit.send(
        b"GET / HTTP/1.1\r\n" + b"X: %b\r\n" % (b"x" * 1000) * (HEAD_LIMIT_BYTES // 1000 + 1)
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert transport.disconnecting


def test_a_request_that_dribbles_is_ended_at_its_deadline(visit: Visit) -> None:
    transport, channel = visit.open()
    for byte in b"GET / HTTP/1.1\r\nX:"[: int(REQUEST_DEADLINE_S) - 1]:
        visit.clock.advance(1)
        channel.dataReceived(bytes([byte]))
    visit.clock.advance(REQUEST_DEADLINE_S - visit.clock.seconds() - 0.01)
    assert not transport.disconnecting
    visit.clock.advance(0.01)
    assert transport.disconnecting


def test_a_connection_serves_many_requests_each_with_its_deadline(visit: Visit) -> None:
    transport, channel = visit.open()
    for _ in range(5):
        visit.clock.advance(REQUEST_DEADLINE_S - 1)
        channel.dataReceived(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert transport.value().count(b"200 OK") == 5
    assert not transport.disconnecting
    visit.clock.advance(REQUEST_DEADLINE_S)
    assert transport.disconnecting


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x00" * 9000,
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nAccept: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nCookie: \xff=;;=\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx",
    ],
)
def test_no_bytes_make_an_error_of_ours(visit: Visit, raw: bytes) -> None:
    with capturedLogs() as events:
        visit.send(raw)
    assert not [event for event in events if event["log_level"] >= LogLevel.error]


@given(st.lists(st.sampled_from(PIECES)))
def test_no_shuffled_bytes_make_an_error_of_ours(parts: list[bytes]) -> None:
    site = make_site(CollectorRegistry(), Readiness((), listening=True), Clock())
    visit = Visit(site, Clock(), Readiness(()))
    with capturedLogs() as events:
        visit.send(b"".join(parts) + b"\r\n\r\n")
    assert not [event for event in events if event["log_level"] >= LogLevel.error]


def test_the_site_keeps_no_log_and_no_timer_of_its_own(visit: Visit) -> None:
    visit.site.doStart()
    assert visit.clock.getDelayedCalls() == []
    visit.site.doStop()
