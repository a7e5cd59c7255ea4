"""The list of scenarios makes sense as a whole."""

from __future__ import annotations

from benchmarks.wire.contest import BEST, OURS, Figure
from benchmarks.wire.scenarios import GROUPS, PROGRAMS

SCENARIOS = [one for group in GROUPS for one in group.scenarios]


def test_a_key_belongs_to_one_table() -> None:
    keys = [one.key for one in SCENARIOS]
    assert len(keys) == len(set(keys))
    assert {one.seen_in for one in SCENARIOS if one.seen_in} <= set(keys)


def test_aims_are_beside_somebody_who_is_measured() -> None:
    for group in GROUPS:
        names = {one.name for one in group.contenders}
        for scenario in group.scenarios:
            present = names - set(scenario.without)
            assert set(scenario.without) <= names
            assert all({aim.who, aim.beside} <= present | {BEST} for aim in scenario.aims)


def test_all_peers_are_in_every_group_in_which_starship_is_not_alone() -> None:
    for group in GROUPS:
        names = {one.name for one in group.contenders}
        assert names == set(PROGRAMS) or OURS not in names


def test_what_has_runs_has_a_load_and_what_shows_others_has_none() -> None:
    assert all(bool(one.load) != bool(one.seen_in) for one in SCENARIOS)
    assert all(one.seen_in for one in SCENARIOS if one.figure is Figure.RATE)
