"""What is done, and said, where our own means are used up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from starship.dial.relief import GIVEN_UP, QUIET_S, Relief
from starship.errors import DialShort

WHY = DialShort("cannot connect to 192.0.2.1:443: EMFILE")


class IdleHouse:
    """Always has enough to give up."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def give_up(self, count: int) -> int:
        self.asked.append(count)
        return count


def nothing() -> None:
    """Would try again."""


@pytest.mark.parametrize("room", [0, GIVEN_UP])
def test_it_is_tried_again_only_where_something_was_given_up(room: int) -> None:
    calls: list[Callable[[], None]] = []
    relief = Relief(give_up=lambda count: min(count, room), next_turn=calls.append, clock=Clock())
    assert relief.find(WHY, nothing) is bool(room)
    assert calls == [nothing] * bool(room)


def test_who_was_tried_again_already_costs_nobody_a_connection() -> None:
    idle = IdleHouse()
    relief = Relief(give_up=idle.give_up, next_turn=lambda call: None, clock=Clock())
    assert not relief.find(WHY, None)
    assert idle.asked == []


def test_a_want_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    clock = Clock()
    relief = Relief(give_up=lambda count: 0, next_turn=lambda call: None, clock=clock)
    with capturedLogs() as said:
        for _ in range(100):
            relief.find(WHY, None)
            clock.advance(QUIET_S / 4)
        assert len(said) == 1
        clock.advance(QUIET_S)
        assert (len(said), relief.failed, clock.getDelayedCalls()) == (2, 0, [])
        relief.find(WHY, None)
        assert len(said) == 3
