"""
The keys of how clusters are reached.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.keys.table import DAY, Section
from starship.config.values import IP, NETWORKS, PORTS, duration, size

UPSTREAM: Final = Section(
    title="upstream",
    owner=settings.Dialling,
    doc="How clusters are reached, and how long a carried connection may live.",
)
UPSTREAM.add("connect_timeout", duration(0.001, 300), "250ms", "One try to connect to one endpoint.")
UPSTREAM.add(
    "dial_timeout", duration(0.001, 600), "5s", "All tries for one client together; at least `connect_timeout`."
)
UPSTREAM.add("bind_address", IP, "192.0.2.1", "The local address to connect from. Without it: the kernel chooses.")
UPSTREAM.add(
    "allow",
    NETWORKS,
    "127.0.0.0/8",
    "Ranges that a lookup may name although they are forbidden: loopback, link-local, multicast, unspecified, our own.",
)
UPSTREAM.add(
    "deny", NETWORKS, "10.255.0.0/16", "Further ranges that a lookup may never name. `[routes]` are not bound by it."
)
UPSTREAM.add("ports", PORTS, "80, 443, 8000-8999", "The ports that a lookup may name. Without it: all.")
UPSTREAM.add(
    "idle_timeout", duration(1, 30 * DAY), "1h", "A connection that carries nothing either way is closed after this."
)
UPSTREAM.add(
    "splice_after",
    size(0, 1 << 30),
    "0",
    "A direction that has carried this much in large pieces is spliced in the kernel. 0: never.",
)
UPSTREAM.add(
    "half_close_timeout", duration(1, DAY), "30s", "The same once one side has finished and only the other may send."
)
UPSTREAM.add("lifetime", duration(1, 365 * DAY, "no limit"), "1d", "A connection is closed at this age. 0: no limit.")
