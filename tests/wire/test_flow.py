"""Bytes from one descriptor to another: copied, spliced, in turns, and never into a stranger's connection."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from starship.wire.flow import READS_PER_TURN
from starship.wire.ground import BUFFER_BYTES
from starship.wire.leg import WireLeg
from starship.wire.pipes import PIPE_BYTES, Pipe, Pipes
from starship.words import Stop
from tests.wire.bench import HERE, Bench, Eye, arrived, bench, drink, nobody, reset, stuff, wait

__all__ = ["bench"]


class Through:
    """A direction under test: what is sent at one end, and what has come out at the other."""

    def __init__(self, bench: Bench, *, splice_after: int = 1, small: bool = False, limit: int | None = None) -> None:
        bench.ground.splice_after = splice_after
        self.bench = bench
        self.source, self.writer = bench.leg(WireLeg)  # with little room it would read small pieces, and not splice
        self.sink, self.reader = bench.leg(WireLeg, small=small)
        self.sent, self.got = bytearray(), bytearray()
        self.stops: list[Stop] = []
        self.source.carry(self.sink, limit, self.stops.append)

    def send(self, data: bytes | memoryview) -> int:
        """As much as goes."""
        try:
            count = self.writer.send(data)
        except BlockingIOError:
            return 0
        self.sent += data[:count]
        return count

    def drink(self) -> None:
        self.got += drink(self.reader)

    def fill_pipe(self) -> None:
        """Send until the pipe waits, half full, for the other side."""

        def waits() -> bool:
            if not self.source.piped:
                self.drink()
                self.send(b"SECRET" * 10_000)
            return bool(self.source.piped)

        self.bench.until(waits)

    def all_came(self) -> bool:
        self.drink()
        return self.got == self.sent

    def send_all(self, data: bytes) -> None:
        """All of it, read at the other end."""
        rest = memoryview(data)

        def all_sent() -> bool:
            nonlocal rest
            rest = rest[self.send(rest) :] if rest else rest
            self.drink()
            return not rest

        self.bench.until(all_sent)
        self.bench.until(self.all_came)


def random_bytes(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


@pytest.mark.parametrize("splice_after", [1, 4096, 65536, 1 << 62])
def test_s13_from_copy_to_splice_to_copy_every_byte_comes_once_and_in_order(bench: Bench, splice_after: int) -> None:
    through = Through(bench, splice_after=splice_after)
    for seed, size in enumerate([10, 200_000, 3, 1, 500_000, 4095, 4096, 4097, 70_000, 1]):
        through.send_all(random_bytes(seed, size))
    assert (through.source.received, through.sink.sent) == (len(through.sent), len(through.sent))
    assert (through.source.run >= splice_after) is False  # the last was talk: it is copied again
    bench.until(lambda: bench.ground.pipes.lent == 0)


def test_much_is_spliced_and_its_pipe_is_given_back_when_nothing_more_comes(bench: Bench) -> None:
    through = Through(bench, splice_after=65536)
    through.send_all(random_bytes(1, 1_000_000))
    bench.until(lambda: bench.ground.pipes.lent == 0)
    assert bench.ground.pipes._spare  # there was one


def test_a_splice_that_fills_the_other_side_waits_in_its_pipe_and_goes_on(bench: Bench) -> None:
    through = Through(bench, small=True)
    through.fill_pipe()
    assert through.source.paused
    assert bench.ground.pipes.lent == 1
    bench.until(through.all_came)
    bench.until(lambda: bench.ground.pipes.lent == 0)


@pytest.mark.parametrize("splice_after", [1, 1 << 62])
def test_a_limit_within_a_splice_is_kept_to_the_byte(bench: Bench, splice_after: int) -> None:
    through = Through(bench, splice_after=splice_after, limit=300_001)

    def came() -> bool:
        through.send(b"x" * (400_000 - len(through.sent)))
        through.drink()
        return len(through.got) >= 300_001

    bench.until(came)
    bench.turns(10)
    through.drink()
    assert through.stops == [Stop.LIMIT]
    assert len(through.got) == 300_001


class NoPipes(Pipes):
    """Lends descriptors that cannot be spliced (EINVAL)."""

    def borrow(self) -> Pipe | None:
        if self._spare:
            return super().borrow()
        one, other = socket.socketpair()
        self.lent += 1
        return one.detach(), other.detach(), PIPE_BYTES


def test_where_nothing_can_be_spliced_copying_goes_on_for_good(bench: Bench) -> None:
    bench.ground.pipes = NoPipes()
    through = Through(bench)
    through.send_all(random_bytes(2, 500_000))
    assert through.source.run < 0
    assert bench.ground.pipes.lent == 0


def test_where_the_other_side_cannot_be_spliced_into_what_is_in_the_pipe_is_copied(
    bench: Bench, tmp_path: Path
) -> None:
    bench.ground.splice_after = 1
    source, writer = bench.leg(WireLeg)
    path = tmp_path / "sink"
    sink = WireLeg(bench.ground, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), HERE)  # splice(2): EINVAL
    source.carry(sink, None, nobody)
    data = random_bytes(3, 400_000)
    rest = memoryview(data)

    def all_read() -> bool:
        nonlocal rest
        with suppress(BlockingIOError):
            rest = rest[writer.send(rest[:50_000]) :] if rest else rest
        return source.received == len(data)

    bench.until(all_read)
    os.close(sink.fd)
    sink.fd = -1
    assert path.read_bytes() == data


@pytest.mark.parametrize("why", ["limit", "descriptors"])
def test_without_a_pipe_copying_goes_on(bench: Bench, why: str) -> None:
    through = Through(bench)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if why == "limit":
        bench.ground.pipes.limit = 0
    else:
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        through.send_all(random_bytes(4, 500_000))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert bench.ground.pipes._spare == []


@pytest.mark.parametrize("dies", ["sink", "source", "both"])
def test_a_pipe_half_full_of_a_connection_that_died_never_carries_anothers_bytes(bench: Bench, dies: str) -> None:
    for round_number in range(3):
        _die_with_a_full_pipe(bench, dies)
        second = Through(bench)
        second.send_all(random_bytes(round_number, 300_000))
        assert b"SECRET" not in second.got


def _die_with_a_full_pipe(bench: Bench, dies: str) -> None:
    first = Through(bench, small=True)
    first.fill_pipe()
    assert bench.ground.pipes.lent == 1
    if dies != "source":
        reset(first.reader)
        bench.until(lambda: first.sink.fd < 0)
    if dies != "sink":
        reset(first.writer)
    first.source.abort()
    first.sink.abort()
    bench.turns()
    assert bench.ground.pipes.lent == 0


def test_a_sink_that_dies_lets_its_source_read_on_to_its_end(bench: Bench) -> None:
    through = Through(bench, small=True)
    through.fill_pipe()
    reset(through.reader)

    def ended() -> bool:
        through.send(b"more")
        return through.sink.fd < 0 and not through.source.paused

    bench.until(ended)
    through.writer.shutdown(socket.SHUT_WR)
    bench.until(lambda: through.stops == [Stop.ENDED])


def test_a_loop_that_stops_in_the_middle_of_a_transfer_leaves_nothing_open(bench: Bench) -> None:
    through = Through(bench, small=True)
    through.fill_pipe()
    bench.loop.stop()
    bench.turns()
    through.source.abort()
    through.sink.abort()
    assert bench.ground.pipes.lent == 0
    with pytest.raises(OSError, match="stopped"):
        bench.loop.watch(0, Eye())


# Turns


@pytest.mark.parametrize("splice_after", [1, 1 << 62])
def test_a_direction_that_could_be_read_for_ever_has_so_many_reads_a_turn(bench: Bench, splice_after: int) -> None:
    through = Through(bench, splice_after=splice_after)
    most = READS_PER_TURN * (BUFFER_BYTES if splice_after > 1 else PIPE_BYTES)
    for _ in range(100):
        stuff(through.writer)  # an event in every turn, besides what is left of the last
        before = through.source.received
        bench.turns(1)
        assert through.source.received - before <= most
        drink(through.reader)
        assert len(bench.loop._again) <= 1


def test_a_direction_that_could_be_read_for_ever_leaves_the_others_their_turn(bench: Bench) -> None:
    endless, talk = Through(bench, splice_after=1 << 62), Through(bench, splice_after=1 << 62)
    for _ in range(20):
        stuff(endless.writer)
        assert talk.send(b"hello") == 5
        wait(lambda: arrived(talk.source.fd) == 5)
        bench.turns(1)
        drink(endless.reader)
        assert talk.sink.sent == len(talk.sent)
    bench.until(talk.all_came)


def test_a_reader_that_nobody_carries_for_has_its_turns_too(bench: Bench) -> None:
    seen = 0

    class Endless:
        def dataReceived(self, data: bytes) -> None:
            nonlocal seen
            seen += 1
            stuff(peer, len(data))

        def connectionLost(self, reason: object) -> None:
            pass

    leg, peer = bench.leg(WireLeg)
    endless: object = Endless()
    leg.owner = endless  # type: ignore[assignment]  # of an owner, only what is called here
    stuff(peer, 200_000)
    before = 0

    def many_turns() -> bool:
        nonlocal before
        assert seen <= before + 2 * READS_PER_TURN
        before = seen
        return seen > 10 * READS_PER_TURN

    bench.until(many_turns)


# Nagle


def test_nagle_is_switched_off_at_the_write_that_is_asked_for_and_not_before(bench: Bench) -> None:
    leg, _ = bench.leg(WireLeg)
    leg.nagle = 2

    def nodelay() -> int:
        with socket.socket(fileno=os.dup(leg.fd)) as shown:
            return shown.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert not nodelay()
    leg.send(b"opening")
    assert not nodelay()
    leg.send(b"more")
    assert nodelay()
