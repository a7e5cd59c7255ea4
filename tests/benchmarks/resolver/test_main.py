"""The benchmark of the resolver runs, at a thousandth of its scale, and what it simulates is what it says."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.resolver.__main__ import HANGS, OUTAGE, main
from benchmarks.resolver.simulation import Outcome, Run, Scale
from benchmarks.resolver.tables import percentile

SMALL = Scale(names=100, draws=1000, scanned=10.0)


def played() -> Run:
    run = Run(scale=SMALL, scenario=HANGS)
    run.play(lambda share: None)
    return run


def test_it_prints_its_tables_and_draws_where_there_is_something_to_draw_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "outage.png"
    drawing = ["--plot", str(plot)] if find_spec("matplotlib") else []
    main(["--scale", "0.001", *drawing])
    told = capsys.readouterr().out
    for row in ("hit, %", "random names", "a hit, names by popularity", "longest pause of the reactor in five"):
        assert f"| {row}" in told
    assert re.search(r"failed, known, visits +\| +0 \| +0 \| +0 \|", told)
    assert plot.exists() == bool(drawing)


def test_every_visit_is_answered_once_and_no_known_name_is_lost_while_the_api_hangs() -> None:
    run, (start, end) = played(), OUTAGE
    assert run.people.total == SMALL.draws
    assert run.people.outcomes[Outcome.STALE] > 0
    assert run.people.outcomes[Outcome.NEW_FAILED] > 0
    assert run.people.outcomes[Outcome.KNOWN_FAILED] == 0
    assert run.api.in_flight == 0
    assert 0 < sum(run.api.asked[second] for second in range(int(start) + 10, int(end))) < end - start


def test_the_same_seed_is_the_same_hour() -> None:
    one, other = played(), played()
    assert one.people.outcomes == other.people.outcomes
    assert one.api.asked == other.api.asked


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 75) == 3.0
    assert percentile([], 99) == 0.0
