"""Legs on stock transports: what they hold, carry and say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from starship.interfaces import ILeg
from starship.reasons import Reason
from starship.wire.stock import HOLD_LIMIT_BYTES, StockLeg
from starship.words import Address, Stop
from tests.fakes import FakeLeg, Wire
from tests.loopback import Ground, MiniProxy, Peer, ground, proxies

__all__ = ["ground", "proxies"]

REMOTE = Address("192.0.2.9", 443)
PAIR_LIMIT_BYTES = 256 * 1024


def a_leg() -> tuple[StockLeg, Wire]:
    make: Callable[[], Wire] = Wire
    wire = make()
    return StockLeg(wire, REMOTE), wire


def test_a_stock_leg_is_a_leg() -> None:
    verifyObject(ILeg, a_leg()[0])


def test_what_nobody_carries_yet_is_held_and_given_out_once_in_order() -> None:
    leg, _ = a_leg()
    leg.heard(b"ab")
    leg.heard(b"cd")
    assert leg.take() == b"abcd"
    assert leg.take() == b""
    assert leg.received == 4


def test_reading_stops_when_a_leg_holds_its_limit_and_goes_on_once_it_is_taken() -> None:
    leg, wire = a_leg()
    leg.heard(bytes(HOLD_LIMIT_BYTES - 1))
    assert wire.producerState == "producing"
    leg.heard(b"x")
    assert wire.producerState == "paused"
    leg.take()
    assert wire.producerState == "producing"


@pytest.mark.parametrize("chunks", [[b"abcdefgh"], [b"abc", b"defgh"], [bytes([c]) for c in b"abcdefgh"]])
def test_carry_moves_exactly_its_limit_and_later_bytes_wait_for_the_next(chunks: list[bytes]) -> None:
    leg, _ = a_leg()
    first, second, stops = FakeLeg(), FakeLeg(), list[Stop]()
    leg.carry(first, 5, stops.append)
    for chunk in chunks:
        leg.heard(chunk)
    assert (bytes(first.data), stops) == (b"abcde", [Stop.LIMIT])
    leg.carry(second, None, stops.append)
    leg.heard(b"!")
    assert (bytes(first.data), bytes(second.data)) == (b"abcde", b"fgh!")
    leg.heard_end()
    assert stops == [Stop.LIMIT, Stop.ENDED]


def test_carry_serves_from_what_is_held_and_a_limit_of_nothing_is_reached_at_once() -> None:
    leg, _ = a_leg()
    to, stops = FakeLeg(), list[Stop]()
    leg.heard(b"abc")
    leg.carry(to, 0, stops.append)
    assert (bytes(to.data), stops) == (b"", [Stop.LIMIT])
    leg.carry(to, 2, stops.append)
    assert (bytes(to.data), stops) == (b"ab", [Stop.LIMIT] * 2)
    leg.carry(to, None, stops.append)
    assert (bytes(to.data), stops) == (b"abc", [Stop.LIMIT] * 2)


def test_a_next_carry_can_be_asked_for_from_within_the_last_ones_end() -> None:
    leg, _ = a_leg()
    bodies, stops = [FakeLeg() for _ in range(50)], list[Stop]()

    def following(number: int, why: Stop) -> None:
        stops.append(why)
        if number < len(bodies):
            leg.carry(bodies[number], 3, lambda why: following(number + 1, why))

    leg.heard(b"abc" * 50)
    following(0, Stop.LIMIT)
    assert {bytes(body.data) for body in bodies} == {b"abc"}
    assert stops == [Stop.LIMIT] * 51


def test_who_reads_hears_what_waited_then_each_piece_and_what_was_read_too_far_comes_first_next() -> None:
    leg, wire = a_leg()
    told = list[object]()
    leg.heard(b"early")
    leg.read(told.append, told.append)
    leg.heard(b"late")
    assert (told, leg.held) == ([b"early", b"late"], 0)
    leg.unread(b"te")
    leg.heard(b"r")
    assert (leg.held, wire.producerState) == (3, "producing")
    to, stops = FakeLeg(), list[Stop]()
    leg.carry(to, 2, stops.append)
    assert (bytes(to.data), stops, told) == (b"te", [Stop.LIMIT], [b"early", b"late"])
    leg.read(told.append, told.append)
    leg.heard_end()
    assert told == [b"early", b"late", b"r", Stop.ENDED]
    leg.lost(Failure(ConnectionLost()))
    leg.read(told.append, told.append)
    assert told[4:] == [Stop.LOST, Stop.LOST]


def test_after_unread_nobody_is_called_any_more_and_reading_stops_at_the_bound() -> None:
    leg, wire = a_leg()
    told = list[object]()
    leg.read(told.append, told.append)
    leg.unread(b"")
    leg.heard(bytes(HOLD_LIMIT_BYTES))
    assert wire.producerState == "paused"
    leg.lost(Failure(ConnectionLost()))
    assert told == []


def test_an_end_that_came_while_bytes_were_held_is_told_after_them() -> None:
    leg, _ = a_leg()
    to, stops = FakeLeg(), list[Stop]()
    leg.heard(b"last words")
    leg.heard_end()
    leg.carry(to, None, stops.append)
    assert (bytes(to.data), stops) == (b"last words", [Stop.ENDED])


def test_an_end_before_the_limit_is_an_end() -> None:
    leg, _ = a_leg()
    to, stops = FakeLeg(), list[Stop]()
    leg.carry(to, 5, stops.append)
    leg.heard(b"abc")
    leg.heard_end()
    assert (bytes(to.data), stops) == (b"abc", [Stop.ENDED])


def test_nothing_is_read_again_after_the_end_of_the_stream() -> None:
    leg, wire = a_leg()
    leg.heard(bytes(HOLD_LIMIT_BYTES))
    leg.heard_end()
    leg.take()
    leg.resume()
    assert wire.producerState == "paused"


def test_a_full_other_side_stops_the_reading_until_it_has_drained() -> None:
    (source, source_wire), (sink, sink_wire) = a_leg(), a_leg()
    source.carry(sink, None, lambda why: None)
    sink.pauseProducing()  # as a transport does when its write buffer is full
    source.heard(b"abc")
    assert source_wire.producerState == "paused"
    sink.resumeProducing()
    assert source_wire.producerState == "producing"
    assert sink_wire.heard == b"abc"


def test_a_loss_is_told_once_and_to_who_waits_to_write_as_well() -> None:
    (source, source_wire), (sink, _) = a_leg(), a_leg()
    stops = list[Stop]()
    source.carry(sink, None, stops.append)
    sink.pauseProducing()
    source.heard(b"abc")
    sink.lost(Failure(ConnectionLost()))
    assert source_wire.producerState == "producing"
    assert sink.sent == 3
    source.heard(b"into the void")
    assert sink.sent == 3
    source.lost(Failure(ConnectionLost()))
    source.lost(Failure(ConnectionLost()))
    assert stops == [Stop.LOST]


def test_a_connection_that_breaks_after_its_stream_has_ended_is_told_after_the_end() -> None:
    leg, _ = a_leg()
    stops = list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    leg.heard_end()
    leg.lost(Failure(ConnectionLost()))
    assert stops == [Stop.ENDED, Stop.LOST]


def test_a_leg_whose_streams_have_both_ended_closes_itself_and_that_is_no_loss() -> None:
    leg, wire = a_leg()
    stops, ends = list[Stop](), list[Stop]()
    leg.carry(FakeLeg(), None, stops.append)
    leg.end(ends.append)
    assert wire.shut
    assert wire.producer is None  # or Twisted would never half-close
    leg.shut()
    assert not wire.disconnecting
    leg.heard_end()
    assert wire.disconnecting
    leg.lost(Failure(ConnectionDone()))
    assert (stops, ends) == ([Stop.ENDED], [Stop.ENDED])


def test_a_loss_before_our_end_has_gone_is_told_to_who_asked_for_the_end() -> None:
    leg, _ = a_leg()
    ends = list[Stop]()
    leg.end(ends.append)
    leg.lost(Failure(ConnectionLost()))
    assert ends == [Stop.LOST]


def test_a_lost_leg_takes_everything_and_says_so_at_once() -> None:
    leg, wire = a_leg()
    leg.lost(Failure(ConnectionLost()))
    told = list[object]()
    assert leg.send(b"x")
    leg.drained(lambda: told.append("drained"))
    leg.end(told.append)
    leg.carry(FakeLeg(), None, told.append)
    leg.close()
    assert told == ["drained", Stop.LOST, Stop.LOST]
    assert (wire.heard, wire.disconnecting, leg.sent) == (b"", False, 0)


def test_abort_makes_no_callback_whatever_comes_later() -> None:
    (leg, wire), told = a_leg(), list[object]()
    leg.carry(FakeLeg(), None, told.append)
    leg.pauseProducing()
    leg.drained(lambda: told.append("drained"))
    leg.end(told.append)
    leg.abort()
    leg.heard(b"late")
    leg.heard_end()
    leg.shut()
    leg.lost(Failure(ConnectionLost()))
    leg.abort()
    assert told == []
    assert wire.aborted


# On real sockets, with the reactor of production


def test_s13_a_server_that_answers_only_after_the_end_gets_its_answer_through(
    ground: Ground, proxies: type[MiniProxy]
) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=100_000, seed=1), server=Peer(size=150_000, seed=2, waits_for_end=True)
    )
    ground.until(lambda: client.over and server.over and bool(proxy.endings), client, server)
    assert (server.received_bytes, client.received_bytes) == (client.sent_bytes, server.sent_bytes)
    assert proxy.endings == [(Reason.OK, "")]


def test_s13_a_client_that_answers_only_after_the_end_gets_its_answer_through(
    ground: Ground, proxies: type[MiniProxy]
) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=100_000, seed=3, waits_for_end=True), server=Peer(size=150_000, seed=4)
    )
    ground.until(lambda: client.over and server.over and bool(proxy.endings), client, server)
    assert (server.received_bytes, client.received_bytes) == (client.sent_bytes, server.sent_bytes)
    assert proxy.endings == [(Reason.OK, "")]


def test_f11_floods_at_readers_that_read_nothing_stay_below_256_kib_a_pair(
    ground: Ground, proxies: type[MiniProxy]
) -> None:
    proxy = proxies(ground)
    flood = 50_000_000
    client, server = proxy.connected(
        client=Peer(size=flood, seed=5, chunk=1 << 18, reads=False),
        server=Peer(size=flood, seed=6, chunk=1 << 18, reads=False),
    )
    most = 0
    quiet, last = 0, -1
    while quiet < 50:
        ground.turn(client, server)
        most = max(most, proxy.buffered())
        sent = client.sent_bytes + server.sent_bytes
        quiet, last = (quiet + 1, last) if sent == last else (0, sent)
    assert most <= PAIR_LIMIT_BYTES
    assert client.sent_bytes < flood
    assert server.sent_bytes < flood
    client.reads = server.reads = True
    ground.until(lambda: client.over and server.over and bool(proxy.endings), client, server, seconds=120)
    assert (client.received_bytes, server.received_bytes) == (flood, flood)
    assert proxy.endings == [(Reason.OK, "")]


def test_f11_a_reset_of_the_upstream_reaches_the_client_as_a_reset(ground: Ground, proxies: type[MiniProxy]) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=1000, seed=7, stays=True), server=Peer(size=1000, seed=8, stays=True)
    )
    ground.until(lambda: client.received_bytes == server.received_bytes == 1000, client, server)
    server.reset()
    ground.until(lambda: client.broken is not None and bool(proxy.endings), client)
    assert isinstance(client.broken, ConnectionResetError)
    assert proxy.endings == [(Reason.UPSTREAM_RESET, "upstream reset")]


def test_f11_a_reset_of_the_client_reaches_the_upstream_as_a_reset(ground: Ground, proxies: type[MiniProxy]) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=1000, seed=9, stays=True), server=Peer(size=1000, seed=10, stays=True)
    )
    ground.until(lambda: client.received_bytes == server.received_bytes == 1000, client, server)
    client.reset()
    ground.until(lambda: server.broken is not None and bool(proxy.endings), server)
    assert isinstance(server.broken, ConnectionResetError)
    assert proxy.endings == [(Reason.CLIENT_GONE, "client reset")]


@pytest.mark.parametrize("resetting", ["client", "server"])
def test_f11_a_peer_that_resets_while_its_buffer_is_full_ends_the_flood(
    ground: Ground, proxies: type[MiniProxy], resetting: str
) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=50_000_000, seed=11, chunk=1 << 18, reads=False),
        server=Peer(size=50_000_000, seed=12, chunk=1 << 18, reads=False),
    )
    ground.until(lambda: proxy.full(), client, server)
    goes, stays = (client, server) if resetting == "client" else (server, client)
    goes.reset()
    stays.reads = True
    ground.until(lambda: stays.broken is not None and bool(proxy.endings), stays)
    assert proxy.endings[0][0] is (Reason.CLIENT_GONE if resetting == "client" else Reason.UPSTREAM_RESET)


def test_an_upstream_that_answers_early_ends_and_resets_still_has_its_answer_read(
    ground: Ground, proxies: type[MiniProxy]
) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(
        client=Peer(size=50_000_000, seed=13, chunk=1 << 18, reads=False),
        server=Peer(size=300_000, seed=14, reads=False),
    )
    ground.until(lambda: server.shut and proxy.full(), client, server)
    server.reads = True  # our end of stream has gone: a reset now is only a refusal to hear more
    while server.received_bytes < 100_000:
        ground.turn(client, server)
    server.sock.close()  # with unread bytes: the kernel resets
    client.reads = True
    ground.until(lambda: client.over, client)
    assert client.received_bytes == 300_000
    assert client.received_hash.digest() == server.sent_hash.digest()
    ground.until(lambda: bool(proxy.endings), client)
    assert proxy.endings == [(Reason.OK, "upstream reset after its end")]


def test_a_client_that_resets_after_its_end_is_an_ordinary_ending(ground: Ground, proxies: type[MiniProxy]) -> None:
    proxy = proxies(ground)
    client, server = proxy.connected(client=Peer(size=1000, seed=15), server=Peer(size=50_000_000, seed=16))
    ground.until(lambda: client.shut and server.ended and client.received_bytes > 10_000, client, server)
    client.sock.close()
    ground.until(lambda: bool(proxy.endings), server)
    assert proxy.endings == [(Reason.OK, "client reset after its end")]


@pytest.mark.parametrize(
    ("reason", "said"), [(ConnectionLost(), Stop.LOST), (ConnectionDone(), Stop.ENDED), (None, Stop.ENDED)]
)
def test_when_nothing_is_left_it_is_said_once_and_whether_the_peer_broke_it(
    reason: Exception | None, said: Stop
) -> None:
    leg, _ = a_leg()
    told = list[tuple[ILeg, Stop]]()
    leg.over = lambda *what: told.append(what)
    leg.end(lambda _: None)
    leg.heard_end()
    leg.shut()
    if reason is None:
        leg.abort()
    else:
        leg.lost(Failure(reason))
    leg.abort()
    leg.lost(Failure(ConnectionLost()))
    assert told == [(leg, said)]
