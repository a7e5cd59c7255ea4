"""Whom a connection tries next, once the first choice did not serve."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, field

from starship.dial.candidates import TRIES_LIMIT, Candidates
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.errors import DialFailed
from starship.words import Address, Stop
from tests.dial.pools.pooling import SOURCE, World, eject, seat_of, up
from tests.fakes import FakeLeg


@define(eq=False)
class Choice:
    """The candidates of one client, and how often it has tried."""

    pool: Pool
    tries: int = 0
    those: Candidates = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.those = Candidates(self.pool, SOURCE, None)

    def fails(self, host: str) -> None:
        self.those.tried.append(seat_of(self.pool, host))
        self.tries += 1

    def all_in_turn(self) -> list[str]:
        found = []
        while (seat := self.those.following(self.tries)) is not None:
            found.append(seat.member.address.host)
            self.fails(found[-1])
        return found


def pool_of(count: int, world: World | None = None, **terms: Any) -> Pool:
    return (world or World()).pool(*(up(f"192.0.2.{number}") for number in range(1, count + 1)), **terms)


def allow(address: Address) -> bool:
    return True


def test_everybody_comes_once_but_who_was_tried() -> None:
    choice = Choice(pool_of(5))
    choice.fails("192.0.2.3")
    assert sorted(choice.all_in_turn()) == [f"192.0.2.{number}" for number in (1, 2, 4, 5)]


def test_no_more_are_tried_than_one_connection_may() -> None:
    choice = Choice(pool_of(50))
    assert len(choice.all_in_turn()) == TRIES_LIMIT


def test_a_budget_that_is_spent_is_asked_once_in_a_look_and_whoever_is_well_is_still_found() -> None:
    world = World()
    pool = pool_of(6, world, retries=0.0, min_retries=0)
    for number in range(1, 6):
        seat = seat_of(pool, f"192.0.2.{number}")
        seat.begin()
        seat.failed("refused", ours=False)
    choice = Choice(pool)
    choice.fails("192.0.2.1")
    assert choice.all_in_turn() == ["192.0.2.6"]
    assert pool.retries.refused <= 2  # before the one who is well, and behind


def test_who_failed_last_costs_the_pools_budget_and_it_is_known_that_it_was_spent() -> None:
    pool = pool_of(4, retries=0.0, min_retries=0)
    for host in ("192.0.2.1", "192.0.2.2"):
        eject(pool, host)
    choice = Choice(pool)
    choice.fails("192.0.2.3")
    assert choice.all_in_turn() == ["192.0.2.4"]
    assert choice.those.spent


def test_who_is_full_is_passed_by_until_there_is_room() -> None:
    pool = pool_of(3, max_connections=1)
    choice = Choice(pool)
    choice.fails("192.0.2.1")
    for host in ("192.0.2.2", "192.0.2.3"):
        seat_of(pool, host).begin()
    assert choice.all_in_turn() == []
    assert choice.those.full
    seat_of(pool, "192.0.2.3").given_up()
    seat = choice.those.with_room(choice.tries)
    assert seat is not None
    assert seat.label == "192.0.2.3:443"


@pytest.mark.parametrize(("trouble", "why"), [(None, ""), ("nxdomain", " (nxdomain)")])
def test_why_a_name_brings_nobody_is_told(trouble: str | None, why: str) -> None:
    world = World()
    choice = Choice(world.pool(up("a.example")))
    found: list[DialFailed | None] = []
    assert choice.those.ask(choice.tries, found.append, backups=False)
    (name,) = world.resolver.questions
    name.trouble = trouble
    name.answer()
    assert list(map(str, found)) == [f"a.example has no address{why}"]


def test_a_name_is_asked_about_once_and_who_it_brings_is_chosen_by_the_policy() -> None:
    world = World()
    pool = world.pool(up("a.example"), up("192.0.2.9", backup=True))
    choice = Choice(pool)
    found: list[DialFailed | None] = []
    assert choice.those.ask(choice.tries, found.append, backups=False)
    assert not choice.those.ask(choice.tries, found.append, backups=False)
    before = pool.total
    world.resolver.questions[0].answer("192.0.2.1")
    assert found == [None]
    assert choice.all_in_turn() == ["192.0.2.1", "192.0.2.9"]
    assert pool.total == before + 1


def test_names_that_bring_more_after_a_try_are_gone_through_from_the_first() -> None:
    world = World()
    pool = world.pool(up("192.0.2.9"), up("a.example"))
    choice = Choice(pool)
    assert choice.all_in_turn() == ["192.0.2.9"]
    assert choice.those.ask(choice.tries, lambda why: None, backups=False)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    assert sorted(choice.all_in_turn()) == ["192.0.2.1", "192.0.2.2"]


def test_who_is_drained_while_others_are_tried_is_not_tried() -> None:
    choice = Choice(pool_of(4))
    first = choice.those.following(0)
    assert first is not None
    choice.fails(first.member.address.host)
    last = next(seat for seat in choice.pool.seats if seat is not first)
    last.draining = True
    assert last.member.address.host not in choice.all_in_turn()


def test_after_a_connection_that_stopped_it_is_looked_anew_who_is_there() -> None:
    world = World()
    pool = world.pool(up("192.0.2.9"), up("a.example"))
    pool.roster.look()
    world.resolver.questions[0].answer("192.0.2.1")
    choice = Choice(pool)
    assert sorted(choice.all_in_turn()) == ["192.0.2.1", "192.0.2.9"]
    world.resolver.questions[0].answer("192.0.2.2")
    choice.those.stopped(seat_of(pool, "192.0.2.9"), Stop.LOST)
    assert choice.all_in_turn() == ["192.0.2.2"]


def over(choice: Choice, leg: FakeLeg, how: Stop) -> None:
    """The next one has the connection, until it stops."""
    choice.those.compare(leg)
    leg.vanish(how)


@pytest.mark.parametrize(("answered", "failures"), [(True, 1), (False, 0)])
def test_who_ended_a_connection_wordlessly_has_failed_only_where_another_answers(answered: bool, failures: int) -> None:
    choice = Choice(pool_of(3))
    first = seat_of(choice.pool, "192.0.2.1")
    choice.those.stopped(first, Stop.ENDED)
    over(choice, FakeLeg(received=5 if answered else 0), Stop.ENDED)
    assert (first.member.failures, first.member.resets) == (failures, failures)
    assert "192.0.2.1" not in choice.all_in_turn()


def test_a_reset_is_not_counted_here_for_the_seat_has_done_so() -> None:
    choice = Choice(pool_of(3))
    first = seat_of(choice.pool, "192.0.2.1")
    choice.those.stopped(first, Stop.LOST)
    over(choice, FakeLeg(received=5), Stop.ENDED)
    assert first.member.failures == 0


def test_two_who_ended_it_are_put_to_shame_by_the_third_and_once() -> None:
    choice, told = Choice(pool_of(3)), list[Stop]()
    seats = [seat_of(choice.pool, f"192.0.2.{number}") for number in (1, 2)]
    for seat in seats:
        choice.those.stopped(seat, Stop.ENDED)
        leg = FakeLeg(over=lambda leg, how: told.append(how))
        choice.those.compare(leg)
    leg.received = 1
    choice.those.judge()
    leg.vanish(Stop.LOST)
    assert [seat.member.failures for seat in seats] == [1, 1]
    assert told == [Stop.LOST]  # whoever wanted to hear of the end still does


def named(*hosts: str) -> tuple[Choice, Seat]:
    """A name with these addresses, and the first one's seat."""
    world = World()
    pool = world.pool(up("a.example"))
    pool.roster.look()
    world.resolver.questions[0].answer(*hosts)
    choice = Choice(pool)
    return choice, seat_of(pool, hosts[0])


def test_a_rival_is_of_the_other_family_and_runs_once() -> None:
    choice, first = named("2001:db8::1", "192.0.2.1", "2001:db8::2")
    rival = choice.those.rival(first, first, 1, allow)
    assert rival is not None
    assert rival.member.address.host == "192.0.2.1"
    last = choice.those.rival(rival, first, 2, allow)
    assert last is not None
    assert last.member.address.host == "2001:db8::2"
    assert choice.those.rival(last, first, 3, allow) is None


@pytest.mark.parametrize("tries", [1, TRIES_LIMIT])
def test_nobody_races_whom_the_guard_forbids_or_beyond_the_limit(tries: int) -> None:
    choice, first = named("2001:db8::1", "192.0.2.1")
    is_allowed = tries == TRIES_LIMIT
    assert choice.those.rival(first, first, tries, lambda _: is_allowed) is None
