"""The rules of passive health."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.dial.pools.ejection import SPELLS_LIMIT, Ejection, warmth


def rules(failures: int = 3, share: float = 0.5) -> Ejection:
    return Ejection(failures=failures, time=10.0, share=share)


def test_so_many_failures_in_a_row_are_due_and_none_where_it_is_off() -> None:
    assert [rules().due(row) for row in range(5)] == [False, False, False, True, True]
    assert not any(rules(failures=0).due(row) for row in range(100))


def test_each_spell_in_a_row_is_longer_up_to_a_limit() -> None:
    assert [rules().spell(spells) for spells in (1, 2, 3)] == [10.0, 20.0, 30.0]
    assert rules().spell(1000) == 10.0 * SPELLS_LIMIT


@pytest.mark.parametrize(
    ("members", "share", "allowed"),
    [(1, 1.0, 0), (2, 0.5, 1), (3, 0.5, 2), (4, 0.5, 2), (10, 0.1, 1), (10, 0.0, 0), (10, 1.0, 9), (3, 0.01, 1)],
)
def test_at_most_a_share_is_left_out_rounded_up(members: int, share: float, allowed: int) -> None:
    assert rules(share=share).allowed(members, members) == allowed


@given(st.integers(0, 300), st.floats(0, 1), st.data())
def test_somebody_who_is_up_is_always_left(members: int, share: float, data: st.DataObject) -> None:
    up = data.draw(st.integers(0, members))
    assert 0 <= rules(share=share).allowed(members, up) <= max(0, up - 1)


def test_a_slow_start_goes_from_a_tenth_to_the_whole_in_steps() -> None:
    assert [warmth(elapsed, 10.0) for elapsed in (0.0, 0.9, 1.0, 2.0, 5.5, 9.9, 10.0, 99.0)] == [
        *(10, 10, 10, 20, 50, 90, 100, 100)
    ]
    assert warmth(0.0, 0.0) == 100
