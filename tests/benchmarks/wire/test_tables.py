"""A table says what was found, what was aimed at, and what went wrong."""

from __future__ import annotations

from attrs import evolve

from benchmarks.wire.contest import OURS, Aim, Figure, Scenario
from benchmarks.wire.figures import Sample
from benchmarks.wire.scenarios import GROUPS
from benchmarks.wire.tables import against_best, number, section

WORK = Scenario(key="tls", title="Work", unit="µs CPU / unit", aims=(Aim(ratio=1.0), Aim(ratio=2.0, beside="nginx")))
SAMPLES = {
    OURS: [Sample(figure=30.0, good=9, rate=10.0), Sample(figure=33.0, good=9, rate=11.0)],
    "nginx": [Sample(figure=24.0, good=9, rate=20.0), Sample(figure=26.4, good=9, rate=22.0)],
    "sniproxy": [Sample(figure=20.0, good=9, rate=15.0), Sample(figure=22.0, good=9, rate=16.5)],
}


def test_the_best_comes_first_and_ratios_are_to_the_best_peer() -> None:
    lines = section(WORK, SAMPLES).splitlines()
    names = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert names == ["", "-" * 10, "sniproxy", "nginx", OURS]
    assert against_best(WORK, SAMPLES)[OURS] == 1.5


def test_an_aim_is_reached_or_missed() -> None:
    told = section(WORK, SAMPLES)
    assert "Aim: Starship at most 1.00 of the best peer. Seen: 1.50: **missed**." in told
    assert "Aim: Starship at most 2.00 of nginx. Seen: 1.25: reached." in told


def test_a_rate_is_better_when_it_is_higher() -> None:
    rate = evolve(WORK, figure=Figure.RATE, aims=())
    assert against_best(rate, SAMPLES)[OURS] == 0.5
    first = next(line for line in section(rate, SAMPLES).splitlines() if line.startswith("| nginx"))
    assert "**21.0**" in first


def test_where_starship_is_alone_its_own_circumstances_are_compared() -> None:
    alone = {"10 names": SAMPLES["sniproxy"], "100,000 names": SAMPLES["nginx"]}
    scenario = evolve(WORK, aims=(Aim(ratio=1.1, beside="10 names", who="100,000 names"),))
    assert "Seen: 1.20: **missed**." in section(scenario, alone)


def test_an_aim_without_its_figures_is_not_told() -> None:
    assert "Aim" not in section(evolve(WORK, aims=(Aim(ratio=1.0, beside="HAProxy"),)), SAMPLES)


def test_each_kind_of_figure_has_a_table_even_when_a_contender_has_no_figure() -> None:
    nothing = {**SAMPLES, "HAProxy": [Sample(figure=float("nan"), good=0, wrong=1, why={"no work": 1})]}
    for scenario in (one for group in GROUPS for one in group.scenarios):
        assert "| HAProxy" in section(scenario, nothing)


def test_numbers_have_the_digits_that_mean_something() -> None:
    assert [number(value) for value in (1234.5, 123.4, 12.34, 1.234, float("nan"))] == [
        "1,234",
        "123",
        "12.3",
        "1.23",
        "-",
    ]
