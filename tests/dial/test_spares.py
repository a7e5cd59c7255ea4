"""Spares: made while there are clients, bounded, thrown away when they are of no use."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from starship.dial.spares import KEEP_S, RESULTS, SPOKE_S, SURE_S, Spare, Spares
from starship.words import Address, Stop
from tests.dial.sparing import SpareLeg
from tests.dial.test_dialer import FakeConnect, refusal
from tests.dial.tries import Try

HERE = Address("192.0.2.80", 443)
IDLE_S = 10.0


class Field:
    """Spares whose connects the test answers."""

    def __init__(self, *, total: int = 100, rate: int = 100) -> None:
        self.clock: Any = Clock()
        self.connect = FakeConnect()
        self.spares = Spares(
            connect=self.connect, bind_to=lambda _: (), clock=self.clock, total=total, idle=IDLE_S, rate=rate
        )

    def take(self, each: int = 2, *, sure: bool = False, address: Address = HERE) -> Spare | None:
        """A client comes; what is made for the next one is begun."""
        spare = self.spares.take(address, each, sure=sure)
        self.clock.advance(0)
        return spare

    def waiting(self) -> list[Try]:
        tries, self.connect.tries = self.connect.tries, []
        return tries

    def make(self) -> list[SpareLeg]:
        """All connects that are under way succeed."""
        legs = []
        for one in self.waiting():
            legs.append(SpareLeg(one.remote))
            one.connected(legs[-1])
        return legs


def test_the_first_client_finds_none_and_the_next_one_does() -> None:
    field = Field()
    assert field.take() is None
    legs = field.make()
    assert len(legs) == len(field.spares) == 2
    spare = field.take()
    assert spare is not None
    assert spare.leg is legs[1]
    assert len(field.waiting()) == 1  # and what was taken is made anew


def test_who_looks_sees_how_many_stand_ready_and_none_that_are_being_made() -> None:
    field = Field()
    field.take()
    assert field.spares.ready(HERE) == 0
    field.make()
    assert field.spares.ready(HERE) == 2
    field.take()
    assert (field.spares.ready(HERE), field.spares.ready(Address("192.0.2.99", 443))) == (1, 0)


def test_an_endpoint_that_is_used_no_more_is_parted_from_and_gets_none_until_a_client_comes() -> None:
    """Drained, down, or gone from its name: whoever takes it away wants no new connections there."""
    field = Field()
    field.take()
    legs = field.make()
    field.take(each=3)
    assert len(field.connect.tries) == 2  # under way
    field.spares.part_from(HERE)
    assert field.connect.tries[0].cancelled
    assert (legs[0].ended, legs[0].aborted) == (True, 0)
    field.connect.tries.clear()
    field.clock.advance(5)
    assert (field.waiting(), len(field.spares)) == ([], 0)
    field.spares.part_from(HERE)  # again
    field.take()
    assert len(field.waiting()) == 2


def test_nothing_is_made_before_the_client_has_what_it_came_for() -> None:
    field = Field()
    field.spares.take(HERE, 2, sure=False)
    assert field.waiting() == []
    field.clock.advance(0)
    assert len(field.waiting()) == 2


def test_each_endpoint_and_all_of_them_are_bounded() -> None:
    field = Field(total=5)
    for number in range(4):
        field.take(3, address=Address("192.0.2.1", number + 1))
    assert len(field.waiting()) == 5


def test_an_endpoint_beyond_the_bound_takes_the_place_of_the_one_not_used_for_longest() -> None:
    field = Field(total=2)
    for number in range(1, 4):
        field.take(1, address=Address("192.0.2.1", number))
        field.make()
    assert len(field.spares) == 2
    assert field.take(1, address=Address("192.0.2.1", 3)) is not None


def test_so_many_are_begun_in_a_second_and_the_others_follow() -> None:
    field = Field(rate=3)
    for number in range(4):
        field.take(2, address=Address("192.0.2.1", number + 1))
    assert len(field.make()) == 3
    field.clock.advance(1.0)
    assert len(field.make()) == 3


def test_what_must_not_be_said_twice_gets_a_new_one_alone() -> None:
    field = Field()
    field.take()
    field.make()
    field.clock.advance(SURE_S)
    assert field.take(sure=True) is not None
    field.clock.advance(0.1)
    assert field.take(sure=True) is None
    assert field.take() is not None


def test_one_that_grew_old_is_parted_from_in_order_and_made_anew_while_there_are_clients() -> None:
    field = Field()
    field.take()
    (leg, _) = field.make()
    field.clock.advance(IDLE_S)
    assert leg.ended
    assert field.spares.results["aged"] == 2
    assert len(field.make()) == 2
    field.clock.advance(2.0)
    assert leg.aborted == 1


def test_without_clients_none_is_left_and_nobody_looks_any_more() -> None:
    field = Field()
    field.take()
    for _ in range(round(KEEP_S + IDLE_S) + 3):
        field.make()
        field.clock.advance(1.0)
    assert len(field.spares) == 0
    assert field.connect.tries == field.clock.getDelayedCalls() == []


def test_an_endpoint_that_speaks_first_is_left_in_peace() -> None:
    field = Field()
    field.take()
    legs = field.make()
    legs[0].says(b"220 mail.example ESMTP\r\n")
    assert [leg.aborted for leg in legs] == [1, 1]
    for _ in range(round(SPOKE_S) - 1):
        assert field.take() is None
        field.clock.advance(1.0)
        assert field.waiting() == []
    field.clock.advance(2.0)
    field.take()
    assert len(field.waiting()) == 2


def test_one_that_ends_is_thrown_away_and_the_pause_grows() -> None:
    field = Field()
    field.take(1)
    pauses = []
    for _ in range(4):
        (leg,) = field.make()
        leg.dies(Stop.ENDED)
        seconds = 0
        while not field.connect.tries:
            field.clock.advance(1.0)
            seconds += 1
        pauses.append(seconds)
    assert pauses == [1, 2, 4, 8]
    assert field.spares.results["ended"] == 4


def test_one_that_cannot_be_made_is_tried_after_a_pause_and_counts_for_nobody() -> None:
    field = Field(total=1)
    field.take(1)
    for one in field.waiting():
        one.refused(refusal())
    assert field.spares.results["failed"] == 1
    field.clock.advance(1.0)
    assert len(field.make()) == 1


def test_one_found_dead_takes_the_others_with_it() -> None:
    field = Field()
    field.take(3)
    legs = field.make()
    spare = field.take(3)
    assert spare is not None
    field.spares.dead(spare)
    assert [leg.aborted for leg in legs] == [1, 1, 0]
    assert len(field.spares) == 0


def test_stopped_it_leaves_nothing() -> None:
    field = Field()
    field.take()
    (leg, _) = field.make()
    field.take()
    (under_way,) = field.waiting()
    field.spares.stop()
    assert leg.aborted == under_way.cancelled == 1
    assert field.take() is None
    assert field.clock.getDelayedCalls() == []
    assert set(field.spares.results) == set(RESULTS)
