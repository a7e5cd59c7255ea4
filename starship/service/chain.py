"""
Who is asked for a name that the table does not know: the API, and all that stands before it.

Part of service, floor 7. From the outside in: the suffixes that are ours, the cache, the budget of new names, the miss
on error (where asked for), the shadow, the counting, the queue, the APIs behind their breakers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from starship.account.ledger import Timings
from starship.buckets import Buckets
from starship.config.settings import Cache, Lookup, Names, Settings
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.route.budget import Budget
from starship.route.caching import CachingResolver
from starship.route.client import ApiClient
from starship.route.counting import CountingResolver
from starship.route.failover import Failover
from starship.route.failures import Failures
from starship.route.forgiving import MissOnError
from starship.route.lifetimes import Lifetimes
from starship.route.memory import MemoryCache
from starship.route.queueing import Queueing
from starship.route.shadow import Shadow
from starship.route.snapshot import Snapshot
from starship.route.store import Store
from starship.route.suffixes import Suffixes
from starship.service.apis import Apis, make_apis

T = TypeVar("T")


@frozen(kw_only=True)
class Chain:
    """
    `outer` is asked; the rest is looked at, and None where the settings do not want it.

    `wanted` is what they say of the API; `seconds` times the questions to it.
    """

    wanted: Lookup
    outer: IResolver
    suffixes: Suffixes | None
    caching: CachingResolver
    cache: MemoryCache
    failures: Failures
    budget: Budget
    shadow: Shadow | None
    api: CountingResolver
    seconds: Timings
    queue: Queueing
    apis: Apis
    snapshot: Snapshot | None

    def ours(self, name: Hostname | None) -> bool:
        """Whether a name is ever looked up. Who names nobody is not judged here."""
        return self.suffixes is None or self.suffixes.ours(name)

    def start(self) -> None:
        """Know what was known before the last stop. Waits for the disk: nobody is served yet."""
        if self.snapshot is not None:
            self.snapshot.load()
            self.snapshot.start()

    async def stop(self) -> None:
        """Ask no more, keep what is known, and close the connections to the API."""
        self.caching.stop()
        if self.shadow is not None:
            self.shadow.stop()
        if self.snapshot is not None:
            await self.snapshot.stop()
        await self.apis.client.close()


def make_chain(
    settings: Settings, lookup: Lookup, reactor: Any, *, client: ApiClient | None = None, random: Random | None = None
) -> Chain:
    """
    Build it from the inside out. Raises CredentialsUnusable.

    `client` None: one as `lookup` says. `random` spreads questions over time, and guards nothing.
    """
    random = random or Random()  # noqa: S311  # spreads times out, guards nothing
    seconds = Timings()
    apis = make_apis(settings, reactor, random.random, client)
    queue = _queue(lookup, apis.failover, reactor)
    api = CountingResolver(queue, reactor, seconds.observe)
    shadow = _shadow(settings, lookup, apis, api, reactor)
    asked: IResolver = shadow or api
    budget = _budget(settings.names, MissOnError(asked) if lookup.miss_on_error else asked, reactor)
    cache = _cache(settings.cache, reactor, random)
    failures = _failures(settings.cache, lookup, reactor, random)
    caching = CachingResolver(
        cache=cache,
        inner=budget,
        clock=reactor,
        failures=failures,
        revalidate=settings.cache.stale_while_revalidate,
        wait=lookup.wait,
        beside_limit=max(1, lookup.concurrency // 2),
        renew_interval=settings.cache.renew_interval,
        troubled=lambda: apis.failover.troubled,
    )
    suffixes = Suffixes(caching, frozenset(settings.names.suffixes)) if settings.names.suffixes else None
    return Chain(
        wanted=lookup,
        outer=suffixes or caching,
        suffixes=suffixes,
        caching=caching,
        cache=cache,
        failures=failures,
        budget=budget,
        shadow=shadow,
        api=api,
        seconds=seconds,
        queue=queue,
        apis=apis,
        snapshot=_snapshot(settings, cache, reactor),
    )


def _queue(lookup: Lookup, inner: Failover, reactor: Any) -> Queueing:
    return Queueing(
        inner=inner,
        clock=reactor,
        limit=lookup.concurrency,
        room=lookup.queue,
        patience=lookup.queue_timeout,
    )


def _shadow(settings: Settings, lookup: Lookup, apis: Apis, inner: IResolver, reactor: Any) -> Shadow | None:
    if settings.shadow is None or apis.shadow is None:
        return None
    return Shadow(
        inner=inner,
        shadow=apis.shadow,
        clock=reactor,
        fraction=settings.shadow.fraction / 100,
        limit=max(1, lookup.concurrency // 4),
    )


def _budget(names: Names, inner: IResolver, reactor: Any) -> Budget:
    return Budget(
        inner=inner,
        clock=reactor,
        sources=Buckets(names.new_per_source, names.burst_per_source),
        overall=Buckets(names.new_overall, names.burst_overall),
    )


def _cache(wanted: Cache, reactor: Any, random: Random) -> MemoryCache:
    return MemoryCache(
        clock=reactor,
        lifetimes=Lifetimes(
            ttl=wanted.ttl,
            neg_ttl=wanted.neg_ttl,
            stale_ttl=wanted.stale_ttl,
            min_ttl=wanted.min_ttl,
            max_ttl=wanted.max_ttl,
            max_neg_ttl=wanted.max_neg_ttl,
            max_stale_ttl=wanted.max_stale_ttl,
        ),
        routes=Store(wanted.routes, wanted.routes_size),
        misses=Store(wanted.misses, wanted.misses_size),
        ahead=wanted.refresh_ahead / 100,
        jitter=random.random,
    )


def _failures(wanted: Cache, lookup: Lookup, reactor: Any, random: Random) -> Failures:
    return Failures(
        clock=reactor,
        first=wanted.error_ttl,
        longest=wanted.max_error_ttl,
        patience=lookup.retry_after_limit,
        jitter=random.random,
    )


def _snapshot(settings: Settings, cache: MemoryCache, reactor: Any) -> Snapshot | None:
    wanted = settings.cache
    if wanted.snapshot is None:
        return None

    def in_thread(work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), work)

    return Snapshot(
        path=wanted.snapshot,
        cache=cache,
        clock=reactor,
        wall=time.time,
        in_thread=in_thread,
        interval=wanted.snapshot_interval,
        pools=settings.pools,
    )
