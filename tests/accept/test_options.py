"""What is set on the socket of a connection that came in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.testing import StringTransport

from starship.accept.options import NOWHERE, PROBE_INTERVAL_S, PROBES, address_of, prepare
from starship.words import Address


@define(eq=False)
class Held:
    """As much of a transport as has a socket."""

    handle: object

    def getHandle(self) -> object:
        return self.handle


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6) as made:
        yield made


def prepared(handle: object, keepalive: float) -> None:
    transport: Any = Held(handle)
    prepare(transport, keepalive)


def test_small_writes_are_not_delayed(tcp: socket.socket) -> None:
    prepared(tcp, 0)
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize(("keepalive", "idle"), [(60.0, 60), (0.2, 1), (32767.0, 32767)])
def test_a_silent_client_is_probed(tcp: socket.socket, keepalive: float, idle: int) -> None:
    prepared(tcp, keepalive)
    assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == idle
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == PROBE_INTERVAL_S
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == PROBES


def test_what_has_no_tcp_socket_is_left_as_it_is() -> None:
    prepare(StringTransport(), 60.0)
    with socket.socket(socket.AF_UNIX) as unix:
        prepared(unix, 60.0)


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        (IPv4Address("TCP", "192.0.2.7", 80), Address("192.0.2.7", 80)),
        (IPv6Address("TCP", "2001:db8::7", 80), Address("2001:db8::7", 80)),
        (IPv6Address("TCP", "::ffff:192.0.2.7", 80), Address("192.0.2.7", 80)),
        (UNIXAddress("/run/starship.sock"), NOWHERE),
    ],
)
def test_an_address_has_one_spelling(address: IAddress, ours: Address) -> None:
    assert address_of(address) == ours
