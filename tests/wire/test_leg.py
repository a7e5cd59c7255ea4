"""One connected socket on the wire: what it holds, carries and says, and how it ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from twisted.logger import LogEvent
from zope.interface.verify import verifyObject

from starship.interfaces import ILeg
from starship.wire.ground import HOLD_READ_BYTES
from starship.wire.hold import HOLD_LIMIT_BYTES
from starship.wire.leg import WireLeg
from starship.words import Stop
from tests.fakes import FakeLeg, errors_in
from tests.wire.bench import Bench, Told, arrived, bench, drink, hears, log, nobody, reset, stuff, wait

__all__ = ["bench", "log"]


def test_a_leg_of_the_wire_is_a_leg(bench: Bench) -> None:
    verifyObject(ILeg, bench.leg(WireLeg)[0])


def test_it_knows_both_its_ends(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    assert leg.remote == peer.getsockname()
    assert leg.local() == leg.local() == peer.getpeername()


# Holding


def _holds(leg: WireLeg, size: int) -> bool:
    return leg.held == size


def test_a_server_that_speaks_first_is_held_and_given_out_once_in_order(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    for piece, in_all in ((b"220 ", 4), (b"mail", 8), (b".example", 16)):
        peer.send(piece)
        bench.until(partial(_holds, leg, in_all))
    assert (leg.take(), leg.take(), leg.received) == (b"220 mail.example", b"", 16)


def test_what_nobody_carries_is_held_up_to_a_limit_and_read_on_once_it_is_taken(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    sent = stuff(peer, 1 << 20)
    bench.until(lambda: leg.received >= HOLD_LIMIT_BYTES)
    bench.turns(20)
    assert leg.received < HOLD_LIMIT_BYTES + HOLD_READ_BYTES
    taken = len(leg.take())
    bench.until(lambda: leg.received > taken)
    to = FakeLeg()
    leg.carry(to, None, nobody)
    bench.until(lambda: leg.received == sent)
    assert len(to.data) + taken == sent


def test_taking_does_not_read_on_where_the_owner_has_paused_again(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    stuff(peer, 1 << 20)
    bench.until(lambda: leg.held >= HOLD_LIMIT_BYTES)
    leg.take()
    leg.pause()
    before = leg.received
    bench.turns(20)
    assert leg.received == before


def test_carrying_goes_on_after_the_hold_also_where_nothing_is_left_of_what_was_held(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    sent = stuff(peer, 200_000)
    bench.until(lambda: leg.held >= HOLD_LIMIT_BYTES)
    opening = leg.take()
    leg.pause()
    bench.turns(20)
    to = FakeLeg()
    leg.carry(to, None, nobody)
    bench.until(lambda: len(opening) + len(to.data) == sent)


def test_the_owner_is_shown_what_comes_and_reading_stops_as_soon_as_it_says_so(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told(lambda data: leg.pause())
    stuff(peer, 100_000)
    wait(lambda: arrived(leg.fd) >= 2 * HOLD_READ_BYTES)
    bench.until(lambda: bool(owner.data))
    bench.turns(20)
    assert len(owner.data) == HOLD_READ_BYTES
    leg.resume()
    assert len(owner.data) == 2 * HOLD_READ_BYTES


# Carrying


def sinks(bench: Bench, kind: str) -> tuple[ILeg, Callable[[], bytes]]:
    """Somewhere to carry to, and what arrived there."""
    if kind == "other":
        to = FakeLeg()
        return to, lambda: bytes(to.data)
    leg, peer = bench.leg(WireLeg)
    data = bytearray()

    def there() -> bytes:
        data.extend(drink(peer))
        return bytes(data)

    return leg, there


KINDS = pytest.mark.parametrize("kind", ["wire", "other"])


@KINDS
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("chunks", [[b"abcdefgh"], [b"abc", b"defgh"], [bytes([c]) for c in b"abcdefgh"]])
def test_carry_moves_exactly_its_limit_and_later_bytes_wait_for_the_next(
    bench: Bench, kind: str, early: bool, chunks: list[bytes]
) -> None:
    leg, peer = bench.leg(WireLeg)
    (first, at_first), (second, at_second) = sinks(bench, kind), sinks(bench, kind)
    stops = list[Stop]()
    if not early:
        leg.carry(first, 5, stops.append)
    for chunk in chunks:
        peer.send(chunk)
        bench.turns()
    if early:
        bench.until(lambda: leg.held == 8)
        leg.carry(first, 5, stops.append)
    bench.until(lambda: at_first() == b"abcde")
    assert stops == [Stop.LIMIT]
    leg.carry(second, None, stops.append)
    bench.until(lambda: at_second() == b"fgh")
    peer.send(b"!")
    bench.until(lambda: at_second() == b"fgh!")
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: stops == [Stop.LIMIT, Stop.ENDED])
    assert at_first() == b"abcde"


@KINDS
def test_a_limit_of_nothing_is_reached_at_once_and_an_end_before_the_limit_is_an_end(bench: Bench, kind: str) -> None:
    leg, peer = bench.leg(WireLeg)
    to, there = sinks(bench, kind)
    stops = list[Stop]()
    leg.carry(to, 0, stops.append)
    assert stops == [Stop.LIMIT]
    leg.carry(to, 10, stops.append)
    peer.send(b"abc")
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: stops == [Stop.LIMIT, Stop.ENDED])
    bench.until(lambda: there() == b"abc")


def test_a_limit_that_fills_the_other_side_is_told_once_it_has_room_and_is_no_end(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    to, reader = bench.leg(WireLeg, small=True)
    stops = list[Stop]()
    size = stuff(peer, 1 << 20)
    leg.carry(to, size - 1, stops.append)
    bench.turns(20)
    assert stops == []
    got = bytearray()

    def all_there() -> bool:
        got.extend(drink(reader))
        return len(got) == size - 1

    bench.until(all_there)
    assert stops == [Stop.LIMIT]
    leg.carry(to, None, stops.append)
    bench.until(lambda: leg.received == size)
    assert stops == [Stop.LIMIT]


@KINDS
def test_a_next_carry_can_be_asked_for_from_within_the_last_one_thousands_of_times(bench: Bench, kind: str) -> None:
    leg, peer = bench.leg(WireLeg)
    to, there = sinks(bench, kind)
    stops = list[Stop]()

    def following(why: Stop) -> None:
        stops.append(why)
        if why is Stop.LIMIT and len(stops) < 3000:
            leg.carry(to, 3, following)

    leg.carry(to, 3, following)
    peer.send(b"abc" * 3000)
    bench.until(lambda: len(stops) == 3000)
    assert set(stops) == {Stop.LIMIT}
    bench.until(lambda: len(there()) == 9000)


def test_an_end_that_came_while_bytes_were_held_is_told_after_them(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    peer.send(b"last words")
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: leg.ended)
    to, stops = FakeLeg(), list[Stop]()
    leg.carry(to, None, stops.append)
    assert (bytes(to.data), stops) == (b"last words", [Stop.ENDED])


@KINDS
def test_the_last_bytes_and_the_end_that_come_as_one_event_are_both_carried(bench: Bench, kind: str) -> None:
    leg, peer = bench.leg(WireLeg)
    to, there = sinks(bench, kind)
    stops = list[Stop]()
    leg.carry(to, None, stops.append)
    sent = peer.send(b"x" * 100_000)
    peer.close()
    bench.until(lambda: len(there()) == sent)
    bench.until(lambda: stops == [Stop.ENDED])


def test_a_full_other_side_stops_the_reading_and_the_owners_pause_outlives_its_draining(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    to, reader = bench.leg(WireLeg, small=True)
    leg.carry(to, None, nobody)
    stuff(peer, 1 << 20)
    bench.until(lambda: to.out is not None)
    full = leg.received
    leg.pause()

    def emptied() -> bool:
        drink(reader)
        return to.out is None

    bench.until(emptied)
    bench.turns(20)
    assert leg.received == full
    leg.resume()
    bench.until(lambda: leg.received > full)


def test_the_owners_resume_reads_nothing_while_the_other_side_is_full(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    to, _ = bench.leg(WireLeg, small=True)
    leg.carry(to, None, nobody)
    stuff(peer, 1 << 20)
    bench.until(lambda: to.out is not None)
    full = leg.received
    leg.pause()
    leg.resume()
    bench.turns(10)
    assert leg.received == full


# Writing and ending


def test_a_send_that_the_kernel_takes_is_true_and_one_that_fills_it_is_false_until_drained(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    told = list[str]()
    leg.drained(lambda: told.append("at once"))
    assert leg.send(b"x")
    assert not leg.send(b"y" * 1_000_000)
    leg.drained(lambda: told.append("drained"))
    bench.turns()
    assert (told, leg.sent) == (["at once"], 1_000_001)
    got = 0

    def drunk() -> bool:
        nonlocal got
        got += len(drink(peer))
        return got == leg.sent

    bench.until(drunk)
    bench.until(lambda: told == ["at once", "drained"])


def test_end_is_told_once_the_last_byte_has_gone(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    ends = list[Stop]()
    leg.send(b"y" * 1_000_000)
    leg.end(ends.append)
    bench.turns(10)
    assert ends == []
    got = 0

    def over() -> bool:
        nonlocal got
        try:
            while piece := peer.recv(65536):
                got += len(piece)
        except BlockingIOError:
            return False
        return True

    bench.until(over)
    assert (ends, got) == ([Stop.ENDED], 1_000_000)


def test_a_peer_that_resets_before_all_is_written_is_a_loss_to_who_asked_for_the_end(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    ends = list[Stop]()
    leg.send(b"y" * 1_000_000)
    leg.end(ends.append)
    bench.turns()
    reset(peer)
    bench.until(lambda: bool(ends))
    assert ends == [Stop.LOST]
    assert leg.fd < 0


def test_a_leg_whose_streams_have_both_ended_closes_itself_and_that_is_no_loss(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told()
    stops, ends = list[Stop](), list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    leg.end(ends.append)
    bench.until(lambda: hears(peer) == "end")
    assert leg.fd >= 0
    peer.close()
    bench.until(lambda: bool(owner.lost))
    assert leg.fd < 0
    assert (stops, ends, owner.lost) == ([Stop.ENDED], [Stop.ENDED], ["ConnectionDone"])


@pytest.mark.parametrize("writing", [True, False])
def test_a_connection_that_breaks_after_its_stream_has_ended_is_told_after_the_end(bench: Bench, writing: bool) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    stops = list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: stops == [Stop.ENDED])
    if writing:
        leg.send(b"y" * 1_000_000)
    reset(peer)
    bench.until(lambda: leg.fd < 0)
    assert stops == [Stop.ENDED, Stop.LOST]


def test_a_connection_that_breaks_after_our_end_is_told_to_who_carries(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    stops, ends = list[Stop](), list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    leg.end(ends.append)
    reset(peer)
    bench.until(lambda: leg.fd < 0)
    assert (stops, ends) == ([Stop.LOST], [Stop.ENDED])


def test_what_a_peer_said_before_it_broke_is_still_read_where_a_write_noticed_first(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    to, stops = FakeLeg(), list[Stop]()
    leg.pause()
    peer.send(b"an answer")
    peer.shutdown(socket.SHUT_WR)
    leg.send(b"a question that nobody reads")
    wait(lambda: arrived(peer) > 0)
    peer.close()  # with unread bytes: a reset
    while not leg.dead:
        leg.send(b"more of it")
    leg.carry(to, None, stops.append)
    bench.until(lambda: leg.fd < 0)
    assert bytes(to.data) == b"an answer"
    assert stops == [Stop.ENDED, Stop.LOST]


def test_a_lost_leg_takes_everything_and_says_so_at_once(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    reset(peer)
    bench.until(lambda: leg.fd < 0)
    told = list[object]()
    assert leg.send(b"x")
    leg.drained(lambda: told.append("drained"))
    leg.end(told.append)
    leg.carry(FakeLeg(), None, told.append)
    leg.close()
    leg.abort()
    assert told == ["drained", Stop.LOST, Stop.LOST]


def test_close_sends_what_is_kept_and_reads_no_more(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    owner = leg.owner = Told()
    leg.send(b"y" * 300_000)
    leg.close()
    peer.send(b"late")
    got = 0

    def over() -> bool:
        nonlocal got
        try:
            while piece := peer.recv(65536):
                got += len(piece)
        except (BlockingIOError, ConnectionResetError):
            return bool(owner.lost)
        return bool(owner.lost)

    bench.until(over)
    assert owner.data == b""
    assert owner.lost == ["ConnectionDone"]


def test_close_right_after_a_write_that_found_the_peer_gone_leaves_no_descriptor(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told()
    leg.pause()
    peer.close()
    while not leg.dead:
        bench.turns(1)
        leg.send(b"an answer")
    leg.close()
    bench.until(lambda: bool(owner.lost))
    assert (leg.fd, owner.lost) == (-1, ["ConnectionLost"])


# Aborting, wherever it happens


def test_abort_resets_and_makes_no_callback_but_to_the_owner(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    told, owner = list[object](), Told()
    leg.owner = owner
    leg.carry(FakeLeg(), None, told.append)
    leg.send(b"y" * 1_000_000)
    leg.drained(lambda: told.append("drained"))
    leg.end(told.append)
    leg.abort()
    leg.abort()
    bench.turns(5)
    assert told == []
    assert owner.lost == ["ConnectionAborted"]
    bench.until(lambda: hears(peer) == "reset")


@pytest.mark.parametrize(("how", "said"), [("reset", "lost"), ("both ended", "ended"), ("aborted", "ended")])
def test_when_nothing_is_left_it_is_said_once_and_whether_the_peer_broke_it(bench: Bench, how: str, said: str) -> None:
    leg, peer = bench.leg(WireLeg)
    told = list[tuple[ILeg, Stop]]()
    leg.over = lambda *what: told.append(what)
    match how:
        case "reset":
            reset(peer)
        case "both ended":
            leg.end(nobody)
            peer.close()
        case _:
            leg.abort()
    bench.until(lambda: leg.fd < 0)
    leg.abort()
    bench.turns()
    assert told == [(leg, Stop(said))]


def test_abort_from_within_what_the_owner_is_told_reads_nothing_more(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told(lambda data: leg.abort())
    stuff(peer, 200_000)
    wait(lambda: arrived(leg.fd) > HOLD_READ_BYTES)
    bench.until(lambda: bool(owner.lost))
    assert len(owner.data) == HOLD_READ_BYTES


@KINDS
@pytest.mark.parametrize("limit", [None, 10])
def test_abort_of_both_sides_from_within_the_end_of_a_carry(bench: Bench, kind: str, limit: int | None) -> None:
    leg, peer = bench.leg(WireLeg)
    to, _ = sinks(bench, kind)
    stops = list[Stop]()

    def stopped(why: Stop) -> None:
        stops.append(why)
        leg.abort()
        to.abort()

    leg.carry(to, limit, stopped)
    peer.send(b"x" * 1000)
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: leg.fd < 0)
    bench.turns(5)
    assert stops == [Stop.ENDED if limit is None else Stop.LIMIT]


def test_abort_from_within_drained(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    leg.send(b"y" * 100_000)
    ends = list[Stop]()
    leg.end(ends.append)
    leg.drained(leg.abort)

    def gone() -> bool:
        hears(peer)
        return leg.fd < 0

    bench.until(gone)
    bench.turns()
    assert ends == []


def test_close_from_within_what_the_owner_is_told(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)

    def answer(data: bytes) -> None:
        leg.send(b"bye")
        leg.close()

    owner = leg.owner = Told(answer)
    peer.send(b"hi")
    bench.until(lambda: bool(owner.lost))
    assert owner.lost == ["ConnectionDone"]
    assert bench.drinks(peer, 3) == b"bye"
    bench.until(lambda: hears(peer) == "end")


# Faults of ours


def test_an_exception_of_an_owner_ends_its_connection_alone_and_is_logged_once(
    bench: Bench, log: Sequence[LogEvent]
) -> None:
    def boom(data: bytes) -> None:
        raise RuntimeError("boom")

    (leg, peer), (other, _) = bench.leg(WireLeg), bench.leg(WireLeg)
    owner = leg.owner = Told(boom)
    peer.send(b"x")
    bench.until(lambda: bool(owner.lost))
    assert owner.lost == ["RuntimeError"]
    assert len(errors_in(log)) == 1
    assert other.fd >= 0
    bench.until(lambda: hears(peer) == "end")


def test_an_owner_hears_of_the_end_also_where_those_who_wait_break(bench: Bench, log: Sequence[LogEvent]) -> None:
    def boom(how: Stop) -> None:
        raise RuntimeError("boom")

    leg, peer = bench.leg(WireLeg, small=True)
    owner = leg.owner = Told()
    leg.carry(FakeLeg(), None, boom)
    leg.send(b"y" * 1_000_000)
    leg.end(boom)
    reset(peer)
    bench.until(lambda: bool(owner.lost))
    bench.turns()
    assert owner.lost == ["ConnectionLost"]
    assert errors_in(log)


def test_a_descriptor_that_the_loop_cannot_watch_is_broken_off(bench: Bench) -> None:
    leg, _ = bench.leg(WireLeg)
    stops = list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    leg.watch()  # twice: EEXIST
    assert stops == [Stop.LOST]


# A peer that speaks to be answered


@pytest.mark.parametrize("noticed", ["by a write", "by the kernel"])
@pytest.mark.parametrize("dialogue", [True, False])
def test_who_speaks_to_be_answered_and_is_gone_is_lost_though_nobody_reads_what_it_said(
    bench: Bench, noticed: str, dialogue: bool
) -> None:
    """An upload that waited for its upstream hid that its client had left: the answer was fetched for nobody."""
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told()
    leg.dialogue = dialogue
    heard = list[bytes]()
    leg.read(heard.append, nobody)
    leg.pause()
    stuff(peer, 200_000)
    wait(lambda: arrived(leg.fd) > 0)
    bench.turns()
    if noticed == "by a write":
        peer.close()
        while not leg.dead and not owner.lost:
            leg.send(b"an answer")
            bench.turns(1)
    else:
        reset(peer)
    if dialogue:
        bench.until(lambda: bool(owner.lost))
    bench.turns(3)
    assert bool(owner.lost) == dialogue
    assert heard == []
    if not dialogue:  # in a tunnel, all that was said is carried first
        leg.resume()
        bench.until(lambda: bool(owner.lost))
        assert heard


def test_what_is_pending_is_what_the_peer_has_not_confirmed(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    assert leg.pending() == 0
    leg.send(b"x" * (16 << 20))
    before = leg.pending()
    assert 1 << 20 < before <= 16 << 20
    bench.until(lambda: bool(drink(peer)))
    bench.until(lambda: leg.pending() < before)
    leg.abort()
    assert leg.pending() == 0
