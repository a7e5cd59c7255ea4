"""
What the Collector may read of other rooms: small Protocols of plain integers, and the closed lists of their labels.

Part of `account`, floor 4. Knows no other room; service.py adapts each to these and hands them in as Sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from attrs import frozen

from starship.account.ledger import Ledger
from starship.poolviews import PoolFigures

STORES: Final = ("routes", "misses")
CACHE_RESULTS: Final = ("hit", "negative", "stale", "miss")
LOOKUP_RESULTS: Final = ("route", "miss", "timeout", "refused", "5xx", "invalid", "busy")
BESIDE_WHYS: Final = ("ahead", "revalidate", "renew")
BUDGETS: Final = ("source", "overall")
POOL_STATES: Final = ("up", "slow", "ejected", "down", "draining")
ENDPOINTS_LIMIT: Final = 1000
"""Endpoints with series of their own: a scrape is made while clients wait, and costs some 30 microseconds for each."""


class TimingStats(Protocol):
    """A histogram of seconds: see `ledger.Timings`."""

    @property
    def bounds(self) -> Sequence[float]: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def total(self) -> float: ...


class StoreStats(Protocol):
    """One store of a cache: what is in it, and what left it since the start, pushed out or too old."""

    @property
    def entries(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def evictions(self) -> int: ...
    @property
    def expired(self) -> int: ...


class CacheStats(Protocol):
    """How a cache answered: a live route, a live miss, a stale answer, or nothing (`misses`)."""

    @property
    def hits(self) -> int: ...
    @property
    def negatives(self) -> int: ...
    @property
    def stales(self) -> int: ...
    @property
    def misses(self) -> int: ...


class LookupStats(Protocol):
    """Questions to the API: finished ones by LOOKUP_RESULTS, those in flight, and how long they took."""

    @property
    def results(self) -> Mapping[str, int]: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def seconds(self) -> TimingStats: ...


class CareStats(Protocol):
    """
    What keeps a failing lookup from being noticed.

    `breakers` (0 closed, 1 half open, 2 open) and `well` (1, 0) by the index of the API; `beside` by BESIDE_WHYS and
    `over_budget` by BUDGETS; `shadow` by its words, None without one; `snapshot` routes written and failures, or None.
    """

    @property
    def breakers(self) -> Mapping[str, int]: ...
    @property
    def well(self) -> Mapping[str, int]: ...
    @property
    def queue(self) -> int: ...
    @property
    def joined(self) -> int: ...
    @property
    def beside(self) -> Mapping[str, int]: ...
    @property
    def failed_names(self) -> int: ...
    @property
    def failures_served(self) -> int: ...
    @property
    def over_budget(self) -> Mapping[str, int]: ...
    @property
    def shadow(self) -> Mapping[str, int] | None: ...
    @property
    def snapshot(self) -> tuple[int, int] | None: ...


class GateStats(Protocol):
    """Who is inside: connections, the limit for them (0: none), and how many sources they come from."""

    @property
    def connections(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def sources(self) -> int: ...


class AccessLogStats(Protocol):
    """Lines that came out, lines that did not, and bytes that wait."""

    @property
    def lines(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def pending_bytes(self) -> int: ...


class IdleStats(Protocol):
    """Upstream connections between two requests: how many now, requests that took one, requests sent a second time."""

    def __len__(self) -> int: ...
    @property
    def reused(self) -> int: ...
    @property
    def replays(self) -> int: ...


class NameStats(Protocol):
    """Names of endpoints: how many are known, resolutions by their result, and the age of the oldest answer (s)."""

    def __len__(self) -> int: ...
    @property
    def results(self) -> Mapping[str, int]: ...
    def oldest(self) -> float: ...


class SpareStats(Protocol):
    """Spare connections: how many now, and what became of the others."""

    def __len__(self) -> int: ...
    @property
    def results(self) -> Mapping[str, int]: ...


class CheckStats(Protocol):
    """
    What checks of endpoints found: `results` by kind and word, `changes` by `up` and `down`.

    `endpoints` are those that are checked now, by `up` and `down`; `waiting` checks wait their turn.
    """

    @property
    def results(self) -> Mapping[tuple[str, str], int]: ...
    @property
    def changes(self) -> Mapping[str, int]: ...
    @property
    def endpoints(self) -> Mapping[str, int]: ...
    @property
    def waiting(self) -> int: ...


@frozen(kw_only=True)
class Sources:
    """
    What the Collector reads. `stores` by STORES; whatever is None has no family in the scrape.

    `uncounted` tells the bytes from and to the clients of open connections that no Ending has counted yet.
    """

    ledger: Ledger
    stores: Mapping[str, StoreStats] | None = None
    cache: CacheStats | None = None
    lookups: LookupStats | None = None
    care: CareStats | None = None
    gate: GateStats | None = None
    access_log: AccessLogStats | None = None
    accept_paused: Callable[[], int] | None = None
    loop_lag: TimingStats | None = None
    ready: Callable[[], bool] | None = None
    uncounted: Callable[[], tuple[int, int]] = lambda: (0, 0)
    idle: IdleStats | None = None
    spares: SpareStats | None = None
    names: NameStats | None = None
    checks: CheckStats | None = None
    pools: Callable[[], Sequence[PoolFigures]] | None = None
