"""One question in flight per name, remembered once answered (S5, S7, S8, M4)."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Answer, Miss, Origin
from tests.fakes import errors_in, failure_of, success_of
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


# Freshness and failure


def aged(**options: Any) -> House:
    """A house that knows a.com, used twice, of ttl 60 and stale for 300 more; nothing is being asked."""
    house = House()
    house.cache = memory(house.clock, stale_ttl=300, ahead=0.2)
    house.resolver = caching_of(house.clock, house.inner, house.cache, **options)
    house.resolver.resolve(ask())
    house.inner.questions.pop().callback(route("old"))
    house.inner.asked.clear()
    for _ in range(2):
        assert house.resolver.peek(ask()) is not None
    return house


def app_of(answer: Answer | None) -> str | None:
    return getattr(answer, "app", None)


def test_a_route_in_use_is_refreshed_before_it_expires_by_one_question_beside_M6() -> None:
    house = aged()
    house.clock.advance(47)
    house.resolver.peek(ask())
    assert house.inner.asked == []
    house.clock.advance(1)
    for _ in range(5):
        answer = house.resolver.peek(ask())
        assert answer is not None
        assert answer.origin is Origin.HIT
    assert len(house.inner.asked) == len(house.inner.renewed) == house.resolver.ahead == 1
    house.inner.questions[0].callback(route("new"))
    house.clock.advance(12)
    assert app_of(house.resolver.peek(ask())) == "new"


def test_a_route_in_use_that_expired_is_answered_at_once_while_one_question_runs_M6() -> None:
    house = aged(revalidate=30.0)
    house.clock.advance(60)
    for _ in range(5):
        answer = house.resolver.peek(ask())
        assert answer is not None
        assert (answer.origin, app_of(answer)) == (Origin.STALE, "old")
    assert len(house.inner.asked) == house.resolver.revalidated == 1
    house.inner.questions[0].callback(route("new"))
    assert app_of(house.resolver.peek(ask())) == "new"
    assert house.cache.stales == 5


def test_a_route_that_nobody_used_waits_for_its_new_answer() -> None:
    house = House()
    house.cache = memory(house.clock, stale_ttl=300)
    house.resolver = caching_of(house.clock, house.inner, house.cache, revalidate=30.0)
    house.resolver.keeper.set(A_COM, route("old"))
    house.clock.advance(60)
    assert house.resolver.peek(ask()) is None


def test_a_route_that_expired_long_ago_waits_for_its_new_answer_and_costs_no_budget() -> None:
    house = aged(revalidate=30.0)
    house.clock.advance(90)
    assert house.resolver.peek(ask()) is None
    waiter = house.resolver.resolve(ask())
    assert len(house.inner.renewed) == 1
    house.inner.questions[0].callback(route("new"))
    assert app_of(success_of(waiter)) == "new"


def test_where_the_lookup_fails_a_route_is_served_stale_for_its_stale_time_counted_and_at_once_M5() -> None:
    house = aged(revalidate=0.0, error_ttl=1.0)
    house.clock.advance(100)
    waiter = house.resolver.resolve(ask())
    house.inner.questions[0].errback(LookupTimeout("late"))
    answer = success_of(waiter)
    assert (answer.origin, app_of(answer)) == (Origin.STALE, "old")
    for _ in range(3):
        assert app_of(house.resolver.peek(ask())) == "old"
    assert (len(house.inner.asked), house.cache.stales) == (1, 4)
    house.clock.advance(1)
    assert house.resolver.peek(ask()) is None
    again = house.resolver.resolve(ask())
    house.inner.questions[1].errback(LookupTimeout("late"))
    assert app_of(success_of(again)) == "old"
    house.clock.advance(300)
    last = house.resolver.resolve(ask())
    house.inner.questions[2].errback(LookupTimeout("late"))
    assert isinstance(failure_of(last), LookupTimeout)


def test_while_no_api_works_a_known_name_never_waits_M5() -> None:
    troubled = [True]
    house = aged(revalidate=0.0, troubled=lambda: troubled[0])
    house.clock.advance(200)
    assert app_of(house.resolver.peek(ask())) == "old"
    assert len(house.inner.asked) == 1  # one question finds out
    house.inner.questions[0].errback(LookupTimeout("late", shared=True))
    assert app_of(house.resolver.peek(ask())) == "old"
    troubled[0] = False
    assert house.resolver.peek(ask()) is None


def test_a_failure_is_remembered_for_a_growing_time_and_given_at_once_M7() -> None:
    house = House()
    house.resolver = caching_of(house.clock, house.inner, house.cache, error_ttl=1.0)
    asked = []
    for second in range(16):
        waiter = house.resolver.resolve(ask())
        if house.inner.questions and not house.inner.questions[-1].called:
            house.inner.questions[-1].errback(LookupTimeout("late"))
            asked.append(second)
        assert isinstance(failure_of(waiter), LookupTimeout)
        house.clock.advance(1)
    assert asked == [0, 1, 3, 7, 11, 15]


def test_a_failure_that_is_the_apis_own_is_not_held_against_the_name() -> None:
    house = House()
    house.resolver = caching_of(house.clock, house.inner, house.cache, error_ttl=1.0)
    for number in range(3):
        waiter = house.resolver.resolve(ask())
        house.inner.questions[number].errback(LookupTimeout("not asked", shared=True))
        failure_of(waiter)
    assert len(house.inner.asked) == 3


def test_a_waiter_has_a_deadline_of_their_own_and_gets_what_is_known_M4() -> None:
    house = aged(wait=2.0)
    house.clock.advance(100)
    known, cold = house.resolver.resolve(ask()), house.resolver.resolve(ask(B_COM))
    house.clock.advance(1)
    late = house.resolver.resolve(ask(B_COM))
    house.clock.advance(1)
    assert success_of(known).origin is Origin.STALE
    assert isinstance(failure_of(cold), LookupTimeout)
    house.inner.questions[1].callback(route("B"))
    assert app_of(success_of(late)) == "B"
    assert not house.clock.getDelayedCalls()


def test_questions_beside_are_bounded_and_what_is_over_is_left_for_the_next_use_M6() -> None:
    house = House()
    house.cache = memory(house.clock, stale_ttl=300, ahead=0.5)
    house.resolver = caching_of(house.clock, house.inner, house.cache, beside_limit=2)
    for number in range(4):
        house.resolver.keeper.set(Hostname(f"n{number}.com"), route())
    house.clock.advance(40)
    for number in range(4):
        assert house.resolver.peek(ask(f"n{number}.com")) is not None
    assert [one.name for one in house.inner.asked] == ["n0.com", "n1.com"]
    house.inner.questions[0].callback(route())
    house.resolver.peek(ask("n2.com"))
    assert house.inner.asked[-1].name == "n2.com"


def test_a_wildcard_is_refreshed_by_one_question_whoever_uses_it() -> None:
    house = House()
    house.cache = memory(house.clock, ahead=0.5)
    house.resolver = caching_of(house.clock, house.inner, house.cache)
    house.resolver.keeper.set(Hostname("x.shop.com"), route(wildcard="*.shop.com"))
    house.clock.advance(40)
    for number in range(9):
        assert house.resolver.peek(ask(f"n{number}.shop.com")) is not None
    assert len(house.inner.asked) == 1


def test_a_name_whose_route_does_not_work_is_asked_about_at_a_bounded_rate_F9() -> None:
    house = aged(renew_interval=5.0)
    asked = []
    for quarter in range(80):
        answer = house.resolver.renew(ask())
        if house.inner.questions and not house.inner.questions[-1].called:
            house.inner.questions[-1].callback(route("still old"))
            asked.append(quarter / 4)
        assert app_of(success_of(answer)) in ("old", "still old")
        house.clock.advance(0.25)
    assert asked == [5, 10, 15]


def test_a_renewal_that_fails_gives_what_is_known_and_keeps_it_F9() -> None:
    house = aged(renew_interval=5.0, error_ttl=1.0)
    house.clock.advance(10)
    waiter = house.resolver.renew(ask())
    house.inner.questions[0].errback(LookupTimeout("late"))
    assert app_of(success_of(waiter)) == "old"
    assert app_of(success_of(house.resolver.renew(ask()))) == "old"
    assert len(house.inner.asked) == 1


def test_a_name_of_which_nothing_is_remembered_is_renewed_at_the_same_rate_at_most() -> None:
    house = House()
    house.resolver = caching_of(house.clock, house.inner, house.cache, renew_interval=5.0)
    house.resolver.keeper.set(Hostname("x.com"), route("all", wildcard="*.com"))
    house.clock.advance(6)
    first = house.resolver.renew(ask())
    house.inner.questions[0].callback(miss())
    assert isinstance(success_of(first), Miss)
    assert isinstance(success_of(house.resolver.renew(ask())), Miss)
    assert len(house.inner.asked) == 1


def test_a_question_for_nobody_that_breaks_by_our_fault_is_logged() -> None:
    house = aged()
    house.clock.advance(50)
    house.resolver.peek(ask())
    with capturedLogs() as events:
        house.inner.questions[0].errback(RuntimeError("boom"))
    assert len(errors_in(events)) == 1
