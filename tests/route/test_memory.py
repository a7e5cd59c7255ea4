"""MemoryCache: the cache's contract, its counters, and a hit that makes nothing (M2, M3, M10)."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.names import Hostname
from starship.route.memory import MemoryCache
from tests.route.contract_cache import MISSES, ROUTES, CacheContract
from tests.route.resolvers import A_COM, B_COM, miss, route


def memory(clock: Clock, *, ttl: float = 60.0, neg_ttl: float = 10.0, stale_ttl: float = 0.0) -> MemoryCache:
    return MemoryCache(clock=clock, ttl=ttl, neg_ttl=neg_ttl, stale_ttl=stale_ttl, routes=ROUTES, misses=MISSES)


class TestMemoryCache(CacheContract):
    def make(self, clock: Clock, *, ttl: float = 60.0, neg_ttl: float = 10.0) -> MemoryCache:
        return memory(clock, ttl=ttl, neg_ttl=neg_ttl)


def test_a_hit_hands_out_the_same_object_every_time() -> None:
    cache = memory(Clock())
    cache.put(A_COM, route())
    assert cache.get(A_COM) is cache.get(A_COM)


def test_the_counters_tell_what_happened() -> None:
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
    assert cache.stale(Hostname("r0.com")) is not None
    assert (cache.hits, cache.misses, cache.stales) == (0, 0, 1)
    cache.put(A_COM, route())
    assert cache.stale(Hostname("r0.com")) is None


def test_the_caches_own_stale_time_is_for_routes_that_name_none() -> None:
    clock = Clock()
    cache = memory(clock, stale_ttl=5)
    cache.put(A_COM, route())
    cache.put(B_COM, route(stale_ttl=0))
    clock.advance(60)
    assert cache.stale(A_COM) is not None
    assert cache.stale(B_COM) is None
    clock.advance(5)
    assert cache.stale(A_COM) is None


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
