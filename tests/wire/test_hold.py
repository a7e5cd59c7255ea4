"""What a connection keeps, who hears each piece of it, and what was heard too far."""

from __future__ import annotations

import socket
import time
from random import Random

import pytest

from starship.wire.ground import HOLD_READ_BYTES
from starship.wire.hold import HOLD_LIMIT_BYTES
from starship.wire.leg import WireLeg
from starship.words import Stop
from tests.fakes import FakeLeg
from tests.wire.bench import PATIENCE_S, Bench, Told, arrived, bench, drink, nobody, reset, stuff, wait

__all__ = ["bench"]

RUNS = 60


def test_who_reads_hears_what_waited_first_and_then_each_piece_as_it_comes(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    heard = list[bytes]()
    peer.send(b"early")
    bench.until(lambda: leg.held == 5)
    leg.read(heard.append, nobody)
    assert (heard, leg.held) == ([b"early"], 0)
    peer.send(b"late")
    bench.until(lambda: heard == [b"early", b"late"])
    assert leg.received == 9


def test_who_reads_is_told_the_end_after_the_last_piece_and_the_owner_is_not(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    leg.owner = owner = Told()
    told = list[object]()
    leg.read(told.append, told.append)
    peer.send(b"last words")
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: told == [b"last words", Stop.ENDED])
    assert (owner.data, owner.ends) == (b"", [])


def test_an_end_that_is_past_is_told_at_once_and_a_loss_after_it_as_well(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    peer.send(b"x")
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: leg.ended)
    told = list[object]()
    leg.read(told.append, told.append)
    assert told == [b"x", Stop.ENDED]
    reset(peer)
    bench.until(lambda: told == [b"x", Stop.ENDED, Stop.LOST])
    leg.read(told.append, told.append)
    assert told[3:] == [Stop.LOST]


def test_what_was_read_too_far_comes_first_in_what_is_carried_or_read_next(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    heard = list[bytes]()

    def one_line(data: bytes) -> None:
        line, _, rest = data.partition(b"\n")
        heard.append(line)
        leg.unread(rest)

    leg.read(one_line, nobody)
    peer.send(b"one\ntwo\nthree and more")
    bench.until(lambda: heard == [b"one"])
    assert leg.held == len(b"two\nthree and more")
    leg.read(one_line, nobody)
    to, stops = FakeLeg(), list[Stop]()
    leg.carry(to, 5, stops.append)
    assert (heard, bytes(to.data), stops) == ([b"one", b"two"], b"three", [Stop.LIMIT])
    peer.send(b"!")
    bench.until(lambda: leg.held == len(b" and more!"))
    leg.unread(b", ")
    assert leg.take() == b",  and more!"


def test_after_unread_nobody_is_called_any_more_and_what_comes_is_held(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    told = list[object]()
    leg.read(told.append, told.append)
    leg.unread(b"")
    peer.send(b"abc")
    bench.until(lambda: leg.held == 3)
    reset(peer)
    bench.until(lambda: leg.fd < 0)
    assert told == []


def test_what_is_held_after_unread_is_bounded_and_goes_on_with_the_next_reader(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    leg.read(lambda data: leg.unread(data), nobody)
    sent = stuff(peer, 1 << 20)
    bench.until(lambda: leg.held >= HOLD_LIMIT_BYTES)
    bench.turns(30)
    assert leg.held < HOLD_LIMIT_BYTES + HOLD_READ_BYTES
    heard = bytearray()
    leg.read(heard.extend, nobody)
    bench.until(lambda: len(heard) == sent)


def test_a_reader_that_pauses_hears_nothing_until_it_resumes_and_nothing_twice(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    heard = bytearray()

    def pausing(data: bytes) -> None:
        heard.extend(data)
        leg.pause()

    leg.read(pausing, nobody)
    sent = stuff(peer, 200_000)
    bench.turns(10)
    assert len(heard) <= HOLD_READ_BYTES
    before = 0

    def all_heard() -> bool:
        nonlocal before
        assert len(heard) <= before + HOLD_READ_BYTES
        if len(heard) > before:
            before = len(heard)
            leg.resume()
        return len(heard) == sent

    bench.until(all_heard)


def test_a_read_takes_over_from_a_carry_and_nothing_more_goes_to_the_other_leg(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    other, reader = bench.leg(WireLeg)
    leg.carry(other, 1000, nobody)
    peer.send(b"a" * 10)
    bench.until(lambda: drink(reader) == b"a" * 10)
    heard = bytearray()
    leg.read(heard.extend, nobody)
    peer.send(b"b" * 1200)
    bench.until(lambda: heard == b"b" * 1200)
    assert drink(reader) == b""


def test_thousands_of_reads_from_within_each_other_go_no_deeper(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    lines = list[bytes]()
    wanted = [True]

    def heard(data: bytes) -> None:
        line, _, rest = data.partition(b"\n")
        lines.append(line)
        leg.unread(rest)
        wanted[0] = True

    size = peer.send(b"".join(b"%d\n" % number for number in range(3000)))
    bench.until(lambda: leg.held == size)
    while wanted[0]:
        wanted[0] = False
        leg.read(heard, nobody)
    assert lines == [b"%d" % number for number in range(3000)]


def test_a_full_leg_says_so_until_its_peer_has_taken_all(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg, small=True)
    assert not leg.full
    while leg.send(b"x" * 65536):
        pass
    assert leg.full
    bench.until(lambda: bool(drink(peer)) and not leg.full)


def _that_holds_all_it_may(bench: Bench) -> tuple[WireLeg, socket.socket, Told]:
    leg, peer = bench.leg(WireLeg)
    leg.owner = owner = Told(leg.heard)
    stuff(peer, 1 << 20)
    bench.until(lambda: leg.held >= HOLD_LIMIT_BYTES)
    bench.turns(3)
    return leg, peer, owner


def test_who_sent_more_than_is_held_and_reset_is_missed_at_once(bench: Bench) -> None:
    leg, peer, owner = _that_holds_all_it_may(bench)
    reset(peer)
    bench.until(lambda: bool(owner.lost))
    assert (leg.fd, leg.held) == (-1, 0)


def test_who_sent_more_than_is_held_and_left_is_missed_by_the_first_answer(bench: Bench) -> None:
    """Else all that was pipelined would be asked of upstreams, and what they answer be read for nobody."""
    leg, peer, owner = _that_holds_all_it_may(bench)
    peer.close()
    bench.turns(3)
    assert leg.fd >= 0
    leg.send(b"an answer")
    bench.turns(3)
    leg.send(b"another")
    bench.until(lambda: bool(owner.lost))
    assert (leg.fd, leg.held) == (-1, 0)


def test_who_sent_more_than_is_held_and_reset_is_missed_though_nothing_is_kept_of_it_here(bench: Bench) -> None:
    """Whoever dials has taken what was held, and reads no more: what is behind that is no reason to wait either."""
    leg, peer, owner = _that_holds_all_it_may(bench)
    leg.take()
    leg.pause()
    reset(peer)
    bench.until(lambda: bool(owner.lost))
    assert (leg.fd, leg.held) == (-1, 0)


def test_who_is_read_from_by_somebody_keeps_what_it_said_though_it_takes_nothing_more(bench: Bench) -> None:
    leg, peer = bench.leg(WireLeg)
    leg.owner = Told()
    heard = bytearray()
    peer.send(b"all of it")
    wait(lambda: arrived(leg.fd) == len(b"all of it"))
    peer.close()
    while not leg.dead:
        leg.send(b"x")
    told = list[object]()
    leg.read(heard.extend, told.append)
    bench.until(lambda: bool(told))
    assert heard == b"all of it"


@pytest.mark.parametrize("part", range(4))
def test_s13_random_streams_read_unread_and_carried_by_turns_are_whole_to_the_byte(part: int) -> None:
    made = Bench()
    try:
        for seed in range(part * RUNS, (part + 1) * RUNS):
            _Turns(made, seed).go()
    finally:
        made.close()
    assert made.ground.pipes.lent == 0


class _Turns:
    """A stream of which parts are carried to a sink, exactly so many bytes, and parts read, perhaps too far."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.random = Random(seed)
        self.bench = bench
        bench.ground.splice_after = self.random.choice([1, 4096, 1 << 62])
        self.leg, self.source = bench.leg(WireLeg)
        self.to, self.sink = bench.leg(WireLeg, small=self.random.random() < 0.3)
        self.data = self.random.randbytes(self.random.choice([10, 5000, 120_000, 400_000]))
        self.sent = 0
        self.got = bytearray()  # what was heard or arrived at the sink, in order
        self.left = 0
        self.idle = True  # nothing is asked for
        self.ended = False

    def go(self) -> None:
        steps, deadline = 0, time.monotonic() + PATIENCE_S
        while not (self.ended and len(self.got) == len(self.data)):
            steps += 1
            assert time.monotonic() < deadline
            self._send()
            self._drink()
            if self.idle and not self.ended and self._all_arrived() and self.random.random() < 0.7:
                self._ask()
            self.bench.loop.turn(0.0005 if steps % 50 == 0 else 0)
            assert self.leg.held <= HOLD_LIMIT_BYTES + HOLD_READ_BYTES
        assert self.got == self.data
        assert self.leg.received == len(self.data)
        self.leg.abort()
        self.to.abort()

    def _send(self) -> None:
        piece = self.data[self.sent : self.sent + self.random.randint(1, 65536)]
        try:
            self.sent += self.source.send(piece) if piece else 0
        except BlockingIOError:
            return
        if self.sent == len(self.data) and piece:
            self.source.shutdown(socket.SHUT_WR)

    def _drink(self) -> None:
        if self.random.random() < 0.8:
            self.got += drink(self.sink)

    def _ask(self) -> None:
        self.idle = False
        self.left = self.random.choice([0, 1, 100, 70_000, 200_000])
        if self.random.random() < 0.5:
            self.leg.carry(self.to, self.left, self._stopped)
        else:
            self.leg.read(self._heard, self._stopped)

    def _stopped(self, why: Stop) -> None:
        assert why is not Stop.LOST
        self.idle, self.ended = True, why is Stop.ENDED

    def _all_arrived(self) -> bool:
        """Whether what is heard next comes after all that was carried."""
        self.got += drink(self.sink)
        return len(self.got) == self.leg.received - self.leg.held

    def _heard(self, data: bytes) -> None:
        take = min(self.left, len(data))
        self.got += data[:take]
        self.left -= take
        if not self.left:
            self.leg.unread(data[take:])
            self.idle = True
