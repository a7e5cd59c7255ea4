"""Random names cost the API a bounded rate, by source and overall (L22); real ones never pay."""

from __future__ import annotations

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.buckets import Buckets
from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.budget import OVER, Budget
from starship.words import Ask, Miss
from tests.fakes import failure_of, success_of
from tests.route.resolvers import ReadyResolver, ask, caching_of, miss, route


def budget(inner: ReadyResolver, clock: Clock, *, overall: float = 1000.0) -> Budget:
    return Budget(inner=inner, clock=clock, sources=Buckets(1.0, 3.0), overall=Buckets(10.0, overall))


def from_source(source: str, number: int = 0) -> Ask:
    return Ask(name=Hostname(f"n{number}.com"), source=source, door="https")


def test_it_is_a_resolver() -> None:
    assert verifyObject(IResolver, budget(ReadyResolver(miss()), Clock()))
    assert budget(ReadyResolver(miss(), known=route()), Clock()).peek(ask()) == route()


def test_a_source_of_random_names_is_asked_for_within_its_budget_and_others_are_not_hurt_L22() -> None:
    clock, inner = Clock(), ReadyResolver(miss())
    spending = budget(inner, clock)
    answers = [success_of(spending.resolve(from_source("192.0.2.7", number))) for number in range(10)]
    assert answers[:3] == [miss()] * 3
    assert answers[3:] == [OVER] * 7
    assert isinstance(answers[3], Miss)
    assert (answers[3].reason, answers[3].told) == (Reason.OVER_LIMIT, Reason.UNKNOWN_NAME)
    assert success_of(spending.resolve(from_source("192.0.2.8"))) == miss()
    clock.advance(2)
    assert [success_of(spending.resolve(from_source("192.0.2.7", n))) for n in range(3)] == [miss(), miss(), OVER]
    assert (spending.over_source, spending.over_overall) == (8, 0)
    assert len(inner.asked) == 6


def test_all_addresses_of_one_v6_network_are_one_source() -> None:
    spending = budget(ReadyResolver(miss()), Clock())
    for number in range(3):
        success_of(spending.resolve(from_source(f"2001:db8::{number + 1}", number)))
    assert success_of(spending.resolve(from_source("2001:db8::ffff:1"))) == OVER
    assert success_of(spending.resolve(from_source("2001:db8:0:1::1"))) == miss()


def test_many_sources_together_are_bounded_too() -> None:
    spending = budget(ReadyResolver(miss()), Clock(), overall=4.0)
    answers = [success_of(spending.resolve(from_source(f"192.0.2.{number}"))) for number in range(9)]
    assert answers == [miss()] * 4 + [OVER] * 5
    assert spending.snapshot().over_overall == 5
    assert spending.snapshot().sources == 4


def test_routes_failures_and_names_that_are_known_cost_nothing() -> None:
    inner = ReadyResolver(route())
    spending = budget(inner, Clock())
    for number in range(50):
        assert success_of(spending.resolve(from_source("192.0.2.7", number))) == route()
    inner.outcome = LookupTimeout("late")
    for number in range(50):
        assert isinstance(failure_of(spending.resolve(from_source("192.0.2.7", number))), LookupTimeout)
    inner.outcome = miss()
    for number in range(50):
        assert success_of(spending.renew(from_source("192.0.2.7", number))) == miss()


def test_what_was_not_asked_is_not_remembered() -> None:
    clock, inner = Clock(), ReadyResolver(miss())
    resolver = caching_of(clock, budget(inner, clock))
    for number in range(4):
        success_of(resolver.resolve(from_source("192.0.2.7", number)))
    assert resolver.peek(from_source("192.0.2.7", 3)) is None
    assert resolver.peek(from_source("192.0.2.7", 2)) is not None
    inner.outcome = route()
    clock.advance(1)
    assert success_of(resolver.resolve(from_source("192.0.2.7", 3))) == route()


def test_a_look_says_whose_limit_a_new_name_would_meet_and_takes_nothing() -> None:
    spending = budget(ReadyResolver(miss()), Clock(), overall=4.0)
    assert [spending.objection("192.0.2.7") for _ in range(9)] == [None] * 9
    for number in range(3):
        success_of(spending.resolve(from_source("192.0.2.7", number)))
    assert spending.objection("192.0.2.7") == "too many unknown names came from 192.0.2.7"
    assert spending.objection("192.0.2.8") is None
    success_of(spending.resolve(from_source("192.0.2.8")))
    assert spending.objection("192.0.2.9") == "too many unknown names came from all sources together"
    assert spending.over_source == spending.over_overall == 0
