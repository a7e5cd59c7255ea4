"""
What the rooms count, in the words that the Collector reads.

Part of service, floor 7: account does not know the other rooms, so what does not fit as it is, is adapted here.
"""

from __future__ import annotations

from attrs import frozen

from starship.accept.gate import Gate
from starship.account.sources import TimingStats
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
