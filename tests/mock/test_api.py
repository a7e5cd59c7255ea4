"""The mock API: the contract, and each way to break it, as bytes on a connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from starship.mock.api import COUNTED_LIMIT, LookupApi, Question
from starship.mock.faults import Kind, fault
from starship.mock.hosts import entries
from starship.mock.streams import QuietSite
from tests.fakes import turning

HOSTS = entries(
    {
        "a.com": {"app": "A Simple App", "endpoint": "10.0.0.24"},
        "*.b.com": "10.0.0.25",
        "rich.com": {"endpoint": "10.0.0.26", "ttl": 30, "headers": {"Cache-Control": "max-age=5"}},
        "bad.com": {"endpoint": "10.0.0.27", "fault": "status:503"},
    }
)


class Asked:
    """A mock API, and one connection to it in memory."""

    def __init__(self, token: str | None = None) -> None:
        self.clock = Clock()
        self.heard: list[Question] = []
        self.api = LookupApi(lambda: HOSTS, self.clock, token=token, heard=self.heard.append)
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1))
        site = QuietSite(self.api, reactor=self.clock)
        self.channel: Any = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self.channel.makeConnection(self.transport)

    def ask(self, host: str, *headers: str) -> None:
        """Send one question; the connection closes after the answer."""
        head = [f"GET /?host={host} HTTP/1.1", "Host: api", "Connection: close", *headers, "", ""]
        self.channel.dataReceived("\r\n".join(head).encode())

    def answer(self, host: str, *headers: str) -> tuple[int, str, Any]:
        """Status, head and JSON of one question."""
        self.ask(host, *headers)
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), json.loads(body)


def test_a_known_host_is_answered_with_app_host_and_endpoint() -> None:
    """S4."""
    status, head, body = Asked().answer("a.com")
    assert status == 200
    assert "Content-Type: application/json" in head
    assert body == {"app": "A Simple App", "host": "a.com", "endpoint": "10.0.0.24"}


def test_an_unknown_host_is_404_in_json() -> None:
    status, _, body = Asked().answer("nobody.com")
    assert (status, body["error"]) == (404, "no such host")


@pytest.mark.parametrize("host", ["1.2.3.4", "a%00.com", "%ff", "a..com", "%22%3cscript%3e"])
def test_what_is_no_hostname_is_404_too(host: str) -> None:
    asked = Asked()
    assert asked.answer(host)[0] == 404
    assert asked.heard[0].host.isprintable()


def test_no_host_is_400() -> None:
    assert Asked().answer("")[0] == 400


def test_a_wildcard_answers_with_the_name_that_was_asked() -> None:
    assert Asked().answer("X.b.com")[2] == {"app": "*.b.com", "host": "X.b.com", "endpoint": "10.0.0.25"}


def test_fields_and_headers_of_the_hosts_file_are_in_the_answer() -> None:
    _, head, body = Asked().answer("rich.com")
    assert body["ttl"] == 30
    assert "Cache-Control: max-age=5" in head
    assert "headers" not in body


def test_questions_are_counted_by_host_and_told() -> None:
    """S5 is measured with these counts."""
    asked = Asked()
    asked.answer("a.com")
    assert (asked.api.asked["a.com"], asked.api.total) == (1, 1)
    assert [str(question) for question in asked.heard] == ["asked for a.com: 200"]


def test_the_counts_are_bounded() -> None:
    asked = Asked()
    for number in range(COUNTED_LIMIT + 10):
        asked.api._count(str(number))
    assert (len(asked.api.asked), asked.api.total) == (COUNTED_LIMIT, COUNTED_LIMIT + 10)


@pytest.mark.parametrize(
    ("header", "status"),
    [("Authorization: Bearer s3cret", 200), ("Authorization: Bearer other", 401), ("Accept: */*", 401)],
)
def test_a_bearer_token_is_wanted_where_one_is_set(header: str, status: int) -> None:
    assert Asked(token="s3cret").answer("a.com", header)[0] == status


def test_a_host_of_the_file_can_fail_alone() -> None:
    asked = Asked()
    assert asked.answer("bad.com")[0] == 503
    assert str(asked.heard[0]) == "asked for bad.com: status:503"
    assert Asked().answer("a.com")[0] == 200


def failing(text: str, host: str = "a.com") -> Asked:
    asked = Asked()
    asked.api.fault = fault(text)
    asked.ask(host)
    return asked


def test_a_fault_of_the_whole_api_meets_every_host() -> None:
    assert failing("status", "nobody.com").transport.value().startswith(b"HTTP/1.1 500 ")


def test_hang_says_nothing_and_lets_the_client_leave() -> None:
    asked = failing("hang")
    asked.clock.advance(3600)
    assert asked.transport.value() == b""
    asked.channel.connectionLost(Failure(ConnectionLost()))


def test_slow_is_right_but_late() -> None:
    asked = failing("slow:1.5")
    asked.clock.advance(1.4)
    assert asked.transport.value() == b""
    asked.clock.advance(0.2)
    assert b'"endpoint": "10.0.0.24"' in asked.transport.value()


def test_slow_forgets_a_client_that_left() -> None:
    asked = failing("slow:1.5")
    asked.channel.connectionLost(Failure(ConnectionLost()))
    assert not [call for call in asked.clock.getDelayedCalls() if call.getTime() == 1.5]


def test_drip_is_right_byte_by_byte() -> None:
    asked = failing("drip:0.5")
    seen = len(asked.transport.value())
    asked.clock.advance(0.5)
    assert len(asked.transport.value()) == seen + 1
    asked.clock.pump([0.5] * 100)
    assert asked.transport.value().endswith(b"}\n")


def test_drip_stops_when_the_client_leaves() -> None:
    asked = failing("drip:0.5")
    seen = asked.transport.value()
    asked.channel.connectionLost(Failure(ConnectionLost()))
    asked.clock.pump([0.5] * 5)
    assert asked.transport.value() == seen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("html", b"<!doctype html>"),
        ("types", b'"endpoint": 5'),
        ("gzip", b"Content-Encoding: gzip"),
        ("redirect", b"Location: /?host=a.com"),
        ("redirect:307", b"HTTP/1.1 307 "),
    ],
)
def test_an_answer_that_is_no_answer_comes_at_once(text: str, shown: bytes) -> None:
    assert shown in failing(text).transport.value()


def test_cut_promises_more_than_it_sends() -> None:
    asked = failing("cut")
    head, _, body = asked.transport.value().partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].split()[0])
    assert 0 < len(body) < promised
    assert asked.transport.disconnecting


@pytest.fixture
def served() -> Iterator[tuple[LookupApi, str]]:
    loop: Any = reactor
    api = LookupApi(lambda: HOSTS, loop)
    port = loop.listenTCP(0, QuietSite(api), interface="127.0.0.1")
    yield api, f"http://127.0.0.1:{port.getHost().port}/?host=a.com"
    pytest_twisted.blockon(port.stopListening())


@pytest.mark.parametrize(("kind", "length"), [(Kind.HUGE, 10 * 2**20), (Kind.DEEP, 200_000)])
@turning
async def test_long_answers_are_as_long_as_they_say(served: tuple[LookupApi, str], kind: Kind, length: int) -> None:
    api, url = served
    api.fault = fault(kind)
    response = await treq.get(url, persistent=False)
    body = await response.content()
    assert length <= len(body) < length + 200
    if kind is Kind.HUGE:
        assert json.loads(body)["endpoint"] == "10.0.0.24"
