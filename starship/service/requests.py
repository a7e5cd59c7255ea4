"""
Plain HTTP request by request: how conversations are held, and what is kept between them, from the settings.

Part of service, floor 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime

from starship.accept.conversing import Conversation, Host
from starship.accept.courtesy import Courtesy
from starship.accept.turn import Wording
from starship.config.settings import Listener, Settings
from starship.dial.idle import FreshDialer, IdleConnections
from starship.exchange.exchange import Exchange, Terms
from starship.exchange.forwarded import Forwarding
from starship.exchange.written import request_head
from starship.exchanging import IAlarm, IExchange, IPatron
from starship.guides import Guides
from starship.interfaces import IDialer, ILeg, IRefuser, Relay, Scheme
from starship.messages import Request
from starship.service.headers import header_version
from starship.sniff.http import HttpSniffer
from starship.wire.stock import Leg
from starship.words import Arrival, Route

Converse = Callable[[Host, Leg], Conversation]

REQUESTS = "requests"
PLAIN = frozenset({"http", "auto"})


def make_idle(settings: Settings, clock: IReactorTime) -> IdleConnections:
    """The upstream connections of all doors that stand between two requests."""
    http = settings.http
    usual = header_version(settings.upstream) is not None
    pools = {name: header_version(pool) is not None for name, pool in settings.pools.items()}

    def is_proxied(route: Route) -> bool:
        said = route.proxy_protocol
        if said is not None:
            return said != "off"
        return usual if route.pool is None else pools.get(route.pool, usual)

    return IdleConnections(
        clock=clock,
        each=http.upstream_idle,
        total=http.upstream_idle_total,
        timeout=http.upstream_idle_timeout,
        is_proxied=is_proxied,
    )


def make_terms(settings: Settings, relay: Relay) -> Terms:
    """What holds for every exchange."""
    http = settings.http
    return Terms(
        relay=relay,
        response_timeout=http.response_timeout,
        body_timeout=http.body_timeout,
        head_size=settings.limits.head_size,
        fields=settings.limits.fields,
        body_size=http.body_size,
        replays=http.retries,
        replay_size=http.replay_size,
    )


def introducing(settings: Settings) -> Callable[[Arrival], Wording]:
    """How the requests of an arrival are worded for upstreams."""
    http = settings.http
    forwarding = Forwarding(
        names=frozenset(http.forwarded), trusted=http.trusted, request_id=http.request_id, via=http.via
    )

    def introduce(arrival: Arrival) -> Wording:
        introduction = forwarding.introduce(arrival)

        def wording(request: Request, route: Route, request_id: str) -> bytes:
            return request_head(request, introduction.of(request, request_id), route.rewrite)

        return wording

    return introduce


def make_converse(
    settings: Settings,
    guides: Guides,
    schemes: Mapping[str, Scheme],
    relay: Relay,
    idle: IdleConnections,
    fresh: IDialer,
    next_turn: Callable[[Callable[[], None]], object],
) -> Converse:
    """How a client's connection becomes a conversation. `fresh` dials without looking at what is idle."""
    http = settings.http
    terms = make_terms(settings, relay)
    refusers: dict[str, IRefuser] = {name: scheme.refuser for name, scheme in schemes.items()}

    def exchange(client: ILeg, request: Request, alarm: IAlarm, patron: IPatron) -> IExchange:
        return Exchange(client, request, terms, alarm, patron)

    courtesy = Courtesy(
        scheme=schemes["http"],
        glance=HttpSniffer(settings.limits.head_size, settings.limits.fields, is_kept=True).glance,
        refusers=refusers,
        guides=guides,
        exchange=exchange,
        idle=idle,
        fresh=FreshDialer(fresh, idle),
        introduce=introducing(settings),
        next_turn=next_turn,
        head_timeout=settings.limits.hello_timeout,
        keepalive_timeout=http.keepalive_timeout,
        patience=http.body_timeout or http.keepalive_timeout,
        requests=http.requests_per_connection,
        lifetime=http.connection_lifetime,
        body_size=http.body_size,
    )

    def converse(host: Host, leg: Leg) -> Conversation:
        return Conversation(courtesy, host, leg)

    return converse


def converses(listener: Listener) -> bool:
    """Whether plain HTTP goes request by request at this door."""
    return listener.mode == REQUESTS and listener.protocol in PLAIN
