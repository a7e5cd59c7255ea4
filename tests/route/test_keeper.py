"""Who administers the cache: looks, pages, sets, drops and purges, none of which asks anybody (M8)."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.errors import LookupInvalid
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
