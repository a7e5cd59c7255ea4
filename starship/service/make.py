"""
Settings and a reactor become a service.

Floor 7, the only room that knows every other. `make_house` reads as the list of who works here and who asks whom;
`make_service` adds who looks at them, and who starts and stops them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from starship.accept.gate import TenantGate
from starship.accept.identity import Identities
from starship.accept.listening import DoorService
from starship.accept.live import Crowd
from starship.account.accesslog import AccessLog
from starship.account.ledger import Ledger
from starship.account.lines import FORMS
from starship.account.metrics import register
from starship.account.pulse import Pulse
from starship.account.sink import Sink
from starship.admin.readiness import LookupProbe, Readiness
from starship.config.settings import Settings
from starship.dial.idle import ReusingDialer
from starship.dial.relief import Relief
from starship.guides import Guides
from starship.process.notify import Notifier
from starship.route.narrowing import narrow
from starship.service.doors import Hall, make_doors, make_gate, make_relay, make_schemes
from starship.service.house import House, make_footing
from starship.service.lookups import Lookups, make_lookups
from starship.service.names import make_book
from starship.service.requests import make_converse, make_idle
from starship.service.router import Admin, Router
from starship.service.upstreams import make_checks, make_dialer
from starship.service.views import sources_of
from starship.service.window import make_window
from starship.wire.reactor import WireReactor


def verify(settings: Settings) -> list[str]:
    """
    Build the service as a start would, and throw it away.

    Returns: what a start would warn of. Raises StarshipError, as `make_service`.
    """
    make: Callable[[], Any] = WireReactor
    return make_service(settings, make()).warnings()


def make_service(settings: Settings, reactor: Any, environment: Mapping[str, str] | None = None) -> Router:
    """
    Build the service; nothing listens and nobody is asked before it is started.

    `environment` is the process's: NOTIFY_SOCKET is looked up there. Raises StarshipError for files that the settings
    name and that cannot be used.
    """
    house = make_house(settings, reactor)
    registry = CollectorRegistry()
    register(registry, sources_of(house))
    endpoint = None if settings.admin is None else settings.admin.endpoint
    admin = Admin(reactor=reactor, description=endpoint, window=make_window(house, registry))
    return Router(house, admin, Notifier(environment or {}))


def make_house(settings: Settings, reactor: Any) -> House:
    """Everybody who works here. A plain list: whoever asks somebody stands below them. Raises StarshipError."""
    footing = make_footing(settings, reactor)
    schemes = make_schemes(settings)
    gate = make_gate(settings)
    tenants = TenantGate()
    lookups = make_lookups(settings, reactor)
    book = make_book(settings, footing)
    doors: list[DoorService] = []  # they come last: the guard asks where they listen
    dialer = make_dialer(settings, footing, doors, book)
    idle = make_idle(settings, footing.wheel)
    next_turn = footing.ground.loop.again
    dialer.relief = Relief(give_up=idle.give_up, next_turn=next_turn, clock=footing.wheel)
    relay = make_relay(settings, footing.wheel)
    access_log = make_access_log(settings)
    ledger = Ledger(
        doors=[listener.name for listener in settings.listeners],
        writers=() if access_log is None else (access_log,),
    )
    guides = Guides(
        resolver=lookups.outer,
        tenants=tenants,
        dialer=ReusingDialer(dialer, idle),
        ledger=ledger,
        clock=footing.wheel,
        dial_timeout=settings.upstream.dial_timeout,
        narrow=narrow,
    )
    hall = Hall(
        schemes=schemes,
        gate=gate,
        guides=guides,
        relay=relay,
        converse=make_converse(settings, guides, schemes, relay, idle, fresh=dialer, next_turn=next_turn),
        identities=Identities(secrets.token_hex(4)),
    )
    doors += make_doors(settings, footing, hall)
    for door in doors:
        door.moved = dialer.guard.look_again
    crowd = Crowd(lambda: [door.factory for door in doors], reactor)
    probe = None if lookups.chain is None else LookupProbe(lookups.chain.api, reactor)
    return House(
        settings=settings,
        reactor=reactor,
        doors=doors,
        gate=gate,
        tenants=tenants,
        crowd=crowd,
        lookups=lookups,
        dialer=dialer,
        idle=idle,
        book=book,
        checks=make_checks(settings, dialer, reactor, crowd),
        ledger=ledger,
        access_log=access_log,
        pulse=Pulse(reactor),
        probe=probe,
        readiness=make_readiness(settings, lookups, probe),
    )


def make_access_log(settings: Settings) -> AccessLog | None:
    """None where none is wanted; its file is opened at the start."""
    wanted = settings.access_log
    form = FORMS["json and more" if wanted.proxy_fields else wanted.format]
    return AccessLog(Sink(wanted.path), form, time.time) if wanted.enabled else None


def make_readiness(settings: Settings, lookups: Lookups, probe: LookupProbe | None) -> Readiness:
    """Ready is who knows where to send anybody: by the ini file, from before, or since the API answered."""
    known = bool(settings.routes) or any(door.upstream for door in settings.listeners)
    evidence: list[Callable[[], bool]] = [lambda: known]
    chain = lookups.chain
    if probe is None or chain is None:
        return Readiness(tuple(evidence))
    evidence.append(lambda: chain.cache.stores["routes"].entries > 0)  # known from before, while the API may be down
    evidence.append(lambda: probe.answered)
    return Readiness(tuple(evidence), missing=lambda: probe.why)
