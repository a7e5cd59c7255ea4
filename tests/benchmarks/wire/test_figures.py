"""Medians, spreads and ratios say what they should."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wire.figures import Sample, failures, middle, read, relative, spelled, spread


def rounds(*figures: float) -> list[Sample]:
    return [Sample(figure=figure, good=1) for figure in figures]


def test_a_median_is_of_the_numbers_alone() -> None:
    assert middle([3.0, nan, 1.0, 2.0]) == 2.0
    assert isnan(middle([nan]))
    assert isnan(middle([]))


def test_a_spread_leaves_out_the_extremes_of_five_rounds_but_not_of_four() -> None:
    assert spread([10.0, 10.0, 11.0, 12.0]) == pytest.approx(100 * 2 / 10.5)
    assert spread([1.0, 10.0, 10.0, 11.0, 99.0]) == pytest.approx(10.0)
    assert isnan(spread([1.0]))


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=7))
def test_a_drift_that_all_share_does_not_move_the_ratios(drift: list[float]) -> None:
    found = relative({"a": rounds(*drift), "b": rounds(*(2 * figure for figure in drift))})
    assert found["b"] / found["a"] == pytest.approx(2.0)


def test_who_has_no_figure_is_left_out_and_the_rest_is_compared() -> None:
    found = relative({"a": rounds(1.0, 1.0), "b": rounds(2.0, nan), "c": rounds(4.0, 4.0), "d": []})
    assert found.keys() == {"a", "c"}
    assert found["c"] / found["a"] == pytest.approx(4.0)
    assert relative({}) == {}


def test_failures_add_up_by_cause() -> None:
    one, other = Sample(figure=1, good=1, why={"reset": 2}), Sample(figure=1, good=1, why={"reset": 1, "end": 1})
    assert failures([one, other]) == {"reset": 3, "end": 1}


def test_a_sample_survives_being_written_down() -> None:
    sample = Sample(figure=1.5, good=3, why={"end": 1}, wrong=1, p99=7.0, more={"flows": 2.0})
    back = read(spelled(sample))
    assert (back.figure, back.why, back.p99, back.more) == (1.5, {"end": 1}, 7.0, {"flows": 2.0})
    assert isnan(back.rate)
    assert spelled(sample)["rate"] is None
