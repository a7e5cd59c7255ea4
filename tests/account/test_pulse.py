"""The pulse measures how late its beats are."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.account.pulse import BEAT_S, Pulse


def test_a_loop_in_time_has_no_lag() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.start()
    clock.pump([BEAT_S] * 3)
    assert (sum(pulse.lag.counts), pulse.lag.counts[0], pulse.lag.total) == (3, 3, 0.0)
    pulse.stop()


def test_a_loop_that_was_busy_shows_for_how_long() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.start()
    clock.advance(BEAT_S + 0.25)
    assert (sum(pulse.lag.counts), pulse.lag.total) == (1, 0.25)
    clock.advance(BEAT_S)
    assert (sum(pulse.lag.counts), pulse.lag.total) == (2, 0.25)
    pulse.stop()


def test_stopped_it_leaves_no_call_behind() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.stop()
    pulse.start()
    clock.advance(BEAT_S)
    pulse.stop()
    pulse.stop()
    assert clock.getDelayedCalls() == []
