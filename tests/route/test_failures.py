"""A failed lookup is remembered for a short time of its own, growing with repeated failure (M7)."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.errors import LookupServerError, LookupTimeout
from starship.names import Hostname
from starship.route.failures import Failures
from tests.route.resolvers import A_COM

LATE = LookupTimeout("late")


def length(failures: Failures, clock: Clock) -> float:
    """How long the failure just noted is remembered, by trying it out in eighths of a second."""
    start = clock.seconds()
    while failures.of(A_COM) is not None:
        clock.advance(0.125)
    return clock.seconds() - start


def failures_of(clock: Clock, **options: float) -> Failures:
    return Failures(clock=clock, first=1.0, longest=5.0, size=3, **{"patience": 20.0, **options})  # type: ignore[arg-type]


def test_the_interval_is_doubled_with_each_failure_up_to_the_longest_M7() -> None:
    clock = Clock()
    failures = failures_of(clock)
    lengths = []
    for _ in range(5):
        failures.note(A_COM, LATE)
        assert failures.of(A_COM) is LATE
        lengths.append(length(failures, clock))
    assert lengths == [1, 2, 4, 5, 5]


def test_jitter_makes_it_shorter_by_a_quarter_at_most_and_does_not_slow_its_growth() -> None:
    clock = Clock()
    failures = Failures(clock=clock, first=1.0, longest=4.0, jitter=lambda: 1.0)
    lengths = []
    for _ in range(4):
        failures.note(A_COM, LATE)
        lengths.append(length(failures, clock))
    assert lengths == [0.75, 1.5, 3, 3]


def test_an_answer_or_a_long_quiet_begins_anew_M7() -> None:
    clock = Clock()
    failures = failures_of(clock)
    failures.note(A_COM, LATE)
    failures.forget(A_COM)
    assert failures.of(A_COM) is None
    failures.note(A_COM, LATE)
    assert length(failures, clock) == 1
    failures.note(A_COM, LATE)
    assert length(failures, clock) == 2
    clock.advance(5)
    failures.note(A_COM, LATE)
    assert length(failures, clock) == 1


def test_the_apis_wish_is_honoured_within_our_patience() -> None:
    clock = Clock()
    failures = failures_of(clock)
    failures.note(A_COM, LookupServerError("503", retry_after=7))
    assert length(failures, clock) == 7
    failures.note(A_COM, LookupServerError("503", retry_after=3600))
    assert length(failures, clock) == 20


def test_the_memory_is_bounded_and_may_be_cleared_or_off_M10() -> None:
    clock = Clock()
    failures = failures_of(clock)
    for number in range(9):
        failures.note(Hostname(f"n{number}.com"), LATE)
    assert failures.entries == 3
    failures.clear()
    assert failures.entries == 0
    off = Failures(clock=clock, first=0.0, longest=5.0)
    off.note(A_COM, LATE)
    assert off.of(A_COM) is None
