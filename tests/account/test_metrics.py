"""The Collector shows plain integers as Prometheus families, the ones that the docs list and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from starship.account.families import FAMILIES
from starship.account.ledger import Ledger, Timings
from starship.account.metrics import StarshipCollector, register
from starship.account.sources import ENDPOINTS_LIMIT, Sources
from starship.built import COMPILED, PURE, built
from starship.poolviews import EndpointFigures, PoolFigures
from starship.reasons import Mood, Reason
from starship.words import Origin
from tests import fakes
from tests.account.endings import carried, silent

DOCS = Path(__file__).parent.parent.parent / "docs" / "metrics.md"
FREE_LABELS = {"version", "python", "twisted"}


@define
class Store:
    entries: int
    evictions: int
    expired: int
    bytes: int = 4096


@define
class Cache:
    hits: int = 5
    negatives: int = 4
    stales: int = 3
    misses: int = 2


@define
class Lookups:
    results: Mapping[str, int]
    in_flight: int = 7
    seconds: Timings = field(factory=Timings)


@define
class Care:
    breakers: Mapping[str, int] = field(factory=lambda: {"0": 2, "1": 0})
    well: Mapping[str, int] = field(factory=lambda: {"0": 0, "1": 1})
    queue: int = 21
    joined: int = 22
    beside: Mapping[str, int] = field(factory=lambda: {"ahead": 23, "renew": 24})
    failed_names: int = 25
    failures_served: int = 26
    over_budget: Mapping[str, int] = field(factory=lambda: {"source": 27})
    shadow: Mapping[str, int] | None = field(factory=lambda: {"same": 28})
    snapshot: tuple[int, int] | None = (29, 30)


@define
class Gate:
    connections: int = 8
    limit: int = 20000
    sources: int = 6


@define
class Spared:
    """Two spare connections."""

    results: Mapping[str, int] = field(factory=lambda: {"taken": 91, "aged": 92})

    def __len__(self) -> int:
        return 2


@define
class Idle:
    reused: int = 41
    replays: int = 42

    def __len__(self) -> int:
        return 43


@define
class Known:
    results: dict[str, int] = field(factory=lambda: {"found": 61, "servfail": 62})

    def __len__(self) -> int:
        return 63

    def oldest(self) -> float:
        return 64.0


@define
class Checked:
    results: dict[tuple[str, str], int] = field(factory=lambda: {("http", "passed"): 51, ("tls", "failed"): 52})
    changes: dict[str, int] = field(factory=lambda: {"up": 53, "down": 54})
    endpoints: dict[str, int] = field(factory=lambda: {"up": 55, "down": 56})
    waiting: int = 57


def figures_of(name: str, *, used: bool = True) -> EndpointFigures:
    return EndpointFigures(endpoint=name, used=used, live=71, total=72, failures=73, ejections=74)


def pool_of(name: str, *endpoints: EndpointFigures) -> PoolFigures:
    states = {"up": 75, "draining": 76, "no such state": 99}
    return PoolFigures(
        pool=name,
        states=states,
        panic=True,
        total=77,
        waiting=78,
        retries=79,
        retries_refused=80,
        endpoints=endpoints,
    )


@define
class Log:
    lines: int = 11
    dropped: int = 12
    pending_bytes: int = 13


def all_sources() -> Sources:
    ledger = Ledger(doors=("https", "http"))
    ledger.arrived(fakes.arrival(1))
    ledger.arrived(fakes.arrival(2))
    ledger.ended(carried(1, name="secret-tenant.example", app="Secret"))
    ledger.ended(silent(2))
    ledger.departed(fakes.arrival(1))
    ledger.requests["http", Reason.OK] = 44
    lookups = Lookups({"route": 9, "5xx": 1, "no such result": 99})
    lookups.seconds.observe(0.003)
    lag = Timings()
    lag.observe(0.0)
    return Sources(
        ledger=ledger,
        stores={"routes": Store(100, 1, 2), "misses": Store(50, 3, 4), "no such store": Store(0, 0, 0)},
        cache=Cache(),
        lookups=lookups,
        care=Care(),
        gate=Gate(),
        access_log=Log(),
        accept_paused=lambda: 14,
        loop_lag=lag,
        ready=lambda: True,
        idle=Idle(),
        spares=Spared(),
        names=Known(),
        checks=Checked(),
        pools=lambda: [pool_of("web", figures_of("10.0.0.5:443"), figures_of("a.internal", used=False))],
    )


def scrape(sources: Sources) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StarshipCollector(sources))
    return registry


def families(registry: CollectorRegistry) -> list[Metric]:
    return list(parse(generate_latest(registry).decode()))


def test_every_source_shows_its_numbers() -> None:
    registry = scrape(all_sources())
    expected = {
        ("starship_connections_total", ("door", "https")): 2,
        ("starship_connections_total", ("door", "http")): 0,
        ("starship_connections_active", ("door", "https")): 1,
        ("starship_bytes_total", ("direction", "in")): 517,
        ("starship_bytes_total", ("direction", "out")): 4096,
        ("starship_step_seconds_count", ("step", "total")): 2,
        ("starship_step_seconds_count", ("step", "dial")): 1,
        ("starship_cache_entries", ("store", "routes")): 100,
        ("starship_cache_evictions_total", ("store", "misses")): 3,
        ("starship_cache_expired_total", ("store", "misses")): 4,
        ("starship_cache_requests_total", ("result", "hit")): 5,
        ("starship_cache_requests_total", ("result", "negative")): 4,
        ("starship_cache_requests_total", ("result", "stale")): 3,
        ("starship_cache_requests_total", ("result", "miss")): 2,
        ("starship_lookups_total", ("result", "route")): 9,
        ("starship_lookups_total", ("result", "5xx")): 1,
        ("starship_lookups_total", ("result", "busy")): 0,
        ("starship_cache_bytes", ("store", "misses")): 4096,
        ("starship_lookup_breaker", ("api", "0")): 2,
        ("starship_lookup_api_well", ("api", "1")): 1,
        ("starship_lookup_beside_total", ("why", "ahead")): 23,
        ("starship_lookup_beside_total", ("why", "revalidate")): 0,
        ("starship_lookup_beside_total", ("why", "renew")): 24,
        ("starship_names_over_budget_total", ("limit", "source")): 27,
        ("starship_names_over_budget_total", ("limit", "overall")): 0,
        ("starship_shadow_total", ("result", "same")): 28,
        ("starship_dns_resolutions_total", ("result", "servfail")): 62,
        ("starship_check_changes_total", ("to", "down")): 54,
        ("starship_check_endpoints", ("state", "up")): 55,
    }
    for (name, label), value in expected.items():
        assert registry.get_sample_value(name, dict([label])) == value, name
    assert registry.get_sample_value("starship_http_requests_total", {"door": "http", "reason": "ok"}) == 44
    assert registry.get_sample_value("starship_upstream_spares_spent_total", {"result": "taken"}) == 91
    assert registry.get_sample_value("starship_checks_total", {"check": "http", "result": "passed"}) == 51
    plain = {
        "starship_ready": 1,
        "starship_lookup_seconds_count": 1,
        "starship_lookups_in_flight": 7,
        "starship_lookup_queue": 21,
        "starship_lookup_joined_total": 22,
        "starship_error_memory_names": 25,
        "starship_error_memory_served_total": 26,
        "starship_snapshot_routes": 29,
        "starship_snapshot_failures_total": 30,
        "starship_upstream_reused_total": 41,
        "starship_upstream_replays_total": 42,
        "starship_upstream_idle": 43,
        "starship_upstream_spares": 2,
        "starship_dns_names": 63,
        "starship_dns_oldest_answer_seconds": 64,
        "starship_checks_waiting": 57,
        "starship_gate_connections": 8,
        "starship_gate_limit": 20000,
        "starship_gate_sources": 6,
        "starship_access_log_lines_total": 11,
        "starship_access_log_dropped_total": 12,
        "starship_access_log_pending_bytes": 13,
        "starship_accept_paused_total": 14,
        "starship_event_loop_lag_seconds_count": 1,
    }
    for name, value in plain.items():
        assert registry.get_sample_value(name) == value, name


def test_an_ending_is_counted_in_its_three_words() -> None:
    registry = scrape(all_sources())
    words = {"door": "https", "mood": "carried", "reason": "ok", "answer": "hit"}
    assert registry.get_sample_value("starship_endings_total", words) == 1
    words = {"door": "https", "mood": "silent", "reason": "hello_timeout", "answer": "none"}
    assert registry.get_sample_value("starship_endings_total", words) == 1


def test_a_histogram_adds_up_its_buckets() -> None:
    registry = scrape(all_sources())
    buckets = {
        le: registry.get_sample_value("starship_lookup_seconds_bucket", {"le": le})
        for le in ("0.0025", "0.005", "+Inf")
    }
    assert buckets == {"0.0025": 0, "0.005": 1, "+Inf": 1}
    assert registry.get_sample_value("starship_lookup_seconds_sum") == 0.003


def test_the_build_says_what_runs_here() -> None:
    (build,) = [family for family in families(scrape(all_sources())) if family.name == "starship_build_info"]
    (sample,) = build.samples
    assert sample.value == 1
    assert set(sample.labels) == {*FREE_LABELS, "build"}
    assert sample.labels.pop("build") == built()
    assert all(re.fullmatch(r"\d+\.\d+\S*", value) for value in sample.labels.values())


def test_it_reads_the_numbers_of_the_moment() -> None:
    sources = all_sources()
    registry = scrape(sources)
    sources.ledger.arrived(fakes.arrival(3))
    assert registry.get_sample_value("starship_connections_active", {"door": "https"}) == 2


def test_the_bytes_of_open_connections_are_counted_before_they_end() -> None:
    open_now = {"in": 0, "out": 0}
    ledger = Ledger()
    registry = scrape(Sources(ledger=ledger, uncounted=lambda: (open_now["in"], open_now["out"])))

    def counted() -> tuple[float | None, float | None]:
        both = [registry.get_sample_value("starship_bytes_total", {"direction": way}) for way in ("in", "out")]
        return both[0], both[1]

    assert counted() == (0, 0)
    open_now.update({"in": 500, "out": 4000})
    assert counted() == (500, 4000)
    open_now.update({"in": 0, "out": 0})
    ledger.ended(carried())
    assert counted() == (517, 4096)


def test_a_source_that_is_not_there_has_no_family() -> None:
    names = {family.name for family in families(scrape(Sources(ledger=Ledger())))}
    assert names == {
        "starship_build_info",
        "starship_connections",
        "starship_connections_active",
        "starship_endings",
        "starship_http_requests",
        "starship_bytes",
        "starship_step_seconds",
    }


def test_labels_come_from_closed_lists_and_the_ini_file_alone() -> None:
    closed = {
        "https",
        "http",
        "in",
        "out",
        "hello",
        "route",
        "dial",
        "total",
        "routes",
        "misses",
        "hit",
        "negative",
        "stale",
    }
    closed |= {"0", "1", "ahead", "revalidate", "renew", "source", "overall", "same"}
    closed |= {"found", "servfail", "taken", "aged", PURE, COMPILED}
    closed |= {"web", "10.0.0.5:443", "a.internal", "slow", "ejected", "draining", "made"}
    closed |= {"tcp", "tls", "passed", "failed", "unmade", "up", "down"}
    closed |= {"miss", "timeout", "refused", "5xx", "invalid", "busy", *Mood, *Reason, *Origin}
    for family in families(scrape(all_sources())):
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert label in FREE_LABELS or label == "le" or value in closed
    assert b"secret" not in generate_latest(scrape(all_sources())).lower()


def test_both_expositions_parse_and_agree() -> None:
    registry = scrape(all_sources())
    openmetrics = generate_openmetrics(registry)
    ours = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_openmetrics(openmetrics.decode())
        for sample in family.samples
    }
    for family in families(registry):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert ours[(sample.name, labels)] == sample.value


def test_every_family_is_collected_in_its_type_with_its_labels() -> None:
    collected = {family.name: family for family in families(scrape(all_sources()))}
    for family in FAMILIES:
        shown = collected.pop(family.name.removesuffix("_total") if family.kind == "counter" else family.name)
        assert (shown.type, shown.documentation) == (family.kind, family.meaning)
        assert {label for sample in shown.samples for label in sample.labels} - {"le"} == set(family.labels)
    assert not collected


def test_names_follow_the_conventions_of_prometheus() -> None:
    for family in FAMILIES:
        assert family.name.startswith("starship_")
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.name.endswith("_seconds") or family.kind != "histogram"


def test_the_standard_families_come_along() -> None:
    registry = CollectorRegistry()
    register(registry, all_sources())
    names = {family.name for family in families(registry)}
    assert {"process_open_fds", "python_gc_collections", "python_info", "starship_build_info"} <= names


def test_the_docs_list_every_family_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == [
        (family.name, family.kind, ", ".join(f"`{label}`" for label in family.labels), family.meaning)
        for family in FAMILIES
    ]


def test_a_pool_is_told_with_its_members_and_its_endpoints() -> None:
    registry = scrape(all_sources())
    pool, endpoint = {"pool": "web"}, {"pool": "web", "endpoint": "10.0.0.5:443"}
    expected = [
        ("starship_pool_members", {**pool, "state": "up"}, 75),
        ("starship_pool_members", {**pool, "state": "ejected"}, 0),
        ("starship_pool_members", {**pool, "state": "draining"}, 76),
        ("starship_pool_panic", pool, 1),
        ("starship_pool_connections_total", pool, 77),
        ("starship_pool_waiting", pool, 78),
        ("starship_pool_retries_total", {**pool, "result": "made"}, 79),
        ("starship_pool_retries_total", {**pool, "result": "refused"}, 80),
        ("starship_endpoint_used", endpoint, 1),
        ("starship_endpoint_used", {**pool, "endpoint": "a.internal"}, 0),
        ("starship_endpoint_live", endpoint, 71),
        ("starship_endpoint_connections_total", endpoint, 72),
        ("starship_endpoint_failures_total", endpoint, 73),
        ("starship_endpoint_ejections_total", endpoint, 74),
    ]
    for name, labels, value in expected:
        assert registry.get_sample_value(name, labels) == value, name


def test_the_series_of_endpoints_are_bounded_whatever_the_ini_file_says() -> None:
    endpoints = [figures_of(f"10.0.{number // 250}.{number % 250}:443") for number in range(800)]
    pools = [pool_of(name, *endpoints) for name in ("one", "two")]
    registry = scrape(Sources(ledger=Ledger(), pools=lambda: pools))
    used = next(family for family in families(registry) if family.name == "starship_endpoint_used")
    assert len(used.samples) == ENDPOINTS_LIMIT
    assert registry.get_sample_value("starship_pool_connections_total", {"pool": "two"}) == 77
