"""
The keys of what clients meet: the service, its listeners, the routes that are written down, the limits.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.endpoints import DOORS
from starship.config.homes import ENDPOINTS
from starship.config.keys.table import DAY, MIB, Section
from starship.config.values import NETWORKS, REDIRECT, choice, duration, integer, size

STARSHIP: Final = Section(title="starship", owner=settings.Settings, doc="How the service itself stops.")
STARSHIP.add(
    "drain_timeout", duration(0, DAY), "2m", "How long connections may go on after SIGTERM before they are closed."
)
STARSHIP.add(
    "lame_duck",
    duration(0, 3600),
    "5s",
    "How long `/readyz` says 503 before listening stops, so that a balancer in front looks elsewhere first.",
)

DOOR: Final = Section(
    title="listener:NAME",
    owner=settings.Listener,
    doc=(
        "One door; any number of them, at least one. NAME (letters, digits, `_`, `.` and `-`) stands in logs and"
        " metrics."
    ),
)
DOOR.add(
    "protocol",
    choice("tls", "http", "auto", "tcp"),
    "tls",
    "What clients speak: TLS (routed by SNI, not decrypted), plain HTTP (by Host), or either, told by the first byte;"
    " `tcp` is anything: nothing is read, and all goes to `upstream`.",
)
DOOR.add(
    "endpoint",
    DOORS,
    "tcp6:443",
    "Where to listen, in Twisted's spelling, one endpoint a line: `tcp:`, `tcp6:` or `systemd:`.",
    attribute="endpoints",
)
DOOR.add(
    "upstream_port",
    integer(1, 65535),
    "8443",
    "The port meant by an endpoint that names none. Without it: the port that the client connected to.",
)
DOOR.add(
    "backlog", integer(1, 65535), "1024", "Connections that the kernel may hold for us; it caps this at somaxconn."
)
DOOR.add("allow", NETWORKS, "10.0.0.0/8, 2001:db8::/32", "The clients that may come in. Without it: all.")
DOOR.add("deny", NETWORKS, "192.0.2.0/24", "Clients that may not come in. Read before `allow`.")
DOOR.add(
    "no_name",
    ENDPOINTS,
    "10.0.0.9:443",
    "Where a client goes that names no host (no SNI; no Host). Without it: refused with `no_name`.",
)
DOOR.add(
    "default",
    ENDPOINTS,
    "10.0.0.9:443",
    "Where a client goes whose host is unknown. Without it: a miss. A lookup that fails never leads here.",
)

DOOR.add("upstream", ENDPOINTS, "10.0.0.9:25", "Where every client of a listener with `protocol = tcp` goes.")
DOOR.add(
    "proxy_protocol",
    choice("off", "required"),
    "required",
    "Whether clients come through a balancer that says who they are ([client-address.md](client-address.md)). Never"
    " guessed: `required` refuses who sends no PROXY header, `off` takes one for the client's own bytes.",
)
DOOR.add(
    "proxy_trusted",
    NETWORKS,
    "10.0.0.0/24",
    "The balancers' own addresses: the header is believed from there, and others may not come in.",
)
DOOR.add(
    "mode",
    choice("requests", "tunnel"),
    "tunnel",
    "`requests`: plain HTTP is routed request by request. `tunnel`: the first request decides for its connection, and"
    " the bytes pass untouched ([http.md](http.md) says what that misroutes). TLS is always a tunnel.",
)
DOOR.add(
    "redirect",
    REDIRECT,
    "https",
    "Answer plain HTTP with 308 to https, at port 443 or the one that is said; not the challenges of ACME.",
)

ROUTES: Final = Section(
    title="routes",
    owner=settings.Settings,
    doc=(
        "Hosts whose home is written here, before the API is asked. The key is a hostname or a wildcard"
        " `*.example.com`, which covers every name below it at any depth and not example.com itself; an exact name"
        " wins, then the longest wildcard. The value is one or more endpoints between commas: `ip`, `ip:port`,"
        " `[v6]:port`, `name` or `name:port`. Example: `www.example.com = 10.0.0.24, 10.0.0.25:8443`.\n\n"
        "On plain HTTP a line may be for a path of a host: `www.example.com/api = 10.0.0.5` for /api and all below it,"
        " `www.example.com/health exact = 10.0.0.6` for that path alone, `www.example.com/app -> / = 10.0.0.7` with"
        " /app/x passed on as /x. An exact path wins, then the longest prefix, then the line of the host itself; a host"
        " that has lines for paths alone answers 404 to all others. `www.example.com redirect = 10.0.0.24` sends plain"
        " HTTP to https."
    ),
)

LIMITS: Final = Section(
    title="limits",
    owner=settings.Limits,
    doc="What a client may take before it is routed, and how many may come.",
)
LIMITS.add(
    "hello_timeout",
    duration(0.1, 300),
    "5s",
    "The TLS hello or the HTTP head is complete by then, counted from accept and never restarted by another byte.",
)
LIMITS.add("hello_size", size(4096, MIB), "16 KiB", "The longest TLS hello, record headers included.")
LIMITS.add("head_size", size(16384, MIB), "16 KiB", "The longest HTTP request head.")
LIMITS.add("fields", integer(16, 1000), "50", "The most header fields of a request or response over plain HTTP.")
LIMITS.add(
    "connections", integer(1, 10_000_000, "no limit"), "50000", "Clients connected at once. 0: no limit of our own."
)
LIMITS.add(
    "connections_per_source",
    integer(1, 10_000_000, "no limit"),
    "200",
    "The same for one client address (IPv6: one /64). 0: no limit.",
)
LIMITS.add(
    "new_per_source",
    integer(1, 1_000_000, "no limit"),
    "20",
    "New connections a second from one client address (IPv6: one /64) in the long run. 0: no limit.",
)
LIMITS.add("burst_per_source", integer(1, 10_000_000), "100", "How many of them at once.")
LIMITS.add(
    "proxy_timeout",
    duration(0.1, 300),
    "3s",
    "The balancer's PROXY header is complete by then, counted from accept; `hello_timeout` begins when it is.",
)
LIMITS.add(
    "keepalive", duration(1, 32767, "off"), "2m", "Idle time before the first TCP keepalive probe to a client. 0: off."
)
