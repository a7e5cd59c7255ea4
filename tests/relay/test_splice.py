"""Two legs joined: limits, endings, and every byte at its place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from random import Random

import pytest
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.interfaces import ICancel, ILeg, IWayBack
from starship.reasons import Reason
from starship.relay.splice import LINGER_S, LOOK_S, Splice, SpliceLimits
from starship.words import Stop
from tests.fakes import ExactWheel, FakeLeg
from tests.loopback import Ground, MiniProxy, Peer, ground, proxies

__all__ = ["ground", "proxies"]

PROOF_GB = float(os.environ.get("STARSHIP_PROOF_GB", "10"))
PROOF_LIMIT_S = 360.0


class ToldLeg(FakeLeg):
    """A leg whose peer does what the test says."""

    stop: Callable[[Stop], None]
    finish: Callable[[Stop], None] | None = None
    unreads: int = 0

    def unread(self, data: bytes) -> None:
        self.unreads += 1

    def end(self, done: Callable[[Stop], None]) -> None:
        self.finish = done

    def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        self.stop = done

    def finished(self, how: Stop = Stop.ENDED) -> None:
        assert self.finish is not None, "nobody has asked for the end"
        self.finish(how)


@implementer(IWayBack)
class WayBack:
    """Remembers how it was taken. `may`: it is open."""

    def __init__(self) -> None:
        self.may = True
        self.taken: list[Stop] = []
        self.stays = 0

    def may_go_back(self) -> bool:
        return self.may

    def go_back(self, how: Stop) -> None:
        self.taken.append(how)

    def stay(self) -> None:
        self.stays += 1


class Scene:
    """A Splice over two such legs."""

    def __init__(
        self,
        *,
        idle: float = 0,
        half_close: float = 0,
        lifetime: float = 0,
        back: WayBack | None = None,
        held: int = 0,
    ) -> None:
        self.clock = Clock()
        self.client, self.upstream = ToldLeg(received=200 + held, held=held), ToldLeg(sent=230)
        self.ends: list[tuple[Reason, str]] = []
        limits = SpliceLimits(idle=idle, half_close=half_close, lifetime=lifetime)
        self.splice = Splice(
            self.client, self.upstream, limits, ExactWheel(self.clock), lambda *end: self.ends.append(end), back
        )
        self.splice.start()

    def after_ends(self) -> None:
        """Whatever still happens once it is over changes nothing, and no clock is left."""
        ends = list(self.ends)
        assert len(ends) == 1
        self.client.stop(Stop.LOST)
        self.upstream.stop(Stop.LOST)
        self.splice.cancel()
        assert self.ends == ends
        assert self.clock.getDelayedCalls() == []


def test_a_splice_can_be_given_up() -> None:
    verifyObject(ICancel, Scene().splice)


@pytest.mark.parametrize("client_first", [True, False])
def test_it_is_ok_once_both_have_ended_and_both_have_been_sent_the_others_end(client_first: bool) -> None:
    scene = Scene(idle=10, half_close=10, lifetime=10)
    one, other = (scene.client, scene.upstream) if client_first else (scene.upstream, scene.client)
    one.stop(Stop.ENDED)
    assert one.finish is None
    other.finished()
    other.stop(Stop.ENDED)
    assert scene.ends == []
    one.finished()
    assert scene.ends == [(Reason.OK, "")]
    assert (one.aborted, other.aborted) == (0, 0)
    scene.after_ends()


def test_a_reset_of_the_client_is_carried_on_as_client_gone() -> None:
    scene = Scene(idle=10)
    scene.client.stop(Stop.LOST)
    assert scene.ends == [(Reason.CLIENT_GONE, "client reset")]
    assert scene.upstream.aborted
    scene.after_ends()


def test_a_reset_of_the_upstream_is_carried_on_as_upstream_reset() -> None:
    scene = Scene(idle=10)
    scene.client.stop(Stop.ENDED)
    scene.upstream.stop(Stop.LOST)
    assert scene.ends == [(Reason.UPSTREAM_RESET, "upstream reset")]
    assert scene.client.aborted
    scene.after_ends()


def test_an_end_that_could_not_be_sent_is_a_reset() -> None:
    scene = Scene()
    scene.client.stop(Stop.ENDED)
    scene.upstream.finished(Stop.LOST)
    assert scene.ends == [(Reason.UPSTREAM_RESET, "upstream reset")]
    scene.after_ends()


def test_a_client_that_breaks_after_its_end_is_ok_and_the_upstream_is_let_go() -> None:
    scene = Scene(idle=10)
    scene.client.stop(Stop.ENDED)
    scene.client.stop(Stop.LOST)
    assert scene.ends == [(Reason.OK, "client reset after its end")]
    assert scene.upstream.aborted
    scene.after_ends()


def test_an_upstream_that_breaks_after_its_end_leaves_the_client_time_to_read_its_answer() -> None:
    scene = Scene(idle=600)
    scene.upstream.stop(Stop.ENDED)
    scene.upstream.stop(Stop.LOST)
    assert scene.ends == []
    scene.client.finished()
    scene.client.stop(Stop.ENDED)
    scene.upstream.finished(Stop.LOST)
    assert scene.ends == [(Reason.OK, "upstream reset after its end")]
    assert not scene.client.aborted
    scene.after_ends()


def test_a_client_that_breaks_off_while_it_reads_the_answer_of_a_lost_upstream_is_ok() -> None:
    scene = Scene()
    scene.upstream.stop(Stop.ENDED)
    scene.upstream.stop(Stop.LOST)
    scene.client.stop(Stop.LOST)
    assert scene.ends == [(Reason.OK, "upstream reset after its end")]
    scene.after_ends()


def test_a_client_that_talks_on_to_a_lost_upstream_is_closed_after_the_linger() -> None:
    scene = Scene()
    scene.upstream.stop(Stop.ENDED)
    scene.upstream.stop(Stop.LOST)
    scene.client.finished()
    scene.clock.advance(LINGER_S - 0.1)
    assert scene.ends == []
    scene.clock.advance(0.2)
    assert scene.ends == [(Reason.OK, "upstream reset after its end")]
    assert (scene.client.closed, scene.client.aborted) == (1, 0)
    scene.after_ends()


def test_a_client_that_reads_slowly_what_a_lost_upstream_said_has_as_long_as_it_takes() -> None:
    scene = Scene(idle=60)
    scene.client.sent, scene.client.waits = 100, 90
    scene.upstream.stop(Stop.ENDED)
    scene.upstream.stop(Stop.LOST)
    while scene.client.waits:
        scene.client.waits -= 10
        scene.clock.advance(LINGER_S)
        assert scene.ends == []
    scene.clock.advance(LINGER_S)
    assert scene.ends == [(Reason.OK, "upstream reset after its end")]
    assert scene.client.aborted  # its end was not even written
    scene.after_ends()


def test_a_reader_that_is_slow_is_not_silent() -> None:
    """A client of a tunnel took its time for what the kernel kept, and was reset in the middle of it."""
    scene = Scene(idle=60, half_close=4)
    scene.client.sent, scene.client.waits = 100, 100
    scene.upstream.stop(Stop.ENDED)
    scene.client.finished()
    for _ in range(100):
        scene.clock.advance(1)
        scene.client.waits -= 1
    assert scene.ends == []
    scene.clock.pump([1] * 6)
    assert scene.ends == [(Reason.IDLE, "")]


@pytest.mark.parametrize("reason", [Reason.IDLE, Reason.LIFETIME])
def test_a_side_that_was_given_all_and_the_others_end_is_closed_and_not_reset(reason: Reason) -> None:
    """A reset would drop what its kernel has yet to send."""
    scene = Scene(idle=10, lifetime=100 if reason is Reason.IDLE else 5)
    scene.upstream.stop(Stop.ENDED)
    scene.client.finished()
    scene.clock.pump([1] * 16)
    assert scene.ends == [(reason, "")]
    assert (scene.client.closed, scene.client.aborted) == (1, 0)
    assert (scene.upstream.closed, scene.upstream.aborted) == (0, 1)


@pytest.mark.parametrize("spoke_at", [0.0, 0.1, 2.4, 2.5, 2.6, 9.9, 25.0, 99.99])
def test_silence_ends_it_between_the_idle_time_and_a_quarter_more(spoke_at: float) -> None:
    scene = Scene(idle=10)
    clock = scene.clock
    while clock.seconds() + 1 < spoke_at:
        clock.advance(1)
        scene.client.received += 1
    clock.advance(spoke_at - clock.seconds())
    scene.upstream.received += 1
    while clock.seconds() < spoke_at + 9.99:
        clock.advance(0.01)
    assert scene.ends == []
    while clock.seconds() < spoke_at + 12.6:  # each look is late by up to a step of this clock
        clock.advance(0.01)
    assert scene.ends == [(Reason.IDLE, "")]
    assert scene.client.aborted
    assert scene.upstream.aborted
    scene.after_ends()


def test_one_byte_now_and_then_keeps_it_alive_in_either_direction() -> None:
    scene = Scene(idle=10)
    for turn in range(100):
        scene.clock.advance(9.9)
        (scene.client if turn % 2 else scene.upstream).received += 1
    assert scene.ends == []


def test_after_one_side_has_ended_the_half_close_limit_counts() -> None:
    scene = Scene(idle=600, half_close=60)
    scene.clock.pump([100.0])
    scene.client.stop(Stop.ENDED)
    scene.clock.pump([1.0] * 59)
    assert scene.ends == []
    scene.clock.pump([1.0] * 17)
    assert scene.ends == [(Reason.IDLE, "")]
    scene.after_ends()


def test_a_longer_half_close_limit_never_outlives_the_idle_limit() -> None:
    scene = Scene(idle=10, half_close=60)
    scene.client.stop(Stop.ENDED)
    scene.clock.pump([0.5] * 26)
    assert scene.ends == [(Reason.IDLE, "")]


def test_no_half_close_limit_leaves_the_idle_limit_in_force() -> None:
    scene = Scene(idle=10, half_close=0)
    scene.client.stop(Stop.ENDED)
    scene.clock.pump([0.5] * 26)
    assert scene.ends == [(Reason.IDLE, "")]


def test_no_idle_limit_leaves_the_half_close_limit_in_force() -> None:
    scene = Scene(idle=0, half_close=10)
    scene.clock.advance(1000)
    scene.upstream.stop(Stop.ENDED)
    scene.clock.pump([0.5] * 26)
    assert scene.ends == [(Reason.IDLE, "")]


def test_the_lifetime_ends_even_a_busy_one() -> None:
    scene = Scene(idle=10, lifetime=100)
    for _ in range(99):
        scene.clock.advance(1)
        scene.client.received += 1
    assert scene.ends == []
    scene.clock.advance(1)
    assert scene.ends == [(Reason.LIFETIME, "")]
    scene.after_ends()


def test_without_limits_there_is_no_clock_at_all() -> None:
    scene = Scene()
    scene.client.stop(Stop.ENDED)
    assert scene.clock.getDelayedCalls() == []


def test_cancel_resets_both_sides_and_tells_nobody() -> None:
    scene = Scene(idle=10, half_close=10, lifetime=10)
    scene.splice.cancel()
    scene.splice.cancel()
    assert (scene.client.aborted, scene.upstream.aborted) == (1, 1)
    scene.client.stop(Stop.LOST)
    scene.upstream.stop(Stop.ENDED)
    assert scene.ends == []
    assert scene.clock.getDelayedCalls() == []


# The way back


@pytest.mark.parametrize("how", [Stop.LOST, Stop.ENDED])
def test_an_upstream_that_stops_before_it_said_a_byte_is_let_go_of_and_the_client_goes_back(how: Stop) -> None:
    back = WayBack()
    scene = Scene(idle=600, lifetime=600, back=back)
    scene.clock.advance(1)
    scene.upstream.stop(how)
    assert back.taken == [how]
    assert (scene.client.unreads, scene.client.aborted, scene.upstream.aborted) == (1, 0, 1)
    scene.upstream.stop(Stop.LOST)
    scene.client.stop(Stop.LOST)
    scene.splice.cancel()
    assert scene.client.aborted == 0
    assert (scene.ends, back.taken, back.stays, scene.clock.getDelayedCalls()) == ([], [how], 0, [])


def _answers(scene: Scene) -> None:
    scene.upstream.received += 1


def _goes_on(scene: Scene) -> None:
    scene.client.received += 1
    scene.upstream.sent += 1


def _says_what_nobody_takes(scene: Scene) -> None:
    scene.client.received += 1


def _ends(scene: Scene) -> None:
    scene.client.stop(Stop.ENDED)


@pytest.mark.parametrize("event", [_answers, _goes_on, _says_what_nobody_takes, _ends])
def test_it_does_not_once_anything_was_carried_or_lost_or_the_client_has_ended(event: Callable[[Scene], None]) -> None:
    back = WayBack()
    scene = Scene(idle=600, back=back)
    event(scene)
    scene.upstream.stop(Stop.LOST)
    assert back.taken == []
    assert scene.ends == [(Reason.UPSTREAM_RESET, "upstream reset")]
    scene.after_ends()


def test_it_does_not_where_the_client_had_said_more_before_they_were_joined() -> None:
    back = WayBack()
    scene = Scene(idle=600, back=back, held=10)
    assert back.stays == 1
    scene.upstream.stop(Stop.LOST)
    assert back.taken == []
    assert scene.ends == [(Reason.UPSTREAM_RESET, "upstream reset")]


def test_a_way_back_that_is_closed_is_a_reset_as_any_other() -> None:
    back = WayBack()
    scene = Scene(idle=600, back=back)
    back.may = False
    scene.upstream.stop(Stop.LOST)
    assert (back.taken, scene.ends) == ([], [(Reason.UPSTREAM_RESET, "upstream reset")])


@pytest.mark.parametrize("idle", [0, 600, 4])
@pytest.mark.parametrize("event", [_answers, _goes_on])
def test_what_is_kept_for_it_is_let_go_of_soon_after_the_first_byte(
    idle: float, event: Callable[[Scene], None]
) -> None:
    back = WayBack()
    scene = Scene(idle=idle, back=back)
    event(scene)
    scene.clock.advance(LOOK_S)
    assert back.stays == 1
    scene.upstream.stop(Stop.LOST)
    assert back.taken == []


@pytest.mark.parametrize("idle", [0, 600])
def test_it_is_kept_while_the_upstream_is_silent_for_as_long_as_there_is_a_way(idle: float) -> None:
    back = WayBack()
    scene = Scene(idle=idle, back=back)
    scene.clock.pump([LOOK_S] * 4)
    assert back.stays == 0
    back.may = False
    scene.clock.advance(LOOK_S)
    assert back.stays == 1
    assert len(scene.clock.getDelayedCalls()) == (1 if idle else 0)


@pytest.mark.parametrize("idle", [2, 10, 100])
@pytest.mark.parametrize("open_for", [0, 10])
def test_silence_still_ends_it_never_before_the_idle_time(idle: float, open_for: float) -> None:
    back = WayBack()
    scene = Scene(idle=idle, back=back)
    while not scene.ends:
        assert scene.clock.seconds() < open_for + LOOK_S + idle * 1.25 + 0.1
        back.may = scene.clock.seconds() < open_for
        scene.clock.advance(0.05)
    assert scene.clock.seconds() >= idle
    assert scene.ends == [(Reason.IDLE, "")]
    scene.after_ends()


def test_after_a_half_close_silence_is_as_patient_as_ever() -> None:
    scene = Scene(idle=600, half_close=40, back=WayBack())
    scene.client.stop(Stop.ENDED)
    while not scene.ends:
        scene.clock.advance(0.05)
    assert 40 <= scene.clock.seconds() < 40 * 1.25 + LOOK_S + 0.1


def test_a_client_that_is_lost_before_the_start_ends_it_at_once() -> None:
    class Lost(ToldLeg):
        def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
            self.stop = done
            done(Stop.LOST)

    clock, ends, upstream = Clock(), list[Reason](), ToldLeg()
    limits = SpliceLimits(idle=1, half_close=1, lifetime=1)
    Splice(Lost(), upstream, limits, ExactWheel(clock), lambda reason, detail: ends.append(reason)).start()
    assert ends == [Reason.CLIENT_GONE]
    assert upstream.aborted
    assert clock.getDelayedCalls() == []


# Over real sockets


def a_pair(random: Random, seed: int, most: int) -> tuple[Peer, Peer]:
    who_waits = random.choice(["nobody", "nobody", "client", "server"])

    chunks = [random.choice([65536, 1 << 19] if most >= 1 << 20 else [1, 100, 4096, 65536]) for _ in "cs"]
    size_limit = min(most, 60 * min(chunks))

    def peer(name: str, seed: int, chunk: int) -> Peer:
        size = random.randrange(size_limit)
        return Peer(
            size=random.choice([0, 1, size, size, size]),
            seed=seed,
            chunk=chunk,
            lazy=random.choice([0.0, 0.0, 0.5, 0.75]),
            waits_for_end=name == who_waits,
        )

    return peer("client", seed * 2, chunks[0]), peer("server", seed * 2 + 1, chunks[1])


def assert_carried(client: Peer, server: Peer) -> None:
    assert (client.broken, server.broken) == (None, None)
    assert (server.received_bytes, client.received_bytes) == (client.size, server.size)
    assert client.sent_hash.digest() == server.received_hash.digest()
    assert server.sent_hash.digest() == client.received_hash.digest()


@pytest.mark.parametrize(("seed", "tiny"), [(seed, seed % 4 == 3) for seed in range(16)])
def test_s13_random_flows_are_carried_to_the_byte(
    ground: Ground, proxies: type[MiniProxy], seed: int, tiny: bool
) -> None:
    random = Random(seed)
    proxy = proxies(ground, tiny=tiny)
    pairs = [
        proxy.connected(client=client, server=server)
        for client, server in (a_pair(random, seed * 100 + run, 2000 if tiny else 200_000) for run in range(20))
    ]
    everybody = [peer for pair in pairs for peer in pair]
    ground.until(lambda: all(peer.over for peer in everybody) and len(proxy.endings) == 20, *everybody, seconds=120)
    for client, server in pairs:
        assert_carried(client, server)
    assert proxy.endings == [(Reason.OK, "")] * 20
    for front, back in zip(proxy.legs[::2], proxy.legs[1::2], strict=True):
        assert (front.received, front.sent) == (back.sent, back.received)


@pytest.mark.proof
def test_s13_ten_gigabytes_are_carried_without_a_difference(ground: Ground, proxies: type[MiniProxy]) -> None:
    goal, began, told = int(PROOF_GB * 1e9), time.monotonic(), 0
    random, proxy = Random(20), proxies(ground)
    carried = connections = number = 0
    live: list[tuple[Peer, Peer]] = []
    while carried < goal or live:
        assert time.monotonic() - began < PROOF_LIMIT_S, f"only {carried} bytes in {PROOF_LIMIT_S} s"
        on_the_way = sum(client.size + server.size for client, server in live)
        while len(live) < 8 and carried + on_the_way < goal:
            client, server = a_pair(random, number, 64 << 20)
            live.append(proxy.connected(client=client, server=server))
            number += 1
            on_the_way += client.size + server.size
        ground.turn(*(peer for pair in live for peer in pair))
        for pair in [pair for pair in live if pair[0].over and pair[1].over]:
            assert_carried(*pair)
            live.remove(pair)
            carried += pair[0].size + pair[1].size
            connections += 1
            for peer in pair:
                peer.sock.close()
        if carried // 10**9 > told:
            told = carried // 10**9
            print(f"{carried / 1e9:.1f} GB in {time.monotonic() - began:.0f} s", flush=True)
    ground.until(lambda: len(proxy.endings) == connections)
    assert set(proxy.endings) == {(Reason.OK, "")}
    print(f"{carried} bytes in {connections} connections, {time.monotonic() - began:.0f} s: 0 differences")
