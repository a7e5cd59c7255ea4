"""
What an answer weighs in memory: an estimate in bytes, cheap to make and never far below the truth. Pure.

Part of `route`: the cache's bound in bytes counts with it. The constants are what CPython 3.11 was seen to take
(64 bit, measured with tracemalloc over 100,000 entries), all of an entry counted: its name, its place in the store, its
times. An answer of one endpoint comes to some 850 bytes.
"""

from __future__ import annotations

from typing import Final

from starship.words import Answer, Miss, PathRule

MISS_BYTES: Final = 400
ROUTE_BYTES: Final = 640
UPSTREAM_BYTES: Final = 170
NETWORK_BYTES: Final = 190
RULE_BYTES: Final = 260
TEXT_BYTES: Final = 52
"""A Python text beside its characters."""


def weight(name: str, answer: Answer) -> int:
    """The bytes that keeping this answer under this name takes, roughly."""
    if isinstance(answer, Miss):
        return MISS_BYTES + len(name)
    upstreams = sum(UPSTREAM_BYTES + len(upstream.host) for upstream in answer.upstreams)
    networks = NETWORK_BYTES * (len(answer.allow or ()) + len(answer.deny))
    pool = TEXT_BYTES + len(answer.pool) if answer.pool else 0
    app = TEXT_BYTES + 4 * len(answer.app) if answer.app else 0  # up to four bytes a character
    rules = sum(_weight_of(rule) for rule in answer.paths) if answer.paths else 0
    return ROUTE_BYTES + len(name) + app + pool + upstreams + networks + rules


def _weight_of(rule: PathRule) -> int:
    upstreams = sum(UPSTREAM_BYTES + len(upstream.host) for upstream in rule.upstreams)
    return RULE_BYTES + len(rule.path) + len(rule.rewrite or "") + len(rule.pool or "") + upstreams
