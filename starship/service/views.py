"""
What the rooms count, in the words that the Collector reads.

Part of service, floor 7: account does not know the other rooms, so what does not fit as it is, is adapted here.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from starship.accept.gate import Gate
from starship.account.sources import TimingStats
from starship.dial.pools.book import Pools
from starship.dial.pools.figures import figures
from starship.poolviews import PoolFigures
from starship.route.breaker import State
from starship.route.failover import Api
from starship.route.shadow import RESULTS
from starship.service.lookups import Lookups


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
    """What the API was asked; all zero where there is none."""

    lookups: Lookups

    @property
    def results(self) -> dict[str, int]:
        return {} if self.lookups.api is None else self.lookups.api.results

    @property
    def in_flight(self) -> int:
        return 0 if self.lookups.api is None else self.lookups.api.in_flight

    @property
    def seconds(self) -> TimingStats:
        return self.lookups.seconds


def pool_figures(pools: Pools) -> list[PoolFigures]:
    """What the pools of the ini file have done."""
    return list(map(figures, pools.named.values()))


OPENNESS: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


@frozen
class CareView:
    """What keeps a failing lookup from being noticed, while there is an API; all of it nothing where there is none."""

    lookups: Lookups

    @property
    def breakers(self) -> dict[str, int]:
        return {str(api.index): OPENNESS[api.breaker.state] for api in self._apis}

    @property
    def well(self) -> dict[str, int]:
        return {str(api.index): int(api.well) for api in self._apis}

    @property
    def queue(self) -> int:
        return 0 if self.lookups.queue is None else self.lookups.queue.waiting

    @property
    def joined(self) -> int:
        return 0 if self.lookups.caching is None else self.lookups.caching.joined

    @property
    def beside(self) -> dict[str, int]:
        caching = self.lookups.caching
        if caching is None:
            return {}
        return {"ahead": caching.ahead, "revalidate": caching.revalidated, "renew": caching.renewed}

    @property
    def failed_names(self) -> int:
        return 0 if self.lookups.failures is None else self.lookups.failures.entries

    @property
    def failures_served(self) -> int:
        return 0 if self.lookups.failures is None else self.lookups.failures.served

    @property
    def over_budget(self) -> dict[str, int]:
        budget = self.lookups.budget
        return {} if budget is None else {"source": budget.over_source, "overall": budget.over_overall}

    @property
    def shadow(self) -> dict[str, int] | None:
        shadow = self.lookups.shadow
        return None if shadow is None else {result: shadow.results.get(result, 0) for result in RESULTS}

    @property
    def snapshot(self) -> tuple[int, int] | None:
        snapshot = self.lookups.snapshot
        return None if snapshot is None else (snapshot.written, snapshot.failures)

    @property
    def _apis(self) -> tuple[Api, ...]:
        return () if self.lookups.failover is None else self.lookups.failover.apis
