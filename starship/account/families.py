"""
The Prometheus families, declared here and nowhere else.

Part of `account`, floor 4: `metrics.py` fills them at scrape, docs/metrics.md lists them. No label ever holds a name
that a client sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric


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

BUILD = Family("starship_build_info", "gauge", ("version", "python", "twisted", "build"), "Always 1; what runs here.")
READY = Family("starship_ready", "gauge", (), "1 while /readyz answers 200, else 0.")
CONNECTIONS = Family("starship_connections_total", "counter", ("door",), "Connections accepted.")
ACTIVE = Family("starship_connections_active", "gauge", ("door",), "Connections open now.")
ENDINGS = Family(
    "starship_endings_total",
    "counter",
    ("door", "mood", "reason", "answer"),
    "How connections, and requests of plain HTTP, ended, in three words.",
)
BYTES = Family("starship_bytes_total", "counter", ("direction",), "Bytes from (in) and to (out) clients, up to now.")
STEP = Family(
    "starship_step_seconds", "histogram", ("step",), "Time in each step of the walk: hello, route, dial, total."
)
ENTRIES = Family("starship_cache_entries", "gauge", ("store",), "Answers remembered now: routes, misses.")
CACHE_BYTES = Family("starship_cache_bytes", "gauge", ("store",), "Memory that the answers take, estimated.")
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
BREAKER = Family(
    "starship_lookup_breaker", "gauge", ("api",), "0: the API is asked; 1: one question finds out; 2: it is not asked."
)
API_WELL = Family("starship_lookup_api_well", "gauge", ("api",), "1 where the API answered its last question, else 0.")
QUEUE = Family("starship_lookup_queue", "gauge", (), "Questions that wait their turn before the API.")
JOINED = Family("starship_lookup_joined_total", "counter", (), "Clients that waited for a question already under way.")
BESIDE = Family(
    "starship_lookup_beside_total",
    "counter",
    ("why",),
    "Questions about names that are known: ahead of their expiry, after it, or since the route did not work.",
)
ERRORS = Family("starship_error_memory_names", "gauge", (), "Names whose lookup failed lately.")
ERRORS_SERVED = Family(
    "starship_error_memory_served_total", "counter", (), "Clients that were not asked for since it failed just before."
)
OVER_BUDGET = Family(
    "starship_names_over_budget_total", "counter", ("limit",), "New names not looked up, by whose budget was used up."
)
SHADOWED = Family("starship_shadow_total", "counter", ("result",), "Names asked of the shadow API, by what it said.")
SNAPSHOT = Family("starship_snapshot_routes", "gauge", (), "Routes in the snapshot that was written last.")
SNAPSHOT_FAILURES = Family("starship_snapshot_failures_total", "counter", (), "Snapshots that could not be written.")
GATE = Family("starship_gate_connections", "gauge", (), "Connections that count against the limit.")
GATE_LIMIT = Family("starship_gate_limit", "gauge", (), "The limit of connections at once; 0 means none.")
GATE_SOURCES = Family("starship_gate_sources", "gauge", (), "Client addresses (IPv6: /64) with a connection open.")
HTTP = Family(
    "starship_http_requests_total", "counter", ("door", "reason"), "Requests of plain HTTP, each routed by itself."
)
REUSED = Family("starship_upstream_reused_total", "counter", (), "Requests that took an idle upstream connection.")
IDLE = Family("starship_upstream_idle", "gauge", (), "Upstream connections that are kept for the next request.")
REPLAYS = Family(
    "starship_upstream_replays_total", "counter", (), "Requests sent again, since an idle connection was dead."
)
SPARES = Family("starship_upstream_spares", "gauge", (), "Spare connections that wait for a client.")
SPARES_USED = Family(
    "starship_upstream_spares_spent_total", "counter", ("result",), "What became of spare connections."
)
RESOLUTIONS = Family(
    "starship_dns_resolutions_total",
    "counter",
    ("result",),
    "Names of endpoints that were resolved, by what came of it.",
)
NAMES_KNOWN = Family("starship_dns_names", "gauge", (), "Names of endpoints whose addresses are known.")
OLDEST_ANSWER = Family(
    "starship_dns_oldest_answer_seconds", "gauge", (), "Age of the oldest answer of a DNS server that is in use."
)
CHECKS = Family(
    "starship_checks_total", "counter", ("check", "result"), "Checks of the endpoints of pools, by what came of them."
)
CHECK_CHANGES = Family(
    "starship_check_changes_total", "counter", ("to",), "Endpoints that checks found down, or up again."
)
CHECKED = Family("starship_check_endpoints", "gauge", ("state",), "Endpoints that are checked, by what was found.")
CHECKS_WAITING = Family("starship_checks_waiting", "gauge", (), "Checks that wait until fewer are under way.")
POOL_MEMBERS = Family(
    "starship_pool_members", "gauge", ("pool", "state"), "Addresses of a pool, by how they stand: draining goes first."
)
POOL_PANIC = Family(
    "starship_pool_panic", "gauge", ("pool",), "1 while no endpoint of the pool is well: all are tried."
)
POOL_CONNECTIONS = Family(
    "starship_pool_connections_total", "counter", ("pool",), "Connections that the pool was asked for."
)
POOL_WAITING = Family("starship_pool_waiting", "gauge", ("pool",), "Clients that wait for room at an endpoint.")
POOL_RETRIES = Family(
    "starship_pool_retries_total",
    "counter",
    ("pool", "result"),
    "Second chances, and further tries of endpoints that had failed last, by whether the budget had room.",
)
ENDPOINT_USED = Family(
    "starship_endpoint_used", "gauge", ("pool", "endpoint"), "1 where new connections are given to it, else 0."
)
ENDPOINT_LIVE = Family("starship_endpoint_live", "gauge", ("pool", "endpoint"), "Connections that are open to it.")
ENDPOINT_CONNECTIONS = Family(
    "starship_endpoint_connections_total", "counter", ("pool", "endpoint"), "Connections that it took."
)
ENDPOINT_FAILURES = Family(
    "starship_endpoint_failures_total",
    "counter",
    ("pool", "endpoint"),
    "Connects that failed, and connections that it reset or wrongly ended before its first byte.",
)
ENDPOINT_EJECTIONS = Family(
    "starship_endpoint_ejections_total", "counter", ("pool", "endpoint"), "Times that it was left out for its failures."
)
LOG_LINES = Family("starship_access_log_lines_total", "counter", (), "Lines written to the access log.")
LOG_DROPPED = Family(
    "starship_access_log_dropped_total", "counter", (), "Lines lost: the disk was full or the pipe slow."
)
LOG_PENDING = Family("starship_access_log_pending_bytes", "gauge", (), "Bytes of lines that wait to be written.")
PAUSED = Family("starship_accept_paused_total", "counter", (), "Times accepting paused because descriptors ran out.")
LAG = Family("starship_event_loop_lag_seconds", "histogram", (), "How late the event loop was for a timer.")

FAMILIES: Final = (
    *(BUILD, READY, CONNECTIONS, ACTIVE, ENDINGS, HTTP, BYTES, STEP),
    *(ENTRIES, CACHE_BYTES, EVICTIONS, EXPIRED, REQUESTS, LOOKUPS, LOOKUP_SECONDS, IN_FLIGHT),
    *(BREAKER, API_WELL, QUEUE, JOINED, BESIDE, ERRORS, ERRORS_SERVED),
    *(OVER_BUDGET, SHADOWED, SNAPSHOT, SNAPSHOT_FAILURES),
    *(REUSED, IDLE, REPLAYS, SPARES, SPARES_USED),
    *(RESOLUTIONS, NAMES_KNOWN, OLDEST_ANSWER),
    *(CHECKS, CHECK_CHANGES, CHECKED, CHECKS_WAITING),
    *(POOL_MEMBERS, POOL_PANIC, POOL_CONNECTIONS, POOL_WAITING, POOL_RETRIES),
    *(ENDPOINT_USED, ENDPOINT_LIVE, ENDPOINT_CONNECTIONS, ENDPOINT_FAILURES, ENDPOINT_EJECTIONS),
    *(GATE, GATE_LIMIT, GATE_SOURCES, LOG_LINES, LOG_DROPPED, LOG_PENDING, PAUSED, LAG),
)
