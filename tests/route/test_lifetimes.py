"""How long an answer lives: its own word, else the settings', within bounds (M2)."""

from __future__ import annotations

from math import inf

import pytest

from starship.route.lifetimes import Life, Lifetimes
from starship.words import Answer
from tests.route.resolvers import miss, route

BOUNDED = Lifetimes(ttl=60, neg_ttl=10, stale_ttl=300, min_ttl=1, max_ttl=1000, max_neg_ttl=100, max_stale_ttl=2000)


@pytest.mark.parametrize(
    ("answer", "life"),
    [
        (route(), Life(60, 300)),
        (route(ttl=5, stale_ttl=7), Life(5, 7)),
        (route(ttl=0.001), Life(1, 300)),
        (route(ttl=1e9, stale_ttl=1e9), Life(1000, 2000)),
        (route(ttl=0), None),
        (route(stale_ttl=0), Life(60, 0)),
        (miss(), Life(10)),
        (miss(0.001), Life(1)),
        (miss(1e9), Life(100)),
        (miss(0), None),
    ],
)
def test_an_answers_own_word_counts_within_the_bounds_and_nought_stays_nought_M2(
    answer: Answer, life: Life | None
) -> None:
    assert BOUNDED.of(answer) == life


def test_a_nought_in_the_settings_is_for_ever_and_less_is_never_M2() -> None:
    assert Lifetimes(ttl=0, neg_ttl=0).of(route()) == Life(inf)
    assert Lifetimes(ttl=-1, neg_ttl=-1).of(route()) is None
    assert Lifetimes(ttl=-1, neg_ttl=-1).of(miss()) is None
