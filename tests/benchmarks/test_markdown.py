"""Markdown tables can be read as they are."""

from __future__ import annotations

from benchmarks.markdown import table


def test_figures_stand_below_each_other() -> None:
    assert table(["what", "seen"], [["a hit", "2"], ["b", "10"]]).splitlines() == [
        "| what  | seen |",
        "|-------|-----:|",
        "| a hit |    2 |",
        "| b     |   10 |",
    ]
