"""Connecting: at once, later, not at all, and given up."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from zope.interface.verify import verifyObject

from starship.interfaces import ICancel, ILeg
from starship.wire.connect import connect_on
from starship.words import Address, Stop
from tests.fakes import FakeLeg, errors_in
from tests.wire.bench import Bench, bench, drink, log

__all__ = ["bench", "log"]

FAR = "0.0.0.0"
"""This machine, by a name that is not taken for near: the connect is over with an event."""


class Dials:
    """Connects on a bench, and remembers what came of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.clock = bench, Clock()
        self.legs: list[Any] = []
        self.errors: list[OSError] = []
        self.connect = connect_on(bench.ground, self.clock)

    def dial(self, host: str, port: int, bind: str | None = None) -> ICancel:
        return self.connect(Address(host, port), bind, 3.0, self.connected, self.errors.append)

    def connected(self, leg: ILeg) -> None:
        made: Any = leg
        self.legs.append(made)
        self.bench.legs.append(made)

    @property
    def calls(self) -> int:
        return len(self.legs) + len(self.errors)

    def over(self) -> None:
        self.bench.until(lambda: self.calls == 1)
        self.bench.turns()
        assert self.calls == 1
        assert self.clock.getDelayedCalls() == []


@pytest.fixture
def dials(bench: Bench) -> Dials:
    return Dials(bench)


@pytest.fixture
def server(bench: Bench) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def nobody_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return int(closed.getsockname()[1])


@pytest.fixture
def full(bench: Bench) -> Iterator[socket.socket]:
    """A listener whose backlog is full: a connect waits."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            bench.socks.append(filler)
        yield listener


@pytest.mark.parametrize("host", ["127.0.0.1", FAR, "::ffff:127.0.0.1"])
def test_it_connects_and_the_leg_is_watched_already(dials: Dials, server: socket.socket, host: str) -> None:
    cancel = dials.dial(host, server.getsockname()[1])
    verifyObject(ICancel, cancel)
    dials.over()
    (leg,) = dials.legs
    peer, _ = server.accept()
    peer.setblocking(False)
    dials.bench.socks.append(peer)
    leg.send(b"opening")
    dials.bench.turns()
    assert drink(peer) == b"opening"
    peer.send(b"answer")
    dials.bench.until(lambda: leg.received == 6)
    assert leg.take() == b"answer"
    assert leg.remote == (host, server.getsockname()[1])
    cancel.cancel()  # too late to matter
    assert leg.fd >= 0


@pytest.mark.parametrize("host", ["127.0.0.1", FAR])
def test_a_server_that_speaks_first_and_ends_is_heard_whole(dials: Dials, server: socket.socket, host: str) -> None:
    dials.dial(host, server.getsockname()[1])
    peer, _ = server.accept()
    peer.sendall(b"220 hello")
    peer.close()
    dials.over()
    to, stops = FakeLeg(), list[Stop]()
    dials.legs[0].carry(to, None, stops.append)
    dials.bench.until(lambda: stops == [Stop.ENDED])
    assert bytes(to.data) == b"220 hello"


@pytest.mark.parametrize("host", ["127.0.0.1", FAR])
def test_f9_a_closed_port_refuses(dials: Dials, nobody_port: int, host: str) -> None:
    dials.dial(host, nobody_port)
    dials.over()
    assert dials.errors[0].errno == errno.ECONNREFUSED


def test_f10_who_does_not_answer_is_given_up_at_the_timeout(dials: Dials, full: socket.socket) -> None:
    dials.dial(*full.getsockname())
    dials.bench.turns()
    dials.clock.advance(2.9)
    assert dials.calls == 0
    dials.clock.advance(0.2)
    dials.over()
    assert isinstance(dials.errors[0], TimeoutError)


def test_a_connect_that_waits_is_told_when_it_is_through(dials: Dials, full: socket.socket) -> None:
    dials.dial(*full.getsockname())
    dials.bench.turns()
    assert dials.calls == 0
    dials.bench.socks += [full.accept()[0]]
    dials.over()  # at the next SYN, a second later
    assert dials.legs


def test_cancelled_nobody_is_told_and_nothing_is_left(dials: Dials, full: socket.socket) -> None:
    cancel = dials.dial(*full.getsockname())
    cancel.cancel()
    cancel.cancel()
    dials.bench.turns()
    dials.clock.advance(10)
    assert dials.calls == 0
    assert dials.clock.getDelayedCalls() == []


def test_our_end_is_bound_where_it_is_asked_for(dials: Dials, server: socket.socket) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1], bind="127.0.0.9")
    dials.over()
    peer, (host, _) = server.accept()
    peer.close()
    assert host == "127.0.0.9"


@pytest.mark.parametrize(("bind", "code"), [("192.0.2.77", errno.EADDRNOTAVAIL), ("::1", None)])
def test_f13_an_address_that_cannot_be_bound_is_refused(
    dials: Dials, server: socket.socket, bind: str, code: int | None
) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1], bind=bind)
    dials.over()
    assert code is None or dials.errors[0].errno == code


def test_f12_without_descriptors_it_is_refused(dials: Dials, server: socket.socket) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        dials.dial("127.0.0.1", server.getsockname()[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    dials.over()
    assert dials.errors[0].errno == errno.EMFILE


def test_a_connection_whose_taker_breaks_is_ended(dials: Dials, server: socket.socket, log: Sequence[LogEvent]) -> None:
    def boom(leg: ILeg) -> None:
        dials.connected(leg)
        raise RuntimeError("boom")

    port = server.getsockname()[1]
    dials.connect(Address(FAR, port), None, 3.0, boom, dials.errors.append)
    dials.over()
    with pytest.raises(RuntimeError):
        dials.connect(Address("127.0.0.1", port), None, 3.0, boom, dials.errors.append)
    assert [leg.fd for leg in dials.legs] == [-1, -1]
    assert len(errors_in(log)) == 1


def test_a_leg_may_be_aborted_as_soon_as_it_is_handed_over(dials: Dials, server: socket.socket) -> None:
    for host in ("127.0.0.1", FAR):
        dials.connect(Address(host, server.getsockname()[1]), None, 3.0, lambda leg: leg.abort(), dials.errors.append)
        dials.bench.turns(10)
    assert dials.errors == []
    assert dials.clock.getDelayedCalls() == []
