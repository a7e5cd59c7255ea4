"""MemoryCache: the cache's contract, its counters, its bounds, and a hit that makes nothing (M2, M3, M6, M10)."""

from __future__ import annotations

from math import inf

import pytest
from twisted.internet.task import Clock

from starship.names import Hostname
from starship.route.lifetimes import Lifetimes
from starship.route.memory import MemoryCache
from starship.route.store import Store
from starship.route.weight import weight
from starship.words import Origin
from tests.route.contract_cache import MISSES, ROUTES, CacheContract
from tests.route.resolvers import A_COM, B_COM, memory, miss, route


class TestMemoryCache(CacheContract):
    def make(self, clock: Clock, *, ttl: float = 60.0, neg_ttl: float = 10.0) -> MemoryCache:
        return memory(clock, ttl=ttl, neg_ttl=neg_ttl, routes=ROUTES, misses=MISSES)


def test_a_hit_hands_out_the_same_object_every_time() -> None:
    cache = memory(Clock())
    cache.put(A_COM, route())
    assert cache.get(A_COM) is cache.get(A_COM)


def test_a_stale_answer_is_made_once_too() -> None:
    clock = Clock()
    cache = memory(clock, stale_ttl=100)
    cache.put(A_COM, route())
    clock.advance(60)
    first, second = cache.stale(A_COM, inf), cache.stale(A_COM, inf)
    assert first is not None
    assert second is not None
    assert first.answer is second.answer


def test_the_counters_tell_what_happened_M1() -> None:
    clock = Clock()
    cache = memory(clock)
    cache.get(A_COM)
    for number in range(ROUTES + 1):
        cache.put(Hostname(f"r{number}.com"), route())
    cache.put(B_COM, miss())
    cache.get(B_COM)
    clock.advance(10)
    cache.get(B_COM)
    assert (cache.hits, cache.negatives, cache.misses) == (0, 1, 2)
    routes, misses = cache.stores["routes"], cache.stores["misses"]
    assert (routes.evictions, routes.expired) == (1, 0)
    assert (misses.evictions, misses.expired) == (0, 1)
    assert [store.entries for store in cache.stores.values()] == [ROUTES, 0]


def test_a_stale_read_is_neither_hit_nor_miss_and_promotes_nothing_M8() -> None:
    clock = Clock()
    cache = memory(clock, stale_ttl=100)
    for number in range(ROUTES):
        cache.put(Hostname(f"r{number}.com"), route(ttl=1))
    clock.advance(1)
    assert cache.stale(Hostname("r0.com"), inf) is not None
    assert (cache.hits, cache.misses, cache.stales) == (0, 0, 1)
    cache.put(A_COM, route())
    assert cache.stale(Hostname("r0.com"), inf) is None


def test_an_expired_entry_is_let_go_when_it_is_met() -> None:
    clock = Clock()
    cache = memory(clock, stale_ttl=5)
    cache.put(A_COM, route())
    clock.advance(64)
    cache.get(A_COM)
    assert [store.entries for store in cache.stores.values()] == [1, 0]
    clock.advance(1)
    cache.get(A_COM)
    assert [store.entries for store in cache.stores.values()] == [0, 0]
    assert cache.stores["routes"].expired == 1


def test_the_cache_is_bounded_in_bytes_too_M10() -> None:
    one = weight("r0.com", route())
    cache = MemoryCache(
        clock=Clock(), lifetimes=Lifetimes(ttl=60, neg_ttl=10), routes=Store(1000, 3 * one), misses=Store(1000)
    )
    for number in range(9):
        cache.put(Hostname(f"r{number}.com"), route())
    store = cache.stores["routes"]
    assert (store.entries, store.bytes, store.evictions) == (3, 3 * one, 6)
    cache.drop("r8.com")
    assert store.bytes == 2 * one
    cache.purge(expired_only=False)
    assert store.bytes == 0


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_a_refresh_is_due_in_the_last_share_of_the_time_each_at_its_own_moment_M6(jitter: float) -> None:
    clock = Clock()
    cache = MemoryCache(
        clock=clock,
        lifetimes=Lifetimes(ttl=100, neg_ttl=10),
        routes=Store(4),
        misses=Store(4),
        ahead=0.2,
        jitter=lambda: jitter,
    )
    cache.put(A_COM, route())
    cache.put(B_COM, miss())
    kept, negative = cache.get(A_COM), cache.get(B_COM)
    assert kept is not None
    assert kept.refresh == 80 + 10 * jitter
    assert negative is not None
    assert negative.refresh == inf


def test_what_never_expires_is_never_due() -> None:
    cache = memory(Clock(), ttl=0, ahead=0.1)
    cache.put(A_COM, route())
    kept = cache.get(A_COM)
    assert kept is not None
    assert kept.refresh == inf


def test_a_restored_route_lives_as_long_as_it_had_left_and_no_longer_than_the_bounds() -> None:
    clock = Clock()
    lifetimes = Lifetimes(ttl=60, neg_ttl=10, max_ttl=100, max_stale_ttl=1000)
    cache = MemoryCache(clock=clock, lifetimes=lifetimes, routes=Store(4), misses=Store(4))
    cache.restore("a.com", route(), 30, 90)
    cache.restore("b.com", route(), -10, 5)
    cache.restore("c.com", route(), 1e9, 2e9)
    cache.restore("d.com", route(), -10, 0)
    looks = {look.name: (look.left, look.stale_left) for look in cache.page("routes", "", 9)}
    assert looks == {"a.com": (30, 90), "b.com": (-10, 5), "c.com": (100, 1100)}


def test_a_clock_that_steps_back_makes_a_stale_answer_a_hit_again() -> None:
    clock = Clock()
    cache = memory(clock, stale_ttl=100)
    cache.put(A_COM, route())
    clock.advance(61)
    assert cache.stale(A_COM, inf) is not None
    clock.rightNow = 59
    kept = cache.get(A_COM)
    assert kept is not None
    assert kept.answer.origin is Origin.HIT
