"""The service stops without cutting anyone who leaves in time."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starship.process.drain import FAREWELL_S, LOOK_EVERY_S, Drain

LAME_DUCK_S = 5.0
TIMEOUT_S = 30.0


@define(eq=False)
class Inn:
    """Guests, doors, and a drain that empties it."""

    inside: int = 1
    stubborn: bool = False
    lame_duck: float = LAME_DUCK_S
    clock: Clock = field(factory=Clock)
    told: list[tuple[str, float]] = field(factory=list)
    drain: Drain = field(init=False)
    done: Deferred[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.drain = Drain(
            clock=self.clock,
            lame_duck=self.lame_duck,
            timeout=TIMEOUT_S,
            inside=lambda: self.inside,
            close_doors=lambda: self.told.append(("closed", self.clock.seconds())),
            end_all=self.end_all,
        )

    def start(self) -> Inn:
        self.done = self.drain.start()
        return self

    def end_all(self) -> None:
        self.told.append(("ended", self.clock.seconds()))
        if not self.stubborn:
            self.inside = 0

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.told]

    def pass_time(self, seconds: float) -> None:
        """In steps as a reactor takes them."""
        self.clock.pump([LOOK_EVERY_S] * round(seconds / LOOK_EVERY_S))

    @property
    def is_over(self) -> bool:
        return self.done.called and not self.clock.getDelayedCalls()


def test_the_doors_stay_open_as_long_as_the_duck_is_lame() -> None:
    inn = Inn().start()
    inn.clock.advance(LAME_DUCK_S - 0.01)
    assert not inn.told
    inn.clock.advance(0.01)
    assert inn.told == [("closed", LAME_DUCK_S)]


def test_an_empty_house_is_a_lame_duck_all_the_same_because_the_balancer_must_notice() -> None:
    inn = Inn(inside=0).start()
    assert not inn.done.called
    inn.clock.advance(LAME_DUCK_S)
    assert inn.steps == ["closed"]
    assert inn.is_over


def test_without_a_lame_duck_the_doors_close_at_once() -> None:
    inn = Inn(lame_duck=0).start()
    assert inn.told == [("closed", 0)]


def test_the_drain_is_over_when_the_last_guest_leaves_and_nobody_is_ended() -> None:
    inn = Inn(lame_duck=0).start()
    inn.pass_time(10)
    assert not inn.done.called
    inn.inside = 0
    inn.pass_time(LOOK_EVERY_S)
    assert inn.steps == ["closed"]
    assert inn.is_over


def test_who_is_still_inside_at_the_timeout_is_ended() -> None:
    inn = Inn(lame_duck=0).start()
    inn.pass_time(TIMEOUT_S - 1)
    assert inn.steps == ["closed"]
    inn.pass_time(1 + 2 * LOOK_EVERY_S)
    assert inn.steps == ["closed", "ended"]
    assert TIMEOUT_S <= inn.told[1][1] <= TIMEOUT_S + 2 * LOOK_EVERY_S
    assert inn.is_over


def test_who_was_ended_has_time_to_go_and_no_more_than_that() -> None:
    inn = Inn(lame_duck=0, stubborn=True).start()
    inn.pass_time(TIMEOUT_S + FAREWELL_S - 1)
    assert inn.steps == ["closed", "ended"]
    assert not inn.done.called
    inn.pass_time(1 + 4 * LOOK_EVERY_S)
    assert inn.is_over
    assert inn.steps == ["closed", "ended"]


def test_hurry_skips_the_lame_duck_and_all_that_follows() -> None:
    inn = Inn(stubborn=True).start()
    inn.drain.hurry()
    assert inn.told == [("closed", 0), ("ended", 0)]
    assert inn.is_over


def test_hurry_ends_those_that_are_waited_for() -> None:
    inn = Inn(lame_duck=0, stubborn=True).start()
    inn.pass_time(1)
    inn.drain.hurry()
    assert inn.steps == ["closed", "ended"]
    assert inn.is_over


def test_hurry_cuts_the_farewell_short() -> None:
    inn = Inn(lame_duck=0, stubborn=True).start()
    inn.pass_time(TIMEOUT_S + 1)
    assert not inn.done.called
    inn.drain.hurry()
    assert inn.steps == ["closed", "ended"]
    assert inn.is_over


def test_hurry_before_the_start_is_remembered() -> None:
    inn = Inn(stubborn=True)
    inn.drain.hurry()
    assert not inn.told
    inn.start()
    assert inn.steps == ["closed", "ended"]
    assert inn.is_over


def test_hurry_after_the_end_changes_nothing() -> None:
    inn = Inn(lame_duck=0).start()
    inn.drain.hurry()
    inn.drain.hurry()
    assert inn.steps == ["closed", "ended"]
    assert inn.is_over
