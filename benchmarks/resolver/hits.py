"""
What an answer from memory costs in CPU, through the whole chain.

Part of the benchmarks. Each name is a new string, as a connection brings it: its hash has not been computed yet, and
100,000 routes are more than a processor's caches hold.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Final

from attrs import frozen
from twisted.internet.task import Clock

from benchmarks.resolver.chain import Chain, fill, make_chain
from benchmarks.resolver.world import ApiInMemory, Mode, Outage, Zipf, name_of
from starship.config.settings import Cache
from starship.errors import LookupRefused
from starship.route.breaker import Pass
from starship.words import Ask, Origin

ROUNDS: Final = 9


class Monotonic(Clock):
    """The time as the service's reactor tells it; `ahead` (s) lets it be later."""

    ahead = 0.0

    def seconds(self) -> float:
        return time.monotonic() + self.ahead


@frozen(kw_only=True)
class HitCosts:
    """Microseconds of CPU: a hit by popularity and evenly over all names; a stale answer while the API is down."""

    popular: float
    even: float
    stale: float


def hit_costs(names: int, count: int, seed: int) -> HitCosts:
    """Time `count` answers, the median of several rounds each."""
    random = Random(seed)
    clock = Monotonic()
    api = ApiInMemory(clock=clock, random=random, names=names, outage=Outage(Mode.REFUSES, 0, float("inf")))
    chain = make_chain(clock, api, random, Cache(ttl=3600.0))
    fill(chain, range(names))
    zipf = Zipf(names, random)
    popular = _cost(chain, lambda: _asks(zipf.draw, count), Origin.HIT)
    even = _cost(chain, lambda: _asks(lambda: random.randrange(names), count), Origin.HIT)
    clock.ahead = 7200.0
    for number in range(5):  # the API is found to be down
        chain.api.failed(Pass.PLAIN, name_of(number), LookupRefused("down"), clock.seconds())
    stale = _cost(chain, lambda: _asks(zipf.draw, count), Origin.STALE)
    return HitCosts(popular=popular, even=even, stale=stale)


def _asks(draw: Callable[[], int], count: int) -> list[Ask]:
    return [Ask(name=name_of(draw()), source="192.0.2.7", door="https") for _ in range(count)]


def _cost(chain: Chain, asks: Callable[[], list[Ask]], origin: Origin) -> float:
    answers = [chain.outer.peek(ask) for ask in asks()]
    assert all(answer is not None and answer.origin is origin for answer in answers)
    rounds = []
    gc.collect()
    for _ in range(ROUNDS):
        drawn = asks()
        began = time.thread_time()
        for ask in drawn:
            chain.outer.peek(ask)
        rounds.append((time.thread_time() - began) / len(drawn) * 1e6)
    return median(rounds)
