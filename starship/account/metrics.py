"""
The Prometheus families, declared here and nowhere else, and the Collector that reads plain integers at scrape.

Part of `account`, floor 4. Other rooms are known only by the Protocols of `sources.py`. No label ever holds a name that
a client sent: labels come from closed lists and from the doors of the ini file.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from typing import Final

from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from starship.account.ledger import BOUNDS_S, Ledger
from starship.account.sources import CACHE_RESULTS, LOOKUP_RESULTS, STORES, Sources, TimingStats


@frozen
class Family:
    """One family: its name as scraped, type, labels, and meaning."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    def metric(self) -> Metric:
        """The family without samples."""
        return _MAKERS[self.kind](self.name, self.meaning, labels=self.labels)


_MAKERS: Final[dict[str, Callable[..., Metric]]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}

BUILD = Family("starship_build_info", "gauge", ("version", "python", "twisted"), "Always 1; what runs here.")
READY = Family("starship_ready", "gauge", (), "1 while /readyz answers 200, else 0.")
CONNECTIONS = Family("starship_connections_total", "counter", ("door",), "Connections accepted.")
ACTIVE = Family("starship_connections_active", "gauge", ("door",), "Connections open now.")
ENDINGS = Family(
    "starship_endings_total", "counter", ("door", "mood", "reason", "answer"), "How connections ended, in three words."
)
BYTES = Family(
    "starship_bytes_total", "counter", ("direction",), "Bytes from (in) and to (out) clients, counted at the ending."
)
STEP = Family(
    "starship_step_seconds", "histogram", ("step",), "Time in each step of the walk: hello, route, dial, total."
)
ENTRIES = Family("starship_cache_entries", "gauge", ("store",), "Answers remembered now: routes, misses.")
EVICTIONS = Family(
    "starship_cache_evictions_total", "counter", ("store",), "Answers pushed out because a store was full."
)
EXPIRED = Family(
    "starship_cache_expired_total", "counter", ("store",), "Answers forgotten because their time was over."
)
REQUESTS = Family(
    "starship_cache_requests_total",
    "counter",
    ("result",),
    "What the cache knew: hit, negative, stale, or miss (nothing).",
)
LOOKUPS = Family("starship_lookups_total", "counter", ("result",), "Questions to the API, by what came of them.")
LOOKUP_SECONDS = Family("starship_lookup_seconds", "histogram", (), "How long the API took to answer or to fail.")
IN_FLIGHT = Family("starship_lookups_in_flight", "gauge", (), "Questions to the API without an answer yet.")
GATE = Family("starship_gate_connections", "gauge", (), "Connections that count against the limit.")
GATE_LIMIT = Family("starship_gate_limit", "gauge", (), "The limit of connections at once; 0 means none.")
GATE_SOURCES = Family("starship_gate_sources", "gauge", (), "Client addresses (IPv6: /64) with a connection open.")
LOG_LINES = Family("starship_access_log_lines_total", "counter", (), "Lines written to the access log.")
LOG_DROPPED = Family(
    "starship_access_log_dropped_total", "counter", (), "Lines lost: the disk was full or the pipe slow."
)
LOG_PENDING = Family("starship_access_log_pending_bytes", "gauge", (), "Bytes of lines that wait to be written.")
PAUSED = Family("starship_accept_paused_total", "counter", (), "Times accepting paused because descriptors ran out.")
LAG = Family("starship_event_loop_lag_seconds", "histogram", (), "How late the event loop was for a timer.")

FAMILIES: Final = (
    *(BUILD, READY, CONNECTIONS, ACTIVE, ENDINGS, BYTES, STEP),
    *(ENTRIES, EVICTIONS, EXPIRED, REQUESTS, LOOKUPS, LOOKUP_SECONDS, IN_FLIGHT),
    *(GATE, GATE_LIMIT, GATE_SOURCES, LOG_LINES, LOG_DROPPED, LOG_PENDING, PAUSED, LAG),
)

Row = tuple[tuple[str, ...], float]


@define(eq=False)
class StarshipCollector(Collector):
    """Reads the sources whenever somebody scrapes."""

    sources: Sources
    _build: tuple[str, str, str] = field(
        factory=lambda: (version("starship"), platform.python_version(), version("twisted")), init=False
    )

    def describe(self) -> Iterable[Metric]:
        """The names this Collector may use, so that a registry notices a clash."""
        return [family.metric() for family in FAMILIES]

    def collect(self) -> Iterator[Metric]:
        """Every family whose source is there, with its samples of now."""
        yield _filled(BUILD, [(self._build, 1)])
        if self.sources.ready is not None:
            yield _one(READY, int(self.sources.ready()))
        yield from _ledger(self.sources.ledger)
        yield from _route(self.sources)
        yield from _edge(self.sources)


def register(registry: CollectorRegistry, sources: Sources) -> None:
    """Put our families and the standard ones (process, garbage collector, platform) on a registry."""
    registry.register(StarshipCollector(sources))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)


def _ledger(ledger: Ledger) -> Iterator[Metric]:
    now = ledger.snapshot()
    yield _filled(CONNECTIONS, _by_label(now.accepted))
    yield _filled(ACTIVE, _by_label(now.active))
    yield _filled(
        ENDINGS,
        [((door, why.row.mood, why, answer), count) for (door, why, answer), count in sorted(now.endings.items())],
    )
    yield _filled(BYTES, [(("in",), now.received), (("out",), now.sent)])
    steps = HistogramMetricFamily(STEP.name, STEP.meaning, labels=STEP.labels)
    for step, (counts, total) in now.steps.items():
        steps.add_metric([step], _buckets(BOUNDS_S, counts), total)
    yield steps


def _route(sources: Sources) -> Iterator[Metric]:
    if (stores := sources.stores) is not None:
        known = [(store, stores[store]) for store in STORES if store in stores]
        yield _filled(ENTRIES, [((store,), stats.entries) for store, stats in known])
        yield _filled(EVICTIONS, [((store,), stats.evictions) for store, stats in known])
        yield _filled(EXPIRED, [((store,), stats.expired) for store, stats in known])
    if (cache := sources.cache) is not None:
        counts = (cache.hits, cache.negatives, cache.stales, cache.misses)
        yield _filled(REQUESTS, _by_label(dict(zip(CACHE_RESULTS, counts, strict=True))))
    if (lookups := sources.lookups) is not None:
        yield _filled(LOOKUPS, [((result,), lookups.results.get(result, 0)) for result in LOOKUP_RESULTS])
        yield _histogram(LOOKUP_SECONDS, lookups.seconds)
        yield _one(IN_FLIGHT, lookups.in_flight)


def _edge(sources: Sources) -> Iterator[Metric]:
    if (gate := sources.gate) is not None:
        yield _one(GATE, gate.connections)
        yield _one(GATE_LIMIT, gate.limit)
        yield _one(GATE_SOURCES, gate.sources)
    if (log := sources.access_log) is not None:
        yield _one(LOG_LINES, log.lines)
        yield _one(LOG_DROPPED, log.dropped)
        yield _one(LOG_PENDING, log.pending_bytes)
    if sources.accept_paused is not None:
        yield _one(PAUSED, sources.accept_paused())
    if sources.loop_lag is not None:
        yield _histogram(LAG, sources.loop_lag)


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
