"""Who takes the next connection: pure, and held to by properties."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from math import gcd
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.dial.pools.policies import Alone, Picker, drawn, make_picker
from starship.words import POLICIES
from tests.dial.pools.pooling import SOURCE, One, ones

SHARES = st.lists(st.integers(1, 40), min_size=2, max_size=8)


def picker_of(policy: str, shares: list[int], seed: int = 1) -> tuple[Picker[One], list[One]]:
    candidates = ones(len(shares))
    return make_picker(policy, candidates, shares, Random(seed)), candidates


def sequence(picker: Picker[One], count: int) -> list[One]:
    return [picker.pick(SOURCE, "a.example") for _ in range(count)]


@given(policy=st.sampled_from(POLICIES), shares=SHARES, seed=st.integers(0, 1000))
def test_every_policy_chooses_a_candidate_and_tries_all_others_after_it(
    policy: str, shares: list[int], seed: int
) -> None:
    picker, candidates = picker_of(policy, shares, seed)
    assert picker.pick(SOURCE, None) in candidates
    assert set(picker.after(SOURCE, None)) == set(candidates)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_only_candidate_is_chosen_at_no_cost(policy: str) -> None:
    (one,) = ones(1)
    picker = make_picker(policy, [one], [5], Random(1))
    assert isinstance(picker, Alone)
    assert picker.pick(SOURCE, None) is one
    assert list(picker.after(SOURCE, None)) == [one]


@given(SHARES, st.integers(0, 1000))
@settings(max_examples=50)
def test_a_round_of_round_robin_gives_everybody_exactly_its_share_again_and_again(shares: list[int], seed: int) -> None:
    picker, candidates = picker_of("round_robin", shares, seed)
    common = gcd(*shares)
    for _ in range(3):
        counts = Counter(sequence(picker, sum(shares) // common))
        assert [counts[one] for one in candidates] == [share // common for share in shares]


@given(SHARES, st.integers(0, 1000))
@settings(max_examples=50)
def test_round_robin_is_smooth_at_no_moment_is_anybody_two_turns_from_its_share(shares: list[int], seed: int) -> None:
    picker, candidates = picker_of("round_robin", shares, seed)
    given_, total = Counter[One](), sum(shares)
    for turn, one in enumerate(sequence(picker, 2 * total), 1):
        given_[one] += 1
        for candidate, share in zip(candidates, shares, strict=True):
            assert abs(given_[candidate] - turn * share / total) < 2


def test_a_heavy_one_does_not_take_all_its_turns_at_once() -> None:
    picker, candidates = picker_of("round_robin", [5, 1, 1])
    text = "".join("abc"[candidates.index(one)] for one in sequence(picker, 14))
    assert Counter(text[:7]) == {"a": 5, "b": 1, "c": 1}
    assert "aaaaaaa" not in text * 2


def test_equals_take_turns_and_who_begins_is_drawn() -> None:
    beginners = set()
    for seed in range(40):
        picker, candidates = picker_of("round_robin", [1] * 4, seed)
        first, second = sequence(picker, 4), sequence(picker, 4)
        assert first == second
        assert set(first) == set(candidates)
        beginners.add(candidates.index(first[0]))
    assert beginners == {0, 1, 2, 3}


def test_round_robin_tries_the_following_turns_and_asking_for_them_takes_none() -> None:
    picker, _ = picker_of("round_robin", [1] * 4)
    picker.pick(SOURCE, None)
    order = list(picker.after(SOURCE, None))
    assert order == sequence(picker, 4)


def test_weights_without_a_common_measure_keep_their_shares_closely() -> None:
    shares = [65_521, 65_519, 65_497, 65_479, 7]
    picker, candidates = picker_of("round_robin", shares)
    counts = Counter(sequence(picker, 40_000))
    for one, share in zip(candidates, shares, strict=True):
        assert abs(counts[one] - 40_000 * share / sum(shares)) < 2


@pytest.mark.parametrize("policy", ["random", "random_two"])
def test_by_lot_each_is_chosen_as_often_as_its_share(policy: str) -> None:
    shares = [1, 2, 3, 14] if policy == "random" else [1, 1, 1, 1]
    picker, candidates = picker_of(policy, shares, 7)
    counts = Counter(sequence(picker, 20_000))
    for one, share in zip(candidates, shares, strict=True):
        assert abs(counts[one] / 20_000 - share / sum(shares)) < 0.015


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12), st.integers(0, 1000))
@settings(max_examples=50)
def test_least_connections_chooses_nobody_who_has_more_than_another(loads: list[int], seed: int) -> None:
    picker, candidates = picker_of("least_connections", [1] * len(loads), seed)
    for one, load in zip(candidates, loads, strict=True):
        one.member.load = load
    assert picker.pick(SOURCE, None).member.load == min(loads)
    assert [one.member.load for one in picker.after(SOURCE, None)] == sorted(loads)


def test_least_connections_fills_by_weight() -> None:
    picker, candidates = picker_of("least_connections", [300, 100])
    for _ in range(400):
        picker.pick(SOURCE, None).member.load += 1
    assert [one.member.load for one in candidates] == [300, 100]


def test_equally_loaded_ones_are_chosen_by_lot() -> None:
    picker, candidates = picker_of("least_connections", [1] * 10)
    assert set(sequence(picker, 200)) == set(candidates)


def test_of_two_that_are_drawn_the_less_loaded_one_is_taken_so_the_most_loaded_never_is() -> None:
    picker, candidates = picker_of("random_two", [1] * 5)
    candidates[2].member.load = 100
    assert candidates[2] not in sequence(picker, 500)


def test_random_two_keeps_loads_level_where_random_does_not() -> None:
    spread = {}
    for policy in ("random", "random_two"):
        picker, candidates = picker_of(policy, [1] * 50, 3)
        for _ in range(5000):
            picker.pick(SOURCE, None).member.load += 1
        loads = [one.member.load for one in candidates]
        spread[policy] = max(loads) - min(loads)
    assert spread["random_two"] <= 10 < spread["random"]


def test_a_client_meets_the_same_one_by_its_address_and_a_name_by_itself() -> None:
    by_source, _ = picker_of("hash_source", [1] * 10)
    by_host, _ = picker_of("hash_host", [1] * 10)
    assert len({by_source.pick("192.0.2.1", f"{number}.example") for number in range(50)}) == 1
    assert len({by_source.pick(f"192.0.2.{number}", None) for number in range(50)}) > 5
    assert len({by_host.pick(f"192.0.2.{number}", "a.example") for number in range(50)}) == 1
    assert len({by_host.pick("192.0.2.1", f"{number}.example") for number in range(50)}) > 5
    assert len({by_host.pick("192.0.2.1", None) for _ in range(5)}) == 1


def test_what_hashes_agrees_between_balancers_and_falls_back_to_the_same_second() -> None:
    one, _ = picker_of("hash_source", [1] * 10, 1)
    other, _ = picker_of("hash_source", [1] * 10, 2)
    for number in range(50):
        orders = [[seat.label for seat in picker.after(f"192.0.2.{number}", None)] for picker in (one, other)]
        assert orders[0] == orders[1]
        assert orders[0][0] == one.pick(f"192.0.2.{number}", None).label


def test_the_second_place_is_shared_by_weight_among_the_rest() -> None:
    candidates, random = ones(3), Random(8)
    orders = (list(islice(drawn(candidates, [1, 3, 100], random), 2)) for _ in range(20_000))
    seconds = Counter(second.label for first, second in orders if first is candidates[2])
    assert abs(seconds[candidates[1].label] / sum(seconds.values()) - 0.75) < 0.015


def test_those_of_no_weight_are_drawn_last_and_evenly() -> None:
    candidates, random = ones(3), Random(9)
    orders = [drawn(candidates, [0, 0, 1], random) for _ in range(10_000)]
    assert all(order[0] is candidates[2] for order in orders)
    assert abs(sum(order[1] is candidates[0] for order in orders) / 10_000 - 0.5) < 0.02


@given(policy=st.sampled_from(POLICIES), shares=SHARES, seed=st.integers(0, 1000))
@settings(max_examples=60)
def test_what_is_foreseen_is_what_is_picked_and_looking_changes_no_choice(
    policy: str, shares: list[int], seed: int
) -> None:
    looked_at, candidates = picker_of(policy, shares, seed)
    other, others = picker_of(policy, shares, seed)
    candidates[0].member.load = others[0].member.load = 3
    for _ in range(6):
        foreseen = [looked_at.foresee(SOURCE, "a.example") for _ in range(3)]
        picked = looked_at.pick(SOURCE, "a.example")
        assert set(foreseen) <= {picked, None}
        assert candidates.index(picked) == others.index(other.pick(SOURCE, "a.example"))


def test_only_lots_and_equals_cannot_be_foreseen() -> None:
    for policy in POLICIES:
        picker, candidates = picker_of(policy, [1, 1])
        candidates[0].member.load = 5
        sure = policy not in ("random", "random_two")
        assert (picker.foresee(SOURCE, None) is not None) is sure
    picker, _ = picker_of("least_connections", [1, 1])
    assert picker.foresee(SOURCE, None) is None
