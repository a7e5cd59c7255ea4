"""Consistent hashing: whoever leaves moves its own keys alone, and loads are near their shares."""

from __future__ import annotations

from collections import Counter

import pytest

from starship.dial.pools.ring import POINTS, Ring, host_key, source_key

LABELS = [f"10.0.0.{number}:443" for number in range(100)]
KEYS = [source_key(f"198.51.{high}.{low}") for high in range(40) for low in range(250)]


def owners(labels: list[str], shares: list[int] | None = None) -> list[str]:
    ring = Ring(labels, shares or [100] * len(labels), 100)
    return [labels[ring.owner(key)] for key in KEYS]


def test_one_of_a_hundred_leaves_and_only_its_own_keys_move() -> None:
    """Measured: 0 keys of the others, and the leaver's own go to many."""
    before = owners(LABELS)
    for gone in LABELS[::20]:
        after = owners([label for label in LABELS if label != gone])
        moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert {old for old, _ in moved} == {gone}
        assert len(moved) == before.count(gone) < 0.02 * len(KEYS)
        assert len({new for _, new in moved}) > 30


def test_one_that_comes_takes_its_share_and_moves_nobody_elses() -> None:
    before, after = owners(LABELS[:-1]), owners(LABELS)
    assert {new for old, new in zip(before, after, strict=True) if old != new} == {LABELS[-1]}


def test_loads_are_near_their_shares() -> None:
    counts = Counter(owners(LABELS))
    mean = len(KEYS) / len(LABELS)
    assert min(counts.values()) > 0.5 * mean
    assert max(counts.values()) < 1.6 * mean


def test_a_smaller_share_has_fewer_points_and_a_change_of_it_moves_few() -> None:
    labels = LABELS[:10]
    counts = Counter(owners(labels, [50] + [100] * 9))
    assert 0.3 < counts[labels[0]] / (len(KEYS) / 9.5) < 0.7
    before, after = owners(labels), owners(labels, [90] + [100] * 9)
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {labels[0]}
    assert len(moved) < 0.03 * len(KEYS)


def test_the_least_share_has_a_point() -> None:
    ring = Ring(LABELS[:2], [1, 65_535 * 100], 65_535 * 100)
    assert sorted(ring.owners(0)) == [0, 1]


def test_owners_are_all_each_once_beginning_with_the_owner() -> None:
    ring = Ring(LABELS, [100] * 100, 100)
    for key in KEYS[:50]:
        order = list(ring.owners(key))
        assert order[0] == ring.owner(key)
        assert sorted(order) == list(range(100))


def test_the_highest_key_belongs_to_the_first_point() -> None:
    ring = Ring(LABELS[:3], [100] * 3, 100)
    assert ring.owner(2**32 - 1) in range(3)
    assert next(ring.owners(2**32 - 1)) == ring.owner(2**32 - 1)


def test_an_ipv6_client_is_its_64_however_it_is_spelled() -> None:
    assert source_key("2001:db8::1") == source_key("2001:db8:0:0:ffff::2") == source_key("2001:db8::1%eth0")
    assert source_key("2001:db8::1") != source_key("2001:db8:0:1::1")
    assert source_key("fe80:::nonsense") == source_key("fe80:::nonsense")


def test_who_names_nobody_has_one_key() -> None:
    assert host_key(None) == host_key("")
    assert host_key("a.example") != host_key("b.example")


@pytest.mark.parametrize("label", LABELS[:3])
def test_points_are_those_of_the_label_alone(label: str) -> None:
    alone, among = Ring([label], [100], 100), Ring([label, LABELS[50]], [100, 100], 100)
    assert len(alone._points) == POINTS
    assert len(among._points) == 2 * POINTS
    assert {point >> 16 for point in alone._points} <= {point >> 16 for point in among._points}
