"""The breaker opens after failures in a row, and finds out by one question at a time (F7: well within 5 s)."""

from __future__ import annotations

import pytest
from attrs import define, field
from twisted.internet.task import Clock

from starship.errors import LookupInvalid, LookupRefused, LookupServerError
from starship.names import Hostname
from starship.route.breaker import Breaker, Pass, State
from tests.route.resolvers import A_COM

REFUSED = LookupRefused("refused")


@define(eq=False)
class Guarded:
    clock: Clock = field(factory=Clock)
    told: list[State] = field(factory=list)
    jitter: float = 0.0
    breaker: Breaker = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.breaker = Breaker(
            clock=self.clock,
            failures=3,
            interval=2.0,
            patience=30.0,
            jitter=lambda: self.jitter,
            told=self.told.append,
        )

    def fail(self, times: int = 1, error: LookupRefused | LookupServerError | LookupInvalid = REFUSED) -> None:
        for _ in range(times):
            leave = self.breaker.admit()
            assert leave is not None
            self.breaker.failed(leave, A_COM, error)

    def is_open(self) -> bool:
        return self.breaker.state is not State.CLOSED

    def opened(self) -> float:
        """How long it stays open, by trying."""
        start = self.clock.seconds()
        while self.breaker.retry_in > 0:
            assert self.breaker.admit() is None
            self.clock.advance(0.125)
        return self.clock.seconds() - start


def test_it_opens_after_failures_in_a_row_and_an_answer_in_between_counts_anew() -> None:
    guarded = Guarded()
    guarded.fail(2)
    guarded.breaker.answered()
    guarded.fail(2)
    assert not guarded.is_open()
    guarded.fail()
    assert guarded.is_open()
    assert guarded.breaker.admit() is None
    assert guarded.told == [State.OPEN]


def test_one_question_finds_out_and_its_answer_closes_it() -> None:
    guarded = Guarded()
    guarded.fail(3)
    guarded.clock.advance(0.5)
    assert guarded.breaker.admit() is Pass.PROBE
    assert guarded.breaker.admit() is None
    guarded.breaker.answered()
    assert guarded.breaker.admit() is Pass.PLAIN
    assert guarded.told == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_each_probe_that_fails_opens_it_for_twice_as_long_up_to_the_interval() -> None:
    guarded = Guarded()
    guarded.fail(3)
    lengths = [guarded.opened()]
    for _ in range(4):
        guarded.fail()
        lengths.append(guarded.opened())
    assert lengths == [0.5, 1, 2, 2, 2]
    guarded.fail()
    guarded.opened()
    assert guarded.breaker.admit() is Pass.PROBE
    guarded.breaker.answered()
    guarded.fail(3)
    assert guarded.opened() == 0.5


def test_jitter_makes_it_shorter_and_retry_after_longer_within_our_patience() -> None:
    guarded = Guarded(jitter=1.0)
    guarded.fail(3)
    assert guarded.opened() == 0.375
    guarded.fail(1, LookupServerError("503", retry_after=10))
    assert guarded.opened() == 10
    guarded.fail(1, LookupServerError("503", retry_after=86400))
    assert guarded.opened() == 30


def test_a_probe_that_we_gave_up_lets_the_next_question_find_out() -> None:
    guarded = Guarded()
    guarded.fail(3)
    guarded.clock.advance(0.5)
    leave = guarded.breaker.admit()
    assert leave is Pass.PROBE
    guarded.breaker.gave_up(leave)
    assert guarded.breaker.admit() is Pass.PROBE


def test_what_was_asked_before_it_opened_changes_nothing_by_failing_and_closes_it_by_an_answer() -> None:
    guarded = Guarded()
    guarded.fail(3)
    guarded.breaker.failed(Pass.PLAIN, A_COM, REFUSED)
    assert guarded.breaker.retry_in == 0.5
    guarded.breaker.answered()
    assert not guarded.is_open()


def test_one_tenant_whose_answer_makes_no_sense_does_not_close_the_api_to_the_others() -> None:
    guarded = Guarded()
    guarded.fail(50, LookupInvalid("garbage"))
    assert not guarded.is_open()
    for name in ("b.com", "c.com"):
        leave = guarded.breaker.admit()
        assert leave is not None
        guarded.breaker.failed(leave, Hostname(name), LookupInvalid("garbage"))
    assert guarded.is_open()


@pytest.mark.parametrize("times", [1, 100])
def test_with_no_number_of_failures_it_never_opens(times: int) -> None:
    breaker = Breaker(clock=Clock(), failures=0, interval=2.0)
    for _ in range(times):
        breaker.failed(Pass.PLAIN, A_COM, REFUSED)
    assert breaker.admit() is Pass.PLAIN


def test_a_look_says_whether_one_may_ask_and_takes_no_leave() -> None:
    guarded = Guarded()
    looks = [(guarded.breaker.admits, guarded.breaker.since)]
    guarded.clock.advance(3)
    guarded.fail(3)
    looks.append((guarded.breaker.admits, guarded.breaker.since))
    guarded.clock.advance(0.5)
    looks.append((guarded.breaker.admits, guarded.breaker.since))
    assert guarded.breaker.admit() is Pass.PROBE
    looks.append((guarded.breaker.admits, guarded.breaker.since))
    assert looks == [(True, None), (False, 3), (True, 3), (False, 3.5)]
