"""
What is set on, and read from, the socket of a connection that came in.

Part of accept. Works on any transport; one without a socket (in tests, or over a unix socket) is left as it is.
"""

from __future__ import annotations

import socket
from typing import Final

from twisted.internet.interfaces import IAddress, ITransport

from starship.addresses import plain_ip
from starship.words import Address

NOWHERE: Final = Address("0.0.0.0", 0)

PROBES: Final = 3
PROBE_INTERVAL_S: Final = 10


def address_of(address: IAddress) -> Address:
    """An IP address of Twisted's as ours: IPv4 never in IPv6's clothes, as a dual-stack listener reports it."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if not isinstance(host, str) or not isinstance(port, int):
        return NOWHERE
    return Address(plain_ip(host) if host.startswith("::ffff:") else host, port)


def prepare(transport: ITransport, keepalive: float) -> None:
    """
    Send without delay, and probe a client that is silent for `keepalive` seconds (0: never).

    A client that vanished without a word is noticed PROBES * PROBE_INTERVAL_S seconds after that: tcp(7).
    """
    handle = getattr(transport, "getHandle", lambda: None)()
    if not isinstance(handle, socket.socket) or handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if keepalive:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, round(keepalive)))
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_INTERVAL_S)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
