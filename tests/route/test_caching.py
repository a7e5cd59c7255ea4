"""One question in flight per name, remembered once answered (S5, S7, S8, M4)."""

from __future__ import annotations

from math import inf

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.words import Answer, Miss, Origin, Reason
from tests.fakes import failure_of, success_of
from tests.route.resolvers import A_COM, B_COM, PatientResolver, ReadyResolver, ask, caching_of, memory, miss, route


class House:
    """A CachingResolver, what it asks, and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cache = memory(self.clock)
        self.inner = PatientResolver()
        self.resolver = caching_of(self.clock, self.inner, self.cache)


@pytest.fixture
def house() -> House:
    return House()


def test_it_is_a_resolver(house: House) -> None:
    verifyObject(IResolver, house.resolver)


def test_the_second_connection_does_not_ask_S5(house: House) -> None:
    assert house.resolver.peek(ask()) is None
    first = house.resolver.resolve(ask())
    house.inner.questions[0].callback(route("A"))
    assert success_of(first).origin is Origin.FRESH
    second = house.resolver.peek(ask())
    assert second is not None
    assert second.origin is Origin.HIT
    assert len(house.inner.asked) == 1


def test_an_expired_entry_is_asked_for_again_S7(house: House) -> None:
    house.resolver.resolve(ask())
    house.inner.questions[0].callback(route("A"))
    house.clock.advance(60)
    assert house.resolver.peek(ask()) is None
    house.resolver.resolve(ask())
    assert len(house.inner.asked) == 2


def test_an_unknown_name_is_remembered_for_its_own_time_S8(house: House) -> None:
    house.resolver.resolve(ask())
    house.inner.questions[0].callback(miss())
    house.clock.advance(9)
    negative = house.resolver.peek(ask())
    assert isinstance(negative, Miss)
    assert negative.origin is Origin.NEGATIVE
    house.clock.advance(1)
    assert house.resolver.peek(ask()) is None


def test_a_hundred_who_ask_for_a_cold_name_make_one_question_M4(house: House) -> None:
    waiting = [house.resolver.resolve(ask()) for _ in range(100)]
    assert len(house.inner.asked) == 1
    assert house.resolver.in_flight == 1
    house.inner.questions[0].callback(route("A"))
    assert {success_of(one) for one in waiting} == {route("A")}
    assert house.resolver.joined == 99
    assert house.resolver.in_flight == 0


def test_two_names_are_two_questions_M4(house: House) -> None:
    house.resolver.resolve(ask(A_COM))
    house.resolver.resolve(ask(B_COM))
    assert [one.name for one in house.inner.asked] == [A_COM, B_COM]


def test_a_waiter_who_leaves_does_not_cancel_the_rest_M4(house: House) -> None:
    stays, leaves = house.resolver.resolve(ask()), house.resolver.resolve(ask())
    leaves.cancel()
    assert isinstance(failure_of(leaves), CancelledError)
    house.inner.questions[0].callback(route("A"))
    assert success_of(stays) == route("A")


def test_a_question_goes_on_when_the_last_waiter_has_left_M4(house: House) -> None:
    waiter = house.resolver.resolve(ask())
    waiter.cancel()
    assert isinstance(failure_of(waiter), CancelledError)
    assert house.inner.cancelled == 0
    house.inner.questions[0].callback(route("A"))
    assert house.resolver.peek(ask()) is not None


def test_a_question_that_fails_for_nobody_is_quiet(house: House) -> None:
    waiter = house.resolver.resolve(ask())
    waiter.cancel()
    failure_of(waiter)
    house.inner.questions[0].errback(LookupTimeout("late"))
    assert house.resolver.in_flight == 0


def test_a_failure_reaches_all_who_wait_and_is_not_remembered_S8(house: House) -> None:
    waiting = [house.resolver.resolve(ask()) for _ in range(3)]
    house.inner.questions[0].errback(LookupTimeout("late"))
    assert [type(failure_of(one)) for one in waiting] == [LookupTimeout] * 3
    assert house.resolver.peek(ask()) is None
    house.resolver.resolve(ask())
    assert len(house.inner.asked) == 2


def test_a_waiter_may_make_another_leave(house: House) -> None:
    first, second = house.resolver.resolve(ask()), house.resolver.resolve(ask())
    first.addCallback(lambda _: second.cancel())
    house.inner.questions[0].callback(route("A"))
    assert isinstance(failure_of(second), CancelledError)


def test_a_waiter_may_ask_again_at_once(house: House) -> None:
    again: list[Deferred[Answer]] = []
    first = house.resolver.resolve(ask())
    first.addErrback(lambda _: again.append(house.resolver.resolve(ask())))
    house.inner.questions[0].errback(LookupTimeout("late"))
    house.inner.questions[1].callback(route("B"))
    assert success_of(again[0]) == route("B")


@pytest.mark.parametrize("how", ["name", "wildcard", "suffix", "app", "set", "purge"])
def test_an_answer_older_than_a_purge_is_not_remembered(house: House, how: str) -> None:
    before = house.resolver.resolve(ask())
    match how:
        case "purge":
            house.resolver.keeper.purge()
        case "suffix":
            house.resolver.keeper.drop_where(suffix="com")
        case "app":
            house.resolver.keeper.drop_where(app="old")
        case "set":
            house.resolver.keeper.set(A_COM, route("by hand", ttl=0))
        case "wildcard":
            house.resolver.keeper.drop("*.com")
        case _:
            assert not house.resolver.keeper.drop(A_COM)
    after = house.resolver.resolve(ask())
    assert house.resolver.in_flight == 2
    house.inner.questions[1].callback(route("new"))
    house.inner.questions[0].callback(route("old"))
    assert success_of(before) == route("old")
    assert success_of(after) == route("new")
    hit = house.resolver.peek(ask())
    assert hit is not None
    assert getattr(hit, "app", None) == "new"
    assert house.resolver.in_flight == 0


def test_a_drop_says_whether_the_name_was_known(house: House) -> None:
    house.resolver.resolve(ask())
    house.inner.questions[0].callback(route("A"))
    assert house.resolver.keeper.drop(A_COM)
    assert house.resolver.peek(ask()) is None


def test_stopping_gives_up_every_question(house: House) -> None:
    waiting = [house.resolver.resolve(ask(A_COM)), house.resolver.resolve(ask(B_COM))]
    house.resolver.keeper.drop(A_COM)
    house.resolver.stop()
    assert [type(failure_of(one)) for one in waiting] == [CancelledError] * 2
    assert house.inner.cancelled == 2
    assert house.resolver.in_flight == 0


def test_who_names_nobody_is_passed_on_and_not_remembered() -> None:
    nobody = Miss(origin=Origin.NONE, reason=Reason.NO_NAME)
    resolver = caching_of(Clock(), ReadyResolver(nobody))
    assert resolver.peek(ask(None)) is None
    assert success_of(resolver.resolve(ask(None))) is nobody
    assert resolver.in_flight == 0


def test_a_look_says_how_long_a_stale_route_is_given_at_once(house: House) -> None:
    assert house.resolver.patience(A_COM) == (0.0, 2)
    resolver = caching_of(house.clock, house.inner, house.cache, error_ttl=10.0)
    waiter = resolver.resolve(ask())
    house.inner.questions[-1].errback(LookupTimeout("late"))
    failure_of(waiter)
    assert resolver.patience(A_COM) == (inf, 0)
