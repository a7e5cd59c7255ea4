"""A loop alone, and legs on it whose peers are raw sockets, for the tests of this room."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
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

PATIENCE_S = 30.0
"""How long a test waits for what must come; a busy machine is no finding."""

ROOM_BYTES = 1 << 17
"""What the kernel may keep for each end: said, since else it is as much as the machine thinks fit."""


def tcp_pair(*, small: bool = False) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection, neither of which blocks. `small`: hardly any buffers."""
    with socket.socket() as listener:
        _size(listener, small)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one = socket.socket()
        _size(one, small)
        one.connect(listener.getsockname())
        other, _ = listener.accept()
    one.setblocking(False)
    other.setblocking(False)
    return one, other


def reset(sock: socket.socket) -> None:
    """Leave without a word."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def arrived(sock: socket.socket | int) -> int:
    """Bytes that are there to read, and have been told of to whoever watches (the kernel counts under its lock)."""
    return int.from_bytes(fcntl.ioctl(sock, termios.FIONREAD, bytes(4)), "little")


def wait(condition: Callable[[], bool]) -> None:
    """
    Wait for the kernel, and turn nothing; an assertion after PATIENCE_S.

    What one end was told to do, the other end need not see yet: another processor may be about to carry it over.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        os.sched_yield()


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
        """So many turns, which do not wait: enough for what is there already, and no proof that anything has come."""
        for _ in range(number):
            self.loop.turn(0)

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Turn until it holds; an assertion after so many seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            self.loop.turn(0.001)

    def drinks(self, sock: socket.socket, size: int) -> bytes:
        """Turn until a peer has read so many bytes, and what they were with all that came along."""
        data = bytearray()

        def enough() -> bool:
            data.extend(drink(sock))
            return len(data) >= size

        self.until(enough)
        return bytes(data)

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
    assert _open_sockets() <= before  # another test's may have been forgotten meanwhile


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


def _size(sock: socket.socket, small: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 if small else ROOM_BYTES)
    # with less than a page, TCP waits for its own timers
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if small else ROOM_BYTES)
