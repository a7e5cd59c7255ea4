"""
An outage, drawn: what visitors met, what the API was asked, and who was turned away.

Part of the benchmarks, and the one module that needs matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.resolver.simulation import BIN_S, Outcome, Run

COLOURS: Final = {
    Outcome.HIT: "#4f46e5",
    Outcome.STALE: "#f59e0b",
    Outcome.FRESH: "#38bdf8",
    Outcome.NEGATIVE: "#94a3b8",
    Outcome.UNKNOWN: "#cbd5e1",
    Outcome.NEW_FAILED: "#dc2626",
}
WORDS: Final = {
    Outcome.HIT: "hit",
    Outcome.STALE: "stale",
    Outcome.FRESH: "fresh (asked, found)",
    Outcome.NEGATIVE: "negative (known to be unknown)",
    Outcome.UNKNOWN: "asked, unknown",
    Outcome.NEW_FAILED: "failed, never known before",
}
INK, QUIET, KNOWN = "#1e293b", "#64748b", "#16a34a"


def draw(calm: Run, outage: Run, path: Path) -> None:
    """Write the PNG: the outage, with the calm hour behind the questions."""
    mpl.rcParams.update({"font.size": 10, "axes.edgecolor": QUIET, "text.color": INK, "axes.labelcolor": INK})
    figure = Figure(figsize=(11, 9), dpi=130, layout="constrained")
    shares, questions, failures = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 2])
    _title(figure, outage)
    bins = range(int(outage.scale.seconds) // BIN_S)
    minutes = [number * BIN_S / 60 for number in bins]
    _draw_shares(shares, outage, minutes, bins)
    _draw_questions(questions, calm, outage, minutes, bins)
    _draw_failures(failures, outage, minutes, bins)
    failures.set_xlabel("simulated time (minutes)")
    failures.set_xlim(0, outage.scale.seconds / 60)
    for axes in (shares, questions, failures):
        _shade(axes, outage)
        axes.grid(axis="y", color="#e2e8f0", zorder=0)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def _title(figure: Figure, run: Run) -> None:
    known = run.people.outcomes[Outcome.KNOWN_FAILED]
    scale = run.scale
    figure.suptitle(
        f"Ten minutes without an API: {known:,} of {run.people.total:,} visits lost a name that was known\n",
        fontsize=14,
        fontweight="bold",
    )
    figure.text(
        0.5,
        0.955,
        f"{scale.names:,} names, Zipf(1.0), {scale.draws:,} visits in {scale.seconds / 60:g} simulated minutes; "
        f"the API hangs in the shaded time (means of {BIN_S} s)",
        ha="center",
        color=QUIET,
    )


def _draw_shares(axes: Any, run: Run, minutes: Sequence[float], bins: range) -> None:
    totals = [sum(counts[number] for counts in run.people.over_time.values()) or 1 for number in bins]
    layers = [[100 * run.people.over_time[kind][number] / totals[number] for number in bins] for kind in COLOURS]
    axes.stackplot(minutes, layers, colors=COLOURS.values(), labels=WORDS.values(), step="post", linewidth=0)
    axes.set_ylim(0, 100)
    axes.set_ylabel("visits by answer (%)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=6, frameon=False, fontsize=8.5, columnspacing=1.2)


def _draw_questions(axes: Any, calm: Run, run: Run, minutes: Sequence[float], bins: range) -> None:
    for shown, colour, width, label in ((calm, "#94a3b8", 1.0, "no outage"), (run, "#0284c7", 1.6, "with the outage")):
        rates = [sum(shown.api.asked[number * BIN_S + s] for s in range(BIN_S)) / BIN_S for number in bins]
        axes.step(minutes, rates, where="post", color=colour, linewidth=width, label=label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("questions to the API\n(per second)")
    axes.legend(loc="upper right", frameon=False, fontsize=9)


def _draw_failures(axes: Any, run: Run, minutes: Sequence[float], bins: range) -> None:
    for kind, colour, label in (
        (Outcome.NEW_FAILED, "#dc2626", "names never known before"),
        (Outcome.KNOWN_FAILED, KNOWN, "names that were known (aim: none)"),
    ):
        rates = [run.people.over_time[kind][number] / BIN_S for number in bins]
        axes.step(minutes, rates, where="post", color=colour, linewidth=1.8, label=label, clip_on=False)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("visits that failed\n(per second)")
    axes.legend(loc="upper right", frameon=False, fontsize=9)


def _shade(axes: Any, run: Run) -> None:
    outage = run.scenario.outage
    if outage is not None:
        for edge in (outage.start, outage.end):
            axes.axvline(edge / 60, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.axvspan(outage.start / 60, outage.end / 60, color="#fee2e2", alpha=0.55, zorder=0, linewidth=0)
