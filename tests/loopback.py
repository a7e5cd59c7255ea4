"""Real sockets on loopback, moved by the test itself: the reactor of production, raw peers, a little proxy of legs."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from starship.interfaces import ILeg
from starship.reasons import Reason
from starship.relay.splice import Splice, SpliceLimits
from starship.wire.connect import connect_on
from starship.wire.ground import Ground as Wire
from starship.wire.leg import WireLeg
from starship.wire.pipes import PIPE_BYTES
from starship.wire.port import Listening, WirePort, bound_socket
from starship.wire.reactor import WireReactor
from starship.wire.stock import LegProtocol, StockLeg
from starship.wire.wheel import Wheel
from starship.words import Address

BLOCK = Random(0).randbytes(1 << 20)
"""What peers send, from a place of their own on, over and over."""

NO_LIMITS = SpliceLimits(idle=0, half_close=0, lifetime=0)

ROOM_BYTES = 1 << 17
"""What the kernel may keep for each end: said, since else it is as much as the machine thinks fit."""


class Ground:
    """A reactor of production, which turns when the test says so."""

    def __init__(self) -> None:
        make: Callable[[], Any] = WireReactor
        self.reactor = make()
        self._sockets: list[socket.socket] = []

    def own(self, sock: socket.socket) -> socket.socket:
        """Close it when the test is over."""
        self._sockets.append(sock)
        return sock

    def turn(self, *peers: Peer, wait: float = 0) -> None:
        for peer in peers:
            if not peer.over:
                peer.step()
        self.reactor.iterate(wait)

    def until(self, condition: Callable[[], bool], *peers: Peer, seconds: float = 30) -> None:
        """Turn until the condition holds; an assertion after so many seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            moved = sum(peer.moved for peer in peers)
            self.turn(*peers)
            if moved == sum(peer.moved for peer in peers):
                self.reactor.iterate(0.0005)

    def close(self) -> None:
        self.turn()  # what was aborted just now
        for call in self.reactor.getDelayedCalls():
            call.cancel()
        for reader in self.reactor.removeAll():
            reader.connectionLost(Failure(ConnectionAborted()))
        for reader in list(self.reactor._internalReaders):
            self.reactor.removeReader(reader)
            reader.connectionLost(None)
        wire, poller = self.reactor.wire, self.reactor._poller
        for port in wire.watched().values():
            if isinstance(port, WirePort):  # its socket object closes its descriptor itself, and once
                port.stopListening()
        for fd in set(wire.watched()) - {poller.fileno()}:
            os.close(fd)
        wire.stop()
        poller.close()
        for sock in self._sockets:
            sock.close()


@contextmanager
def crowded() -> Iterator[socket.socket]:
    """A listener whose backlog is full: who connects to it waits until one is accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            while listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)[24] < 1:  # who stands in the backlog
                os.sched_yield()
            yield listener


@contextmanager
def closed_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port where nobody listens, and nobody else may."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as closed:
        closed.bind((host, 0))
        yield int(closed.getsockname()[1])


@pytest.fixture
def ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.close()


@define(eq=False, kw_only=True)
class Peer:
    """
    One end of a connection: sends `size` bytes in random pieces and ends its stream, and reads to the other's end.

    `lazy` is the chance of doing nothing in a step; `stays`: it never ends its stream.
    """

    size: int
    seed: int
    chunk: int = 65536
    lazy: float = 0.0
    waits_for_end: bool = False
    stays: bool = False
    reads: bool = True
    sock: socket.socket = field(init=False, repr=False)
    random: Random = field(init=False)
    sent_bytes: int = field(init=False, default=0)
    received_bytes: int = field(init=False, default=0)
    sent_hash: Any = field(init=False, factory=hashlib.sha256)
    received_hash: Any = field(init=False, factory=hashlib.sha256)
    ended: bool = field(init=False, default=False)
    shut: bool = field(init=False, default=False)
    broken: OSError | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)

    @property
    def over(self) -> bool:
        return self.broken is not None or (self.ended and self.shut)

    @property
    def moved(self) -> int:
        return self.sent_bytes + self.received_bytes + self.ended + self.shut

    def step(self) -> None:
        if self.broken is not None or self.random.random() < self.lazy:
            return
        try:
            if self.reads and not self.ended:
                self._read()
            if not self.shut and (self.ended or not self.waits_for_end):
                self._write()
        except BlockingIOError:
            return
        except OSError as error:
            self.broken = error

    def reset(self) -> None:
        """Leave without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def sent_prefix(self, size: int) -> Any:
        """The hash of the first bytes that it sent, or sends."""
        assert size <= self.sent_bytes
        made = hashlib.sha256()
        for start in range(0, size, len(BLOCK)):
            piece = memoryview(BLOCK * 2)[(start + self.seed * 4099) % len(BLOCK) :]
            made.update(piece[: min(len(BLOCK), size - start)])
        return made

    def _read(self) -> None:
        try:
            data = self.sock.recv(self.random.randint(1, self.chunk))
        except BlockingIOError:
            return
        self.received_bytes += len(data)
        self.received_hash.update(data)
        self.ended = not data

    def _write(self) -> None:
        left = self.size - self.sent_bytes
        if left:
            start = (self.sent_bytes + self.seed * 4099) % len(BLOCK)
            piece = memoryview(BLOCK)[start : start + min(left, self.random.randint(1, self.chunk))]
            count = self.sock.send(piece)
            self.sent_hash.update(piece[:count])
            self.sent_bytes += count
        elif not self.stays:
            self.sock.shutdown(socket.SHUT_WR)
            self.shut = True


@define(eq=False)
class MiniProxy:
    """
    A port of ours that joins whoever comes to a raw server. `tiny`: the least buffers that the kernel allows.

    No time passes but what the test lets pass on `clock`.
    """

    ground: Ground
    limits: SpliceLimits = NO_LIMITS
    tiny: bool = False
    clock: Clock = field(init=False, factory=Clock)
    endings: list[tuple[Reason, str]] = field(init=False, factory=list)
    legs: list[Any] = field(init=False, factory=list)
    listener: socket.socket = field(init=False)
    port: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.listener = self.sized(self.ground.own(socket.socket()))  # inherited by those who are accepted
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1024)
        self.port = self._open()

    def _open(self) -> Any:
        return self.ground.reactor.listenTCP(0, _Doorway(self), interface="127.0.0.1")

    def connected(self, *, client: Peer, server: Peer) -> tuple[Peer, Peer]:
        """Connect both peers through the proxy."""
        before = len(self.legs)
        client.sock = self.sized(self.ground.own(socket.socket()))
        client.sock.setblocking(False)
        client.sock.connect_ex(("127.0.0.1", self.port.getHost().port))
        self.ground.until(lambda: len(self.legs) == before + 2)
        server.sock = self.ground.own(self.listener.accept()[0])
        server.sock.setblocking(False)
        return client, server

    def buffered(self) -> int:
        """Bytes that the process holds for all pairs."""
        return sum(_buffered(leg) for leg in self.legs)

    def full(self) -> bool:
        """Whether both legs of some pair wait for a slow reader, or one of them while the other has ended."""
        return all(leg._full or leg._ended or leg._paused for leg in self.legs)

    def ended(self, reason: Reason, detail: str) -> None:
        self.endings.append((reason, detail))

    def sized(self, sock: socket.socket) -> socket.socket:
        """The same with the buffers of this proxy."""
        size = 1 if self.tiny else ROOM_BYTES
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        return sock


def _buffered(leg: StockLeg) -> int:
    transport: Any = leg._transport
    unsent: int = len(transport.dataBuffer) + transport._tempDataLen
    return unsent + sum(map(len, leg._held))


class _Doorway(Factory):
    noisy = False

    def __init__(self, proxy: MiniProxy) -> None:
        self.proxy = proxy

    def buildProtocol(self, addr: IAddress | None) -> _Front:
        return _Front(self.proxy)


class _Front(LegProtocol):
    def __init__(self, proxy: MiniProxy) -> None:
        self.proxy = proxy

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.proxy.sized(transport.getHandle())
        self.leg = StockLeg(transport, Address("127.0.0.1", transport.getPeer().port))
        self.proxy.legs.append(self.leg)
        port = self.proxy.listener.getsockname()[1]
        self.proxy.ground.reactor.connectTCP("127.0.0.1", port, _Back(self))


class _Back(ClientFactory):
    noisy = False

    def __init__(self, front: _Front) -> None:
        self.front = front

    def buildProtocol(self, addr: IAddress | None) -> _BackProtocol:
        return _BackProtocol(self.front)


class _BackProtocol(LegProtocol):
    def __init__(self, front: _Front) -> None:
        self.front = front

    def connectionMade(self) -> None:
        transport: Any = self.transport
        proxy = self.front.proxy
        proxy.sized(transport.getHandle())
        self.leg = StockLeg(transport, Address("127.0.0.1", transport.getPeer().port))
        proxy.legs.append(self.leg)

        Splice(self.front.leg, self.leg, proxy.limits, Wheel(proxy.clock), proxy.ended).start()


@define(eq=False)
class WireProxy(MiniProxy):
    """The same on the wire."""

    splice_after: int = 65536
    wire: Wire = field(init=False)

    def _open(self) -> Any:
        self.wire = Wire(self.ground.reactor.wire, self.splice_after)
        listener = bound_socket("127.0.0.1", 0)
        self.sized(listener)  # inherited by those who are accepted
        port = WirePort(listener, _WireDoorway(self), self.wire, self.ground.reactor, Listening(defer=False))
        port.startListening()
        return port

    def buffered(self) -> int:
        """What is in a pipe is the kernel's, and bounded by the pipe."""
        assert all(leg.piped <= PIPE_BYTES for leg in self.legs)
        return sum(len(leg.out or b"") + leg.held for leg in self.legs)

    def full(self) -> bool:
        return all(leg.out is not None or leg.ended or leg.paused for leg in self.legs)


class _WireDoorway(Factory):
    noisy = False

    def __init__(self, proxy: WireProxy) -> None:
        self.proxy = proxy

    def buildProtocol(self, addr: IAddress | None) -> _WireFront:
        return _WireFront(self.proxy)


class _WireFront(Protocol):
    """Keeps what comes early, and connects."""

    def __init__(self, proxy: WireProxy) -> None:
        self.proxy = proxy

    def connectionMade(self) -> None:
        proxy = self.proxy
        leg: Any = self.transport
        self.leg: WireLeg = leg
        proxy.legs.append(self.leg)
        there = Address(*proxy.listener.getsockname())
        connect_on(proxy.wire, proxy.ground.reactor)(there, (), 5.0, self._joined, self._failed)

    def dataReceived(self, data: bytes) -> None:
        self.leg.heard(data)

    def _joined(self, leg: ILeg) -> None:
        self.proxy.legs.append(leg)
        Splice(self.leg, leg, self.proxy.limits, Wheel(self.proxy.clock), self.proxy.ended).start()

    def _failed(self, error: OSError) -> None:
        raise AssertionError(error)


@pytest.fixture(params=[MiniProxy, WireProxy], ids=["stock", "wire"])
def proxies(request: pytest.FixtureRequest) -> type[MiniProxy]:
    """Each kind of proxy."""
    kind: type[MiniProxy] = request.param
    return kind
