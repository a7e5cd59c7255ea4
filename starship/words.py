"""
The nouns that every room shares, all frozen, and the closed lists of how things end.

Floor 2: knows names, nothing else. The log, the metrics, the pages, the alerts, explain and the docs use these
words and no others; a new way to fail is a new row of `ROWS` and a test, or it already had a name.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

from attrs import field, frozen

from starship.names import Hostname


class Mood(StrEnum):
    """How it went."""

    CARRIED = "carried"
    MISSED = "missed"
    REFUSED = "refused"
    SILENT = "silent"
    GONE = "gone"
    UNREACHABLE = "unreachable"
    SEVERED = "severed"
    BROKEN = "broken"


class Origin(StrEnum):
    """Where the answer came from: the third word of an Ending."""

    STATIC = "static"
    FRESH = "fresh"
    HIT = "hit"
    STALE = "stale"
    NEGATIVE = "negative"
    NONE = "none"


class Reason(StrEnum):
    """Why it went so. `row` is its line in the table."""

    OK = "ok"
    UNKNOWN_NAME = "unknown_name"
    NO_NAME = "no_name"
    BAD_NAME = "bad_name"
    BAD_HELLO = "bad_hello"
    BAD_HEAD = "bad_head"
    HELLO_TOO_BIG = "hello_too_big"
    HELLO_TIMEOUT = "hello_timeout"
    WRONG_DOOR = "wrong_door"
    DENIED = "denied"
    OVER_LIMIT = "over_limit"
    MAINTENANCE = "maintenance"
    LOOKUP_TIMEOUT = "lookup_timeout"
    LOOKUP_REFUSED = "lookup_refused"
    LOOKUP_5XX = "lookup_5xx"
    LOOKUP_INVALID = "lookup_invalid"
    LOOKUP_BUSY = "lookup_busy"
    UPSTREAM_REFUSED = "upstream_refused"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_UNRESOLVED = "upstream_unresolved"
    UPSTREAM_FORBIDDEN = "upstream_forbidden"
    UPSTREAM_RESET = "upstream_reset"
    CLIENT_GONE = "client_gone"
    IDLE = "idle"
    LIFETIME = "lifetime"
    DRAINED = "drained"
    INTERNAL = "internal"

    @property
    def row(self) -> Row:
        """The table's line for this reason."""
        return ROWS[self]


@frozen(kw_only=True)
class Row:
    """
    What a reason means on each door and in the log.

    `status` is the HTTP status that a client gets; `alert` the TLS alert, or None for a plain close; `logged` the
    status in the access log when nothing was sent in words (a TLS refusal with an alert is always logged as 495).
    `title` and `text` are for people: page and docs.
    """

    mood: Mood
    status: int
    alert: int | None
    logged: int
    title: str
    text: str


TLS_REFUSED_STATUS: Final = 495
"""What the access log says of a TLS session that ended with our alert. Private to logs: never on the wire."""


def _row(mood: Mood, status: int, alert: int | None, logged: int, title: str, text: str) -> Row:
    return Row(mood=mood, status=status, alert=alert, logged=logged, title=title, text=text)


_UNAVAILABLE = "This site cannot be found right now"

ROWS: Final[dict[Reason, Row]] = {
    Reason.OK: _row(Mood.CARRIED, 200, None, 200, "OK", "The bytes were carried until both sides had finished."),
    Reason.UNKNOWN_NAME: _row(Mood.MISSED, 404, 112, 495, "App not found", "No app answers to this name."),
    Reason.NO_NAME: _row(Mood.REFUSED, 404, 109, 495, "App not found", "The request did not say which host it wants."),
    Reason.BAD_NAME: _row(Mood.REFUSED, 400, 112, 495, "Bad request", "The name that was asked for is not a hostname."),
    Reason.BAD_HELLO: _row(Mood.REFUSED, 400, 50, 495, "Bad request", "The TLS hello could not be understood."),
    Reason.BAD_HEAD: _row(Mood.REFUSED, 400, 50, 400, "Bad request", "The request could not be understood."),
    Reason.HELLO_TOO_BIG: _row(
        Mood.REFUSED, 431, 47, 495, "Request header too large", "The first bytes are longer than is allowed here."
    ),
    Reason.HELLO_TIMEOUT: _row(
        Mood.SILENT, 408, None, 408, "Request timeout", "The client did not say what it wants in time."
    ),
    Reason.WRONG_DOOR: _row(
        Mood.REFUSED, 400, 40, 495, "Wrong port", "This port speaks another protocol: try http:// or https:// instead."
    ),
    Reason.DENIED: _row(Mood.REFUSED, 403, 49, 403, "Forbidden", "Your address is not allowed here."),
    Reason.OVER_LIMIT: _row(
        Mood.REFUSED, 503, 80, 503, "Too many connections", "More was asked at once than is allowed here."
    ),
    Reason.MAINTENANCE: _row(Mood.REFUSED, 503, 80, 495, "Down for maintenance", "The owner is working on this site."),
    Reason.LOOKUP_TIMEOUT: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites did not answer in time."
    ),
    Reason.LOOKUP_REFUSED: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites could not be asked."
    ),
    Reason.LOOKUP_5XX: _row(Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites is failing."),
    Reason.LOOKUP_INVALID: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites gave an answer that makes no sense."
    ),
    Reason.LOOKUP_BUSY: _row(Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites is overloaded."),
    Reason.UPSTREAM_REFUSED: _row(Mood.UNREACHABLE, 502, 80, 495, "Bad gateway", "The site refused the connection."),
    Reason.UPSTREAM_TIMEOUT: _row(
        Mood.UNREACHABLE, 504, 80, 495, "Gateway timeout", "The site did not accept the connection in time."
    ),
    Reason.UPSTREAM_UNRESOLVED: _row(
        Mood.UNREACHABLE, 502, 80, 495, "Bad gateway", "The address of the site could not be resolved."
    ),
    Reason.UPSTREAM_FORBIDDEN: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The site is said to live where this service may not connect."
    ),
    Reason.UPSTREAM_RESET: _row(Mood.SEVERED, 502, None, 502, "Bad gateway", "The site broke the connection."),
    Reason.CLIENT_GONE: _row(Mood.GONE, 499, None, 499, "Client gone", "The client left before the end."),
    Reason.IDLE: _row(Mood.SEVERED, 408, None, 200, "Idle", "Nothing was carried for the idle time."),
    Reason.LIFETIME: _row(Mood.SEVERED, 408, None, 200, "Lifetime over", "The connection was as old as allowed."),
    Reason.DRAINED: _row(Mood.SEVERED, 503, 80, 200, "Restarting", "This server is stopping; another one serves you."),
    Reason.INTERNAL: _row(Mood.BROKEN, 500, 80, 500, "Internal error", "Something failed on our side."),
}


class Address(NamedTuple):
    """An IP address in its canonical text (IPv4 never in IPv6's clothes) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class Door:
    """A listener as the rest sees it: its name in the ini file, and the port that an endpoint without one means."""

    name: str
    port: int


@frozen(kw_only=True)
class Arrival:
    """
    An accepted connection.

    `number` counts from 1; `id` names it in logs and on pages, unique across restarts; `start` is monotonic (s).
    """

    number: int
    id: str
    door: Door
    client: Address
    local: Address
    start: float


@frozen(kw_only=True)
class Manner:
    """How the one who asks can be refused: an HTTP answer without body (HEAD), as JSON; a TLS record version."""

    bodyless: bool = False
    json: bool = False
    tls_version: int = 0x0303


@frozen(kw_only=True)
class Hello:
    """
    What a client asked for. `name` is None where it named nobody (no SNI; HTTP/1.0 without Host, empty Host).

    `scheme` is `tls` or `http`; `alpn` the offers in their order; `ech` tells of an encrypted_client_hello
    extension (a fact, not a proof: RFC 8701 greases it); `consumed` counts the bytes of the head itself.
    """

    name: Hostname | None
    scheme: str
    consumed: int
    alpn: tuple[bytes, ...] = ()
    ech: bool = False
    manner: Manner = Manner()


@frozen(kw_only=True)
class Refusal:
    """
    Why we say no.

    `detail` is our words for the log, printable and bounded; `code` a more exact HTTP status or TLS alert than the
    reason's own; `scheme` the language to answer in where it is not the door's (wrong_door); `name` the name to show.
    `told` is the reason that the client is told where it is another one than the log's.
    """

    reason: Reason
    detail: str = ""
    code: int | None = None
    scheme: str | None = None
    name: str | None = None
    manner: Manner = Manner()
    retry_after: float | None = None
    told: Reason | None = None


@frozen
class NeedMore:
    """Not yet."""


NEED_MORE: Final = NeedMore()

Verdict = NeedMore | Hello | Refusal


@frozen(kw_only=True)
class Upstream:
    """One address of a route. `host` is an IP address (canonical text) or a Hostname; port None means the door's."""

    host: str
    port: int | None = None
    weight: int = 1
    backup: bool = False

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port is None else f"{shown}:{self.port}"


Network = IPv4Network | IPv6Network


@frozen(kw_only=True)
class Route:
    """
    Where a name lives. `ttl` and `stale_ttl` in seconds, None where the answer did not say; ttl 0: do not remember.

    `proxy_protocol` is `v1`, `v2` or None. `allow` None admits all; `deny` is read first. `trusted` marks the
    operator's own word (static routes), which the guard against forbidden ranges lets pass. `wildcard` (`*.a.com`) is
    what the answer covers where it is not for the name asked alone.
    """

    app: str
    upstreams: tuple[Upstream, ...]
    origin: Origin
    ttl: float | None = None
    stale_ttl: float | None = None
    policy: str | None = None
    proxy_protocol: str | None = None
    maintenance: bool = False
    allow: tuple[Network, ...] | None = None
    deny: tuple[Network, ...] = ()
    max_connections: int | None = None
    trusted: bool = False
    wildcard: str | None = None


@frozen(kw_only=True)
class Miss:
    """
    No such name. `ttl` in seconds, None where the answer did not say; `wildcard` as a Route's.

    `told` is the reason that a client is told where it is not the log's: who was over the limit for new names meets
    an unknown name.
    """

    origin: Origin
    reason: Reason = Reason.UNKNOWN_NAME
    ttl: float | None = None
    wildcard: str | None = None
    told: Reason | None = None


Answer = Route | Miss


@frozen(kw_only=True)
class Look:
    """
    What a cache holds of a name, looked at without touching it.

    `name` is the name or the wildcard that it is kept under, `store` routes or misses. Seconds: `age` since it was
    put, `left` until it expires (negative when stale, inf for ever), `stale_left` until it may no longer be served.
    `hits` since it was put; `size` its estimated bytes.
    """

    name: str
    answer: Answer
    store: str
    age: float
    left: float
    stale_left: float
    hits: int
    size: int


@frozen(kw_only=True)
class Ask:
    """A question to a resolver. `source` is the client's address, `door` the listener's name."""

    name: Hostname | None
    source: str
    door: str


@frozen(kw_only=True)
class Seconds:
    """How long each step took; None for a step that was not reached or not needed."""

    hello: float | None = None
    route: float | None = None
    dial: float | None = None
    total: float


@frozen(kw_only=True)
class Ending:
    """How one Hello ended, or one Arrival that never said one. `received` from the client, `sent` to it, in bytes."""

    arrival: Arrival
    reason: Reason
    status: int
    seconds: Seconds
    hello: Hello | None = None
    name: str | None = None
    origin: Origin = Origin.NONE
    app: str = ""
    upstream: Address | None = None
    detail: str = ""
    received: int = 0
    sent: int = 0
    mood: Mood = field(init=False)

    @mood.default
    def _(self) -> Mood:
        return self.reason.row.mood


@frozen
class Farewell:
    """What a refuser says: the last bytes for the client (empty: just close), and the status for the log."""

    data: bytes
    status: int


class Stop(StrEnum):
    """Why a leg stopped carrying: its peer ended its stream, the limit was reached, or the connection broke."""

    ENDED = "ended"
    LIMIT = "limit"
    LOST = "lost"
