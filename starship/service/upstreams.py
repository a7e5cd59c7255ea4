"""
How upstreams are reached: the pools of the ini file, the terms of all others, the guard and who dials.

Part of service, floor 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from starship.accept.listening import DoorService
from starship.accept.live import Crowd
from starship.config.settings import Dialling, Pool, Settings
from starship.dial.dialer import Dialer
from starship.dial.guard import Guard, OwnAddresses, is_this_machine
from starship.dial.health.check import Check, Pace, Question
from starship.dial.health.dialogue import unverified
from starship.dial.health.probe import Line
from starship.dial.pools.book import NamedPool, Pools
from starship.dial.pools.checks import Checks
from starship.dial.pools.ejection import Ejection
from starship.dial.pools.listed import Asked, Listed, nobody
from starship.dial.pools.member import Members
from starship.dial.pools.names import Names
from starship.dial.pools.pool import Means
from starship.dial.pools.terms import Terms
from starship.dial.preface import preface_of_a_check
from starship.dial.spares import Spares
from starship.inside import Wanted
from starship.reasons import Reason
from starship.service.headers import header_options, header_version
from starship.service.house import Footing
from starship.wire.connect import connect_on
from starship.wire.tcp import Manners
from starship.wire.wheel import Wheel
from starship.words import Address, Upstream


def make_dialer(settings: Settings, footing: Footing, doors: list[DoorService], names: Names) -> Dialer:
    """Build all of it; `doors` may be filled later."""
    dialling = settings.upstream
    dialer = Dialer(
        connect=connect_on(footing.ground, footing.reactor, manners_of(dialling)),
        clock=footing.wheel,
        pools=make_pools(settings, footing.wheel, names),
        guard=Guard(
            allow=dialling.allow,
            deny=dialling.deny,
            ports=dialling.ports,
            doors=lambda: [door.bound for door in doors if door.bound is not None],
            is_ours=OwnAddresses(footing.reactor),
        ),
        dial_timeout=dialling.dial_timeout,
        bind_addresses=dialling.bind_addresses,
        attempt_delay=dialling.attempt_delay,
    )
    if dialling.preconnect or any(pool.preconnect for pool in settings.pools.values()):
        dialer.spares = Spares(
            connect=dialer.connect,
            bind_to=dialer.bind_to,
            clock=footing.reactor,
            total=dialling.preconnect_total,
            idle=dialling.preconnect_idle,
            rate=dialling.preconnect_rate,
        )
        dialer.pools.means.ready, dialer.pools.means.unused = dialer.spares.ready, dialer.spares.part_from
    return dialer


def strange_sources(dialling: Dialling, is_ours: Callable[[str], bool] = is_this_machine) -> Iterator[str]:
    """What is to be said of addresses to connect from that this machine does not have. It may get them yet."""
    for address in dialling.bind_addresses:
        if not is_ours(address):
            yield f"[upstream] bind_address {address} is no address of this machine now: nobody can be reached from it"


def manners_of(dialling: Dialling) -> Manners:
    """How TCP behaves towards endpoints."""
    return Manners(
        keepalive=dialling.keepalive,
        interval=dialling.keepalive_interval,
        probes=dialling.keepalive_probes,
        user_timeout=dialling.user_timeout,
        nodelay=dialling.nodelay,
    )


def make_pools(settings: Settings, wheel: Wheel, names: Names) -> Pools:
    """The pools of the ini file, and of whoever is in none."""
    means = Means(
        members=Members(wheel),
        names=names,
        clock=wheel,
        random=Random(),  # noqa: S311  # balances load, guards nothing
    )
    named = {name: NamedPool(name, pool.endpoints, terms_of(pool), means) for name, pool in settings.pools.items()}
    return Pools(named, terms_of(settings.upstream), means)


def terms_of(wanted: Pool | Dialling) -> Terms:
    """What a section says of choosing, trying and leaving out."""
    return Terms(
        policy=wanted.policy,
        connect_timeout=wanted.connect_timeout,
        max_connections=wanted.max_connections,
        queue=wanted.queue,
        queue_timeout=wanted.queue_timeout,
        ejection=Ejection(failures=wanted.eject_failures, time=wanted.eject_time, share=wanted.max_ejected / 100),
        slow_start=wanted.slow_start,
        retries=wanted.retries / 100,
        min_retries=wanted.min_retries,
        proxy_protocol=header_version(wanted),
        proxy_options=header_options(wanted),
        preconnect=wanted.preconnect,
        check=check_of(wanted),
    )


def check_of(wanted: Pool | Dialling) -> Check | None:
    """How a pool's endpoints are checked; None: not at all."""
    if wanted.check == "off":
        return None
    return Check(
        question=Question(
            kind=wanted.check,
            port=wanted.check_port,
            host=wanted.check_host or "",
            path=wanted.check_path,
            statuses=wanted.check_statuses,
            preface=preface_of_a_check(header_version(wanted)),
        ),
        pace=Pace(
            interval=wanted.check_interval,
            timeout=wanted.check_timeout,
            rise=wanted.check_rise,
            fall=wanted.check_fall,
        ),
        closes=wanted.on_down == "close",
    )


def make_checks(settings: Settings, dialer: Dialer, reactor: Any, crowd: Crowd) -> Checks:
    """Who asks the endpoints of pools how they are."""

    def close(pool: str, address: Address) -> Deferred[int]:
        there = Upstream(host=address.host, port=address.port)
        return crowd.close(Wanted(pool=pool, upstream=there), Reason.UPSTREAM_DOWN)

    return Checks(
        pools=lambda: dialer.pools,
        listed=_listed(settings.upstream, dialer),
        line=Line(connect=dialer.connect, clock=reactor, bind_to=dialer.bind_to, context=unverified()),
        clock=reactor,
        random=Random(),  # noqa: S311  # spreads checks over time
        close=close,
    )


def _listed(wanted: Dialling, dialer: Dialer) -> Asked:
    """Which endpoints of pools without a name are asked as well."""
    if not wanted.check_listed or wanted.check == "off":
        return nobody
    pools, objection = dialer.pools, dialer.guard.objection
    return Listed(pools=pools.lately, clock=dialer.clock, limit=wanted.check_listed, objection=objection).seats
