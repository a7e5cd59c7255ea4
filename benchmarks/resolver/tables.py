"""
The figures in words: Markdown tables, which can be read as they are.

Part of the benchmarks. Knows what was measured, measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from benchmarks.markdown import table
from benchmarks.resolver.footprint import Footprint
from benchmarks.resolver.hits import HitCosts
from benchmarks.resolver.simulation import ANSWERED, BIN_S, FAILED, Outcome, Run, Tally
from benchmarks.resolver.stalls import Stalls


def hour(runs: Sequence[Run]) -> str:
    """The whole of each run, people only."""
    rows = [
        ["visits", *(f"{run.people.total:,}" for run in runs)],
        *([f"{outcome}, %", *(_share(run.people, outcome) for run in runs)] for outcome in ANSWERED),
        *([f"{outcome}, visits", *(f"{run.people.outcomes[outcome]:,}" for run in runs)] for outcome in FAILED),
        ["waits of known names", *(f"{len(known_waits(run.people)):,}" for run in runs)],
        ["… the longest, s", *(f"{max(known_waits(run.people), default=0):.2f}" for run in runs)],
        ["… of 99 in 100 of them, at most, s", *(f"{percentile(known_waits(run.people), 99):.2f}" for run in runs)],
        ["questions to the API", *(f"{run.api.asked.total():,}" for run in runs)],
        ["… a second, mean", *(f"{run.api.asked.total() / run.scale.seconds:.1f}" for run in runs)],
        ["… a second, at most", *(f"{max(run.api.asked.values()):,}" for run in runs)],
        ["… in flight, at most", *(f"{run.api.most:,}" for run in runs)],
        ["… waiting for their turn, at most", *(f"{run.most_waiting:,}" for run in runs)],
    ]
    return table(["an hour", *(run.scenario.title for run in runs)], rows)


def scanned(calm: Run, scan: Run) -> str:
    """The same time of the same visits with and without a scanner."""
    assert scan.scenario.scan is not None
    start, seconds = scan.scenario.scan

    def met(run: Run, outcome: Outcome) -> int:
        bins = range(int(start) // BIN_S, int(start + seconds) // BIN_S)
        return sum(run.people.over_time[outcome][number] for number in bins)

    both = (calm, scan)
    asked = [[run.api.asked[second] for second in range(int(start), int(start + seconds))] for run in both]
    waits = [known_waits(run.people, start, start + seconds) for run in both]
    rows = [
        *([f"people: {outcome}, visits", *(f"{met(run, outcome):,}" for run in both)] for outcome in Outcome),
        ["people: waits of known names", *(f"{len(wait):,}" for wait in waits)],
        ["… the longest, s", *(f"{max(wait, default=0):.2f}" for wait in waits)],
        ["random names", *(f"{run.scanners.total:,}" for run in both)],
        ["… asked about", *(f"{run.scanners.total - run.scanners.outcomes[Outcome.OVER_LIMIT]:,}" for run in both)],
        ["questions to the API", *(f"{sum(seconds):,}" for seconds in asked)],
        ["… a second, at most", *(f"{max(seconds):,}" for seconds in asked)],
        ["… in flight, at most (in the hour)", *(f"{run.api.most:,}" for run in both)],
    ]
    return table([f"{seconds:g} s", "nobody scans", f"{scan.scale.scanned:,.0f} random names/s"], rows)


def costs(hits: HitCosts, weight: Footprint, stalls: Stalls) -> str:
    """What one answer, one name and one snapshot cost."""
    rows = [
        ["a hit, names by popularity", f"{hits.popular:.2f} µs", "≤ 2 µs"],
        ["a hit, all names alike", f"{hits.even:.2f} µs", ""],
        ["a stale answer while the API is known to fail", f"{hits.stale:.1f} µs", ""],
        ["a name: growth of the process", f"{weight.grown:,.0f} B", "< 1,024 B"],
        ["a name: allocated by Python", f"{weight.allocated:,.0f} B", "< 1,024 B"],
        ["a name: as the cache counts it", f"{weight.counted:,.0f} B", ""],
        ["longest pause of the reactor, nothing being written", f"{stalls.idle:.1f} ms", ""],
        ["longest pause of the reactor in five snapshots", f"{stalls.writing:.1f} ms", "< 20 ms"],
        ["… the median of their longest", f"{stalls.typical:.1f} ms", "< 20 ms"],
        ["writing a snapshot", f"{stalls.seconds:.2f} s", ""],
        ["reading it at a start", f"{stalls.reading:.2f} s", ""],
        ["its size", f"{stalls.size / 1e6:.1f} MB", ""],
    ]
    return table(["cost", "seen", "aim"], rows)


def known_waits(tally: Tally, start: float = 0.0, end: float = float("inf")) -> list[float]:
    """Seconds that visits between two moments waited whose name had been found before, shortest first."""
    return sorted(wait for asked, wait, known in tally.waits if known and start <= asked < end)


def percentile(waits: Sequence[float], share: int) -> float:
    """The wait that so many in a hundred do not exceed; of waits in their order."""
    return waits[ceil(len(waits) * share / 100) - 1] if waits else 0.0


def _share(tally: Tally, outcome: Outcome) -> str:
    return f"{tally.outcomes[outcome] / tally.total:.2%}".removesuffix("%")
