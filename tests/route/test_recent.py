"""What was done only just now is not done again, and what is remembered of it is bounded."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.names import Hostname
from starship.route.recent import Recent
from tests.route.resolvers import A_COM, B_COM


def test_a_name_is_recent_for_the_interval_and_no_other_name_is() -> None:
    clock = Clock()
    recent = Recent(clock, 5.0)
    recent.note(A_COM)
    clock.advance(4.75)
    assert recent.within(A_COM)
    assert not recent.within(B_COM)
    clock.advance(0.25)
    assert not recent.within(A_COM)


def test_the_oldest_give_way_and_an_interval_of_nought_remembers_nothing() -> None:
    clock = Clock()
    recent = Recent(clock, 5.0, 2)
    for name in ("a.com", "b.com", "a.com", "c.com"):
        recent.note(Hostname(name))
    assert [recent.within(Hostname(name)) for name in ("a.com", "b.com", "c.com")] == [True, False, True]
    never = Recent(clock, 0.0)
    never.note(A_COM)
    assert not never.within(A_COM)
