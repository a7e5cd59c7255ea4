"""Lists are looked up ahead: accepted at once, watched, given up; bounded in names and in number."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from starship.admin.site import BODY_LIMIT_BYTES
from starship.admin.warm import KEPT_LIMIT, NAMES_LIMIT, RUNNING_LIMIT, SLICE, WarmPages
from starship.errors import LookupTimeout
from starship.route.warming import Warming
from tests.admin.visiting import Visitor
from tests.route.resolvers import PatientResolver, miss, route

LIST = b"/cache/warm"


class World:
    """The pages over an API that waits."""

    def __init__(self) -> None:
        self.clock, self.api, numbers = Clock(), PatientResolver(), count(1)
        self.pages = WarmPages(
            begin=lambda names: Warming(names=names, asking=self.api.resolve, clock=self.clock, at_once=2),
            clock=self.clock,
            new_id=lambda: str(next(numbers)),
        )
        self.visitor = Visitor(self.pages.places(), clock=self.clock)

    def post(self, *names: Any) -> Any:
        return self.visitor.ask(LIST, b"POST", body={"names": list(names)})

    def show(self, job: bytes = b"1") -> Any:
        return self.visitor.ask(LIST + b"/" + job).json

    def answer(self, outcome: Any = None) -> None:
        question = self.api.questions.pop(0)
        if isinstance(outcome, Exception):
            question.errback(outcome)
        else:
            question.callback(outcome or route())
        self.clock.advance(0)


@pytest.fixture
def world() -> World:
    return World()


def test_a_list_is_accepted_and_its_progress_can_be_watched(world: World) -> None:
    answer = world.post("A.com", "b.com", "a.com", "c.com")
    assert answer.status == 202
    assert {key: answer.json[key] for key in ("id", "state", "total", "done")} == {
        "id": "1",
        "state": "running",
        "total": 3,
        "done": 0,
    }
    assert [ask.name for ask in world.api.asked] == ["a.com", "b.com"]
    world.answer()
    world.answer(miss())
    world.clock.advance(2.5)
    world.answer(LookupTimeout("late"))
    assert world.show() == {
        "id": "1",
        "state": "done",
        "total": 3,
        "done": 3,
        "routes": 1,
        "misses": 1,
        "failed": 1,
        "seconds": 2.5,
    }


def test_a_list_can_be_given_up(world: World) -> None:
    world.post("a.com", "b.com", "c.com")
    world.answer()
    answer = world.visitor.ask(LIST + b"/1", b"DELETE")
    assert (answer.status, answer.json["state"], answer.json["done"]) == (200, "cancelled", 1)
    assert world.api.cancelled == 2
    assert world.visitor.ask(LIST + b"/1", b"DELETE").json["state"] == "cancelled"
    assert world.show()["state"] == "cancelled"


def test_at_the_end_of_the_service_all_are_given_up_and_nothing_stays(world: World) -> None:
    world.post("a.com")
    world.post("b.com")
    world.pages.stop()
    assert [job["state"] for job in world.visitor.ask(LIST).json["jobs"]] == ["cancelled", "cancelled"]
    assert world.api.cancelled == 2
    world.clock.advance(1)
    assert len(world.api.asked) == 2


def test_only_so_many_are_looked_up_at_once(world: World) -> None:
    for _ in range(RUNNING_LIMIT):
        assert world.post("a.com").status == 202
    assert world.post("a.com").status == 429
    world.answer()
    assert world.post("a.com").status == 202


def test_only_the_latest_are_remembered(world: World) -> None:
    for _ in range(KEPT_LIMIT + 5):
        world.post("a.com")
        world.answer()
    jobs = world.visitor.ask(LIST).json["jobs"]
    assert [job["id"] for job in jobs] == [str(number) for number in range(KEPT_LIMIT + 5, 5, -1)]
    assert world.visitor.ask(LIST + b"/1").status == 404


def test_a_list_is_read_in_slices_that_hold_nobody_up(world: World) -> None:
    names = [f"n{number}.com" for number in range(3 * SLICE)]
    transport, channel = world.visitor.open()
    body = json.dumps({"names": names}).encode()
    head = (
        b"POST /cache/warm HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    channel.dataReceived(head % len(body) + body)
    assert transport.value() == b""
    world.clock.advance(0)
    assert transport.value().startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, 'the body is not {"names": ["a.com", ...]}'),
        ({"names": "a.com"}, 'the body is not {"names": ["a.com", ...]}'),
        ({"names": ["a.com"], "x": 1}, 'the body is not {"names": ["a.com", ...]}'),
        ({"names": []}, f"names are not 1 to {NAMES_LIMIT}"),
        ({"names": ["a"] * (NAMES_LIMIT + 1)}, f"names are not 1 to {NAMES_LIMIT}"),
        ({"names": ["a.com", 1]}, "name 2 is not a string"),
        ({"names": ["a.com", "1.2.3.4"]}, "name 2: the name is an address"),
        (b"{", "the body is not JSON"),
    ],
)
def test_what_cannot_be_meant_asks_nobody(world: World, body: Any, why: str) -> None:
    answer = world.visitor.ask(LIST, b"POST", body=body)
    assert (answer.status, answer.json["error"]) == (400, why)
    assert world.api.asked == []


def test_a_list_over_a_mebibyte_is_refused(world: World) -> None:
    assert world.visitor.ask(LIST, b"POST", body=b" " * (BODY_LIMIT_BYTES + 1)).status == 413


def test_a_failure_of_our_own_ends_the_list_and_is_logged(world: World) -> None:
    world.post("a.com", "b.com")
    with capturedLogs() as events:
        world.answer(ZeroDivisionError())
    assert world.show()["state"] == "broken"
    assert [event["log_level"] for event in events if event["log_level"] > LogLevel.info] == [LogLevel.critical]
    assert world.api.cancelled == 1


def test_unknown_lists_are_404(world: World) -> None:
    assert world.visitor.ask(LIST + b"/7").json == {"error": "no such list"}
    assert world.visitor.ask(LIST + b"/7", b"DELETE").status == 404
