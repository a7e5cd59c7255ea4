"""What an endpoint has seen since the start: it never falls, whichever addresses come and go."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from starship.dial.pools.member import Member
from starship.dial.pools.tallies import Counts, Tallies
from starship.words import Address

NAME = "a.example:443"


def member(host: str = "192.0.2.1") -> Member:
    clock: Any = Clock()
    return Member(Address(host, 443), clock)


def test_the_addresses_of_an_endpoint_are_added_up() -> None:
    tallies, one, two, other = Tallies(), member(), member("192.0.2.2"), member("192.0.2.3")
    for each, endpoint in ((one, NAME), (two, NAME), (other, "192.0.2.3:443")):
        tallies.came(each, endpoint)
    one.total, two.failures, two.ejections, other.total = 3, 2, 1, 7
    assert tallies.counts() == {NAME: Counts(3, 2, 1), "192.0.2.3:443": Counts(7, 0, 0)}


def test_what_a_member_saw_before_it_came_and_after_it_went_is_others_business() -> None:
    tallies, one = Tallies(), member()
    one.total = 5
    tallies.came(one, NAME)
    one.total = 8
    tallies.went(one)
    one.total = 20
    assert tallies.counts() == {NAME: Counts(3, 0, 0)}
    tallies.came(one, NAME)
    one.total = 21
    assert tallies.counts() == {NAME: Counts(4, 0, 0)}


def test_a_member_with_a_seat_for_each_door_counts_once() -> None:
    tallies, one = Tallies(), member()
    tallies.came(one, NAME)
    tallies.came(one, NAME)
    one.total = 2
    tallies.went(one)
    one.total = 3
    assert tallies.counts() == {NAME: Counts(3, 0, 0)}


@given(st.lists(st.tuples(st.sampled_from(("came", "went", "served")), st.integers(0, 3)), max_size=40))
def test_no_figure_ever_falls_whatever_comes_and_goes(steps: list[tuple[str, int]]) -> None:
    tallies, members, seats = Tallies(), [member(f"192.0.2.{number}") for number in range(4)], [0] * 4
    before = 0
    for step, number in steps:
        if step == "came":
            tallies.came(members[number], NAME)
            seats[number] += 1
        elif step == "served":
            members[number].total += 1
        elif seats[number]:
            tallies.went(members[number])
            seats[number] -= 1
        now = tallies.counts().get(NAME, Counts()).total
        assert now >= before
        before = now
