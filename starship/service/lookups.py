"""
Who is asked where a name lives, in which order.

Part of service, floor 7. From the outside in: the static table, the suffixes that are ours, the cache, the budget of
new names, the miss on error (where asked for), the shadow, the counting, the queue, the APIs behind their breakers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeVar

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from starship.account.ledger import Timings
from starship.buckets import Buckets
from starship.config.settings import Cache, Names, Settings
from starship.interfaces import IResolver
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
from starship.route.raw import RawAnswers
from starship.route.shadow import Shadow
from starship.route.snapshot import Snapshot
from starship.route.store import Store
from starship.route.suffixes import Suffixes
from starship.route.table import TableResolver, static_route
from starship.service.apis import Apis, make_apis
from starship.words import Endpoints, Route

T = TypeVar("T")


@define(eq=False, kw_only=True)
class Lookups:
    """What looks names up. `outer` is whom a Journey asks; the API's parts are None where only the table is known."""

    outer: TableResolver
    seconds: Timings
    suffixes: Suffixes | None = None
    cache: MemoryCache | None = None
    caching: CachingResolver | None = None
    failures: Failures | None = None
    budget: Budget | None = None
    shadow: Shadow | None = None
    api: CountingResolver | None = None
    queue: Queueing | None = None
    failover: Failover | None = None
    raw: RawAnswers | None = None
    snapshot: Snapshot | None = None
    client: ApiClient | None = None

    def start(self) -> None:
        """Know what was known before the last stop. Waits for the disk: nobody is served yet."""
        if self.snapshot is not None:
            self.snapshot.load()
            self.snapshot.start()

    def stop(self) -> Deferred[None]:
        """Ask no more, keep what is known, and close the connections to the API."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self.caching is not None:
            self.caching.stop()
        if self.shadow is not None:
            self.shadow.stop()
        if self.snapshot is not None:
            await self.snapshot.stop()
        if self.client is not None:
            await self.client.close()


def make_lookups(
    settings: Settings, reactor: Any, *, client: ApiClient | None = None, random: Random | None = None
) -> Lookups:
    """
    Build the chain. Raises CredentialsUnusable.

    `client` None: one as `[lookup]` says. `random` spreads questions over time, and guards nothing.
    """
    seconds, random = Timings(), random or Random()  # noqa: S311
    if settings.lookup is None:
        return Lookups(outer=_table(settings, None), seconds=seconds)
    apis = make_apis(settings, reactor, random.random, client)
    lookup = settings.lookup
    queue = Queueing(
        inner=apis.failover,
        clock=reactor,
        limit=lookup.concurrency,
        room=lookup.queue,
        patience=lookup.queue_timeout,
    )
    api = CountingResolver(queue, reactor, seconds.observe)
    shadow = _shadow(settings, apis, api, reactor)
    asked: IResolver = shadow or api
    budget = _budget(settings.names, MissOnError(asked) if lookup.miss_on_error else asked, reactor)
    cache = _cache(settings.cache, reactor, random)
    failures = Failures(
        clock=reactor,
        first=settings.cache.error_ttl,
        longest=settings.cache.max_error_ttl,
        patience=lookup.retry_after_limit,
        jitter=random.random,
    )
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
    return Lookups(
        outer=_table(settings, suffixes or caching),
        seconds=seconds,
        suffixes=suffixes,
        cache=cache,
        caching=caching,
        failures=failures,
        budget=budget,
        shadow=shadow,
        api=api,
        queue=queue,
        failover=apis.failover,
        raw=apis.raw,
        snapshot=_snapshot(settings, cache, reactor),
        client=apis.client,
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


def _budget(names: Names, inner: IResolver, reactor: Any) -> Budget:
    return Budget(
        inner=inner,
        clock=reactor,
        sources=Buckets(names.new_per_source, names.burst_per_source),
        overall=Buckets(names.new_overall, names.burst_overall),
    )


def _shadow(settings: Settings, apis: Apis, inner: IResolver, reactor: Any) -> Shadow | None:
    if settings.shadow is None or apis.shadow is None or settings.lookup is None:
        return None
    return Shadow(
        inner=inner,
        shadow=apis.shadow,
        clock=reactor,
        fraction=settings.shadow.fraction / 100,
        limit=max(1, settings.lookup.concurrency // 4),
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


def _table(settings: Settings, inner: IResolver | None) -> TableResolver:
    routes = {
        name: static_route(name, home, settings.paths.get(name, ()), name in settings.redirected)
        for name, home in settings.routes.items()
    }
    return TableResolver(
        routes=routes,
        inner=inner,
        no_name=_by_door("no_name", {door.name: door.no_name for door in settings.listeners})
        | _by_door("upstream", {door.name: door.upstream for door in settings.listeners}),
        default=_by_door("default", {door.name: door.default for door in settings.listeners}),
    )


def _by_door(app: str, targets: Mapping[str, Endpoints]) -> dict[str, Route]:
    return {door: static_route(app, home) for door, home in targets.items() if home}
