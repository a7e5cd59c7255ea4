"""
The Collector that fills the Prometheus families of `families.py` with plain integers at scrape.

Part of `account`, floor 4. Other rooms are known only by the Protocols of `sources.py`. No label ever holds a name that
a client sent: labels come from closed lists and from the doors of the ini file.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate, islice

from attrs import define, field
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from starship.account import families as f
from starship.account.families import FAMILIES, Family
from starship.account.ledger import BOUNDS_S, Ledger
from starship.account.process import ProcessFigures
from starship.account.sources import (
    BESIDE_WHYS,
    BUDGETS,
    CACHE_RESULTS,
    ENDPOINTS_LIMIT,
    LOOKUP_RESULTS,
    POOL_STATES,
    STORES,
    CareStats,
    Sources,
    TimingStats,
)
from starship.built import built
from starship.poolviews import PoolFigures

Row = tuple[tuple[str, ...], float]


@define(eq=False)
class StarshipCollector(Collector):
    """Reads the sources whenever somebody scrapes."""

    sources: Sources
    _build: tuple[str, str, str, str] = field(
        factory=lambda: (version("starship"), platform.python_version(), version("twisted"), built()), init=False
    )

    def describe(self) -> Iterable[Metric]:
        """The names this Collector may use, so that a registry notices a clash."""
        return [family.metric() for family in FAMILIES]

    def collect(self) -> Iterator[Metric]:
        """Every family whose source is there, with its samples of now."""
        yield _filled(f.BUILD, [(self._build, 1)])
        if self.sources.ready is not None:
            yield _one(f.READY, int(self.sources.ready()))
        yield from _ledger(self.sources.ledger, self.sources.uncounted())
        yield from _route(self.sources)
        yield from _edge(self.sources)


def register(registry: CollectorRegistry, sources: Sources) -> None:
    """Put our families and the standard ones (process, garbage collector, platform) on a registry."""
    registry.register(StarshipCollector(sources))
    registry.register(ProcessFigures())
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)


def _ledger(ledger: Ledger, uncounted: tuple[int, int]) -> Iterator[Metric]:
    received, sent = uncounted
    now = ledger.snapshot()
    yield _filled(f.CONNECTIONS, _by_label(now.accepted))
    yield _filled(f.ACTIVE, _by_label(now.active))
    yield _filled(
        f.ENDINGS,
        [((door, why.row.mood, why, answer), count) for (door, why, answer), count in sorted(now.endings.items())],
    )
    yield _filled(f.HTTP, sorted(now.requests.items()))
    yield _filled(f.BYTES, [(("in",), now.received + received), (("out",), now.sent + sent)])
    steps = HistogramMetricFamily(f.STEP.name, f.STEP.meaning, labels=f.STEP.labels)
    for step, (counts, total) in now.steps.items():
        steps.add_metric([step], _buckets(BOUNDS_S, counts), total)
    yield steps


def _route(sources: Sources) -> Iterator[Metric]:
    if (stores := sources.stores) is not None:
        known = [(store, stores[store]) for store in STORES if store in stores]
        yield _filled(f.ENTRIES, [((store,), stats.entries) for store, stats in known])
        yield _filled(f.CACHE_BYTES, [((store,), stats.bytes) for store, stats in known])
        yield _filled(f.EVICTIONS, [((store,), stats.evictions) for store, stats in known])
        yield _filled(f.EXPIRED, [((store,), stats.expired) for store, stats in known])
    if (cache := sources.cache) is not None:
        counts = (cache.hits, cache.negatives, cache.stales, cache.misses)
        yield _filled(f.REQUESTS, _by_label(dict(zip(CACHE_RESULTS, counts, strict=True))))
    if (lookups := sources.lookups) is not None:
        yield _filled(f.LOOKUPS, [((result,), lookups.results.get(result, 0)) for result in LOOKUP_RESULTS])
        yield _histogram(f.LOOKUP_SECONDS, lookups.seconds)
        yield _one(f.IN_FLIGHT, lookups.in_flight)
    if sources.care is not None:
        yield from _care(sources.care)


def _care(care: CareStats) -> Iterator[Metric]:
    yield _filled(f.BREAKER, _by_label(care.breakers))
    yield _filled(f.API_WELL, _by_label(care.well))
    yield _one(f.QUEUE, care.queue)
    yield _one(f.JOINED, care.joined)
    yield _filled(f.BESIDE, [((why,), care.beside.get(why, 0)) for why in BESIDE_WHYS])
    yield _one(f.ERRORS, care.failed_names)
    yield _one(f.ERRORS_SERVED, care.failures_served)
    yield _filled(f.OVER_BUDGET, [((limit,), care.over_budget.get(limit, 0)) for limit in BUDGETS])
    if care.shadow is not None:
        yield _filled(f.SHADOWED, _by_label(care.shadow))
    if care.snapshot is not None:
        routes, failures = care.snapshot
        yield _one(f.SNAPSHOT, routes)
        yield _one(f.SNAPSHOT_FAILURES, failures)


def _edge(sources: Sources) -> Iterator[Metric]:
    if (gate := sources.gate) is not None:
        yield _one(f.GATE, gate.connections)
        yield _one(f.GATE_LIMIT, gate.limit)
        yield _one(f.GATE_SOURCES, gate.sources)
    if (idle := sources.idle) is not None:
        yield _one(f.REUSED, idle.reused)
        yield _one(f.IDLE, len(idle))
        yield _one(f.REPLAYS, idle.replays)
    if (spares := sources.spares) is not None:
        yield _one(f.SPARES, len(spares))
        yield _filled(f.SPARES_USED, _by_label(spares.results))
    if (names := sources.names) is not None:
        yield _filled(f.RESOLUTIONS, _by_label(names.results))
        yield _one(f.NAMES_KNOWN, len(names))
        yield _one(f.OLDEST_ANSWER, names.oldest())
    if (checks := sources.checks) is not None:
        yield _filled(f.CHECKS, sorted(checks.results.items()))
        yield _filled(f.CHECK_CHANGES, _by_label(checks.changes))
        yield _filled(f.CHECKED, _by_label(checks.endpoints))
        yield _one(f.CHECKS_WAITING, checks.waiting)
    if sources.pools is not None:
        yield from _pools(sources.pools())
    if (log := sources.access_log) is not None:
        yield _one(f.LOG_LINES, log.lines)
        yield _one(f.LOG_DROPPED, log.dropped)
        yield _one(f.LOG_PENDING, log.pending_bytes)
    if sources.accept_paused is not None:
        yield _one(f.PAUSED, sources.accept_paused())
    if sources.loop_lag is not None:
        yield _histogram(f.LAG, sources.loop_lag)


def _pools(pools: Sequence[PoolFigures]) -> Iterator[Metric]:
    """Pools without end are no worry: they are those of the ini file. Beyond a limit endpoints have no series."""
    states = [((one.pool, state), one.states.get(state, 0)) for one in pools for state in POOL_STATES]
    retries = [((one.pool, "made"), one.retries) for one in pools]
    yield _filled(f.POOL_MEMBERS, states)
    yield _filled(f.POOL_PANIC, [((one.pool,), int(one.panic)) for one in pools])
    yield _filled(f.POOL_CONNECTIONS, [((one.pool,), one.total) for one in pools])
    yield _filled(f.POOL_WAITING, [((one.pool,), one.waiting) for one in pools])
    yield _filled(f.POOL_RETRIES, retries + [((one.pool, "refused"), one.retries_refused) for one in pools])
    found = list(islice(((one.pool, each) for one in pools for each in one.endpoints), ENDPOINTS_LIMIT))
    rows = [((pool, each.endpoint), each) for pool, each in found]
    yield _filled(f.ENDPOINT_USED, [(labels, int(each.used)) for labels, each in rows])
    yield _filled(f.ENDPOINT_LIVE, [(labels, each.live) for labels, each in rows])
    yield _filled(f.ENDPOINT_CONNECTIONS, [(labels, each.total) for labels, each in rows])
    yield _filled(f.ENDPOINT_FAILURES, [(labels, each.failures) for labels, each in rows])
    yield _filled(f.ENDPOINT_EJECTIONS, [(labels, each.ejections) for labels, each in rows])


def _by_label(counts: Mapping[str, int]) -> list[Row]:
    return [((label,), count) for label, count in counts.items()]


def _one(family: Family, value: float) -> Metric:
    return _filled(family, [((), value)])


def _filled(family: Family, rows: Iterable[Row]) -> Metric:
    metric = family.metric()
    for values, value in rows:
        metric.add_sample(family.name, dict(zip(family.labels, values, strict=True)), value)
    return metric


def _histogram(family: Family, timings: TimingStats) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=())
    metric.add_metric([], _buckets(timings.bounds, timings.counts), timings.total)
    return metric


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Counts of each bucket, to Prometheus' running sums."""
    shown = [*map(repr, bounds), "+Inf"]
    return list(zip(shown, accumulate(counts), strict=True))
