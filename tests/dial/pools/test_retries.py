"""How many tries may be spent on endpoints that failed last."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from starship.dial.pools.retries import SAVED_S, RetryBudget


def budget(share: float = 0.2, least: int = 10) -> tuple[RetryBudget, Clock]:
    clock: Any = Clock()
    return RetryBudget(clock=clock, share=share, least=least), clock


def taken(made: RetryBudget, total: int, wanted: int = 100_000) -> int:
    """How many of so many tries are let through."""
    return sum(made.take(total) for _ in range(wanted))


def test_at_first_there_is_what_some_seconds_of_the_least_rate_save_up() -> None:
    made, _ = budget()
    assert taken(made, 0) == 10 * SAVED_S
    assert (made.spent, made.refused) == (100, 100_000 - 100)


def test_each_second_brings_the_least_rate_and_no_more_than_is_saved_up() -> None:
    made, clock = budget(share=0)
    taken(made, 0)
    clock.advance(1)
    assert taken(made, 0) == 10
    clock.advance(3600)
    assert taken(made, 0) == 10 * SAVED_S


def test_connections_bring_their_share() -> None:
    made, _ = budget(least=0)
    assert taken(made, 0) == 0
    assert taken(made, 1000) == 200
    assert taken(made, 1000) == 0
    assert taken(made, 1010) == 2


def test_without_share_and_rate_there_is_none() -> None:
    made, clock = budget(0, 0)
    clock.advance(1000)
    assert taken(made, 1000) == 0


def test_an_outage_of_ten_thousand_clients_stays_within_share_and_rate() -> None:
    made, clock = budget()
    tries = 0
    for total in range(10_000):
        clock.advance(0.001)
        tries += taken(made, total, 15)
    assert tries <= 10 * SAVED_S + 0.2 * 10_000 + 10 * 10 + 1
