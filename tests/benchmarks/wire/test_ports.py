"""Ports do not get in each other's way."""

from __future__ import annotations

import socket
from itertools import islice

from benchmarks.wire.ports import RANGE, free_ports


def test_ports_are_free_different_and_not_those_of_clients() -> None:
    found = list(islice(free_ports(), 20))
    assert len(set(found)) == 20
    assert max(found) < int(RANGE.read_text().split()[0])


def test_a_port_that_is_taken_is_left_out() -> None:
    first = next(free_ports())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        assert next(free_ports()) != first
