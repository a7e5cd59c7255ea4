"""
One run of one contender: the visitors work, and the proxy's CPU time is taken before and after.

Part of the benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any, Final

from attrs import define, frozen

from benchmarks.wire.configs import LISTEN
from benchmarks.wire.contest import Figure, Scenario
from benchmarks.wire.figures import Sample
from benchmarks.wire.load import BACKGROUND, Load
from benchmarks.wire.machine import busy_seconds, cpu_seconds, pss_kib, user_share
from benchmarks.wire.proxies import Proxy
from benchmarks.wire.scenarios import IDLE

SETTLE_S: Final = 0.12
"""After the last visitor has left: the proxy closes its side."""

FLOW_BYTES: Final = 1 << 39


@frozen(kw_only=True)
class Reading:
    """Seconds of the proxy's CPU time, and of the cores' work."""

    proxy: float
    proxy_core: float
    load_core: float
    moment: float


@define(eq=False, kw_only=True)
class Runner:
    """`seconds` is the usual length of a run; `spinners` are what keeps the cores awake, which is no work."""

    program: Path
    proxy_core: int
    load_core: int
    seconds: float
    spinners: Mapping[int, int]

    def run(self, scenario: Scenario, proxy: Proxy) -> Sample:
        """One sample. Errors: LoadError."""
        if scenario.figure is Figure.MEMORY:
            return self._memory(scenario, proxy)
        flows = self._flows(scenario, proxy) if scenario.flows else None
        load = self._visitors(scenario, proxy, "--seconds", f"{self.seconds * scenario.seconds}")
        load.ready()
        user = user_share(proxy.pids)
        before = self._read(proxy)
        load.go()
        report = load.report()
        after = self._read(proxy)
        time.sleep(SETTLE_S)
        cpu = cpu_seconds(proxy.pids) - before.proxy
        later = user_share(proxy.pids)
        load.leave()
        more = {"user_s": later[0] - user[0], "cpu_s": later[1] - user[1]}
        why = dict(report["failures"])
        if flows is not None:
            flowed = self._ended(flows)
            more["flows"] = flowed["bytes"] / flowed["seconds"] / 1e9
            why |= {f"flow {cause}": count for cause, count in flowed["failures"].items()}
        return _sample(scenario, report, why, cpu, before, after, more)

    def hold(self, proxy: Proxy, count: int) -> Load:
        """Idle connections that stay. Errors: LoadError."""
        load = self._load(proxy, ["idle", "--workers", str(count)])
        load.ready()
        return load

    def _visitors(self, scenario: Scenario, proxy: Proxy, *more: str) -> Load:
        door = proxy.place.doors[scenario.door]
        rewrites = [] if scenario.door == "tls" else ["--may-rewrite"]
        return self._load(proxy, [*scenario.load, *more, *rewrites], door)

    def _flows(self, scenario: Scenario, proxy: Proxy) -> Load:
        """Bulk, once it flows."""
        words = ["bulk", "--prefix", "stream", "--workers", str(scenario.flows), "--bytes", str(FLOW_BYTES)]
        flows = self._load(proxy, [*words, "--seconds", "100"], nice=BACKGROUND)
        flows.ready()
        flows.go()
        time.sleep(3 * SETTLE_S)
        return flows

    def _ended(self, flows: Load) -> dict[str, Any]:
        flows.go()
        report = flows.report()
        flows.leave()
        return report

    def _load(self, proxy: Proxy, words: list[str], door: int | None = None, nice: int = 0) -> Load:
        contender = proxy.contender
        to = f"{LISTEN}:{door or proxy.place.doors['tls']}"
        known = ["--names", str(contender.names), *(["--upstreams", "1"] if contender.endpoints else [])]
        arguments = ["visitors", *words, "--to", to, *known]
        return Load(program=self.program, core=self.load_core, arguments=arguments, nice=nice)

    def _read(self, proxy: Proxy) -> Reading:
        return Reading(
            proxy=cpu_seconds(proxy.pids),
            proxy_core=self._busy(self.proxy_core),
            load_core=self._busy(self.load_core),
            moment=time.monotonic(),
        )

    def _busy(self, core: int) -> float:
        return busy_seconds(core) - cpu_seconds([self.spinners[core]])

    def _memory(self, scenario: Scenario, proxy: Proxy) -> Sample:
        """The slope between a fifth of the connections and all of them: what a process allocates once is no cost."""
        proxy.start()
        try:
            empty = pss_kib(proxy.pids)
            loads, weights = [], []
            for count in (IDLE // 5, IDLE - IDLE // 5):
                loads.append(self.hold(proxy, count))
                time.sleep(3 * SETTLE_S)
                weights.append(pss_kib(proxy.pids))
            before = cpu_seconds(proxy.pids)
            time.sleep(self.seconds)
            idle = (cpu_seconds(proxy.pids) - before) / self.seconds
            standing, why = release(loads)
        finally:
            proxy.stop()
        return Sample(
            figure=(weights[1] - weights[0]) / (IDLE - IDLE // 5),
            good=standing,
            wrong=IDLE - standing,
            why=why,
            more={"empty": empty / 1024, "full": weights[1] / 1024, "idle": 1e3 * idle},
        )


def release(loads: list[Load]) -> tuple[int, dict[str, int]]:
    """Let go of held connections: how many stood to the end, and why others did not."""
    standing, why = 0, dict[str, int]()
    for load in loads:
        load.go()
        report = load.report()
        load.leave()
        standing += report["standing"]
        for cause, count in report["failures"].items():
            why[cause] = why.get(cause, 0) + count
    return standing, why


def _sample(
    scenario: Scenario,
    report: dict[str, Any],
    why: dict[str, int],
    cpu: float,
    before: Reading,
    after: Reading,
    more: dict[str, float],
) -> Sample:
    good = report["bytes"] if scenario.per_byte else report["good"]
    wall, proxy_core = after.moment - before.moment, after.proxy_core - before.proxy_core
    per_unit = cpu / good * scenario.scale if good else nan
    return Sample(
        figure=report["p99"] if scenario.figure is Figure.LATENCY else per_unit,
        good=good,
        wrong=sum(why.values()) or int(not good),
        why=why or ({} if good else {"no work": 1}),
        rate=good / report["seconds"] if report["seconds"] else nan,
        proxy=100 * (after.proxy - before.proxy) / wall,
        load=100 * (after.load_core - before.load_core) / wall,
        foreign=max(0.0, 100 * (proxy_core - (after.proxy - before.proxy)) / wall),
        p50=report["p50"],
        p90=report["p90"],
        p99=report["p99"],
        p999=report["p999"],
        rewritten=report["rewritten"],
        more=more,
    )
