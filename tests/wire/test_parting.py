"""Legs that are let go of: their peers have all that was said, slow ones too, and nobody stays for ever."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from starship.interfaces import ILeg
from starship.wire.leg import WireLeg
from starship.wire.parting import LINGER_LIMIT_BYTES, LINGER_S, LOOK_S, Parting
from starship.wire.stock import LegProtocol, StockLeg
from starship.words import Address, Stop
from tests.fakes import FakeLeg
from tests.loopback import Ground, ground
from tests.wire.bench import ROOM_BYTES, Bench, Told, bench, hears

__all__ = ["bench", "ground"]

PATIENCE_S = 5.0
SIZE = 3 << 20


class Reader(FakeLeg):
    """Keeps who listens to it."""

    heard: Callable[[bytes], None]
    stopped: Callable[[Stop], None]

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        self.heard, self.stopped = heard, ended

    def end(self, done: Callable[[Stop], None]) -> None:
        done(Stop.ENDED)

    def says(self, size: int) -> None:
        self.received += size
        self.heard(b"x" * size)


def parted(leg: ILeg, most: float = 0.0) -> Clock:
    clock = Clock()
    Parting(leg, clock, PATIENCE_S, most).start()
    return clock


def looks(clock: Clock, seconds: float) -> None:
    clock.pump([LOOK_S] * round(seconds / LOOK_S))


def test_a_peer_that_has_all_and_says_nothing_is_closed_in_order_after_a_while() -> None:
    leg = Reader(waits=1)
    clock = parted(leg)
    looks(clock, 4)
    leg.waits = 0
    looks(clock, LINGER_S)
    assert not leg.closed
    looks(clock, LOOK_S)
    assert (leg.closed, leg.aborted) == (1, 0)
    assert not clock.getDelayedCalls()


def test_a_slow_reader_has_as_long_as_it_takes() -> None:
    leg = Reader(waits=100)
    clock = parted(leg)
    while leg.waits:
        looks(clock, PATIENCE_S - LOOK_S)
        assert not leg.closed
        assert not leg.aborted
        leg.waits -= 1
    looks(clock, LINGER_S + LOOK_S)
    assert leg.closed


def test_one_that_takes_nothing_is_reset_when_patience_ends() -> None:
    leg = Reader(waits=100)
    clock = parted(leg)
    looks(clock, PATIENCE_S)
    assert not leg.aborted
    looks(clock, LOOK_S)
    assert leg.aborted
    assert not clock.getDelayedCalls()


def test_where_there_is_a_limit_in_all_no_trickle_outlasts_it() -> None:
    leg = Reader(waits=1000)
    clock = parted(leg, most=30.0)
    for _ in range(29):
        leg.waits -= 1
        looks(clock, LOOK_S)
    assert not leg.aborted
    leg.waits -= 1
    looks(clock, LOOK_S)
    assert leg.aborted


def test_what_it_says_meanwhile_is_read_over_but_not_for_ever() -> None:
    leg = Reader(received=7)
    parted(leg)
    leg.says(LINGER_LIMIT_BYTES)
    assert not leg.aborted
    leg.says(1)
    assert leg.aborted


@pytest.mark.parametrize("how", ["lost", "gone"])
def test_nothing_is_waited_for_once_it_is_gone_and_who_waited_for_that_is_told(how: str) -> None:
    leg = Reader(waits=1)
    told = list[Stop]()
    leg.over = lambda leg, why: told.append(why)
    clock = parted(leg)
    looks(clock, 2)
    if how == "gone":
        leg.vanish(Stop.LOST)
        assert told == [Stop.LOST]
    else:
        leg.stopped(Stop.LOST)
    assert not clock.getDelayedCalls()


def test_a_connection_whose_peer_ended_long_ago_is_over_at_once(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: leg.ended)
    clock = parted(leg)
    assert leg.fd == -1
    assert not clock.getDelayedCalls()


def test_a_slow_reader_on_the_wire_gets_the_last_byte_and_the_end(bench: Bench) -> None:
    """It was reset two seconds after the last byte had gone to the kernel, with megabytes under way."""
    leg, peer = bench.leg(WireLeg)
    leg.send(b"s" * SIZE)
    clock = parted(leg)
    peer.send(b"it talks on")
    assert _slowly(peer, clock, bench.until) == SIZE
    bench.until(lambda: not leg.pending())
    looks(clock, LINGER_S + LOOK_S)
    bench.turns()
    assert leg.fd == -1


def test_a_reader_on_the_wire_that_stops_is_reset_in_time(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    owner = leg.owner = Told()
    leg.send(b"s" * SIZE)
    clock = parted(leg)

    def given_up() -> bool:
        clock.advance(LOOK_S)
        return bool(owner.lost)

    bench.until(given_up)
    assert clock.seconds() >= PATIENCE_S
    assert owner.lost == ["ConnectionAborted"]
    bench.until(lambda: hears(peer) == "reset")


class _Stock(LegProtocol):
    """One end on Twisted's own transport."""

    made: ClassVar[list[_Stock]] = []

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.leg = StockLeg(transport, Address("127.0.0.1", 1))
        self.is_lost = False
        self.made.append(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.is_lost = True


def test_a_slow_reader_of_a_stock_transport_gets_the_last_byte_and_the_end(ground: Ground) -> None:
    port = ground.reactor.listenTCP(0, Factory.forProtocol(_Stock), interface="127.0.0.1")
    sock = ground.own(socket.socket())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    sock.connect(("127.0.0.1", port.getHost().port))
    sock.setblocking(False)
    ground.until(lambda: bool(_Stock.made))
    protocol = _Stock.made.pop()
    protocol.leg.send(b"s" * SIZE)
    assert protocol.leg.pending() == SIZE
    clock = parted(protocol.leg)
    assert _slowly(sock, clock, ground.until) == SIZE
    ground.until(lambda: not protocol.leg.pending())
    looks(clock, LINGER_S + LOOK_S)
    ground.until(lambda: protocol.is_lost)


def _slowly(sock: socket.socket, clock: Clock, until: Callable[[Callable[[], bool]], object]) -> int:
    """Read to the end, a little piece a second, and no second in which none was there to read; how much it was."""
    got = 0

    def over() -> bool:
        nonlocal got
        try:
            data = sock.recv(1 << 16)
        except BlockingIOError:
            return False
        got += len(data)
        if data:
            clock.advance(LOOK_S)
        return not data

    until(over)
    return got
