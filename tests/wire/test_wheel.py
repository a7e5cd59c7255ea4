"""Coarse deadlines: never early, at most a tick late, and nothing held after a cancel."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from zope.interface.verify import verifyObject

from starship.wire.wheel import LONG_S, TICK_S, Slot, Spoke, Wheel
from tests.fakes import errors_in
from tests.wire.bench import log

__all__ = ["log"]

ROUNDING_S = 1e-6


def test_a_wheel_is_a_clock_and_its_spokes_are_calls() -> None:
    wheel = Wheel(Clock())
    verifyObject(IReactorTime, wheel)
    verifyObject(IDelayedCall, wheel.callLater(1, list))


def test_a_call_is_made_once_with_its_arguments_between_its_time_and_a_tick_later() -> None:
    clock, made = Clock(), list[object]()
    wheel = Wheel(clock)
    spoke = wheel.callLater(1.25, lambda *args, **kwargs: made.append((args, kwargs)), 1, two=3)
    assert spoke.active()
    clock.advance(1.24)
    assert made == []
    clock.advance(TICK_S)
    assert made == [((1,), {"two": 3})]
    assert not spoke.active()
    clock.advance(100)
    assert len(made) == 1


def test_one_timer_serves_them_all_and_none_is_left_when_none_waits() -> None:
    clock = Clock()
    wheel = Wheel(clock)
    for number in range(1000):
        wheel.callLater(number / 100, list)
    assert len(clock.getDelayedCalls()) == 1
    assert len(wheel.getDelayedCalls()) == 1000
    clock.pump([0.05] * 300)
    assert clock.getDelayedCalls() == []
    assert wheel.getDelayedCalls() == []


def test_a_cancelled_call_is_let_go_of_at_once_with_all_it_held() -> None:
    class Held:
        def call(self, other: object) -> None:
            raise AssertionError("cancelled")

    clock = Clock()
    wheel = Wheel(clock)
    held, argument = Held(), Held()
    gone = [weakref.ref(held), weakref.ref(argument)]
    spoke = wheel.callLater(10, held.call, argument)
    spoke.cancel()
    spoke.cancel()
    del held, argument
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
    assert wheel.getDelayedCalls() == []
    clock.advance(20)


def test_a_call_that_breaks_is_logged_and_costs_the_others_nothing(log: Sequence[LogEvent]) -> None:
    def boom() -> None:
        raise RuntimeError("boom")

    clock, made = Clock(), list[int]()
    wheel = Wheel(clock)
    wheel.callLater(1, made.append, 1)
    wheel.callLater(1, boom)
    wheel.callLater(1, made.append, 2)
    clock.advance(2)
    assert made == [1, 2]
    assert len(errors_in(log)) == 1


def test_a_call_can_be_put_off_or_brought_forward() -> None:
    clock, made = Clock(), list[str]()
    wheel = Wheel(clock)
    later = wheel.callLater(1, made.append, "later")
    sooner = wheel.callLater(10, made.append, "sooner")
    later.delay(4)
    sooner.reset(2)
    assert (later.getTime(), sooner.getTime()) == (5, 2)
    for seconds, expected in [(1.5, []), (0.7, ["sooner"]), (2.7, ["sooner"]), (0.3, ["sooner", "later"])]:
        clock.advance(seconds)
        assert made == expected
    clock.advance(10)
    assert made == ["sooner", "later"]


def test_a_call_may_set_the_next_one() -> None:
    clock, made = Clock(), list[float]()
    wheel = Wheel(clock)

    def again() -> None:
        made.append(clock.seconds())
        if len(made) < 20:
            wheel.callLater(0, again)

    again()
    clock.pump([0.01] * 400)
    assert len(made) == 20


STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "cancel", "move", "wait"]), st.floats(0, 3), st.integers(0, 1 << 16)), max_size=60
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.floats(0, 1e7))
def test_it_makes_the_calls_that_a_naive_clock_would_make_within_a_tick(
    steps: list[tuple[str, float, int]], start: float
) -> None:
    clock = Clock()
    clock.rightNow = start
    wheel = Wheel(clock)
    due: dict[int, float] = {}
    made: dict[int, float] = {}
    spokes = list[Spoke]()

    def make(number: int) -> None:
        assert number in due, "made twice, or after it was cancelled"
        assert clock.seconds() >= due.pop(number) - ROUNDING_S, "early"
        made[number] = clock.seconds()

    for step, seconds, choice in steps:
        number = choice % max(1, len(spokes))
        match step:
            case "set":
                due[len(spokes)] = clock.seconds() + seconds
                spokes.append(wheel.callLater(seconds, make, len(spokes)))
            case "cancel" if spokes:
                spokes[number].cancel()
                due.pop(number, None)
            case "move" if number in due:
                spokes[number].reset(seconds)
                due[number] = clock.seconds() + seconds
            case "wait":
                clock.pump([seconds / 7] * 7)
                late = clock.seconds() - TICK_S - ROUNDING_S
                assert all(time >= late - seconds / 7 for time in due.values())
    clock.pump([0.05] * 80)
    assert not due
    assert clock.getDelayedCalls() == []


def test_thousands_of_deadlines_at_random_are_all_kept() -> None:
    random, clock = Random(1), Clock()
    wheel = Wheel(clock)
    made = list[float]()
    for _ in range(5000):
        due = random.random() * 30
        wheel.callLater(due, lambda due: made.append(clock.seconds() - due), due)
    while clock.getDelayedCalls():
        clock.advance(0.025)
    assert len(made) == 5000
    assert min(made) >= -ROUNDING_S
    assert max(made) <= TICK_S + 0.025 + ROUNDING_S


class Put:
    """Has a deadline, and takes others with it when it is over."""

    def __init__(self, *others: Put) -> None:
        self.others = others
        self.told = 0
        self.slot: Slot = {}

    def late(self) -> None:
        self.told += 1
        for other in self.others:
            other.slot.pop(other, None)


def test_who_is_put_is_told_once_in_order_unless_it_took_itself_out() -> None:
    clock = Clock()
    wheel = Wheel(clock)
    gone, second = Put(), Put()
    first = Put(second)
    late = [gone, first, second, Put()]
    for put in late:
        put.slot = wheel.put(1.25, put)
    assert gone.slot.pop(gone, None) is None
    clock.advance(1.24)
    assert [put.told for put in late] == [0, 0, 0, 0]
    clock.advance(TICK_S)
    assert [put.told for put in late] == [0, 1, 0, 1]
    clock.advance(100)
    assert [put.told for put in late] == [0, 1, 0, 1]
    assert clock.getDelayedCalls() == []


def test_a_place_that_was_left_holds_nothing() -> None:
    wheel, put = Wheel(Clock()), Put()
    slot = wheel.put(10, put)
    slot.pop(put)
    gone = weakref.ref(put)
    del put
    assert gone() is None


@given(st.floats(LONG_S, 1000), st.floats(0, 1e7))
def test_who_is_put_far_ahead_is_told_within_a_second_and_never_early(delay: float, start: float) -> None:
    clock, late = Clock(), Put()
    clock.rightNow = start
    Wheel(clock).put(delay, late)
    clock.advance(delay - ROUNDING_S - 1e-3)
    assert late.told == 0
    clock.advance(1 + TICK_S + 1e-3 + 2 * ROUNDING_S)
    assert late.told == 1


def test_crowds_that_came_and_left_leave_a_slot_a_second() -> None:
    """A million connections in two minutes left 1,400 emptied slots of 2 KiB each."""
    clock = Clock()
    wheel, slots = Wheel(clock), set[int]()
    for _ in range(1000):
        late = Put()
        slot = wheel.put(150, late)
        slots.add(id(slot))
        slot.pop(late)
        clock.advance(TICK_S)
    assert len(slots) <= 102
