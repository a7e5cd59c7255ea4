"""System calls on raw descriptors."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from starship.wire.libc import reset_on_close, send_at_once, shut_write, unacknowledged
from tests.wire.bench import arrived, hears, stuff, tcp_pair, wait


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = tcp_pair()
    yield ours, peer
    ours.close()
    peer.close()


def test_our_end_of_stream_is_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    assert shut_write(ours.fileno())
    wait(lambda: hears(peer) == "end")
    peer.send(b"still heard")
    wait(lambda: arrived(ours) == len(b"still heard"))
    assert ours.recv(100) == b"still heard"


def test_small_writes_go_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    assert send_at_once(ours.fileno())
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_closing_resets(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    assert reset_on_close(ours.fileno())
    ours.close()
    wait(lambda: hears(peer) == "reset")


@pytest.mark.parametrize("call", [shut_write, send_at_once, reset_on_close])
def test_a_descriptor_that_is_none_is_false_and_nothing_is_raised(call: object) -> None:
    assert callable(call)
    assert call(-1) is False


def test_a_connection_that_is_gone_takes_no_end(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reset_on_close(peer.fileno())
    peer.close()
    wait(lambda: hears(ours) == "reset")
    assert shut_write(ours.fileno()) is False


def test_what_the_peer_has_yet_to_confirm_is_known_with_our_end_of_stream(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    size = stuff(ours)
    assert 0 < unacknowledged(ours.fileno()) <= size
    wait(lambda: unacknowledged(ours.fileno()) + arrived(peer) == size)  # the peer confirms what it has, soon
    shut_write(ours.fileno())
    wait(lambda: unacknowledged(ours.fileno()) + arrived(peer) == size + 1)
    wait(lambda: hears(peer) == "end")
    wait(lambda: not unacknowledged(ours.fileno()))


def test_of_no_socket_nothing_is_waited_for() -> None:
    assert unacknowledged(-1) == 0
