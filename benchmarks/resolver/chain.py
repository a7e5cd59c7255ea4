"""
The resolver as the service builds it, with the defaults of the product, around a client and a clock of our own.

Part of the benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, Final

from attrs import define
from twisted.web.client import HTTPConnectionPool

from benchmarks.resolver.world import body_of, name_of
from starship.config.settings import Cache, Listener, Lookup, Settings
from starship.interfaces import IResolver
from starship.route.client import ApiClient
from starship.route.contract import Head, read_answer
from starship.route.failover import Api
from starship.route.memory import MemoryCache
from starship.route.queueing import Queueing
from starship.route.snapshot import Snapshot
from starship.service.lookups import make_lookups

DEFAULT: Final = Cache()
API_URL: Final = "http://api.test/lookup/{host}"


@define(eq=False, kw_only=True)
class Chain:
    """`outer` is whom a visit asks; the rest is looked at."""

    outer: IResolver
    cache: MemoryCache
    queue: Queueing
    api: Api
    snapshot: Snapshot | None


def make_chain(reactor: Any, client: Any, random: Random, cache: Cache = DEFAULT) -> Chain:
    """Build it. `client` stands where treq's HTTP client does."""
    settings = Settings(
        listeners=(Listener(name="https", protocol="tls", endpoints=("tcp:0:interface=127.0.0.1",)),),
        lookup=Lookup(url=API_URL),
        cache=cache,
    )
    lookups = make_lookups(settings, reactor, client=ApiClient(client, HTTPConnectionPool(reactor)), random=random)
    made = lookups.chain
    assert made is not None
    return Chain(
        outer=lookups.outer,
        cache=made.cache,
        queue=made.queue,
        api=made.apis.failover.apis[0],
        snapshot=made.snapshot,
    )


def fill(chain: Chain, ranks: Iterable[int]) -> None:
    """Put a route for each of these names, read as an answer is."""
    for rank in ranks:
        name = name_of(rank)
        chain.cache.put(name, read_answer(name, Head(status=200), body_of(rank)))
