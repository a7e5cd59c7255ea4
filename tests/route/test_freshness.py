"""What HTTP itself says of an answer's age and of trying again (M2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.route.fields import TIME_LIMIT_S
from starship.route.freshness import RETRY_AFTER_LIMIT_S, Freshness, freshness, retry_after

CASES = [
    ("", "", None, None),
    ("public", "", None, None),
    ("max-age=60", "", 60.0, None),
    ("Max-Age=60, Stale-If-Error=600", "", 60.0, 600.0),
    ('max-age="60"', "", 60.0, None),
    ("max-age=0", "", 0.0, None),
    ("no-store", "", 0.0, 0.0),
    ("no-cache, max-age=60", "", 0.0, 0.0),
    ("max-age=60, max-age=5", "", 5.0, None),
    ("max-age=soon", "", 0.0, None),
    ("max-age=-1", "", 0.0, None),
    ("max-age", "", 0.0, None),
    ("max-age=99999999999999999999", "", TIME_LIMIT_S, None),
    ("max-age=60", "20", 40.0, None),
    ("max-age=60", "90", 0.0, None),
    ("max-age=60", "old", 60.0, None),
    ("s-maxage=9, x-max-age=8", "", None, None),
]


@pytest.mark.parametrize(("cache_control", "age", "ttl", "stale_ttl"), CASES)
def test_cache_control_is_read_M2(cache_control: str, age: str, ttl: float | None, stale_ttl: float | None) -> None:
    assert freshness(cache_control, age) == Freshness(ttl=ttl, stale_ttl=stale_ttl)


NUMBERS = st.from_regex(r'-?"?\d{1,30}"?(?:, ?[a-z-]{1,15}(?:=[0-9]{1,9})?)?', fullmatch=True)
DATES = st.datetimes().map(lambda date: f"{date:%a, %d %b %Y %H:%M:%S} GMT")


@given(st.text(max_size=100) | NUMBERS | DATES, st.text(max_size=30) | NUMBERS, st.text(max_size=30) | DATES)
def test_no_header_raises(text: str, other: str, date: str) -> None:
    kept = freshness(f"max-age={text}", other)
    assert kept.ttl is None or 0 <= kept.ttl <= TIME_LIMIT_S
    wait = retry_after(text, date)
    assert wait is None or 0 <= wait <= RETRY_AFTER_LIMIT_S


def test_an_endless_header_is_read_only_so_far() -> None:
    assert freshness("x," * 100_000 + "max-age=1") == Freshness()


@pytest.mark.parametrize(
    ("value", "date", "wait"),
    [
        ("", "", None),
        ("5", "", 5.0),
        ("9999999", "", RETRY_AFTER_LIMIT_S),
        ("-5", "", None),
        ("soon", "", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:29:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, date: str, wait: float | None) -> None:
    assert retry_after(value, date) == wait
