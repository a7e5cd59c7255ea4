"""
A scenario in words: its Markdown table, what was aimed at, and what went wrong. Pure.

Part of the benchmarks. Knows one scenario at a time; `document.py` has the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from typing import Final

from benchmarks.markdown import table
from benchmarks.wire.contest import BEST, OURS, Aim, Figure, Scenario
from benchmarks.wire.figures import Sample, Samples, failures, middle, relative, spread

DASH: Final = "-"
Cell = Callable[[Sequence[Sample]], str]

RATE: Final[tuple[str, Cell]] = ("a second", lambda rounds: number(middle([one.rate for one in rounds])))
GIGABYTES: Final[tuple[str, Cell]] = ("GB/s", lambda rounds: number(middle([one.rate for one in rounds]) / 1e9))
USER: Final[tuple[str, Cell]] = ("user %", lambda rounds: number(_user(rounds), 0))
CORES: Final[tuple[tuple[str, Cell], ...]] = (
    ("proxy core %", lambda rounds: number(middle([one.proxy for one in rounds]), 0)),
    ("load core %", lambda rounds: number(middle([one.load for one in rounds]), 0)),
    ("others on the proxy core %", lambda rounds: number(middle([one.foreign for one in rounds]), 0)),
)
LATENCIES: Final[tuple[tuple[str, Cell], ...]] = (
    ("p50", lambda rounds: number(middle([one.p50 for one in rounds]), 0)),
    ("p90", lambda rounds: number(middle([one.p90 for one in rounds]), 0)),
    ("p99", lambda rounds: number(middle([one.p99 for one in rounds]), 0)),
    ("p99.9", lambda rounds: number(middle([one.p999 for one in rounds]), 0)),
)
MEMORY: Final[tuple[tuple[str, Cell], ...]] = (
    ("MiB empty", lambda rounds: number(_more(rounds, "empty"))),
    ("MiB full", lambda rounds: number(_more(rounds, "full"))),
    ("ms CPU / s while idle", lambda rounds: number(_more(rounds, "idle"))),
)


def section(scenario: Scenario, found: Samples) -> str:
    """A scenario's table, with its heading, its note, its aims, and what went wrong."""
    ratios = against_best(scenario, found)
    rows = [[name, *_cells(scenario, found[name], ratios.get(name, nan))] for name in _order(scenario, found)]
    lines = [f"### {scenario.title}", "", table(["", *_columns(scenario, found)], rows)]
    said = [
        *([scenario.note] if scenario.note else []),
        *(line for aim in scenario.aims if (line := _aim(scenario, found, aim))),
        *(f"**Wrong: {name}: {_causes(why)}.**" for name, rounds in found.items() if (why := failures(rounds))),
    ]
    return "\n".join([*lines, *(line for words in said for line in ("", words))])


def against_best(scenario: Scenario, found: Samples) -> dict[str, float]:
    """Each contender's figure in terms of the best of the others', or where Starship is alone of the first."""
    ratios = relative(_shown(scenario, found))
    if OURS not in found:
        first = ratios.get(next(iter(found)), nan)
        return {name: ratio / first for name, ratio in ratios.items()}
    others = [ratio for name, ratio in ratios.items() if name != OURS]
    best = (max if scenario.figure is Figure.RATE else min)(others, default=nan)
    return {name: ratio / best for name, ratio in ratios.items()}


def ratio_of(scenario: Scenario, found: Samples, aim: Aim) -> float:
    """What an aim is about; NaN where it cannot be told."""
    ratios = against_best(scenario, found)
    return ratios.get(aim.who, nan) / (1.0 if aim.beside == BEST else ratios.get(aim.beside, nan))


def number(value: float, digits: int | None = None) -> str:
    """With as many digits as mean something."""
    if value != value:
        return DASH
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _shown(scenario: Scenario, found: Samples) -> Samples:
    """The samples with the figure that this table is about."""
    if scenario.figure is not Figure.RATE:
        return found
    return {name: [Sample(figure=one.rate, good=one.good) for one in rounds] for name, rounds in found.items()}


def _order(scenario: Scenario, found: Samples) -> list[str]:
    """The best first; where Starship is alone, as they are."""
    if OURS not in found:
        return list(found)
    sign = -1 if scenario.figure is Figure.RATE else 1
    middles = {name: middle([one.figure for one in rounds]) for name, rounds in _shown(scenario, found).items()}
    return sorted(found, key=lambda name: inf if middles[name] != middles[name] else sign * middles[name])


def _more(rounds: Sequence[Sample], key: str) -> float:
    return middle([one.more.get(key, nan) for one in rounds])


def _user(rounds: Sequence[Sample]) -> float:
    """Per cent of the CPU time: over all rounds, since it is known in ticks alone."""
    user, both = (sum(one.more.get(key, 0.0) for one in rounds) for key in ("user_s", "cpu_s"))
    return 100 * user / both if both else nan


def _extra(scenario: Scenario) -> tuple[tuple[str, Cell], ...]:
    """The columns beside the figure."""
    match scenario.figure:
        case Figure.MEMORY:
            return MEMORY
        case Figure.LATENCY:
            flows: tuple[tuple[str, Cell], ...] = (
                ("GB/s of the flows", lambda rounds: number(_more(rounds, "flows"))),
            )
            return (*LATENCIES, *(flows if scenario.flows else ()), *CORES[:1])
        case Figure.RATE:
            return (*CORES, LATENCIES[0], LATENCIES[2])
        case Figure.CPU:
            return (GIGABYTES if scenario.per_byte else RATE, USER, *CORES[:2])


def _columns(scenario: Scenario, found: Samples) -> list[str]:
    beside = f"to {BEST}" if OURS in found else "to the first"
    return [scenario.unit, "spread %", beside, *(title for title, _ in _extra(scenario))]


def _cells(scenario: Scenario, rounds: Sequence[Sample], ratio: float) -> list[str]:
    figures = [one.figure for one in _shown(scenario, {"": rounds})[""]]
    extra = (cell(rounds) for _, cell in _extra(scenario))
    return [f"**{number(middle(figures))}**", number(spread(figures), 0), number(ratio, 2), *extra]


def _aim(scenario: Scenario, found: Samples, aim: Aim) -> str:
    """What was wanted, and what was seen; nothing where it cannot be told."""
    seen = ratio_of(scenario, found, aim)
    if seen != seen:
        return ""
    verdict = "reached" if seen <= aim.ratio else "**missed**"
    return f"Aim: {aim.who} at most {aim.ratio:.2f} of {aim.beside}. Seen: {seen:.2f}: {verdict}."


def _causes(why: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in why.items())
