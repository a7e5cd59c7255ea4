"""A leg that any Twisted Protocol can stand on."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IConsumer, IHalfCloseableProtocol, IPullProducer, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.wire.transport import WireTransport, twisted_address
from starship.words import Address
from tests.wire.bench import Bench, Told, arrived, bench, drink, hears, reset, wait

__all__ = ["bench"]


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Told):
    """Knows of half-closed connections."""


def test_it_provides_what_twisted_asks_of_a_transport(bench: Bench) -> None:
    transport, _ = bench.leg(WireTransport)
    for interface in (ITCPTransport, IConsumer, IPushProducer):
        verifyObject(interface, transport)


def test_what_is_written_arrives(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    transport.write(b"a")
    transport.writeSequence([b"b", b"c"])
    assert bench.drinks(peer, 3) == b"abc"


def test_it_tells_both_addresses_and_takes_options(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    assert transport.getPeer() == IPv4Address("TCP", *peer.getsockname())
    assert transport.getHost() == IPv4Address("TCP", *peer.getpeername())
    for switched in (True, False):
        transport.setTcpNoDelay(switched)
        transport.setTcpKeepAlive(switched)
        assert (transport.getTcpNoDelay(), transport.getTcpKeepAlive()) == (switched, switched)


def test_an_address_is_of_its_family() -> None:
    assert twisted_address(Address("192.0.2.1", 80)) == IPv4Address("TCP", "192.0.2.1", 80)
    assert twisted_address(Address("2001:db8::1", 80)) == IPv6Address("TCP", "2001:db8::1", 80)


def test_lose_connection_sends_what_is_kept_first(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport, small=True)
    owner = transport.owner = Told()
    transport.write(b"y" * 300_000)
    transport.loseConnection()
    assert transport.disconnecting
    got = 0

    def over() -> bool:
        nonlocal got
        got += len(drink(peer))
        return bool(owner.lost) and got >= 300_000

    bench.until(over)
    assert (got, hears(peer)) == (300_000, "end")
    assert owner.lost == ["ConnectionDone"]


def test_abort_connection_is_a_reset(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    owner = transport.owner = Told()
    transport.abortConnection()
    bench.until(lambda: hears(peer) == "reset")
    bench.turns()
    assert owner.lost == ["ConnectionAborted"]


def test_a_half_close_either_way_is_told_to_who_knows_of_such(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    owner = transport.owner = HalfCloseable()
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: owner.ends == ["read"])
    assert transport.fd >= 0
    transport.write(b"answer")
    transport.loseWriteConnection()
    bench.until(lambda: bool(owner.lost))
    assert bench.drinks(peer, 6) == b"answer"
    assert (owner.ends, owner.lost) == (["read"], ["ConnectionDone"])


def test_our_end_is_told_while_the_peer_still_speaks(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    owner = transport.owner = HalfCloseable()
    transport.loseWriteConnection()
    assert owner.ends == ["write"]
    peer.send(b"still here")
    bench.until(lambda: owner.data == b"still here")


def test_who_knows_nothing_of_half_closes_is_closed_at_the_end_of_the_stream(bench: Bench) -> None:
    class Plain(Protocol):
        reasons: list[Any]

        def connectionLost(self, reason: Any = None) -> None:
            self.reasons = [reason.type.__name__]

    transport, peer = bench.leg(WireTransport)
    owner = Plain()
    transport.owner = owner  # type: ignore[assignment]  # it has not all that an owner has; that is the point
    transport.loseWriteConnection()  # nobody is told
    peer.shutdown(socket.SHUT_WR)
    bench.until(lambda: transport.fd < 0)
    bench.turns()
    assert owner.reasons == ["ConnectionDone"]


def test_a_paused_transport_reads_nothing(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    owner = transport.owner = Told()
    transport.pauseProducing()
    peer.send(b"x")
    wait(lambda: arrived(transport.fd) == 1)
    bench.turns()
    assert owner.data == b""
    transport.resumeProducing()
    assert owner.data == b"x"
    transport.stopProducing()
    bench.until(lambda: bool(owner.lost))


# Producers


@implementer(IPushProducer)
class Pusher:
    """Writes until it is asked to pause."""

    def __init__(self, transport: WireTransport) -> None:
        self.transport = transport
        self.going = True
        self.calls: list[str] = []

    def push(self) -> None:
        for _ in range(100):
            if self.going:
                self.transport.write(b"p" * 65536)

    def pauseProducing(self) -> None:
        self.going = False
        self.calls.append("pause")

    def resumeProducing(self) -> None:
        self.going = True
        self.calls.append("resume")

    def stopProducing(self) -> None:
        self.going = False
        self.calls.append("stop")


@implementer(IPullProducer)
class Puller:
    """Writes one piece each time it is asked, so many times."""

    def __init__(self, transport: WireTransport, pieces: int) -> None:
        self.transport, self.left, self.stopped = transport, pieces, 0

    def resumeProducing(self) -> None:
        self.left -= 1
        self.transport.write(b"p" * 10_000)
        if not self.left:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.stopped += 1


def test_a_producer_is_asked_to_pause_while_the_peer_does_not_read_and_to_go_on_after(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    pusher = Pusher(transport)
    transport.registerProducer(pusher, True)
    with pytest.raises(RuntimeError):
        transport.registerProducer(pusher, True)
    pusher.push()
    assert pusher.calls == ["pause"]
    got = 0

    def drunk() -> bool:
        nonlocal got
        got += len(drink(peer))
        return pusher.calls == ["pause", "resume"]

    bench.until(drunk)
    transport.unregisterProducer()
    assert transport.sent > got - 1


@pytest.mark.parametrize("small", [True, False])
def test_a_producer_that_is_pulled_is_asked_again_each_time_there_is_room(bench: Bench, small: bool) -> None:
    transport, peer = bench.leg(WireTransport, small=small)
    puller = Puller(transport, 30)
    transport.registerProducer(puller, False)
    got = 0

    def all_there() -> bool:
        nonlocal got
        got += len(drink(peer))
        return got == 300_000

    bench.until(all_there)
    assert puller.left == 0
    assert puller.stopped == 0


def test_a_producer_whose_connection_is_lost_is_told_to_stop(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    pusher = Pusher(transport)
    transport.registerProducer(pusher, True)
    reset(peer)
    bench.until(lambda: pusher.calls == ["stop"])
    late = Puller(transport, 1)
    transport.registerProducer(late, True)
    assert late.stopped == 1


def test_a_flood_of_writes_to_a_lost_connection_goes_nowhere(bench: Bench) -> None:
    transport, peer = bench.leg(WireTransport)
    reset(peer)
    bench.until(lambda: transport.fd < 0)
    for _ in range(10):
        transport.write(b"x" * 65536)
    assert transport.out is None
