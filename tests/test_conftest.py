"""What hypothesis draws: the same for everybody, and, exploring, also what stands in our modules."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NUMBER = 987_654_321_012


def test_no_example_hangs_on_a_constant_of_ours_unless_we_explore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """A module that somebody changes, or that another test imports, draws no other examples."""
    ours = ModuleType("ours")
    ours.__file__ = str(tmp_path / "ours.py")
    Path(ours.__file__).write_text(f"NUMBER = {NUMBER}\n")
    monkeypatch.setitem(sys.modules, "ours", ours)
    drawn = set[int]()

    @settings(max_examples=1000, database=None)
    @given(st.integers(NUMBER - 10**9, NUMBER + 10**9))
    def draw(number: int) -> None:
        drawn.add(number)

    draw()
    assert len(drawn) > 500
    assert (NUMBER in drawn) is (pytestconfig.getoption("--hypothesis-profile") == "explore")
