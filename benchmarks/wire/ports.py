"""
Ports to listen at: below those that the kernel gives to clients, so that none is taken between two starts.

Part of the benchmarks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FIRST: Final = 20_000
RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports() -> Iterator[int]:
    """One after another, each free on loopback at this moment; runs at the same time begin at different places."""
    ceiling = int(RANGE.read_text().split()[0])
    first = FIRST if ceiling > FIRST + 1000 else 1024
    count = ceiling - first
    start = os.getpid() * 97
    ports = (first + (start + number) % count for number in range(count))
    return filter(_is_free, ports)


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
