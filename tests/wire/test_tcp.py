"""Manners: socket options for what is wished for, and none for what is not."""

from __future__ import annotations

import socket

import pytest

from starship.wire.tcp import Manners

TCP = socket.IPPROTO_TCP


def test_nothing_is_wished_for_nothing_is_set() -> None:
    assert Manners().options() == ()
    assert Manners(interval=7.0, probes=9, nodelay=False).options() == ()


def test_keepalive_has_its_three_numbers() -> None:
    assert Manners(keepalive=60.0, interval=5.0, probes=4).options() == (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (TCP, socket.TCP_KEEPIDLE, 60),
        (TCP, socket.TCP_KEEPINTVL, 5),
        (TCP, socket.TCP_KEEPCNT, 4),
    )


def test_the_user_timeout_is_told_in_milliseconds() -> None:
    assert Manners(user_timeout=2.5).options() == ((TCP, socket.TCP_USER_TIMEOUT, 2500),)


@pytest.mark.parametrize(
    "manners",
    [
        Manners(keepalive=1.0, interval=1.0, probes=1, user_timeout=0.1),
        Manners(keepalive=28_800.0, interval=3600.0, probes=127, user_timeout=86_400.0),
    ],
)
def test_the_kernel_takes_the_ends_of_each_range(manners: Manners) -> None:
    with socket.socket() as sock:
        for level, name, value in manners.options():
            sock.setsockopt(level, name, value)
            assert sock.getsockopt(level, name) == value
