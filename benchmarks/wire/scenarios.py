"""
What is measured: the contenders and the scenarios that they are put through. Pure: one list.

Part of the benchmarks. A new table is a Scenario here, and if it needs another load, a mode in load/visitors.c.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from benchmarks.wire.contest import OURS, Aim, Contender, Figure, Group, Scenario
from benchmarks.wire.world import NAMES, POOL

PROGRAMS: Final = {
    OURS: "starship",
    "nginx": "nginx",
    "HAProxy": "haproxy",
    "HAProxy, splicing": "haproxy-splicing",
    "sniproxy": "sniproxy",
}
ALL: Final = tuple(Contender(name=name, program=program) for name, program in PROGRAMS.items())
LOGGING: Final = tuple(Contender(name=name, program=program, logs=True) for name, program in PROGRAMS.items())
LEVEL: Final = (Aim(ratio=1.0),)

CONNECTION: Final = ("tls", "--workers", "64")
REQUEST: Final = ("http", "--workers", "64")
ECHO: Final = ("echo", "--workers", "32", "--prefix", "stream")
IDLE: Final = 4000
MEGABYTE: Final = 1_000_000
GIGABYTE: Final = 1e9

TLS: Final = Scenario(key="tls", title="A new TLS connection", unit="µs CPU / connection", load=CONNECTION, aims=LEVEL)
HTTP: Final = Scenario(
    key="http", title="A new HTTP connection", unit="µs CPU / connection", door="http", load=REQUEST, aims=LEVEL
)
REQUEST_NOTE: Final = "Starship with `mode = requests`, HAProxy in mode http."
ROUND_TRIP: Final = Scenario(
    key="echo", title="A round trip, 32 connections", unit="µs CPU / round trip", load=ECHO, aims=LEVEL
)
KEPT: Final = ("requests", "--workers", "32")
WEB: Final = Scenario(
    key="requests-1",
    title="A request on a kept HTTP connection, one tenant",
    unit="µs CPU / request",
    door="web",
    load=KEPT,
    without=("sniproxy", "HAProxy, splicing"),
    aims=(Aim(ratio=1.5),),
    note=REQUEST_NOTE,
)
SHORT_AND_LONG: Final = (
    TLS,
    Scenario(
        key="saturated",
        title="New TLS connections a second, the proxy on one core",
        unit="connections / s",
        figure=Figure.RATE,
        seen_in="tls",
        note="The same runs: 64 visitors, each with one connection at a time. Where the proxy's core is not full, the "
        "visitors' is, and the rate says little of the proxy.",
    ),
    evolve(HTTP, note="Starship with `mode = tunnel`, HAProxy in mode tcp. nginx proxies request by request here too."),
    evolve(
        HTTP,
        key="http-requests",
        title="A new HTTP connection for one request, routed request by request",
        door="web",
        without=WEB.without,
        aims=WEB.aims,
        note=REQUEST_NOTE,
    ),
    ROUND_TRIP,
    Scenario(
        key="echo-1",
        title="A round trip, 1 connection",
        unit="µs CPU / round trip",
        load=("echo", "--workers", "1", "--prefix", "stream"),
        aims=LEVEL,
    ),
    Scenario(
        key="bulk",
        title="Bulk: 4 downloads at once, 100 MB each",
        unit="ms CPU / GB",
        load=("bulk", "--workers", "4", "--prefix", "stream", "--bytes", str(100 * MEGABYTE)),
        scale=1e3 * GIGABYTE,
        per_byte=True,
        aims=(*LEVEL, Aim(ratio=0.25, beside="nginx"), Aim(ratio=0.25, beside="HAProxy")),
    ),
    Scenario(
        key="steady",
        title="Latency at 1,000 new TLS connections a second",
        unit="p99, µs",
        load=("tls", "--workers", "512", "--rate", "1000"),
        figure=Figure.LATENCY,
        seconds=3.0,
        note="Open loop: timed from the moment at which each connection was due, to the end of its reply.",
    ),
    Scenario(
        key="fair",
        title="Latency of new TLS connections beside two bulk flows",
        unit="p99, µs",
        load=("tls", "--workers", "256", "--rate", "200"),
        figure=Figure.LATENCY,
        seconds=3.0,
        flows=2,
        aims=(Aim(ratio=3.0, beside="nginx"),),
        note="200 connections a second, while two downloads run as fast as the proxy lets them.",
    ),
    WEB,
    Scenario(
        key="requests-2",
        title="A request on a kept HTTP connection, two tenants in turn",
        unit="µs CPU / request",
        door="web",
        load=(*KEPT, "--tenants", "2"),
        without=WEB.without,
        aims=WEB.aims,
        note=REQUEST_NOTE,
    ),
    Scenario(
        key="bodies",
        title="Large bodies on kept HTTP connections: 4 at once, 100 MB each",
        unit="ms CPU / GB",
        door="web",
        load=("requests", "--workers", "4", "--prefix", "stream", "--bytes", str(100 * MEGABYTE)),
        scale=1e3 * GIGABYTE,
        per_byte=True,
        without=("sniproxy",),
        aims=(Aim(ratio=0.5, beside="nginx"), Aim(ratio=0.5, beside="HAProxy")),
        note=REQUEST_NOTE,
    ),
)


def _logged(scenario: Scenario) -> Scenario:
    return evolve(scenario, key=f"{scenario.key}-logged", title=f"{scenario.title}, access logs on")


def _alone(key: str, title: str, one: Contender, other: Contender, ratio: float) -> Group:
    """Starship beside itself."""
    scenario = Scenario(
        key=key,
        title=title,
        unit=TLS.unit,
        load=CONNECTION,
        aims=(Aim(ratio=ratio, beside=one.name, who=other.name),),
    )
    return Group(key=key, contenders=(one, other), scenarios=(scenario,))


def _ours(name: str, *, names: int = NAMES, endpoints: int = 0, held: int = 0) -> Contender:
    return Contender(name=name, program=PROGRAMS[OURS], names=names, endpoints=endpoints, held=held)


GROUPS: Final = (
    Group(key="peers", contenders=ALL, scenarios=SHORT_AND_LONG),
    Group(
        key="idle",
        contenders=ALL,
        fresh=True,
        scenarios=(
            Scenario(
                key="idle",
                title=f"Memory of an idle connection, at {IDLE:,}",
                unit="KiB Pss / connection",
                load=("idle",),
                figure=Figure.MEMORY,
                aims=(Aim(ratio=0.25),),
                note="What the last four fifths of the connections added to a fresh process, each after a short "
                "exchange. The kernel's buffers are not in it.",
            ),
        ),
    ),
    Group(key="logged", contenders=LOGGING, scenarios=tuple(map(_logged, (TLS, HTTP, ROUND_TRIP)))),
    _alone(
        "names",
        "Starship alone: a new TLS connection by known names",
        _ours("10 names", names=10),
        _ours("100,000 names", names=100_000),
        1.10,
    ),
    _alone(
        "held",
        "Starship alone: a new TLS connection by open ones",
        _ours("100 idle", held=100),
        _ours("4,000 idle", held=4000),
        1.15,
    ),
    _alone(
        "pool",
        "Starship alone: a new TLS connection to a pool",
        _ours("1 endpoint", endpoints=1),
        _ours(f"{POOL} endpoints", endpoints=POOL),
        1.05,
    ),
)
