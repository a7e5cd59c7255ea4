"""
The nouns that every room shares, all frozen.

Floor 2: knows names, reasons and the nouns of HTTP messages, nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

from attrs import frozen

from starship.messages import Exchanged as Exchanged
from starship.messages import Field as Field
from starship.messages import Request as Request
from starship.messages import Response as Response
from starship.names import Hostname
from starship.nouns import noun
from starship.reasons import Mood, Reason


class Origin(StrEnum):
    """Where the answer came from: the third word of an Ending."""

    STATIC = "static"
    FRESH = "fresh"
    HIT = "hit"
    STALE = "stale"
    NEGATIVE = "negative"
    NONE = "none"


class Address(NamedTuple):
    """An IP address in its canonical text (IPv4 never in IPv6's clothes) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Place(NamedTuple):
    """
    One address that a name has. `port` is None where the name says none (A, AAAA).

    `weight` (None: not said) and `tier` (0 before 1 before 2) are those of an SRV record.
    """

    host: str
    port: int | None = None
    weight: int | None = None
    tier: int = 0


@frozen
class Door:
    """
    A listener as the rest sees it: its name in the ini file, and the port that an endpoint without one means.

    `redirect` is the port of https that plain HTTP is sent to; 0: it is served here.
    """

    name: str
    port: int
    redirect: int = 0


class Tlv(NamedTuple):
    """One field of a PROXY header: its type (one octet) and its octets."""

    kind: int
    value: bytes


@noun(kw_only=False)
class Arrival:
    """
    An accepted connection.

    `number` counts from 1; `id` names it in logs and on pages, unique across restarts; `start` is monotonic (s).
    Where a balancer's PROXY header named the client, `client` and `local` are as the header has them, `via` is the
    balancer's own address, and `tlvs` what else the header said.
    """

    number: int
    id: str
    door: Door
    client: Address
    local: Address
    start: float
    via: Address | None = None
    tlvs: tuple[Tlv, ...] = ()


@frozen(kw_only=True)
class Manner:
    """
    How the one who asks can be refused: an HTTP answer without body (HEAD), as JSON; a TLS record version.

    `keep`: another request may follow an HTTP answer.
    """

    bodyless: bool = False
    json: bool = False
    tls_version: int = 0x0303
    keep: bool = False


@noun(kw_only=False)
class Hello:
    """
    What a client asked for. `name` is None where it named nobody (no SNI; HTTP/1.0 without Host, empty Host).

    `scheme` is `tls` or `http`; `alpn` the offers in their order; `ech` tells of an encrypted_client_hello
    extension (a fact, not a proof: RFC 8701 greases it), `early` of one that announces early data; `consumed` counts
    the bytes of the head itself. `request` is the whole head, where each request goes its own way.
    """

    name: Hostname | None
    scheme: str
    consumed: int
    alpn: tuple[bytes, ...] = ()
    ech: bool = False
    manner: Manner = Manner()
    request: Request | None = None
    early: bool = False


@frozen(kw_only=True)
class Refusal:
    """
    Why we say no.

    `detail` is our words for the log, printable and bounded; `code` a more exact HTTP status or TLS alert than the
    reason's own; `scheme` the language to answer in where it is not the door's (wrong_door); `name` the name to show.
    `told` is the reason that the client is told where it is another one than the log's. `location` is the URL that a
    redirect sends the client to, of visible ASCII.
    """

    reason: Reason
    detail: str = ""
    code: int | None = None
    scheme: str | None = None
    name: str | None = None
    manner: Manner = Manner()
    retry_after: float | None = None
    told: Reason | None = None
    location: str | None = None


@frozen(kw_only=True)
class Preface:
    """
    A PROXY header that was understood. `consumed` counts its octets: they are not the client's.

    `client` and `local` are the ends of the connection that the balancer took; both None where the header leaves that
    to the socket (LOCAL, UNKNOWN, UNSPEC, unix sockets, datagrams).
    """

    consumed: int
    client: Address | None = None
    local: Address | None = None
    tlvs: tuple[Tlv, ...] = ()


@frozen
class NeedMore:
    """Not yet."""


NEED_MORE: Final = NeedMore()

Verdict = NeedMore | Hello | Refusal


@frozen(kw_only=True)
class Upstream:
    """
    One address of a route. `host` is an IP address (canonical text) or a Hostname; port None means the door's.

    `srv`: the SRV records of the name say the hosts, the ports and the weights.
    """

    host: str
    port: int | None = None
    weight: int = 1
    backup: bool = False
    srv: bool = False

    def __str__(self) -> str:
        if self.srv:
            return f"srv:{self.host}"
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port is None else f"{shown}:{self.port}"


POLICIES: Final = ("random", "round_robin", "least_connections", "random_two", "hash_source", "hash_host")
"""The ways to choose one of several endpoints."""


class PoolName(str):
    """The name of a pool of the ini file, where endpoints could stand too."""

    __slots__ = ()


Endpoints = tuple[Upstream, ...] | PoolName
"""Where something lives: endpoints that were said, or a pool that has them."""

Network = IPv4Network | IPv6Network


@frozen(kw_only=True)
class ProxyOptions:
    """
    What a PROXY header of version 2 tells an upstream beside the addresses.

    `relay`: the types of fields that are passed on from the header that came in; None: all that mean anything there.
    """

    authority: bool = True
    alpn: bool = True
    unique_id: bool = True
    crc32c: bool = False
    relay: frozenset[int] | None = frozenset()


@frozen(kw_only=True)
class PathRule:
    """
    Where requests of a name go whose path fits. `path` is as `paths.canonical` spells it.

    `kind` is `exact` or `prefix`, which ends where a segment ends (`/bar` is for /bar and /bar/x, not for /barx).
    `rewrite` is what stands in the place of `path` when the request is passed on; None: nothing is changed. `pool` as
    a Route's.
    """

    path: str
    kind: str
    upstreams: tuple[Upstream, ...]
    pool: str | None = None
    rewrite: str | None = None


@frozen(kw_only=True)
class Route:
    """
    Where a name lives. `ttl` and `stale_ttl` in seconds, None where the answer did not say; ttl 0: do not remember.

    `proxy_protocol` is `v1`, `v2` or None. `allow` None admits all; `deny` is read first. `trusted` marks the
    operator's own word (static routes), which the guard against forbidden ranges lets pass. `wildcard` (`*.a.com`) is
    what the answer covers where it is not for the name asked alone. `pool` names a pool of the ini file, which has the
    endpoints then, and is the operator's word; `policy` and `upstreams` say nothing beside it.

    `paths` in the order of matching, for plain HTTP alone; `upstreams` is where all else goes, and may then be empty.
    `redirect` sends plain HTTP to https. `rewrite` is a rule's, made for one request: the beginning of its path as it
    was sent, and what stands there instead.
    """

    app: str
    upstreams: tuple[Upstream, ...]
    origin: Origin
    ttl: float | None = None
    stale_ttl: float | None = None
    policy: str | None = None
    pool: str | None = None
    proxy_protocol: str | None = None
    maintenance: bool = False
    allow: tuple[Network, ...] | None = None
    deny: tuple[Network, ...] = ()
    max_connections: int | None = None
    trusted: bool = False
    wildcard: str | None = None
    paths: tuple[PathRule, ...] = ()
    redirect: bool = False
    rewrite: tuple[str, str] | None = None


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


@noun(kw_only=False)
class Ask:
    """A question to a resolver. `source` is the client's address, `door` the listener's name."""

    name: Hostname | None
    source: str
    door: str


@noun(kw_only=False)
class Seconds:
    """How long each step took; None for a step that was not reached or not needed."""

    total: float
    hello: float | None = None
    route: float | None = None
    dial: float | None = None


@noun(kw_only=False)
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

    @property
    def mood(self) -> Mood:
        """How it went, which follows from the reason."""
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
