"""Source addresses in a network of our own, where each has two ports."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import socket
from pathlib import Path
from twisted.internet.task import Clock
from starship.wire.connect import connect_on
from starship.wire.ground import Ground
from starship.wire.loop import WireLoop
from starship.words import Address
Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40001")
server = socket.create_server(("127.0.0.1", 5000), backlog=50)
loop = WireLoop()
connect = connect_on(Ground(loop), Clock())
legs, errors = [], []
for _ in range(5):
    before = len(legs) + len(errors)
    connect(Address("127.0.0.1", 5000), ("127.0.0.2", "127.0.0.3"), 3.0, legs.append, errors.append)
    while len(legs) + len(errors) == before:  # the kernel may take its time
        loop.turn(0.1)
print(*sorted(str(leg.local()) for leg in legs), *[error.errno for error in errors])
"""


@pytest.mark.system
def test_f13_where_an_address_has_no_port_left_the_next_one_is_taken() -> None:
    said = subprocess.run(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" -c "$1"', sys.executable, PROGRAM],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert said.stdout.split() == ["127.0.0.2:40000", "127.0.0.2:40001", "127.0.0.3:40000", "127.0.0.3:40001", "99"]
