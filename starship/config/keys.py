"""
Every key of the ini file, once: what it may be, what it does, and how it looks. The defaults are those of `settings`.

Part of `config`: `load` reads a file by this table, `reference` prints it. Knows no file and no line.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from attrs import field, frozen

from starship.config import settings
from starship.config.endpoints import DOORS, WINDOW
from starship.config.files import CA_FILE, DATA_FILE, DIRECTORY, LOG_FILE, LOGO, PEM_FILE, TOKEN_FILE
from starship.config.links import SUPPORT, URL, URLS
from starship.config.values import (
    BOOLEAN,
    COLOUR,
    IP,
    NETWORKS,
    PORTS,
    SUFFIXES,
    UPSTREAMS,
    Kind,
    choice,
    duration,
    integer,
    size,
    text,
)

DAY: Final = 86400.0
YEAR: Final = 365 * DAY
MIB: Final = 1024 * 1024
LISTENER: Final = "listener:"
"""How the name of a listener's section begins."""


@frozen(kw_only=True)
class Key:
    """
    One key. `attribute` is its field in the settings; `default` is attrs.NOTHING where the key is required.

    `hidden`: a mistake does not repeat the value, which may be or contain a secret.
    """

    name: str
    kind: Kind
    doc: str
    example: str
    attribute: str
    default: Any
    hidden: bool = False


@frozen(kw_only=True)
class Section:
    """One kind of section: `title` as the docs write it, the class of its settings, its keys by name."""

    title: str
    owner: type[Any]
    doc: str
    keys: dict[str, Key] = field(factory=dict)

    def add(self, name: str, kind: Kind, example: str, doc: str, *, attribute: str = "", hidden: bool = False) -> None:
        """Put a key into the table; its default is read from the settings."""
        attribute = attribute or name
        default = attrs.fields_dict(self.owner)[attribute].default
        self.keys[name] = Key(
            name=name, kind=kind, doc=doc, example=example, attribute=attribute, default=default, hidden=hidden
        )


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
    choice("tls", "http", "auto"),
    "tls",
    "What clients speak: TLS (routed by SNI, not decrypted), plain HTTP (by Host), or either, told by the first byte.",
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
    UPSTREAMS,
    "10.0.0.9:443",
    "Where a client goes that names no host (no SNI; no Host). Without it: refused with `no_name`.",
)
DOOR.add(
    "default",
    UPSTREAMS,
    "10.0.0.9:443",
    "Where a client goes whose host is unknown. Without it: a miss. A lookup that fails never leads here.",
)

ROUTES: Final = Section(
    title="routes",
    owner=settings.Settings,
    doc=(
        "Hosts whose home is written here, before the API is asked. The key is a hostname or a wildcard"
        " `*.example.com`, which covers every name below it at any depth and not example.com itself; an exact name"
        " wins, then the longest wildcard. The value is one or more endpoints between commas: `ip`, `ip:port`,"
        " `[v6]:port`, `name` or `name:port`. Example: `www.example.com = 10.0.0.24, 10.0.0.25:8443`."
    ),
)

LOOKUP: Final = Section(
    title="lookup",
    owner=settings.Lookup,
    doc="The API that knows where a host lives. The whole section may be left out when `[routes]` knows all hosts.",
)
LOOKUP.add(
    "url",
    URL,
    "http://127.0.0.1:8000/?host={host}",
    "What is asked with GET. `{host}` stands once, in the path or the query, and becomes the percent-encoded name.",
    hidden=True,
)
LOOKUP.add("connect_timeout", duration(0.001, 60), "250ms", "How long connecting to the API may take.")
LOOKUP.add("timeout", duration(0.001, 300), "2s", "How long a question may take from start to end of the answer.")
LOOKUP.add("concurrency", integer(1, 65536), "64", "Questions in flight at once. Beyond it: `lookup_busy`.")
LOOKUP.add("answer_limit", size(256, MIB), "16 KiB", "A longer answer is a failed lookup.")
LOOKUP.add(
    "token_file",
    TOKEN_FILE,
    "/etc/starship/token",
    "A file with the token for `Authorization: Bearer`. The token itself never stands in the ini file.",
    hidden=True,
)
LOOKUP.add(
    "ca_file", CA_FILE, "/etc/starship/ca.pem", "Who may sign the certificate of an https API. Without it: the system."
)
LOOKUP.add(
    "client_certificate",
    PEM_FILE,
    "/etc/starship/client.pem",
    "The certificate to show to an https API, with its chain.",
    hidden=True,
)
LOOKUP.add("client_key", PEM_FILE, "/etc/starship/client.key", "The key of that certificate.", hidden=True)
LOOKUP.add(
    "miss_on_error", BOOLEAN, "yes", "Treat a failed lookup as an unknown host (404), as the first Starship did."
)
LOOKUP.add(
    "fallback_urls",
    URLS,
    "http://10.0.0.3:8000/?host={host}",
    "Further APIs that know the same, one a line: each is asked when the one before fails.",
    hidden=True,
)
LOOKUP.add("wait", duration(0.001, 600), "3s", "How long one client waits for an answer, whatever is tried meanwhile.")
LOOKUP.add("queue", integer(0, 1_000_000), "256", "Questions that may wait their turn when `concurrency` is reached.")
LOOKUP.add("queue_timeout", duration(0.001, 60), "250ms", "How long they wait. Beyond either: `lookup_busy`.")
LOOKUP.add(
    "breaker_failures",
    integer(1, 1000, "never"),
    "10",
    "Failures in a row after which an API is tried by single questions only. 0: never.",
)
LOOKUP.add("breaker_interval", duration(0.1, 60), "1s", "The longest time from one such question to the next.")
LOOKUP.add(
    "retry_after_limit", duration(0, 3600), "1m", "How long at most an API's `Retry-After` keeps us from asking it."
)

CACHE: Final = Section(
    title="cache",
    owner=settings.Cache,
    doc="What is remembered of the API's answers. Routes and misses live apart: scanners never push a route out.",
)
CACHE.add("ttl", duration(0, YEAR), "5m", "How long a route is remembered when the answer does not say. 0: for ever.")
CACHE.add("neg_ttl", duration(0, YEAR), "30s", "The same for an unknown host. 0: for ever.")
CACHE.add(
    "stale_ttl",
    duration(0, 30 * DAY),
    "1h",
    "How long beyond that a route is served while the lookup fails, when the answer does not say.",
)
CACHE.add(
    "stale_while_revalidate",
    duration(0, DAY),
    "5s",
    "How long after its time a route in use is served at once while it is asked about anew. 0: never.",
)
CACHE.add(
    "refresh_ahead",
    integer(0, 90),
    "20",
    "A route that is used in the last so many per cent of its time is asked about before it expires. 0: never.",
)
CACHE.add("min_ttl", duration(0, DAY), "5s", "What an answer says of its time counts as at least this (0 stays 0).")
CACHE.add("max_ttl", duration(0.001, YEAR), "1h", "And as at most this, for a route.")
CACHE.add("max_neg_ttl", duration(0.001, YEAR), "10m", "The same for an unknown host.")
CACHE.add("max_stale_ttl", duration(0, YEAR), "2d", "The same for the time that a route may be served stale.")
CACHE.add(
    "error_ttl", duration(0, 60), "500ms", "How long a name is not asked about again after its lookup failed. 0: off."
)
CACHE.add("max_error_ttl", duration(0, 300), "30s", "It doubles with each failure in a row, up to this.")
CACHE.add(
    "renew_interval",
    duration(0, 3600),
    "30s",
    "A host whose route does not work is asked about again at most once in this time.",
)
CACHE.add("routes", integer(1, 10_000_000), "500000", "Routes kept at most; the least recently used one goes first.")
CACHE.add("misses", integer(1, 10_000_000), "50000", "Unknown hosts kept at most.")
CACHE.add("routes_size", size(65536, 64 * 1024 * MIB), "1024 MiB", "The same in bytes of memory, roughly, for routes.")
CACHE.add("misses_size", size(65536, 64 * 1024 * MIB), "64 MiB", "And for unknown hosts.")
CACHE.add(
    "snapshot",
    DATA_FILE,
    "/var/lib/starship/routes",
    "A file that keeps the routes over a restart. Without it: none is kept.",
)
CACHE.add("snapshot_interval", duration(1, DAY), "10m", "How often it is written; and once more at the stop.")

NAMES: Final = Section(
    title="names",
    owner=settings.Names,
    doc=(
        "Which names are ever looked up, and how many may turn out to be unknown: random names then cost the API a"
        " bounded rate. Names that are known, and names that lead somewhere, are never counted."
    ),
)
NAMES.add(
    "suffixes",
    SUFFIXES,
    "example.com, example.net",
    "Only these names and those below them are looked up; all others are unknown at once. Without it: all.",
)
NAMES.add(
    "new_per_source",
    integer(1, 1_000_000, "no limit"),
    "50",
    "Unknown names a second that one client address (IPv6: one /64) may have looked up in the long run. 0: no limit.",
)
NAMES.add("burst_per_source", integer(1, 10_000_000), "1000", "How many of them at once.")
NAMES.add("new_overall", integer(1, 10_000_000, "no limit"), "2000", "The same for all clients together. 0: no limit.")
NAMES.add("burst_overall", integer(1, 10_000_000), "10000", "How many of them at once.")

SHADOW: Final = Section(
    title="shadow",
    owner=settings.Shadow,
    doc=(
        "A second API to be tried on real names: it is asked after the first one, compared, and never used."
        " Differences are counted and logged. It gets the same token and certificates."
    ),
)
SHADOW.add("url", URL, "http://10.0.0.9:8000/?host={host}", "What is asked, as `[lookup] url`.", hidden=True)
SHADOW.add("fraction", integer(1, 100), "10", "How many per cent of the names, always the same ones.")

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
    "keepalive", duration(1, 32767, "off"), "2m", "Idle time before the first TCP keepalive probe to a client. 0: off."
)

PAGES: Final = Section(title="pages", owner=settings.Pages, doc="How refusals look over plain HTTP.")
PAGES.add("brand", text(64), "Acme Hosting", "The name on the pages.")
PAGES.add("colour", COLOUR, "#0f766e", "The colour of the pages' accents.")
PAGES.add("logo", LOGO, "/etc/starship/logo.svg", "A picture of at most 32 KiB, sent within the page.")
PAGES.add(
    "support", SUPPORT, "mailto:help@example.com", "Where the pages send people: an https:, http: or mailto: link."
)
PAGES.add("templates", DIRECTORY, "/etc/starship/pages", "A directory whose files replace ours, name by name.")
PAGES.add("retry_after", duration(1, DAY), "30s", "What `Retry-After` says when the lookup does not work.")

ACCESS_LOG: Final = Section(
    title="access_log", owner=settings.AccessLog, doc="One line for each connection that ended, and why."
)
ACCESS_LOG.add("enabled", BOOLEAN, "no", "Write the access log.")
ACCESS_LOG.add(
    "path", LOG_FILE, "/var/log/starship/access.log", "`-` for the standard output, or a file, reopened on SIGUSR1."
)
ACCESS_LOG.add("format", choice("text", "json"), "json", "One line of text, or one JSON object a line.")

ADMIN: Final = Section(
    title="admin", owner=settings.Admin, doc="Metrics and health, why a name goes where it goes, and the cache."
)
ADMIN.add(
    "endpoint",
    WINDOW,
    "unix:/run/starship/admin.sock:mode=660",
    "Where the admin site listens: `tcp:`, `tcp6:`, `unix:` or `systemd:`. Empty: nowhere.",
)
ADMIN.add(
    "token_file",
    TOKEN_FILE,
    "/etc/starship/admin-token",
    "A file with the token (`Authorization: Bearer`) that pages which show names or change something want. Without it"
    " they are there where no other machine reaches the endpoint: loopback and unix sockets.",
    hidden=True,
)

SECTIONS: Final[dict[str, Section]] = {
    section.title: section
    for section in (STARSHIP, DOOR, ROUTES, LOOKUP, CACHE, NAMES, SHADOW, UPSTREAM, LIMITS, PAGES, ACCESS_LOG, ADMIN)
}
