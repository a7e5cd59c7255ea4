"""One deadline that moves with every request."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.accept.alarm import Alarm
from starship.exchanging import IAlarm


def test_it_comes_once_when_it_is_due_and_not_before() -> None:
    clock, rung = Clock(), list[str]()
    alarm = Alarm(clock)
    verifyObject(IAlarm, alarm)
    alarm.set(10.0, lambda: rung.append("ten"))
    clock.advance(9.9)
    assert rung == []
    clock.advance(0.1)
    assert rung == ["ten"]
    clock.advance(100)
    assert (rung, clock.getDelayedCalls()) == (["ten"], [])


def test_what_is_set_replaces_what_was_be_it_sooner_or_later() -> None:
    clock, rung = Clock(), list[str]()
    alarm = Alarm(clock)
    alarm.set(10.0, lambda: rung.append("first"))
    clock.advance(5)
    alarm.set(10.0, lambda: rung.append("later"))
    clock.advance(9)
    assert rung == []
    alarm.set(0.5, lambda: rung.append("sooner"))
    clock.advance(0.5)
    assert rung == ["sooner"]
    clock.advance(100)
    assert rung == ["sooner"]


def test_one_that_moves_on_and_on_costs_the_clock_one_call_in_all_that_time() -> None:
    clock, timers = Clock(), set[int]()
    alarm = Alarm(clock)
    for _ in range(1000):
        alarm.set(60.0, lambda: None)
        timers |= {id(call) for call in clock.getDelayedCalls()}
        clock.advance(0.01)
    assert len(timers) == 1


def test_cleared_or_stopped_it_never_comes_and_stopped_it_leaves_nothing_behind() -> None:
    clock, rung = Clock(), list[str]()
    alarm = Alarm(clock)
    alarm.set(1.0, lambda: rung.append("cleared"))
    alarm.clear()
    clock.advance(2)
    alarm.set(1.0, lambda: rung.append("stopped"))
    alarm.stop()
    assert clock.getDelayedCalls() == []
    clock.advance(2)
    assert rung == []


def test_set_from_within_its_own_call_it_comes_again() -> None:
    clock, rung = Clock(), list[float]()
    alarm = Alarm(clock)

    def again() -> None:
        rung.append(clock.seconds())
        if len(rung) < 3:
            alarm.set(2.0, again)

    alarm.set(2.0, again)
    clock.pump([1.0] * 10)
    assert rung == [2.0, 4.0, 6.0]


@given(st.integers(0, 1 << 32))
def test_in_any_order_of_settings_it_rings_exactly_when_the_last_one_is_due(seed: int) -> None:
    random = Random(seed)
    clock, rung, due = Clock(), list[float](), -1.0
    alarm = Alarm(clock)
    for _ in range(20):
        if random.random() < 0.8:
            wait = random.randint(1, 16)
            due = clock.seconds() + wait
            alarm.set(wait, lambda: rung.append(clock.seconds()))
        else:
            due = -1.0
            alarm.clear()
        clock.pump([1.0] * random.randint(0, 6))
        if 0 <= due <= clock.seconds():
            assert rung.pop() == due
            due = -1.0
        assert rung == []
