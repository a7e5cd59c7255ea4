"""
How upstreams are reached: the pools of the ini file, the terms of all others, the guard and who dials.

Part of service, floor 7.
"""

from __future__ import annotations

from random import Random
from typing import Any

from starship.accept.listening import DoorService
from starship.config.settings import Dialling, Pool, Settings
from starship.dial.dialer import Dialer
from starship.dial.ejection import Ejection
from starship.dial.guard import Guard, OwnAddresses
from starship.dial.member import Members
from starship.dial.names import Names
from starship.dial.pool import Means
from starship.dial.pools import NamedPool, Pools
from starship.dial.terms import Terms
from starship.service.headers import header_options, header_version
from starship.wire.connect import connect_on
from starship.wire.ground import Ground
from starship.wire.wheel import Wheel


def make_dialer(
    settings: Settings, reactor: Any, ground: Ground, wheel: Wheel, doors: list[DoorService], names: Names
) -> Dialer:
    """Build all of it; `doors` may be filled later."""
    dialling = settings.upstream
    return Dialer(
        connect=connect_on(ground, reactor),
        clock=wheel,
        pools=make_pools(settings, wheel, names),
        guard=Guard(
            allow=dialling.allow,
            deny=dialling.deny,
            ports=dialling.ports,
            doors=lambda: [door.bound for door in doors if door.bound is not None],
            is_ours=OwnAddresses(reactor),
        ),
        dial_timeout=dialling.dial_timeout,
        bind_address=dialling.bind_address,
        attempt_delay=dialling.attempt_delay,
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
    )
