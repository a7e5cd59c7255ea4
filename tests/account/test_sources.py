"""What we have ourselves satisfies what the Collector asks of others."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock

from starship.account.accesslog import AccessLog
from starship.account.ledger import Ledger, Timings
from starship.account.lines import text_line
from starship.account.pulse import Pulse
from starship.account.sink import Sink
from starship.account.sources import AccessLogStats, Sources, TimingStats


def test_the_access_log_and_the_timings_can_be_read_as_they_are() -> None:
    log: AccessLogStats = AccessLog(Sink(Path("unopened")), text_line, lambda: 0.0)
    timings: TimingStats = Timings()
    assert (log.lines, log.dropped, log.pending_bytes, timings.total) == (0, 0, 0, 0.0)


def test_the_ledger_alone_is_enough() -> None:
    sources = Sources(ledger=Ledger())
    assert {sources.stores, sources.cache, sources.lookups, sources.gate, sources.access_log} == {None}
    assert {sources.accept_paused, sources.loop_lag, sources.ready} == {None}


def test_the_lag_of_the_loop_is_the_pulse_of_a_clock() -> None:
    assert Sources(ledger=Ledger(), loop_lag=Pulse(Clock()).lag).loop_lag is not None
