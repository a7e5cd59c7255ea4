"""
Manners: how TCP behaves on a connection of ours. Pure: wishes in, socket options out.

The ground underfoot. What is not wished for is no option at all, and costs no system call.
"""

from __future__ import annotations

import socket
from typing import Final

from attrs import frozen

PROBE_INTERVAL_S: Final = 10
PROBES: Final = 3
"""Of keepalive, where only the time until the first probe was said; the kernel's own 75 s and 9 are for other days."""


@frozen(kw_only=True)
class Manners:
    """
    Seconds; 0: not at all. `keepalive` is the idle time until the first probe, `interval` that between two of them; so
    many `probes` without an answer break the connection. `user_timeout`: as long as the peer may leave what was sent
    unacknowledged. `nodelay` switches Nagle's algorithm off, at the second write.

    Source: tcp(7), socket(7).
    """

    keepalive: float = 0.0
    interval: float = PROBE_INTERVAL_S
    probes: int = PROBES
    user_timeout: float = 0.0
    nodelay: bool = True

    def options(self) -> tuple[tuple[int, int, int], ...]:
        """The socket options: level, name, value."""
        tcp = socket.IPPROTO_TCP
        found = []
        if self.keepalive:
            found += [
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
                (tcp, socket.TCP_KEEPIDLE, max(1, round(self.keepalive))),
                (tcp, socket.TCP_KEEPINTVL, max(1, round(self.interval))),
                (tcp, socket.TCP_KEEPCNT, self.probes),
            ]
        if self.user_timeout:
            found.append((tcp, socket.TCP_USER_TIMEOUT, round(self.user_timeout * 1000)))
        return tuple(found)
