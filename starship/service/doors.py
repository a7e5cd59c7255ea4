"""
The doors: each listener's protocol, limits and endpoints become services that listen.

Part of service, floor 7.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from starship.accept.gate import Gate, Guestlist
from starship.accept.identity import Identities
from starship.accept.introduced import EagerProtocol, IntroducedProtocol
from starship.accept.listening import DoorService
from starship.accept.porch import Balancers, Porch
from starship.accept.sniffing import Manners, SniffingFactory, SniffingProtocol
from starship.buckets import Buckets
from starship.config.settings import Listener, Settings
from starship.guides import Guides
from starship.interfaces import ICancel, ILeg, IWayBack, Relay, Scheme
from starship.reasons import Reason
from starship.refuse.alerts import AlertRefuser
from starship.refuse.pages import load_pages
from starship.refuse.silence import SilentRefuser
from starship.relay.splice import Splice, SpliceLimits
from starship.service.house import Footing
from starship.service.requests import PLAIN, Converse, converses
from starship.sniff.auto import AutoSniffer
from starship.sniff.http import HttpSniffer
from starship.sniff.proxy import PrefaceReader
from starship.sniff.raw import RawSniffer
from starship.sniff.tls import TlsSniffer
from starship.wire.port import Listening
from starship.wire.wheel import Wheel
from starship.words import Door

UNBOUND: Final = 0

RAW: Final = "tcp"
REQUIRED: Final = "required"
TUNNELLED: Final = " tunnelled"
"""Behind the name of a scheme: of HTTP, only what routes the first request is kept."""


@frozen(kw_only=True)
class Hall:
    """What is behind every door: the same languages, gate, guides and ways to go on."""

    schemes: Mapping[str, Scheme]
    gate: Gate
    guides: Guides
    relay: Relay
    converse: Converse
    identities: Identities


def make_schemes(settings: Settings) -> dict[str, Scheme]:
    """What a door can speak. `auto` says goodbye in silence until it knows. Raises BadPages."""
    pages = settings.pages
    page_refuser = load_pages(
        brand=pages.brand,
        colour=pages.colour,
        logo=pages.logo,
        support=pages.support,
        templates=pages.templates,
        retry_after=pages.retry_after,
        wall_clock=time.time,
    )

    def tls() -> TlsSniffer:
        return TlsSniffer(settings.limits.hello_size)

    def http() -> HttpSniffer:
        return HttpSniffer(settings.limits.head_size, settings.limits.fields, is_kept=True)

    def tunnelled() -> HttpSniffer:
        return HttpSniffer(settings.limits.head_size, settings.limits.fields)

    return {
        "tls": Scheme("tls", tls, AlertRefuser()),
        "http": Scheme("http", http, page_refuser),
        "auto": Scheme("auto", lambda: AutoSniffer(tls, http), SilentRefuser()),
        "http" + TUNNELLED: Scheme("http", tunnelled, page_refuser),
        "auto" + TUNNELLED: Scheme("auto", lambda: AutoSniffer(tls, tunnelled), SilentRefuser()),
        "tcp": Scheme("tcp", RawSniffer, SilentRefuser()),
    }


def scheme_of(listener: Listener, schemes: Mapping[str, Scheme]) -> Scheme:
    """What a door speaks."""
    tunnelled = listener.protocol in PLAIN and not converses(listener)
    return schemes[listener.protocol + TUNNELLED if tunnelled else listener.protocol]


def make_gate(settings: Settings) -> Gate:
    """One gate for all doors."""
    limits = settings.limits
    return Gate(
        connections=limits.connections,
        per_source=limits.connections_per_source,
        newcomers=Buckets(limits.new_per_source, limits.burst_per_source) if limits.new_per_source else None,
        guests={door.name: Guestlist(allow=door.allow, deny=door.deny) for door in settings.listeners},
    )


def make_balancers(settings: Settings, gate: Gate) -> Balancers:
    """One porch for all doors that wait for PROXY headers."""
    return Balancers(
        porch=Porch(
            trusted={door.name: door.proxy_trusted for door in settings.listeners},
            connections=settings.limits.connections,
            inside=lambda: gate.inside,
        ),
        reader=PrefaceReader,
        timeout=settings.limits.proxy_timeout,
    )


def kind_of(listener: Listener) -> type[SniffingProtocol]:
    """What a connection to this door is like before its hello."""
    if listener.proxy_protocol == REQUIRED:
        return IntroducedProtocol
    return EagerProtocol if listener.protocol == RAW else SniffingProtocol


def make_relay(settings: Settings, wheel: Wheel) -> Relay:
    """How two legs are joined."""
    limits = SpliceLimits(
        idle=settings.upstream.idle_timeout,
        half_close=settings.upstream.half_close_timeout,
        lifetime=settings.upstream.lifetime,
    )

    def join(
        client: ILeg, upstream: ILeg, done: Callable[[Reason, str], None], back: IWayBack | None = None
    ) -> ICancel:
        splice = Splice(client, upstream, limits, wheel, done, back)
        splice.start()
        return splice

    return join


def make_doors(settings: Settings, footing: Footing, hall: Hall) -> list[DoorService]:
    """One service for each endpoint of each listener."""
    balancers = make_balancers(settings, hall.gate)
    return [
        DoorService(
            reactor=footing.reactor,
            ground=footing.ground,
            description=endpoint,
            how=Listening(
                backlog=listener.backlog, keepalive=settings.limits.keepalive, defer=listener.protocol != RAW
            ),
            factory=SniffingFactory(manners_of(listener, settings, hall, balancers), kind=kind_of(listener)),
            upstream_port=listener.upstream_port,
        )
        for listener in settings.listeners
        for endpoint in listener.endpoints
    ]


def manners_of(listener: Listener, settings: Settings, hall: Hall, balancers: Balancers) -> Manners:
    """How a door treats those who come in."""
    return Manners(
        door=Door(listener.name, listener.upstream_port or UNBOUND, listener.redirect),
        scheme=scheme_of(listener, hall.schemes),
        refusers={name: scheme.refuser for name, scheme in hall.schemes.items()},
        gate=hall.gate,
        guides=hall.guides,
        relay=hall.relay,
        identities=hall.identities,
        hello_timeout=settings.limits.hello_timeout,
        converse=hall.converse if converses(listener) else None,
        balancers=balancers if listener.proxy_protocol == REQUIRED else None,
    )
