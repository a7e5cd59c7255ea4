"""What is known of an endpoint, whoever names it."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from starship.dial.pools.member import Member, Members, State
from starship.words import Address
from tests.dial.pools.pooling import RULES

HERE = Address("192.0.2.1", 443)


class Watching:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.changes = 0
        self.ends = 0

    def changed(self) -> None:
        self.changes += 1

    def freed(self) -> None:
        self.ends += 1


def a_member() -> tuple[Member, Watching, Any]:
    clock: Any = Clock()
    clock.advance(1000)
    watching = Watching()
    return Members(clock).watch(HERE, watching, crowded=False), watching, clock


def fail(member: Member, times: int = RULES.failures) -> None:
    for _ in range(times):
        member.failed(RULES, "refused")


def test_so_many_failures_in_a_row_leave_it_out_for_a_time_and_whoever_watches_is_told() -> None:
    member, watching, clock = a_member()
    fail(member, 2)
    assert (member.state(), watching.changes) == (State.UP, 0)
    fail(member, 1)
    assert (member.state(), watching.changes, member.ejections) == (State.EJECTED, 1, 1)
    clock.advance(9.9)
    assert member.state() is State.EJECTED
    clock.advance(0.2)
    assert member.state() is State.UP


def test_a_success_in_between_begins_the_row_anew() -> None:
    member, _, _ = a_member()
    for _ in range(10):
        fail(member, 2)
        member.well(RULES)
    assert member.state() is State.UP
    assert member.failures == 20


def test_one_that_is_back_and_fails_at_once_is_left_out_at_once_and_longer() -> None:
    member, _, clock = a_member()
    fail(member)
    clock.advance(10)
    fail(member, 1)
    assert member.state() is State.EJECTED
    clock.advance(19.9)
    assert member.state() is State.EJECTED
    clock.advance(0.2)
    assert member.state() is State.UP
    assert (member.spells, member.ejections) == (2, 2)


def test_failures_while_it_is_out_do_not_lengthen_its_time() -> None:
    member, watching, clock = a_member()
    fail(member, 50)
    clock.advance(10)
    assert member.state() is State.UP
    assert (watching.changes, member.ejections) == (1, 1)


def test_one_that_was_well_as_long_as_it_was_out_begins_anew() -> None:
    member, _, clock = a_member()
    fail(member)
    clock.advance(10)
    member.well(RULES)
    assert member.spells == 1
    clock.advance(10)
    member.well(RULES)
    assert member.spells == 0
    fail(member)
    clock.advance(10)
    assert member.state() is State.UP


def test_one_that_takes_a_connection_while_it_is_out_is_back() -> None:
    member, watching, _ = a_member()
    fail(member)
    member.well(RULES)
    assert (member.state(), watching.changes) == (State.UP, 2)


def test_resets_before_the_first_byte_leave_it_out_and_taking_connections_does_not_bring_it_back() -> None:
    member, _, _ = a_member()
    for _ in range(RULES.failures):
        member.well(RULES)
        member.reset_early(RULES)
    assert member.state() is State.EJECTED
    member.well(RULES)
    assert member.state() is State.EJECTED
    assert member.why == "192.0.2.1:443 reset a connection before its first byte"


def test_what_checks_say_comes_first_and_their_good_word_forgets_what_was_held_against_it() -> None:
    member, watching, clock = a_member()
    fail(member)
    member.goes_down("503")
    member.goes_down("503 again")
    assert (member.state(), member.checked[None].why, watching.changes) == (State.DOWN, "503", 2)
    clock.advance(5)
    member.comes_up()
    member.comes_up()
    assert (member.state(), watching.changes, member.spells, member.row) == (State.UP, 3, 0, 0)
    assert member.checked[None].since == clock.seconds()


def test_one_that_is_back_is_slow_for_the_time_of_a_slow_start() -> None:
    member, _, clock = a_member()
    assert member.state(30.0) is State.UP
    fail(member)
    clock.advance(10)
    assert member.state(30.0) is State.SLOW
    clock.advance(30)
    assert member.state(30.0) is State.UP


def test_changes_are_logged_once_each_and_never_as_errors() -> None:
    with capturedLogs() as events:
        member, _, _ = a_member()
        fail(member, 50)
        member.well(RULES)
    texts = [event["log_format"].format(**event) for event in events]
    assert texts == ["192.0.2.1:443 is left out for 10 s: refused", "192.0.2.1:443 is back"]
    assert {event["log_level"].name for event in events} == {"info"}


def test_who_watches_one_address_shares_one_member_and_the_last_to_leave_forgets_it() -> None:
    clock: Any = Clock()
    members = Members(clock)
    one, other = Watching(), Watching()
    member = members.watch(HERE, one, crowded=True)
    assert members.watch(HERE, other, crowded=False) is member
    assert member.crowded == 1
    members.leave(member, one, crowded=True)
    assert (len(members), member.crowded) == (1, 0)
    member.load = 1
    members.leave(member, other, crowded=False)
    assert list(members) == [member]
    member.load = 0
    members.settle(member)
    assert len(members) == 0


def test_one_who_was_forgotten_and_is_still_used_takes_nobody_elses_place() -> None:
    """A client may hold on to a choice while its pool goes, and the same address comes back in another."""
    clock: Any = Clock()
    members = Members(clock)
    before = members.watch(HERE, one := Watching(), crowded=False)
    members.leave(before, one, crowded=False)
    now = members.watch(HERE, Watching(), crowded=False)
    assert now is not before
    members.settle(before)
    assert members.watch(HERE, Watching(), crowded=False) is now
