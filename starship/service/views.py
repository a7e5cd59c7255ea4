"""
What the rooms count, in the words that the Collector reads.

Part of service, floor 7: account does not know the other rooms, so what does not fit as it is, is adapted here.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import frozen

from starship.accept.gate import Gate
from starship.account.sources import Sources, TimingStats
from starship.dial.pools.book import Pools
from starship.dial.pools.figures import figures
from starship.poolviews import PoolFigures
from starship.route.breaker import State
from starship.route.shadow import RESULTS
from starship.service.chain import Chain
from starship.service.house import House

OPENNESS: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


@frozen
class GateView:
    """Who is inside."""

    gate: Gate

    @property
    def connections(self) -> int:
        return self.gate.inside

    @property
    def limit(self) -> int:
        return self.gate.connections

    @property
    def sources(self) -> int:
        return self.gate.sources


@frozen
class LookupView:
    """What the API was asked."""

    chain: Chain

    @property
    def results(self) -> dict[str, int]:
        return self.chain.api.results

    @property
    def in_flight(self) -> int:
        return self.chain.api.in_flight

    @property
    def seconds(self) -> TimingStats:
        return self.chain.seconds


@frozen
class CareView:
    """What keeps a failing lookup from being noticed."""

    chain: Chain

    @property
    def breakers(self) -> dict[str, int]:
        return {str(api.index): OPENNESS[api.breaker.state] for api in self.chain.apis.failover.apis}

    @property
    def well(self) -> dict[str, int]:
        return {str(api.index): int(api.well) for api in self.chain.apis.failover.apis}

    @property
    def queue(self) -> int:
        return self.chain.queue.waiting

    @property
    def joined(self) -> int:
        return self.chain.caching.joined

    @property
    def beside(self) -> dict[str, int]:
        caching = self.chain.caching
        return {"ahead": caching.ahead, "revalidate": caching.revalidated, "renew": caching.renewed}

    @property
    def failed_names(self) -> int:
        return self.chain.failures.entries

    @property
    def failures_served(self) -> int:
        return self.chain.failures.served

    @property
    def over_budget(self) -> dict[str, int]:
        budget = self.chain.budget
        return {"source": budget.over_source, "overall": budget.over_overall}

    @property
    def shadow(self) -> dict[str, int] | None:
        shadow = self.chain.shadow
        return None if shadow is None else {result: shadow.results.get(result, 0) for result in RESULTS}

    @property
    def snapshot(self) -> tuple[int, int] | None:
        snapshot = self.chain.snapshot
        return None if snapshot is None else (snapshot.written, snapshot.failures)


def pool_figures(pools: Pools) -> list[PoolFigures]:
    """What the pools of the ini file have done."""
    return list(map(figures, pools.named.values()))


def sources_of(house: House) -> Sources:
    """All that is counted in this house."""
    chain = house.lookups.chain
    return Sources(
        ledger=house.ledger,
        stores=None if chain is None else chain.cache.stores,
        cache=None if chain is None else chain.cache,
        lookups=None if chain is None else LookupView(chain),
        care=None if chain is None else CareView(chain),
        gate=GateView(house.gate),
        access_log=house.access_log,
        accept_paused=lambda: sum(door.paused for door in house.doors),
        loop_lag=house.pulse.lag,
        ready=lambda: house.readiness.standing().ready,
        uncounted=house.crowd.uncounted,
        idle=house.idle,
        spares=house.dialer.spares,
        names=house.book,
        checks=house.checks,
        pools=partial(pool_figures, house.dialer.pools),
    )
