"""
Where an answer of the API says that something lives: `endpoint`, `endpoints`, or a pool of ours. Pure.

Part of `route`: the contract reads a route's own home with it, `rules.py` that of each path. What is wrong raises
Malformed, with words that repeat nothing of the text.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from attrs import evolve

from starship.addresses import BadAddress, parse_pool, parse_upstream
from starship.route.fields import JsonObject, Malformed
from starship.words import Endpoints, PoolName, Upstream

ENDPOINTS_LIMIT: Final = 256
WEIGHT_LIMIT: Final = 65_535


def read_endpoints(answer: JsonObject, pools: Container[str] | None) -> Endpoints | None:
    """
    `endpoints` where it is said, else `endpoint`; both are checked. An endpoint of weight 0 is left out.

    Shape: an `endpoint` that is a pool has the whole word: beside it there are no `endpoints`. `pools` are those that
    may be named (None: any).
    Returns: None where neither is said.
    """
    single = answer.take("endpoint", str, "a string")
    several = answer.items_of("endpoints", JsonObject, "an object", ENDPOINTS_LIMIT)
    pool = None if single is None else _pool(single, pools)
    if pool is not None:
        if several is not None:
            raise Malformed("the answer has both a pool and endpoints")
        return pool
    alone = None if single is None else _upstream("endpoint", single)
    if several is not None:
        upstreams = tuple(one for entry in several if (one := _weighed(entry)).weight)
        if not upstreams:
            raise Malformed("endpoints has none with a weight above 0")
        return upstreams
    return None if alone is None else (alone,)


def _pool(text: str, pools: Container[str] | None) -> PoolName | None:
    pool = parse_pool(text)
    if isinstance(pool, BadAddress):
        raise Malformed(f"endpoint is not usable: {pool.why}")
    if pool is not None and pools is not None and pool not in pools:
        raise Malformed("endpoint names a pool that there is not")
    return pool


def _weighed(entry: JsonObject) -> Upstream:
    address = entry.take("address", str, "a string")
    weight = entry.integer("weight", 0, WEIGHT_LIMIT)
    backup = entry.take("backup", bool, "true or false")
    if address is None:
        raise Malformed("an entry of endpoints has no address")
    return evolve(_upstream("address", address), weight=1 if weight is None else weight, backup=bool(backup))


def _upstream(key: str, text: str) -> Upstream:
    upstream = parse_upstream(text)
    if isinstance(upstream, BadAddress):
        raise Malformed(f"{key} is not usable: {upstream.why}")
    return upstream
