"""A socket for one question: quiet, heard by one server alone, and gone when it is closed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from attrs import define, field
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from starship.dns.datagrams import Datagrams
from starship.words import Address
from tests.loopback import Ground


@define(eq=False)
class Line:
    """A server that the test speaks for, and what is heard of it."""

    host: str = "127.0.0.1"
    ground: Ground = field(factory=Ground)
    heard: list[bytes] = field(factory=list)
    broken: int = 0
    server: socket.socket = field(init=False)
    datagrams: Datagrams = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.server = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind((self.host, 0))
        self.server.settimeout(30)
        self.datagrams = Datagrams(self.ground.reactor, 8, self.heard.append, self.breaks)

    def breaks(self) -> None:
        self.broken += 1

    @property
    def address(self) -> Address:
        return Address(self.host, self.server.getsockname()[1])

    def asks(self) -> tuple[str, int]:
        """Send a question; who asks, as the server sees it."""
        self.datagrams.send(self.address, b"question")
        datagram, (host, port, *_) = self.server.recvfrom(99)
        assert datagram == b"question"
        return host, port

    def close(self) -> None:
        self.datagrams.close()
        self.ground.turn()
        self.server.close()
        self.ground.close()


@pytest.fixture(name="line", params=["127.0.0.1", "::1"])
def a_line(request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(request.param)
    yield line
    line.close()


def test_it_is_what_a_reactor_watches(line: Line) -> None:
    assert verifyObject(IReadDescriptor, line.datagrams)
    assert (line.datagrams.fileno(), line.datagrams.logPrefix()) == (-1, "dns")


def test_each_datagram_of_the_server_is_heard_up_to_the_limit_and_nothing_is_logged(line: Line) -> None:
    with capturedLogs() as logs:
        client = line.asks()
        for said in (b"one", b"", b"a long answer"):
            line.server.sendto(said, client)
        line.ground.until(lambda: len(line.heard) == 3)
        line.datagrams.close()
        line.ground.turn()
    assert line.heard == [b"one", b"", b"a long a"]
    assert logs == []


def test_nobody_else_is_heard(line: Line) -> None:
    client = line.asks()
    with socket.socket(line.server.family, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"psst", client)
    line.server.sendto(b"answer", client)
    line.ground.until(lambda: bool(line.heard))
    assert line.heard == [b"answer"]


def test_a_server_that_is_not_there_is_told_once(line: Line) -> None:
    address = line.address
    line.server.close()
    line.datagrams.send(address, b"question")
    line.ground.until(lambda: bool(line.broken))
    line.datagrams.connectionLost(Failure(ConnectionDone()))
    assert (line.broken, line.heard, line.datagrams.fileno()) == (1, [], -1)


def test_a_reactor_that_gives_it_up_has_it_closed_and_told(line: Line) -> None:
    line.asks()
    line.datagrams.connectionLost(Failure(ConnectionDone()))
    assert (line.broken, line.datagrams.fileno()) == (1, -1)


def test_after_the_end_nothing_is_heard_and_an_event_that_was_for_nothing_changes_nothing(line: Line) -> None:
    client = line.asks()
    line.datagrams.doRead()
    line.server.sendto(b"late", client)
    line.datagrams.close()
    line.datagrams.close()
    line.datagrams.doRead()
    line.ground.turn()
    assert (line.heard, line.broken, line.datagrams.fileno()) == ([], 0, -1)


@pytest.mark.parametrize("host", ["localhost", "255.255.255.255", "::1%none"])
def test_what_cannot_be_sent_raises_and_leaves_no_socket(line: Line, host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        line.datagrams.send(Address(host, 53), b"question")
    assert line.datagrams.fileno() == -1
