"""The demo starts in order, says what fails in words, and stops Starship before its world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock

from starship.errors import StarshipError
from starship.mock.demo import Plan, lines
from starship.mock.play import Outcome
from starship.mock.stage import Stage
from starship.mock.world import World
from tests.fakes import success_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINES = len(lines(Plan(directory=Path("/tmp/demo"))))


class FakeWorld(World):
    """Writes down what is asked of it."""

    def __init__(self, course: list[str]) -> None:
        self.course = course

    def start(self, now: datetime) -> None:
        self.course.append("world starts")

    def stop(self) -> Deferred[list[Any]]:
        self.course.append("world stops")
        return succeed([])


class FakeStarship(Service):
    """Writes down what is asked of it."""

    def __init__(self, course: list[str], trouble: Exception | None = None) -> None:
        self.course = course
        self.trouble = trouble

    def privilegedStartService(self) -> None:
        self.course.append("doors open")
        if self.trouble:
            raise self.trouble

    def startService(self) -> None:
        self.course.append("starship starts")

    def stopService(self) -> Deferred[None]:
        self.course.append("starship stops")
        return succeed(None)


class Played:
    """A stage whose parts are all fakes, and what happened on it."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.course: list[str] = []
        self.said: list[str] = []
        self.ran: list[Sequence[str]] = []
        self.clock = Clock()

        def run(argv: Sequence[str], /) -> Deferred[Outcome]:
            self.ran.append(argv)
            return succeed(Outcome(0, ""))

        def service(plan: Plan) -> IService:
            return cast(IService, FakeStarship(self.course, trouble))

        self.stage = Stage(
            plan=Plan(directory=Path("/tmp/demo")),
            world=FakeWorld(self.course),
            service=service,
            say=self.said.append,
            run=run,
            clock=self.clock,
        )

    def perform(self, *, once: bool) -> bool:
        performing = Deferred.fromCoroutine(self.stage.perform(NOW, once=once))
        self.clock.pump([1] * LINES)
        return success_of(performing)


def test_all_parts_start_and_the_stage_stays_with_its_banner() -> None:
    played = Played()
    assert played.perform(once=False)
    assert played.course == ["world starts", "doors open", "starship starts"]
    assert "Starship demo" in played.said[0]
    assert (played.ran, played.stage.status) == ([], 0)


def test_once_plays_the_lines_and_a_broken_promise_is_an_exit_status() -> None:
    played = Played()
    assert not played.perform(once=True)
    assert len(played.ran) == LINES
    assert played.stage.status == 1
    assert played.said[-1].endswith(f"0 of {LINES} lines as promised")


def test_starship_stops_before_its_world() -> None:
    played = Played()
    played.perform(once=False)
    success_of(Deferred.fromCoroutine(played.stage.stop()))
    assert played.course[-2:] == ["starship stops", "world stops"]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (CannotListenError("127.0.0.1", 8443, OSError("in use")), "127.0.0.1:8443 cannot be listened on: in use"),
        (StarshipError("no such file"), "no such file"),
    ],
)
def test_what_cannot_start_is_said_without_a_traceback(trouble: Exception, said: str) -> None:
    played = Played(trouble)
    assert not played.perform(once=False)
    assert played.stage.status == 1
    assert played.said == [f"starship demo: {said}"]
    success_of(Deferred.fromCoroutine(played.stage.stop()))
    assert played.course[-1] == "world stops"
