"""
Settings: the ini file once it is understood. Frozen; every default of the product is written here and nowhere else.

Part of `config`, floor 4. Below `service.py` nobody sees these: each worker takes the few values it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import field, frozen

from starship.words import Address, Endpoints, Network, PathRule, Upstream

PROXY_OPTIONS: Final = ("authority", "alpn", "unique_id")


@frozen(kw_only=True)
class Listener:
    """`[listener:NAME]`: one door. Several endpoints may lead to it."""

    name: str
    protocol: str  # tls | http | auto | tcp
    endpoints: tuple[str, ...]
    upstream_port: int | None = None  # what an endpoint without a port means; None: the listener's own port
    backlog: int = 4096
    allow: tuple[Network, ...] = ()  # empty: all
    deny: tuple[Network, ...] = ()
    no_name: Endpoints = ()  # who names nobody goes here; empty: refused
    default: Endpoints = ()  # an unknown name goes here; empty: it is a miss
    upstream: Endpoints = ()  # where protocol tcp goes
    proxy_protocol: str = "off"  # off | required
    proxy_trusted: tuple[Network, ...] = ()  # balancers whose PROXY header is believed
    mode: str = "requests"  # requests | tunnel: whether plain HTTP is routed request by request
    redirect: int = 0  # the port of https that plain HTTP is sent to; 0: it is served


@frozen(kw_only=True)
class Lookup:
    """`[lookup]`: the API that knows where a name lives."""

    url: str  # with {host}
    connect_timeout: float = 1.0
    timeout: float = 3.0
    concurrency: int = 128
    answer_limit: int = 65536
    token_file: Path | None = None
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    miss_on_error: bool = False
    fallback_urls: tuple[str, ...] = ()  # asked in this order when the one before fails
    wait: float = 5.0  # one client's own deadline
    queue: int = 1024
    queue_timeout: float = 1.0
    breaker_failures: int = 5  # 0: never opens
    breaker_interval: float = 2.0
    retry_after_limit: float = 30.0


@frozen(kw_only=True)
class Cache:
    """`[cache]`: seconds, entries and bytes. A ttl of 0 never expires."""

    ttl: float = 60.0
    neg_ttl: float = 10.0
    stale_ttl: float = 86400.0
    stale_while_revalidate: float = 30.0
    refresh_ahead: int = 10  # per cent of the ttl
    min_ttl: float = 0.1
    max_ttl: float = 86400.0
    max_neg_ttl: float = 3600.0
    max_stale_ttl: float = 7 * 86400.0
    error_ttl: float = 1.0
    max_error_ttl: float = 4.0
    renew_interval: float = 5.0
    routes: int = 100_000
    misses: int = 20_000
    routes_size: int = 128 * 1024 * 1024
    misses_size: int = 16 * 1024 * 1024
    snapshot: Path | None = None
    snapshot_interval: float = 60.0


@frozen(kw_only=True)
class Names:
    """`[names]`: what is ever looked up, and how many names that lead nowhere, a second. A rate of 0: no limit."""

    suffixes: tuple[str, ...] = ()  # empty: all
    new_per_source: int = 10
    burst_per_source: int = 200
    new_overall: int = 500
    burst_overall: int = 2000


@frozen(kw_only=True)
class Shadow:
    """`[shadow]`: a second API that is asked about a share of names, compared, and never used."""

    url: str
    fraction: int = 1  # per cent of the names


@frozen(kw_only=True)
class Sharing:
    """What `[upstream]` says for all pools, and each `[pool:NAME]` for itself."""

    connect_timeout: float = 3.0  # one try
    max_connections: int = 0  # to one endpoint; 0: no limit
    queue: int = 256  # clients that wait for room at one
    queue_timeout: float = 1.0
    eject_failures: int = 5  # in a row; 0: never
    eject_time: float = 10.0  # the first time; longer each time it comes back only to fail
    max_ejected: int = 50  # per cent of the members
    slow_start: float = 0.0  # until a member that is back has its whole share; 0: at once
    retries: int = 20  # per cent of the connections, to members that failed last
    min_retries: int = 10  # a second, whatever the share
    check: str = "off"  # off | tcp | http | tls
    check_interval: float = 5.0
    check_timeout: float = 2.0
    check_rise: int = 2
    check_fall: int = 3
    check_port: int = 0  # 0: the endpoint's own
    check_host: str | None = None  # None: the endpoint's own name
    check_path: str = "/"
    check_statuses: tuple[range, ...] = (range(200, 400),)
    on_down: str = "keep"  # keep | close: live connections of one that a check found down
    proxy_protocol: str = "off"  # off | v1 | v2, for routes that do not say
    proxy_options: tuple[str, ...] = PROXY_OPTIONS
    proxy_relay: frozenset[int] | None = frozenset()  # types of fields that are passed on; None: all
    preconnect: int = 0  # spare connections to one endpoint; 0: none


@frozen(kw_only=True)
class Dialling(Sharing):
    """`[upstream]`: how clusters are reached, and how long a carried connection may live."""

    policy: str = "random"  # of endpoints that are no pool, where their lookup does not say
    dial_timeout: float = 10.0  # all tries together
    bind_addresses: tuple[str, ...] = ()  # in turn; empty: the kernel chooses
    keepalive: float = 0.0  # idle seconds before the first TCP keepalive probe to an endpoint; 0: off
    keepalive_interval: float = 10.0
    keepalive_probes: int = 3
    user_timeout: float = 0.0  # that what was sent may stay unacknowledged; 0: as the kernel has it
    nodelay: bool = True
    attempt_delay: float = 0.25  # head start of an address of a name that has both families; 0: none is given up for it
    dns: tuple[Address, ...] = ()  # empty: what resolv.conf and hosts of this machine say
    dns_timeout: float = 4.0  # a name as a whole
    dns_min_ttl: float = 1.0
    dns_max_ttl: float = 300.0
    dns_family: str = "both"  # both | ipv4 | ipv6
    check_listed: int = 0  # endpoints of no named pool that are checked too, those used last
    preconnect_total: int = 256
    preconnect_idle: float = 10.0
    preconnect_rate: int = 100  # a second
    allow: tuple[Network, ...] = ()  # ranges that a lookup may name although they are forbidden by default
    deny: tuple[Network, ...] = ()  # ranges that a lookup may never name
    ports: tuple[range, ...] = ()  # ports that a lookup may name; empty: all
    splice_after: int = 65_536  # bytes of bulk after which a direction is spliced; 0: never
    idle_timeout: float = 600.0
    half_close_timeout: float = 60.0
    lifetime: float = 0.0  # 0: no limit


@frozen(kw_only=True)
class Pool(Sharing):
    """`[pool:NAME]`: endpoints that share a load. What it leaves out, but the policy, is as in `[upstream]`."""

    name: str
    endpoints: tuple[Upstream, ...]
    policy: str = "round_robin"


@frozen(kw_only=True)
class Limits:
    """`[limits]`: what a client may take before it is routed, and how many may come. 0: no limit of our own."""

    hello_timeout: float = 10.0
    hello_size: int = 65536
    head_size: int = 32768
    connections: int = 20_000
    connections_per_source: int = 0
    new_per_source: int = 0  # a second
    burst_per_source: int = 200
    proxy_timeout: float = 5.0  # until the PROXY header is complete
    keepalive: float = 60.0  # idle seconds before the first TCP keepalive probe to a client; 0: off
    fields: int = 100  # of one HTTP request or response


@frozen(kw_only=True)
class Http:
    """`[http]`: plain HTTP that is routed request by request. 0: no limit, where that is said."""

    forwarded: tuple[str, ...] = (
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Real-IP",
    )
    trusted: tuple[Network, ...] = ()  # proxies whose word on the client is passed on
    request_id: bool = True
    via: str | None = None
    body_size: int = 0  # 0: no limit
    body_timeout: float = 60.0  # without progress
    response_timeout: float = 60.0  # until the head of the response; 0: no limit
    keepalive_timeout: float = 60.0  # between two requests of a client
    requests_per_connection: int = 10_000  # 0: no limit
    connection_lifetime: float = 3600.0  # 0: no limit
    upstream_idle: int = 32  # connections kept for one endpoint; 0: none
    upstream_idle_total: int = 1024
    upstream_idle_timeout: float = 30.0
    retries: int = 1
    replay_size: int = 16_384


@frozen(kw_only=True)
class Pages:
    """`[pages]`: how refusals look over HTTP."""

    brand: str = "Starship"
    colour: str = "#4f46e5"
    logo: Path | None = None
    support: str | None = None  # a link: https:, http: or mailto:
    templates: Path | None = None  # a directory whose files replace ours
    retry_after: float = 10.0


@frozen(kw_only=True)
class AccessLog:
    """`[access_log]`: one line per Ending. path None: stdout; `format` text or json."""

    enabled: bool = True
    path: Path | None = None
    format: str = "text"
    proxy_fields: bool = False  # of the PROXY header that came in, in JSON


@frozen(kw_only=True)
class Admin:
    """`[admin]`: metrics and health, explain, and the cache."""

    endpoint: str = "tcp:9901:interface=127.0.0.1"
    token_file: Path | None = None


@frozen(kw_only=True)
class Settings:
    """The whole file."""

    listeners: tuple[Listener, ...]
    lookup: Lookup | None = None
    routes: dict[str, Endpoints] = field(factory=dict)  # canonical name or `*.` wildcard
    paths: dict[str, tuple[PathRule, ...]] = field(factory=dict)  # the same names, in the order of matching
    redirected: frozenset[str] = frozenset()  # of the same names: plain HTTP is sent to https
    cache: Cache = Cache()
    names: Names = Names()
    shadow: Shadow | None = None
    upstream: Dialling = Dialling()
    pools: dict[str, Pool] = field(factory=dict)
    limits: Limits = Limits()
    http: Http = Http()
    pages: Pages = Pages()
    access_log: AccessLog = AccessLog()
    admin: Admin | None = Admin()
    drain_timeout: float = 30.0
    lame_duck: float = 0.0
