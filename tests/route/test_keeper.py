"""Who administers the cache: looks, pages, sets, drops and purges, none of which asks anybody (M8)."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.task import Clock

from starship.errors import LookupInvalid
from starship.names import Hostname
from starship.words import Origin
from tests.fakes import failure_of, success_of
from tests.route.resolvers import A_COM, B_COM, PatientResolver, ask, caching_of, memory, miss, route


def test_what_is_set_by_hand_is_answered_and_ends_a_failure_M8() -> None:
    clock, inner = Clock(), PatientResolver()
    resolver = caching_of(clock, inner, error_ttl=10.0)
    waiter = resolver.resolve(ask())
    inner.questions[0].errback(LookupInvalid("garbage"))
    failure_of(waiter)
    assert resolver.keeper.failure_of(A_COM) is not None
    resolver.keeper.set(A_COM, route("by hand"))
    assert resolver.keeper.failure_of(A_COM) is None
    answer = resolver.peek(ask())
    assert getattr(answer, "app", None) == "by hand"


def test_looks_and_pages_ask_and_count_nothing_M8() -> None:
    clock, inner = Clock(), PatientResolver()
    cache = memory(clock)
    keeper = caching_of(clock, inner, cache).keeper
    keeper.set(A_COM, route())
    keeper.set(B_COM, miss())
    look = keeper.look(B_COM)
    assert look is not None
    assert look.store == "misses"
    assert [one.name for one in keeper.page("routes")] == [A_COM]
    assert (cache.hits, cache.negatives, cache.misses, inner.asked) == (0, 0, 0, [])


def test_what_has_expired_can_be_purged_and_a_question_under_way_goes_on_M8() -> None:
    clock, inner = Clock(), PatientResolver()
    resolver = caching_of(clock, inner, memory(clock, stale_ttl=100))
    resolver.keeper.set(A_COM, route())
    waiter = resolver.resolve(ask(B_COM))
    clock.advance(60)
    assert resolver.keeper.purge(expired_only=True) == 1
    inner.questions[0].callback(route("B"))
    success_of(waiter)
    assert resolver.keeper.look(B_COM) is not None


def test_dropping_says_what_was_dropped_M8() -> None:
    keeper = caching_of(Clock(), PatientResolver()).keeper
    keeper.set(A_COM, route("A"))
    keeper.set(B_COM, route("B"))
    assert keeper.drop_where(app="A") == (A_COM,)
    assert keeper.drop(B_COM)
    assert not keeper.drop(B_COM)
    assert keeper.drop_where() == ()


def test_what_was_deleted_does_not_come_back_by_a_question_that_was_under_way_M8_M9() -> None:
    clock, inner = Clock(), PatientResolver()
    resolver = caching_of(clock, inner)
    for forgotten in (A_COM, "*.com"):
        waiter = resolver.resolve(ask())
        assert resolver.keeper.asking(A_COM)
        resolver.keeper.drop(forgotten)
        assert not resolver.keeper.asking(A_COM)
        inner.questions[-1].callback(route("old"))
        assert success_of(waiter).origin is Origin.FRESH
        assert resolver.keeper.look(A_COM) is None


def test_what_is_set_for_a_wildcard_is_not_undone_by_questions_about_names_below_it() -> None:
    resolver = caching_of(Clock(), inner := PatientResolver())
    resolver.resolve(ask())
    resolver.keeper.set(Hostname("*.com"), evolve(route("by hand"), wildcard="*.com"))
    inner.questions[0].callback(route("old"))
    look = resolver.keeper.look(A_COM)
    assert look is not None
    assert look.name == "*.com"


def test_a_deleted_name_may_be_asked_about_again_at_once_although_it_failed() -> None:
    resolver = caching_of(Clock(), inner := PatientResolver(), error_ttl=10.0)
    waiter = resolver.resolve(ask())
    inner.questions[0].errback(LookupInvalid("garbage"))
    failure_of(waiter)
    assert not resolver.keeper.drop(A_COM)
    assert resolver.keeper.failure_of(A_COM) is None


def test_a_page_holds_those_that_are_wanted() -> None:
    keeper = caching_of(Clock(), PatientResolver()).keeper
    keeper.set(A_COM, route("A"))
    keeper.set(B_COM, route("B"))
    assert [look.name for look in keeper.page("routes", only=lambda name, answer: name > A_COM)] == [B_COM]
