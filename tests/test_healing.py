"""A route that could not be dialled is asked about anew, and what comes of it is told once."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from starship import errors
from starship.healing import Healing, is_hopeful
from starship.names import Hostname
from starship.words import Answer, Ask, Miss, Origin, Route, Upstream
from tests.fakes import FakeResolver

OLD = Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)
NEW = evolve(OLD, upstreams=(Upstream(host="192.0.2.81"),), origin=Origin.FRESH)
WHY = errors.DialRefused("192.0.2.80:443: ECONNREFUSED")


@define(eq=False)
class Scene:
    """A healing with five seconds left, and what it told."""

    clock: Any = field(factory=Clock)
    resolver: FakeResolver = field(factory=FakeResolver)
    told: list[object] = field(factory=list)
    healing: Healing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.healing = Healing(
            resolver=self.resolver,
            clock=self.clock,
            timeout=10.0,
            ask=Ask(Hostname("a.com"), "192.0.2.7", "https"),
            old=OLD,
            why=WHY,
            renewed=self.told.append,
            failed=self.told.append,
            broke=self.told.append,
        )
        self.healing.start(5.0)

    def answers(self, answer: Answer | Exception) -> None:
        if isinstance(answer, Exception):
            self.resolver.renewals[0].errback(answer)
        else:
            self.resolver.renewals[0].callback(answer)


@pytest.mark.parametrize("answer", [NEW, Miss(origin=Origin.FRESH)])
def test_another_answer_is_told_and_its_dial_has_the_time_that_is_left(answer: Answer) -> None:
    scene = Scene()
    assert scene.healing.is_asking
    scene.answers(answer)
    assert scene.told == [answer]
    assert not scene.healing.is_asking
    scene.healing.stop_clock()
    scene.clock.advance(9)
    assert scene.told == [answer]


@pytest.mark.parametrize("answer", [evolve(OLD, origin=Origin.FRESH), errors.LookupTimeout("late")])
def test_the_same_place_or_no_answer_is_the_failure_that_it_was(answer: Answer | Exception) -> None:
    scene = Scene()
    scene.answers(answer)
    assert scene.told == [WHY]


def test_late_is_said_to_be_late_and_what_was_before_that() -> None:
    scene = Scene()
    scene.clock.advance(5.1)
    (why,) = scene.told
    assert isinstance(why, errors.DialTimeout)
    assert str(why) == "not connected within 10 s; before that: 192.0.2.80:443: ECONNREFUSED"


def test_given_up_it_tells_nobody_anything() -> None:
    scene = Scene()
    scene.healing.cancel()
    scene.clock.advance(9)
    assert scene.told == []


def test_what_breaks_on_our_side_is_told_as_that() -> None:
    scene = Scene()
    scene.answers(RuntimeError("ours"))
    (failure,) = scene.told
    assert isinstance(failure, Failure)


@pytest.mark.parametrize(
    ("route", "why", "hopeful"),
    [
        (OLD, WHY, True),
        (evolve(OLD, origin=Origin.STALE), errors.DialReset("a"), True),
        (NEW, WHY, False),
        (evolve(OLD, origin=Origin.STATIC), WHY, False),
        (OLD, errors.DialBroken("EMFILE"), False),
        (OLD, errors.DialForbidden("loopback"), False),
    ],
)
def test_there_is_hope_for_a_remembered_route_whose_upstream_failed(
    route: Route, why: errors.DialFailed, hopeful: bool
) -> None:
    assert is_hopeful(route, why) is hopeful
