"""
No byte is lost, doubled or reordered: random streams through two legs, in every manner that they can be carried in.

What the client and the server send is drawn from a seed, and so is all that happens to them.
"""

from __future__ import annotations

import os
import socket
import time
from random import Random
from typing import Any

import pytest
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.task import Clock

from starship.reasons import Reason
from starship.relay.splice import Splice, SpliceLimits
from starship.wire.ground import BUFFER_BYTES
from starship.wire.leg import WireLeg
from starship.wire.pipes import PIPE_BYTES, Pipe, Pipes
from starship.wire.wheel import Wheel
from starship.words import Stop
from tests.loopback import Peer
from tests.wire.bench import Bench, reset

RUNS = 600
PROOF_RUNS = int(os.environ.get("STARSHIP_PROOF_RUNS", "6000"))

SPLICE_AFTER = [1, 4096, 65536, 1 << 62]
SIZES = [0, 1, 1000, 5000, 70_000, 300_000, 1_000_000]
CHUNKS = [1, 100, 5000, 65536, 65536, 300_000, 300_000]
PIECES = 300
QUIET_STEPS = 100
RUN_LIMIT_S = 120.0
NEVER = -1
WHEN_PIPED = -2
"""The moment at which a pipe is half full."""

NO_LIMITS = SpliceLimits(idle=0, half_close=0, lifetime=0)


@define(eq=False)
class Run:
    """One pair of legs, joined, and what becomes of its two streams."""

    bench: Bench
    seed: int
    random: Random = field(init=False)
    moment: int = field(init=False)  # the step at which one of them leaves without a word
    client: Peer = field(init=False)
    server: Peer = field(init=False)
    legs: list[WireLeg] = field(init=False, factory=list)
    ends: list[tuple[Reason, str]] = field(init=False, factory=list)
    quiet: int = field(init=False, default=0)
    moved: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)
        self.moment = self.random.choice([2, 10, 50, 200, WHEN_PIPED]) if self.random.random() < 0.25 else NEVER
        full = self.moment == WHEN_PIPED
        self.bench.ground.splice_after = 1 if full else self.random.choice(SPLICE_AFTER)
        chunks = [self.random.choice(CHUNKS[4:] if full else CHUNKS) for _ in range(2)]
        most = min(chunks) * PIECES
        self.client, self.server = self._peer(0, chunks[0], most), self._peer(1, chunks[1], most)
        waits = self.random.random() < 0.2
        self.client.waits_for_end = waits and self.random.random() < 0.5
        self.server.waits_for_end = waits and not self.client.waits_for_end
        client, server = self.legs
        Splice(client, server, NO_LIMITS, Wheel(Clock()), lambda *end: self.ends.append(end)).start()

    def go(self) -> None:
        """To the end, in which nothing may be left."""
        deadline = time.monotonic() + RUN_LIMIT_S
        steps, broken = 0, False
        while not (self.ends and self.client.over and self.server.over):
            assert time.monotonic() < deadline, f"seed {self.seed} never ends: {self.client} {self.server} {self.ends}"
            come = any(leg.piped for leg in self.legs) if self.moment == WHEN_PIPED else steps == self.moment
            if come and not (broken or self.client.over or self.server.over):
                broken = True
                self._break()
            self._step()
            steps += 1
        self.bench.turns(5)
        self._check(broken=broken)

    def _step(self) -> None:
        for peer in (self.client, self.server):
            if not peer.over:
                peer.step()
        for _ in range(self.random.choice([0, 1, 1, 3])):
            self.bench.loop.turn(0)
        moved = self.client.moved + self.server.moved
        self.quiet, self.moved = (self.quiet + 1 if moved == self.moved else 0), moved
        if self.quiet > QUIET_STEPS:  # the kernel's own timers (a window that was full is probed) take their time
            self.bench.loop.turn(0.002)
        assert sum(len(leg.out or b"") for leg in self.legs) <= 4 * BUFFER_BYTES
        assert all(leg.piped <= PIPE_BYTES for leg in self.legs)

    def _peer(self, number: int, chunk: int, most: int) -> Peer:
        random = self.random
        size, lazy = min(random.choice(SIZES), most), random.choice([0, 0, 0.3, 0.8])
        if self.moment == WHEN_PIPED:
            size, lazy = SIZES[-1] * 2, 0.8 * number
        peer = Peer(size=size, seed=self.seed * 2 + number, chunk=chunk, lazy=lazy)
        leg, peer.sock = self.bench.leg(
            WireLeg, small=number == 1 if self.moment == WHEN_PIPED else random.random() < 0.3
        )
        self.legs.append(leg)
        return peer

    def _break(self) -> None:
        peer = self.random.choice([self.client, self.server])
        reset(peer.sock)
        peer.broken = ConnectionResetError()

    def _check(self, *, broken: bool) -> None:
        client, server = self.client, self.server
        assert len(self.ends) == 1
        assert [leg.fd for leg in self.legs] == [-1, -1]
        assert self.bench.ground.pipes.lent == 0
        for source, to in ((client, server), (server, client)):
            assert to.received_hash.digest() == _hash_of(source, to.received_bytes)
        if not broken:
            one, other = self.legs
            assert self.ends == [(Reason.OK, "")]
            assert (client.received_bytes, server.received_bytes) == (server.size, client.size)
            assert (one.received, one.sent) == (client.size, server.size)
            assert (other.received, other.sent) == (server.size, client.size)


def _hash_of(peer: Peer, size: int) -> bytes:
    """Of the first bytes that a peer sent."""
    sent: Any = peer.sent_prefix(size)
    digest: bytes = sent.digest()
    return digest


class CountedPipes(Pipes):
    """Counts what it lends, and what comes back half full."""

    borrowed = dirty = 0

    def borrow(self) -> Pipe | None:
        self.borrowed += 1
        return super().borrow()

    def give_back(self, pipe: Pipe, empty: bool) -> None:
        self.dirty += not empty
        super().give_back(pipe, empty)


def run_all(seeds: range) -> None:
    """Run each seed, all with the same few pipes, of which some must come back half full."""
    bench = Bench()
    pipes = bench.ground.pipes = CountedPipes()
    spliced = 0
    try:
        for seed in seeds:
            before = pipes.borrowed
            Run(bench, seed).go()
            spliced += pipes.borrowed > before
    finally:
        bench.close()
    assert spliced > len(seeds) // 8
    assert pipes.dirty or len(seeds) < 500  # of so few, perhaps none


@pytest.mark.parametrize("part", range(6))
def test_s13_random_streams_are_carried_to_the_byte_in_every_manner(part: int) -> None:
    each = RUNS // 6
    run_all(range(part * each, (part + 1) * each))


@pytest.mark.proof
@pytest.mark.parametrize("part", range(10))
def test_s13_thousands_of_random_streams_are_carried_to_the_byte_in_every_manner(part: int) -> None:
    each = PROOF_RUNS // 10
    run_all(range(10_000 + part * each, 10_000 + (part + 1) * each))


@define(eq=False)
class Direction:
    """One way through the two legs, and what a model of it knows."""

    source: socket.socket
    sink: socket.socket
    legs: tuple[WireLeg, WireLeg]
    random: Random
    sent: bytearray = field(factory=bytearray)
    got: bytearray = field(factory=bytearray)
    shut: bool = False
    ended: bool = False
    stops: list[Stop] = field(factory=list)

    def send(self, size: int) -> None:
        data = self.random.randbytes(size)
        try:
            self.sent += data[: self.source.send(data)]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return

    def read(self, size: int) -> None:
        try:
            data = self.sink.recv(size)
        except (BlockingIOError, ConnectionResetError):
            return
        self.got += data
        self.ended = self.ended or not data


class Legs(RuleBasedStateMachine):
    """Two legs that carry to each other, while their peers and their owner do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(1)
        self.broken = False
        random = Random(1)
        (one, client), (other, server) = self.bench.leg(WireLeg), self.bench.leg(WireLeg, small=True)
        self.there = Direction(client, server, (one, other), random)
        self.back = Direction(server, client, (other, one), random)
        one.carry(other, None, self._stopped(self.there))
        other.carry(one, None, self._stopped(self.back))

    def _stopped(self, way: Direction) -> Any:
        def stopped(why: Stop) -> None:
            way.stops.append(why)
            if why is Stop.ENDED:
                way.legs[1].end(lambda how: None)
            else:
                self.broken = True
                for leg in way.legs:
                    leg.abort()

        return stopped

    WAYS = st.sampled_from(["there", "back"])

    @rule(way=WAYS, size=st.sampled_from([1, 100, 4096, 65536, 500_000]))
    def send(self, way: str, size: int) -> None:
        direction: Direction = getattr(self, way)
        if not direction.shut and not self.broken:
            direction.send(size)

    @rule(way=WAYS, size=st.sampled_from([1, 1000, 65536, 1 << 20]))
    def read(self, way: str, size: int) -> None:
        direction: Direction = getattr(self, way)
        if not self.broken:
            direction.read(size)

    @rule(turns=st.integers(1, 5))
    def turn(self, turns: int) -> None:
        self.bench.turns(turns)

    @rule(way=WAYS)
    def pause(self, way: str) -> None:
        getattr(self, way).legs[0].pause()

    @rule(way=WAYS)
    def resume(self, way: str) -> None:
        getattr(self, way).legs[0].resume()

    @rule(after=st.sampled_from([1, 4096, 65536, 1 << 62]))
    def set_threshold(self, after: int) -> None:
        self.bench.ground.splice_after = after

    @precondition(lambda self: not self.broken)
    @rule(way=WAYS)
    def half_close(self, way: str) -> None:
        direction: Direction = getattr(self, way)
        if not direction.shut:
            direction.shut = True
            direction.source.shutdown(socket.SHUT_WR)

    @precondition(lambda self: not self.broken)
    @rule(way=WAYS, chance=st.integers(0, 9))
    def reset(self, way: str, chance: int) -> None:
        if not chance:
            self.broken = True
            reset(getattr(self, way).source)

    @invariant()
    def what_came_is_what_was_sent_first(self) -> None:
        for way in (self.there, self.back):
            assert way.sent.startswith(way.got)
            source, sink = way.legs
            assert len(way.got) <= sink.sent <= source.received <= len(way.sent)
            assert source.received - sink.sent in (0, source.piped) or self.broken
            assert len(sink.out or b"") <= 2 * BUFFER_BYTES
            assert way.stops in ([], [Stop.ENDED], [Stop.LOST], [Stop.ENDED, Stop.LOST])

    @invariant()
    def no_pipe_is_lent_to_nobody(self) -> None:
        assert self.bench.ground.pipes.lent == sum(leg.pipe is not None for leg in self.bench.legs)

    def teardown(self) -> None:
        if not self.broken:
            self._finish()
        self.bench.close()
        assert self.bench.ground.pipes.lent == 0

    def _finish(self) -> None:
        """Whatever has happened, both streams can still come to their ends, whole."""
        for way in (self.there, self.back):
            way.legs[0].resume()
            if not way.shut:
                way.source.shutdown(socket.SHUT_WR)

        def over() -> bool:
            for way in (self.there, self.back):
                way.read(1 << 20)
            return self.there.ended and self.back.ended

        self.bench.until(over)
        self.bench.turns(5)
        for way in (self.there, self.back):
            assert way.got == way.sent
            assert way.stops == [Stop.ENDED]
            assert way.legs[0].received == way.legs[1].sent == len(way.sent)
        assert [leg.fd for leg in self.bench.legs] == [-1, -1]


TestLegs = Legs.TestCase
TestLegs.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
