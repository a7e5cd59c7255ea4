"""The order of trying."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from starship.dial.pick import order
from starship.words import Upstream

UPSTREAMS = st.lists(
    st.builds(
        Upstream,
        host=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "a.example"]),
        port=st.integers(1, 65535),
        weight=st.integers(0, 65_535),
        backup=st.booleans(),
    ),
    max_size=8,
)


@given(UPSTREAMS, st.integers())
def test_the_order_loses_nobody_and_invents_nobody(upstreams: list[Upstream], seed: int) -> None:
    assert Counter(order(upstreams, Random(seed))) == Counter(upstreams)


@given(UPSTREAMS, st.integers())
def test_backups_come_after_all_members_and_a_weight_of_nothing_last_of_its_kind(
    upstreams: list[Upstream], seed: int
) -> None:
    places = [(up.backup, up.weight == 0) for up in order(upstreams, Random(seed))]
    assert places == sorted(places)


@given(UPSTREAMS, st.integers())
def test_the_same_seed_gives_the_same_order(upstreams: list[Upstream], seed: int) -> None:
    assert order(upstreams, Random(seed)) == order(upstreams, Random(seed))


def test_each_member_is_first_as_often_as_its_share_of_the_weights() -> None:
    members = [Upstream(host=f"192.0.2.{weight}", weight=weight) for weight in (1, 2, 3, 14)]
    random, rounds = Random(7), 20_000
    firsts = Counter(order(members, random)[0].weight for _ in range(rounds))
    for weight in (1, 2, 3, 14):
        assert abs(firsts[weight] / rounds - weight / 20) < 0.01


def test_the_second_place_is_shared_by_weight_among_the_rest() -> None:
    members = [Upstream(host=f"192.0.2.{weight}", weight=weight) for weight in (1, 3, 100)]
    random = Random(8)
    seconds = Counter(
        ranked[1].weight for ranked in (order(members, random) for _ in range(20_000)) if ranked[0].weight == 100
    )
    assert abs(seconds[3] / sum(seconds.values()) - 0.75) < 0.015


def test_those_of_no_weight_share_the_last_places_evenly() -> None:
    spares = [Upstream(host="192.0.2.1", weight=0), Upstream(host="192.0.2.2", weight=0)]
    random = Random(9)
    firsts = Counter(order(spares, random)[0].host for _ in range(10_000))
    assert abs(firsts["192.0.2.1"] / 10_000 - 0.5) < 0.02
