"""A body that has to be read on its way: back-pressure, bounds, and what is kept for a second try."""

from __future__ import annotations

from typing import Any

from starship.exchange.body import CHUNKS_PER_TURN, Body, Passed
from starship.wire.stock import StockLeg
from tests.exchange.ends import End

FLOOD = b"1000\r\n" + b"x" * 4096 + b"\r\n"


def body(*, limit: int = 0, keep: int = 0) -> tuple[Body, End, End, list[Passed]]:
    told: list[Passed] = []
    source, sink = End(), End()
    return Body(source.leg, sink.leg, lambda way, detail: told.append(way), limit=limit, keep=keep), source, sink, told


def test_a_sink_that_takes_nothing_stops_the_source_and_holds_no_more_than_was_read() -> None:
    made, source, sink, told = body()
    made.start()
    sink.fill()
    source.says(FLOOD)
    assert source.wire.paused
    sink.drain()
    assert not source.wire.paused
    source.says(FLOOD, b"0\r\n\r\n")
    assert (told, made.size) == ([Passed.WHOLE], 8192)


def test_what_goes_before_goes_out_in_one_write_with_what_is_there() -> None:
    made, source, sink, _ = body()
    source.says(b"3\r\nabc\r\n")
    made.start(b"head ")
    assert sink.heard == b"head 3\r\nabc\r\n"
    alone, _, empty, _ = body()
    alone.start(b"head ")
    assert empty.heard == b"head "


def test_what_is_kept_is_bounded_and_beyond_the_bound_nothing_is() -> None:
    made, source, _, _ = body(keep=20)
    made.start()
    source.says(b"5\r\nhello\r\n")
    assert made.can_begin_again
    source.says(b"9\r\nmuch more\r\n")
    assert not made.can_begin_again


def test_a_body_that_grows_too_big_is_stopped_before_it_is_sent_on() -> None:
    made, source, sink, told = body(limit=4096)
    made.start()
    source.says(FLOOD, b"1\r\n!\r\n")
    assert (told, len(sink.heard)) == ([Passed.TOO_BIG], len(FLOOD))


def test_bad_framing_is_told_once() -> None:
    made, source, _, told = body()
    made.start()
    source.says(b"5\nhello", b"more")
    source.resets()
    assert told == [Passed.BAD]


class Resting(StockLeg):
    """Counts how often it was asked to leave others their turn."""

    __slots__ = ("rests",)

    def later(self) -> None:
        self.rests: int = getattr(self, "rests", 0) + 1


def test_many_tiny_chunks_in_one_read_leave_others_their_turn() -> None:
    """Each costs as much as many octets: 2.4 MB/s of them kept everybody else waiting for a tenth of a second."""
    source, told = End(kind=Resting), list[Passed]()
    leg: Any = source.leg
    Body(leg, End().leg, lambda way, detail: told.append(way)).start()
    source.says(b"1\r\nx\r\n" * CHUNKS_PER_TURN)
    assert not hasattr(leg, "rests")
    source.says(b"1\r\nx\r\n" * (CHUNKS_PER_TURN + 1))
    assert leg.rests == 1


def test_what_goes_before_does_not_go_where_the_first_octets_of_a_body_are_bad() -> None:
    made, source, sink, told = body()
    source.says(b"2 \r\nab")
    made.start(b"head ")
    assert (told, sink.heard, made.begun) == ([Passed.BAD], b"", False)
