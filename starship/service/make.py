"""
Settings and a reactor become a service.

Floor 7, the only room that knows every other. `make_service` reads as the list of who works here and who asks whom.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from starship.accept.gate import TenantGate
from starship.accept.listening import DoorService
from starship.accept.live import Crowd
from starship.account.accesslog import AccessLog
from starship.account.ledger import Ledger
from starship.account.lines import FORMS
from starship.account.metrics import register
from starship.account.pulse import Pulse
from starship.account.sink import Sink
from starship.account.sources import Sources
from starship.admin.readiness import LookupProbe, Readiness
from starship.config.settings import Settings
from starship.dial.idle import ReusingDialer
from starship.journey import Guides
from starship.process.notify import Notifier
from starship.route.narrowing import narrow
from starship.service.doors import make_doors, make_gate, make_relay, make_schemes
from starship.service.lookups import Lookups, make_lookups
from starship.service.names import make_book
from starship.service.requests import make_converse, make_idle
from starship.service.router import Admin, Router
from starship.service.upstreams import make_checks, make_dialer
from starship.service.views import CareView, GateView, LookupView, pool_figures
from starship.service.window import House, make_window
from starship.wire.ground import Ground
from starship.wire.nest import loop_of
from starship.wire.reactor import WireReactor
from starship.wire.wheel import Wheel


def verify(settings: Settings) -> None:
    """Build the service as a start would, and throw it away. Raises StarshipError, as `make_service`."""
    make: Callable[[], Any] = WireReactor
    make_service(settings, make())


def make_service(settings: Settings, reactor: Any, environment: Mapping[str, str] | None = None) -> Router:
    """
    Build the service; nothing listens and nobody is asked before it is started.

    `environment` is the process's: NOTIFY_SOCKET is looked up there. Raises StarshipError for files that the settings
    name and that cannot be used.
    """
    schemes = make_schemes(settings)
    lookups = make_lookups(settings, reactor)
    access_log = _access_log(settings)
    ledger = Ledger(
        doors=[listener.name for listener in settings.listeners],
        writers=() if access_log is None else (access_log,),
    )
    gate = make_gate(settings)
    doors: list[DoorService] = []
    wheel = Wheel(reactor)
    ground = Ground(loop_of(reactor), settings.upstream.splice_after)
    book = make_book(settings, reactor, wheel)
    dialer = make_dialer(settings, reactor, ground, wheel, doors, book)
    idle = make_idle(settings, wheel)
    tenants = TenantGate()
    guides = Guides(
        resolver=lookups.outer,
        tenants=tenants,
        dialer=ReusingDialer(dialer, idle),
        ledger=ledger,
        clock=wheel,
        dial_timeout=settings.upstream.dial_timeout,
        narrow=narrow,
    )
    relay = make_relay(settings, wheel)
    converse = make_converse(settings, guides, schemes, relay, idle, fresh=dialer)
    doors += make_doors(settings, reactor, ground, guides, schemes, gate, relay, converse, boot=secrets.token_hex(4))
    for door in doors:
        door.moved = dialer.guard.look_again
    crowd = Crowd(lambda: [door.factory for door in doors], reactor)
    probe = None if lookups.api is None else LookupProbe(lookups.api, reactor)
    readiness = _readiness(settings, lookups, probe)
    checks = make_checks(dialer, reactor, crowd)
    pulse = Pulse(reactor)
    registry = CollectorRegistry()
    register(
        registry,
        Sources(
            ledger=ledger,
            stores=None if lookups.cache is None else lookups.cache.stores,
            cache=lookups.cache,
            lookups=None if lookups.api is None else LookupView(lookups),
            care=None if lookups.api is None else CareView(lookups),
            gate=GateView(gate),
            access_log=access_log,
            accept_paused=lambda: sum(door.paused for door in doors),
            loop_lag=pulse.lag,
            ready=lambda: readiness.standing().ready,
            uncounted=crowd.uncounted,
            idle=idle,
            spares=dialer.spares,
            names=book,
            checks=checks,
            pools=partial(pool_figures, dialer.pools),
        ),
    )
    house = House(
        settings=settings,
        reactor=reactor,
        lookups=lookups,
        gate=gate,
        tenants=tenants,
        dialer=dialer,
        book=book,
        doors=doors,
        crowd=crowd,
    )
    window = make_window(house, registry, readiness)
    return Router(
        doors=doors,
        admin=Admin(
            reactor=reactor,
            description=None if settings.admin is None else settings.admin.endpoint,
            window=window,
        ),
        lookups=lookups,
        book=book,
        checks=checks,
        spares=dialer.spares,
        ledger=ledger,
        access_log=access_log,
        pulse=pulse,
        probe=probe,
        readiness=readiness,
        notifier=Notifier(environment or {}),
        connections=settings.limits.connections,
        lame_duck=settings.lame_duck,
        drain_timeout=settings.drain_timeout,
        clock=reactor,
    )


def _access_log(settings: Settings) -> AccessLog | None:
    wanted = settings.access_log
    form = FORMS["json and more" if wanted.proxy_fields else wanted.format]
    return AccessLog(Sink(wanted.path), form, time.time) if wanted.enabled else None


def _readiness(settings: Settings, lookups: Lookups, probe: LookupProbe | None) -> Readiness:
    known = bool(settings.routes) or any(door.upstream for door in settings.listeners)
    evidence: list[Callable[[], bool]] = [lambda: known]
    cache = lookups.cache
    if probe is None or cache is None:
        return Readiness(tuple(evidence))
    evidence.append(lambda: cache.stores["routes"].entries > 0)  # known from before, while the API may be down
    evidence.append(lambda: probe.answered)
    return Readiness(tuple(evidence), missing=lambda: probe.why)
