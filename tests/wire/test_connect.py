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
from starship.wire.tcp import Manners
from starship.words import Address, Stop
from tests.fakes import FakeLeg, errors_in
from tests.loopback import closed_port, crowded
from tests.wire.bench import PATIENCE_S, Bench, bench, log

__all__ = ["bench", "log"]

FAR = "0.0.0.0"
"""This machine, by a name that is not taken for near: the connect is over with an event."""


class Dials:
    """Connects on a bench, and remembers what came of it."""

    def __init__(self, bench: Bench, manners: Manners | None = None) -> None:
        self.bench, self.clock = bench, Clock()
        self.legs: list[Any] = []
        self.errors: list[OSError] = []
        self.connect = connect_on(bench.ground, self.clock, manners or Manners())

    def dial(self, host: str, port: int, *bind: str) -> ICancel:
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
        listener.settimeout(PATIENCE_S)  # a test whose dial failed fails as well
        yield listener


@pytest.fixture
def nobody_port() -> Iterator[int]:
    with closed_port() as port:
        yield port


@pytest.fixture
def full(bench: Bench) -> Iterator[socket.socket]:
    with crowded() as listener:
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
    assert dials.bench.drinks(peer, 7) == b"opening"
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
    dials.dial("127.0.0.1", server.getsockname()[1], "127.0.0.9")
    dials.over()
    peer, (host, _) = server.accept()
    peer.close()
    assert host == "127.0.0.9"


def test_an_address_that_cannot_be_had_is_passed_by(dials: Dials, server: socket.socket) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1], "192.0.2.77", "192.0.2.78", "127.0.0.9", "127.0.0.8")
    dials.over()
    assert dials.legs
    peer, (came_from, _) = server.accept()
    peer.close()
    assert came_from == "127.0.0.9"


def test_where_none_can_be_had_it_is_refused_once(dials: Dials, server: socket.socket) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1], "192.0.2.77", "192.0.2.78")
    dials.over()
    assert dials.errors[0].errno == errno.EADDRNOTAVAIL


def test_the_port_is_chosen_when_the_endpoint_is_known_over_both_families(dials: Dials) -> None:
    """IP_BIND_ADDRESS_NO_PORT: two connections to two endpoints may have the same port of ours."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((host, 0), family=family) as listener:
            dials.dial(host, listener.getsockname()[1], host)
            dials.bench.until(lambda: bool(dials.calls))
            assert dials.errors == []
            peer, _ = listener.accept()
            peer.close()
        with socket.socket(fileno=os.dup(dials.legs[0].fd)) as made:
            assert made.getsockopt(socket.IPPROTO_IP, 24) == 1  # ip(7); Python 3.11 has no word for it
            assert made.getsockname()[0] == host
        dials.legs.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", FAR])
def test_each_connection_has_the_manners_that_were_asked_for(bench: Bench, server: socket.socket, host: str) -> None:
    manners = Manners(keepalive=60.0, interval=5.0, probes=4, user_timeout=2.5, nodelay=False)
    dials = Dials(bench, manners)
    dials.dial(host, server.getsockname()[1])
    dials.over()
    (leg,) = dials.legs
    for _ in range(3):
        leg.send(b"piece")
    with socket.socket(fileno=os.dup(leg.fd)) as made:
        found = [made.getsockopt(level, name) for level, name, _ in manners.options()]
        assert found == [value for _, _, value in manners.options()]
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0


def test_nagle_is_off_from_the_second_write_unless_it_is_wished_for(dials: Dials, server: socket.socket) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1])
    dials.over()
    (leg,) = dials.legs
    with socket.socket(fileno=os.dup(leg.fd)) as made:
        for expected in (0, 1):
            leg.send(b"piece")
            assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == expected
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


@pytest.mark.parametrize(("bind", "code"), [("192.0.2.77", errno.EADDRNOTAVAIL), ("::1", None)])
def test_f13_an_address_that_cannot_be_bound_is_refused(
    dials: Dials, server: socket.socket, bind: str, code: int | None
) -> None:
    dials.dial("127.0.0.1", server.getsockname()[1], bind)
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
    dials.connect(Address(FAR, port), (), 3.0, boom, dials.errors.append)
    dials.over()
    told = 1
    try:
        dials.connect(Address("127.0.0.1", port), (), 3.0, boom, dials.errors.append)
    except RuntimeError:  # over at once: it is the caller's
        told = 0
    dials.bench.until(lambda: len(dials.legs) == 2)
    dials.bench.turns()
    assert [leg.fd for leg in dials.legs] == [-1, -1]
    assert len(errors_in(log)) == 1 + told


def test_a_leg_may_be_aborted_as_soon_as_it_is_handed_over(dials: Dials, server: socket.socket) -> None:
    aborted = list[ILeg]()

    def abort(leg: ILeg) -> None:
        aborted.append(leg)
        leg.abort()

    for host in ("127.0.0.1", FAR):
        dials.connect(Address(host, server.getsockname()[1]), (), 3.0, abort, dials.errors.append)
    dials.bench.until(lambda: len(aborted) == 2)
    dials.bench.turns(10)
    assert dials.errors == []
    assert dials.clock.getDelayedCalls() == []
