"""
The nouns of where a name lives: what a resolver is asked, what it answers, and what a cache holds of that.

Floor 1, beside names: knows names and reasons. words.py hands them on with all the others.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from attrs import frozen

from starship.names import Hostname
from starship.nouns import noun
from starship.reasons import Reason


class Origin(StrEnum):
    """Where the answer came from: the third word of an Ending."""

    STATIC = "static"
    FRESH = "fresh"
    HIT = "hit"
    STALE = "stale"
    NEGATIVE = "negative"
    NONE = "none"


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
