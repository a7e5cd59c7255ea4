"""The connections that are open are listed page by page and closed by hand; never so many at once that clients wait."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs
from twisted.python.failure import Failure

from starship.accept.live import SLICE as LOOKS
from starship.accept.live import WAITING_LIMIT, Crowd
from starship.admin.connections import SLICE, ConnectionPages
from starship.admin.token import Doorkeeper
from starship.inside import Order, Wanted
from starship.reasons import Reason
from starship.words import Origin, Route, Upstream
from tests import fakes
from tests.accept.doors import House, Visit
from tests.admin.visiting import Answer, Visitor

LIST = b"/connections"
CLOSE = b"/connections/close"
JSON = b"Accept: application/json"


class World:
    """The pages over a real crowd at a door among fakes."""

    def __init__(self, app: str = "A") -> None:
        clock = Clock()
        route = Route(app=app, upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)
        self.house = House(
            clock=clock,
            resolver=fakes.FakeResolver(known=route),
            dialer=fakes.FakeDialer(leg=fakes.FakeLeg()),
        )
        self.house.gate.connections = 0
        self.pages = ConnectionPages(crowd=Crowd(lambda: [self.house.factory], clock), clock=clock)
        self.visitor = Visitor(self.pages.places(), clock=clock)

    def joined(self, *names: str) -> list[Visit]:
        visits = [self.house.visit() for _ in names]
        for visit, name in zip(visits, names, strict=True):
            visit.says(name.encode() + b"\n")
        return visits

    def list(self, query: str = "") -> Any:
        return self.visitor.ask(LIST + query.encode(), b"GET", JSON).json

    def close(self, **fields: Any) -> Answer:
        return self.visitor.ask(CLOSE, b"POST", body=fields)


@pytest.fixture
def world() -> World:
    return World()


def hosts(answer: Any) -> list[str]:
    return [row["host"] for row in answer["connections"]]


def messages(events: list[LogEvent]) -> list[str]:
    return [event["log_format"].format(**event) for event in events if "by hand" in event.get("log_format", "")]


def test_each_connection_is_told_for_programs(world: World) -> None:
    (visit,) = world.joined("a.com")
    visit.protocol.leg.send(b"xyz")
    world.house.clock.advance(1.5)
    assert world.list() == {
        "connections": [
            {
                "id": "test-1",
                "state": "carrying",
                "host": "a.com",
                "source": "192.168.1.1",
                "port": 54321,
                "door": "https",
                "app": "A",
                "endpoint": "192.0.2.80:443",
                "age": 1.5,
                "in": 6,
                "out": 3,
            }
        ],
        "meant": 1,
        "next": None,
    }
    assert world.visitor.ask(LIST + b"/test-1").json == world.list()["connections"][0]


def test_each_connection_is_a_line_for_people_and_no_column_is_empty(world: World) -> None:
    world.joined("a.com")
    world.house.visit()
    title, *lines, last = world.visitor.ask(LIST).body.decode().splitlines()
    assert title.split() == ["id", "state", "age", "s", "in", "out", "door", "source", "host", "endpoint", "app"]
    assert [line.split() for line in lines] == [
        ["test-1", "carrying", "0.0", "6", "0", "https", "192.168.1.1:54321", "a.com", "192.0.2.80:443", "A"],
        ["test-2", "sniffing", "0.0", "0", "0", "https", "192.168.1.1:54321", "-", "-", "-"],
    ]
    assert last == "2 of 2 connections"


def test_what_an_api_said_moves_no_cursor() -> None:
    world = World(app="\x1b[2J\r\nevil")
    world.joined("a.com")
    assert b"\\x1b[2J\\r\\nevil" in world.visitor.ask(LIST).body
    assert world.list()["connections"][0]["app"] == "\x1b[2J\r\nevil"


def test_nobody_inside_is_an_empty_list(world: World) -> None:
    assert world.list() == {"connections": [], "meant": 0, "next": None}
    assert world.visitor.ask(LIST).body.endswith(b"\n0 of 0 connections\n")


def test_a_list_goes_on_after_each_page(world: World) -> None:
    world.joined("a.com", "b.com", "c.com")
    first = world.list("?limit=2")
    assert (hosts(first), first["meant"]) == (["a.com", "b.com"], 3)
    assert b"2 of 3 connections; for more: after=0.2\n" in world.visitor.ask(LIST + b"?limit=2").body
    rest = world.list(f"?limit=2&after={first['next']}")
    assert (hosts(rest), rest["next"]) == (["c.com"], None)


def test_a_list_may_be_of_some_and_by_bytes(world: World) -> None:
    visits = world.joined("a.com", "www.a.com", "b.com")
    visits[1].protocol.leg.send(b"x" * 100)
    assert hosts(world.list("?host=*.a.com")) == ["www.a.com"]
    assert hosts(world.list("?host=a.com&source=192.168.0.0/16&app=A&endpoint=192.0.2.80")) == ["a.com"]
    assert hosts(world.list("?sort=bytes")) == ["www.a.com", "a.com", "b.com"]
    assert hosts(world.list("?app=B")) == []


def test_a_long_page_is_written_in_slices_and_whole(world: World) -> None:
    world.joined(*["a.com"] * (2 * SLICE + 1))
    assert len(hosts(world.list("?limit=1000"))) == 2 * SLICE + 1


def test_one_is_closed_by_its_id_and_no_other(world: World) -> None:
    world.joined("a.com", "a.com")
    with capturedLogs() as events:
        assert world.visitor.ask(LIST + b"/test-2", b"DELETE").json == {"closed": 1}
    assert [join.cancelled for join in world.house.joins] == [0, 1]
    assert world.house.ending.reason is Reason.CLOSED
    assert messages(list(events)) == ["1 connections were closed by hand (id test-2)"]


def test_many_are_closed_by_what_is_said_of_them(world: World) -> None:
    world.joined("a.com", "a.com", "b.com")
    assert world.close(host="a.com").json == {"closed": 2}
    assert world.close(host="a.com").json == {"closed": 0}
    assert world.close(app="A", endpoint="192.0.2.80:443", source="192.168.1.1").json == {"closed": 1}
    assert [join.cancelled for join in world.house.joins] == [1, 1, 1]


def test_who_is_not_there_is_a_404(world: World) -> None:
    for method in (b"GET", b"DELETE"):
        answer = world.visitor.ask(LIST + b"/test-9", method)
        assert (answer.status, answer.json) == (404, {"error": "no such connection is open"})


@pytest.mark.parametrize("body", [{}, {"all": "1"}, {"host": 7}, {"host": "a.com", "x": "1"}, [], b"{"])
def test_closing_needs_words_for_who_is_meant(world: World, body: Any) -> None:
    world.joined("a.com")
    assert world.visitor.ask(CLOSE, b"POST", body=body).status == 400
    assert world.house.ledger.endings == []


@pytest.mark.parametrize("query", ["?x=1", "?host=", "?sort=name", "?after=x", "?limit=0", "?source=x", "?endpoint=x"])
def test_what_cannot_be_meant_is_a_400(world: World, query: str) -> None:
    assert world.visitor.ask(LIST + query.encode()).status == 400


def test_names_are_for_operators_and_a_form_of_another_site_closes_nobody(world: World) -> None:
    world.visitor.site = Visitor(world.pages.places(), Doorkeeper(token=lambda: "s3cret"), world.house.clock).site
    world.joined("a.com")
    for path, method in ((LIST, b"GET"), (LIST + b"/test-1", b"GET"), (LIST + b"/test-1", b"DELETE"), (CLOSE, b"POST")):
        assert world.visitor.ask(path, method).status == 401
    token = b"Authorization: Bearer s3cret"
    assert world.visitor.ask(LIST, b"GET", token).status == 200
    answer = world.visitor.ask(CLOSE, b"POST", token, b"Content-Type: text/plain", body={"host": "a.com"})
    assert answer.status == 415
    assert world.house.ledger.endings == []


def test_while_many_look_already_no_other_look_is_begun(world: World) -> None:
    world.joined(*["a.com"] * (LOOKS + 1))
    looks = [world.pages.crowd.page(Wanted(), Order.AGE, None, 1) for _ in range(WAITING_LIMIT + 1)]
    for path, method in ((LIST, b"GET"), (LIST + b"/test-1", b"GET"), (LIST + b"/test-1", b"DELETE")):
        transport, channel = world.visitor.open()
        channel.dataReceived(method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 429 ")
    for look in looks:
        look.cancel()
        look.addErrback(lambda failure: None)
    assert world.close(host="a.com").json == {"closed": LOOKS + 1}


def test_who_leaves_while_many_are_closed_leaves_the_rest_and_the_log_says_so(world: World) -> None:
    world.joined(*["a.com"] * LOOKS)
    transport, channel = world.visitor.open()
    body = b'{"host": "a.com"}'
    head = b"POST /connections/close HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with capturedLogs() as events:
        channel.dataReceived(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert transport.value() == b""
        channel.connectionLost(Failure(ConnectionDone()))
        world.house.clock.advance(1)
    assert 0 < len(world.house.ledger.endings) < LOOKS
    assert messages(list(events)) == ["closing connections by hand was given up (host a.com)"]
