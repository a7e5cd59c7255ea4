"""A loop alone, and legs on it whose peers are raw sockets, for the tests of this room."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
from twisted.logger import LogEvent, capturedLogs

from starship.wire.ground import Ground
from starship.wire.leg import WireLeg
from starship.wire.loop import WireLoop
from starship.words import Address, Stop

L = TypeVar("L", bound=WireLeg)

HERE = Address("127.0.0.1", 1)


def tcp_pair(*, small: bool = False) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection, neither of which blocks. `small`: hardly any buffers."""
    with socket.socket() as listener:
        if small:
            _shrink(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one = socket.socket()
        if small:
            _shrink(one)
        one.connect(listener.getsockname())
        other, _ = listener.accept()
    one.setblocking(False)
    other.setblocking(False)
    return one, other


def reset(sock: socket.socket) -> None:
    """Leave without a word."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def stuff(sock: socket.socket, most: int = 1 << 30) -> int:
    """Send until the kernel takes no more, or 16 MiB."""
    sent = 0
    most = min(most, 1 << 24)
    try:
        while sent < most:
            sent += sock.send(b"s" * min(65536, most - sent))
    except BlockingIOError:
        pass
    return sent


def drink(sock: socket.socket) -> bytes:
    """What is there to read."""
    data = bytearray()
    try:
        while piece := sock.recv(1 << 16):
            data += piece
    except BlockingIOError:
        pass
    return bytes(data)


def hears(sock: socket.socket) -> str:
    """How a stream stands: `open`, `end` or `reset`; unread bytes are thrown away."""
    try:
        while sock.recv(1 << 16):
            pass
    except BlockingIOError:
        return "open"
    except OSError:
        return "reset"
    return "end"


class Bench:
    """A loop, the ground of its connections, and all that has to be closed after the test."""

    def __init__(self, splice_after: int = 65536) -> None:
        self.loop = WireLoop()
        self.ground = Ground(self.loop, splice_after)
        self.legs: list[WireLeg] = []
        self.socks: list[socket.socket] = []

    def leg(self, kind: type[L], *, small: bool = False) -> tuple[L, socket.socket]:
        """A leg that is watched, and its peer."""
        ours, peer = tcp_pair(small=small)
        leg = kind(self.ground, ours.detach(), Address(*peer.getsockname()))
        leg.watch()
        self.legs.append(leg)
        self.socks.append(peer)
        return leg, peer

    def turns(self, number: int = 3) -> None:
        """So many turns, which do not wait."""
        for _ in range(number):
            self.loop.turn(0)

    def until(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        """Turn until it holds; an assertion after so many seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            self.loop.turn(0.001)

    def close(self) -> None:
        self.turns()
        for leg in self.legs:
            if leg.fd >= 0:
                leg.abort()
        self.turns()
        self.loop.stop()
        self.ground.pipes.close()
        for sock in self.socks:
            sock.close()


class Told:
    """An owner that remembers what it was told; `then` is called with each piece of data."""

    def __init__(self, then: Callable[[bytes], object] | None = None) -> None:
        self.then = then
        self.data = b""
        self.ends: list[str] = []
        self.lost: list[str] = []

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self.then is not None:
            self.then(data)

    def readConnectionLost(self) -> None:
        self.ends.append("read")

    def writeConnectionLost(self) -> None:
        self.ends.append("write")

    def connectionLost(self, reason: object) -> None:
        self.lost.append(str(getattr(reason, "type", type(reason)).__name__))


class Eye:
    """Watches a descriptor."""

    def __init__(self, ready: Callable[[int], object] = lambda flags: None) -> None:
        self.ready = ready
        self.broken = 0

    def broke(self) -> None:
        self.broken += 1


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Fails where sockets or pipes are left, too."""
    before = _open_sockets()
    made = Bench()
    yield made
    made.close()
    assert made.ground.pipes.lent == 0
    assert _open_sockets() == before


@pytest.fixture
def log() -> Iterator[Sequence[LogEvent]]:
    """What is logged meanwhile."""
    with capturedLogs() as events:
        yield events


def nobody(how: Stop) -> None:
    """Does not wait."""


def _open_sockets() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found.add(str(entry.readlink()))
    return {name for name in found if name.startswith("socket")}


def _shrink(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # with less, TCP waits for its own timers
