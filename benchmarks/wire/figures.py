"""
What is made of samples: medians, spreads, and ratios within rounds. Pure.

Part of the benchmarks. A machine drifts by a quarter within minutes, for all peers alike: so each figure is held
against the others of its own round first, and the median is taken over the rounds after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from statistics import geometric_mean, median
from typing import Any

from attrs import asdict, field, frozen


@frozen(kw_only=True)
class Sample:
    """
    One run of one contender.

    `figure` is what the scenario is about, in its unit; `good` the verified units of work, `wrong` all others with
    their causes in `why`; `rate` good units a second; shares in per cent of a core: `proxy` of the proxy's own,
    `load` of the other, `foreign` of others on the proxy's; latencies in microseconds.
    """

    figure: float
    good: float
    wrong: int = 0
    why: Mapping[str, int] = field(factory=dict)
    rate: float = nan
    proxy: float = nan
    load: float = nan
    foreign: float = nan
    p50: float = nan
    p90: float = nan
    p99: float = nan
    p999: float = nan
    rewritten: int = 0
    more: Mapping[str, float] = field(factory=dict)


Samples = Mapping[str, Sequence[Sample]]
"""The rounds of each contender, by its name."""


def spelled(sample: Sample) -> dict[str, Any]:
    """For JSON, which knows no NaN."""
    return {key: None if value != value else value for key, value in asdict(sample).items()}


def read(fields: Mapping[str, Any]) -> Sample:
    """What `spelled` made. Errors: TypeError."""
    known: dict[str, Any] = {key: nan if value is None else value for key, value in fields.items()}
    return Sample(**known)


def middle(values: Sequence[float]) -> float:
    """The median of those that are numbers; NaN of none."""
    known = [value for value in values if isfinite(value)]
    return median(known) if known else nan


def spread(values: Sequence[float]) -> float:
    """(Highest - lowest) / median in per cent; of five and more without the two extremes."""
    known = sorted(value for value in values if isfinite(value))
    if len(known) > 4:
        known = known[1:-1]
    return 100 * (known[-1] - known[0]) / median(known) if len(known) > 1 and median(known) else nan


def relative(samples: Samples) -> dict[str, float]:
    """
    Each contender's figure in terms of the others': in each round over the geometric mean of that round, and the median
    of those. Who has no positive figure in some round is left out.
    """
    sound = {name: rounds for name, rounds in samples.items() if rounds and all(_counts(one) for one in rounds)}
    count = min((len(rounds) for rounds in sound.values()), default=0)
    means = [geometric_mean([rounds[turn].figure for rounds in sound.values()]) for turn in range(count)]
    return {
        name: median(rounds[turn].figure / means[turn] for turn in range(count))
        for name, rounds in sound.items()
        if count
    }


def failures(rounds: Sequence[Sample]) -> dict[str, int]:
    """Causes and their number, over all rounds."""
    found: dict[str, int] = {}
    for sample in rounds:
        for cause, count in sample.why.items():
            found[cause] = found.get(cause, 0) + count
    return found


def _counts(sample: Sample) -> bool:
    return isfinite(sample.figure) and sample.figure > 0
