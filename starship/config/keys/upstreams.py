"""
The keys of how clusters are reached.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.homes import DNS_SERVERS
from starship.config.keys.balancing import add_balancing
from starship.config.keys.checks import add_checks
from starship.config.keys.table import DAY, HOUR, Section
from starship.config.values import BOOLEAN, IPS, NETWORKS, POLICY, PORTS, choice, duration, integer, size

UPSTREAM: Final = Section(
    title="upstream",
    owner=settings.Dialling,
    doc="How clusters are reached, and how long a carried connection may live.",
)

add_balancing(UPSTREAM)
UPSTREAM.add("preconnect_total", integer(1, 10_000), "1000", "All spare connections together, at most.")
UPSTREAM.add(
    "preconnect_idle",
    duration(0.1, HOUR),
    "5s",
    "How old a spare connection may get: less than an endpoint waits for the first byte of a client.",
)
UPSTREAM.add("preconnect_rate", integer(1, 10_000), "50", "So many of them are begun in a second, at most.")
add_checks(UPSTREAM)
UPSTREAM.add(
    "check_listed",
    integer(1, 10_000, "none"),
    "1000",
    "Endpoints that are checked although no pool of the file names them: of those that a lookup, a route or a listener"
    " lists, so many that clients used last. 0: none.",
)
UPSTREAM.add(
    "policy",
    POLICY,
    "round_robin",
    "How one of several endpoints is chosen that a lookup, a route or a listener names without a pool, where the lookup"
    " does not say.",
)
UPSTREAM.add(
    "dial_timeout", duration(0.001, 600), "5s", "All tries for one client together; at least `connect_timeout`."
)
UPSTREAM.add(
    "attempt_delay",
    duration(0.01, 2, "one after the other"),
    "500ms",
    "Where an endpoint's name has addresses of both families: how long one is tried before one of the other family is"
    " tried beside it. Whichever connects first is taken. 0: only when the first has failed.",
)
UPSTREAM.add(
    "dns",
    DNS_SERVERS,
    "127.0.0.1:5353, 10.0.0.53",
    "The DNS servers that are asked for the names of endpoints, in this order; such a name is asked for as it is"
    " written. Without it: as this machine's /etc/hosts and /etc/resolv.conf have it ([dns.md](dns.md)).",
)
UPSTREAM.add(
    "dns_timeout",
    duration(0.1, 60),
    "2s",
    "Until a name has its addresses, all servers and tries together; never more than half of `dial_timeout`.",
)
UPSTREAM.add("dns_min_ttl", duration(0.1, 3600), "5s", "An answer of a DNS server holds at least as long.")
UPSTREAM.add("dns_max_ttl", duration(1, DAY), "1m", "And at most as long; then it is asked for anew.")
UPSTREAM.add("dns_family", choice("both", "ipv4", "ipv6"), "ipv4", "Which addresses names are asked for.")
UPSTREAM.add(
    "bind_address",
    IPS,
    "192.0.2.1, 192.0.2.2, 2001:db8::1",
    "The local addresses to connect from, of either family, in turn; one that has no port left is passed by. Without"
    " any of an endpoint's family: the kernel chooses.",
    attribute="bind_addresses",
)
UPSTREAM.add(
    "keepalive",
    duration(1, DAY / 3, "off"),
    "2m",
    "A connection to an endpoint that has been silent for so long is probed (TCP keepalive), so that an endpoint whose"
    " machine is gone is noticed before `idle_timeout`.",
)
UPSTREAM.add("keepalive_interval", duration(1, HOUR), "30s", "From one probe to the next.")
UPSTREAM.add("keepalive_probes", integer(1, 127), "5", "So many probes without an answer end the connection.")
UPSTREAM.add(
    "user_timeout",
    duration(0.1, DAY, "as the kernel has it, some 15 minutes"),
    "30s",
    "How long an endpoint may leave unacknowledged what was sent to it (TCP_USER_TIMEOUT); it counts for the probes of"
    " `keepalive` too, and their number not any more.",
)
UPSTREAM.add(
    "nodelay",
    BOOLEAN,
    "no",
    "Whether small pieces go to endpoints at once (TCP_NODELAY), from the second write on: the first never waits.",
)
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
