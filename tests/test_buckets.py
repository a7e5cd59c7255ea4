"""Token buckets: a burst, then a rate; a debt comes first; bounded in number."""

from __future__ import annotations

from starship.buckets import Buckets


def spend(buckets: Buckets, key: str, now: float) -> int:
    """How often the key is let in at this moment, paying each time."""
    count = 0
    while count < 1000 and buckets.admits(key, now):
        buckets.take(key, now)
        count += 1
    return count


def test_a_key_has_its_burst_and_then_its_rate() -> None:
    buckets = Buckets(2.0, 5.0)
    assert spend(buckets, "a", 0.0) == 5
    assert spend(buckets, "b", 0.0) == 5
    assert spend(buckets, "a", 0.25) == 0
    assert spend(buckets, "a", 1.0) == 2
    assert spend(buckets, "a", 1000.0) == 5


def test_a_debt_is_paid_first() -> None:
    buckets = Buckets(1.0, 1.0)
    for _ in range(4):
        buckets.take("a", 0.0)
    assert not buckets.admits("a", 3.0)
    assert buckets.admits("a", 4.0)


def test_a_rate_of_nought_is_no_limit() -> None:
    buckets = Buckets(0.0, 5.0)
    assert spend(buckets, "a", 0.0) == 1000
    assert len(buckets) == 0


def test_the_longest_unused_are_forgotten_and_a_clock_that_steps_back_gives_nothing() -> None:
    buckets = Buckets(1.0, 1.0, 2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 10.0)
    assert len(buckets) == 2
    assert [buckets.admits(key, 10.0) for key in ("a", "b", "c")] == [False, True, False]
    assert not buckets.admits("c", 5.0)
