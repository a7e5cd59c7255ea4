"""
Results in words, the whole of them: circumstances, an overview of the aims, and each scenario. Pure.

Part of the benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from benchmarks.markdown import table
from benchmarks.wire.contest import BEST, OURS, Aim, Scenario
from benchmarks.wire.figures import Sample, Samples, middle
from benchmarks.wire.scenarios import GROUPS
from benchmarks.wire.tables import against_best, number, ratio_of, section

QUIET: Final = 10.0
"""Per cent of the proxy's core that others may take, interrupts among them."""


@frozen(kw_only=True)
class Results:
    """What a campaign found: `about` the machine, `versions` by program, `samples` by scenario and contender."""

    about: Mapping[str, str]
    versions: Mapping[str, str]
    samples: Mapping[str, Samples]
    faults: Sequence[str] = ()


def wrong(results: Results) -> int:
    """Units of work that were not as they should be, and other faults."""
    each = (one for found in results.samples.values() for rounds in found.values() for one in rounds)
    return sum(one.wrong for one in each) + len(results.faults)


def document(results: Results) -> str:
    """All of it, in the order of the scenarios."""
    told = [section(scenario, found) for scenario, found in _measured(results)]
    return "\n\n".join(part for part in (_head(results), _overview(results), *told) if part) + "\n"


def _measured(results: Results) -> Iterator[tuple[Scenario, Samples]]:
    for scenario in (one for group in GROUPS for one in group.scenarios):
        found = results.samples.get(scenario.seen_in or scenario.key)
        if found:
            yield scenario, found


def _overview(results: Results) -> str:
    """A line for each aim that something can be said of."""
    rows = [_line(scenario, found, aim) for scenario, found in _measured(results) for aim in scenario.aims]
    known = [row for row in rows if row]
    head = ["what, and in which unit", "who", "figure", "beside", "its figure", "ratio", "aim"]
    return f"### In short\n\n{table(head, known)}" if known else ""


def _line(scenario: Scenario, found: Samples, aim: Aim) -> list[str]:
    ratio = ratio_of(scenario, found, aim)
    if ratio != ratio:
        return []
    other = aim.beside if aim.beside != BEST else _best(scenario, found)
    figures = [number(middle([one.figure for one in found[name]])) for name in (aim.who, other)]
    verdict = f"{ratio:.2f}" if ratio <= aim.ratio else f"**{ratio:.2f}**"
    return [f"{scenario.title}, {scenario.unit}", aim.who, figures[0], other, figures[1], verdict, f"{aim.ratio:.2f}"]


def _best(scenario: Scenario, found: Samples) -> str:
    ratios = against_best(scenario, found)
    return min((name for name in ratios if name != OURS), key=lambda name: ratios[name])


def _head(results: Results) -> str:
    about = results.about
    lines = [
        f"{about['date']}; {about['machine']}; {about['kernel']}; load {about['load']}. {about['how']}",
        "",
        *(f"- {program}: {said}" for program, said in results.versions.items()),
    ]
    if rewriting := _rewriting(results.samples):
        told = "; ".join(rewriting)
        lines.append(f"- HTTP heads arrived otherwise than they were sent (fields added or in another order): {told}")
    others = _others(results.samples)
    if others > QUIET:
        lines.append(
            f"- **The machine was not quiet:** other programs took {others:.0f} % of the proxy's core (median of all "
            "runs). Latencies and rates say little, and CPU per unit is higher than on a quiet one, for all alike."
        )
    return "\n".join([*lines, *(f"- **{fault}**" for fault in results.faults)])


def _others(samples: Mapping[str, Samples]) -> float:
    return middle([one.foreign for found in samples.values() for rounds in found.values() for one in rounds])


def _rewriting(samples: Mapping[str, Samples]) -> list[str]:
    def rewrote(rounds: Sequence[Sample]) -> bool:
        return any(one.rewritten for one in rounds)

    return sorted({name for found in samples.values() for name, rounds in found.items() if rewrote(rounds)})
