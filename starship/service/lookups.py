"""
Who is asked where a name lives, in which order.

Part of service, floor 7. From the outside in: the static table, the cache, the miss on error (where asked for), the
counting, the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, succeed

from starship.account.ledger import Timings
from starship.config.settings import Lookup, Settings
from starship.interfaces import IResolver
from starship.route.caching import CachingResolver
from starship.route.client import ApiClient, api_client
from starship.route.counting import CountingResolver
from starship.route.credentials import https_policy, read_token
from starship.route.failures import Failures
from starship.route.forgiving import MissOnError
from starship.route.lifetimes import Lifetimes
from starship.route.memory import MemoryCache
from starship.route.remote import RemoteResolver
from starship.route.store import Store
from starship.route.table import TableResolver, static_route
from starship.words import Route, Upstream


@define(eq=False, kw_only=True)
class Lookups:
    """What looks names up. `outer` is whom a Journey asks; the API's parts are None where only the table is known."""

    outer: IResolver
    cache: MemoryCache | None = None
    caching: CachingResolver | None = None
    api: CountingResolver | None = None
    seconds: Timings
    client: ApiClient | None = None

    def stop(self) -> Deferred[None]:
        """Ask no more, and close the connections to the API."""
        if self.caching is not None:
            self.caching.stop()
        return self.client.close() if self.client is not None else succeed(None)


def make_lookups(settings: Settings, reactor: Any) -> Lookups:
    """Build the chain. Raises CredentialsUnusable."""
    seconds = Timings()
    if settings.lookup is None:
        return Lookups(outer=_table(settings, None), seconds=seconds)
    client = _client(settings.lookup, reactor)
    api = CountingResolver(_remote(settings.lookup, client, reactor), reactor, seconds.observe)
    cache = MemoryCache(
        clock=reactor,
        lifetimes=Lifetimes(ttl=settings.cache.ttl, neg_ttl=settings.cache.neg_ttl),
        routes=Store(settings.cache.routes),
        misses=Store(settings.cache.misses),
    )
    caching = CachingResolver(
        cache=cache,
        inner=MissOnError(api) if settings.lookup.miss_on_error else api,
        clock=reactor,
        failures=Failures(clock=reactor, first=0.0, longest=0.0),
    )
    outer = _table(settings, caching)
    return Lookups(outer=outer, cache=cache, caching=caching, api=api, seconds=seconds, client=client)


def _client(lookup: Lookup, reactor: Any) -> ApiClient:
    policy = https_policy(
        ca_file=lookup.ca_file, client_certificate=lookup.client_certificate, client_key=lookup.client_key
    )
    return api_client(
        reactor,
        policy=policy,
        connect_timeout=lookup.connect_timeout,
        answer_limit=lookup.answer_limit,
        connections=lookup.concurrency,
    )


def _remote(lookup: Lookup, client: ApiClient, reactor: Any) -> RemoteResolver:
    token = _token(lookup.token_file)
    return RemoteResolver(
        client=client.http,
        clock=reactor,
        url=lookup.url,
        deadline=lookup.timeout,
        answer_limit=lookup.answer_limit,
        concurrency=lookup.concurrency,
        token=lambda: token,
    )


def _token(path: Path | None) -> str | None:
    return None if path is None else read_token(path)


def _table(settings: Settings, inner: IResolver | None) -> TableResolver:
    routes: dict[str, Route] = {name: static_route(name, upstreams) for name, upstreams in settings.routes.items()}
    return TableResolver(
        routes=routes,
        inner=inner,
        no_name=_by_door("no_name", {door.name: door.no_name for door in settings.listeners}),
        default=_by_door("default", {door.name: door.default for door in settings.listeners}),
    )


def _by_door(app: str, targets: Mapping[str, tuple[Upstream, ...]]) -> dict[str, Route]:
    return {door: static_route(app, upstreams) for door, upstreams in targets.items() if upstreams}
