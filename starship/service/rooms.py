"""
What `explain` looks into: the doors, the table, the chain to the API, the pools and the guard, as the admin room asks.

Part of service, floor 7. Looks alone: nothing is counted, chosen or changed by it.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from twisted.internet.defer import Deferred

from starship.accept.gate import Gate
from starship.admin.poolrooms import Choosing
from starship.admin.rooms import Directory, Doorway, Rooms
from starship.config.settings import Listener
from starship.dial.pools.views import foresee, view
from starship.names import Hostname
from starship.route.narrowing import narrow
from starship.route.spelling import spell
from starship.route.table import static_route
from starship.service.chain import Chain
from starship.service.doors import RAW
from starship.service.house import House
from starship.service.requests import REQUESTS
from starship.words import Answer, Ask, Endpoints, Route, Upstream

SOURCE: Final = "127.0.0.1"
"""Who asks where an operator does."""


def rooms_of(house: House) -> Rooms:
    """All of them."""
    chain = house.lookups.chain
    return Rooms(
        doors=partial(_doors, house),
        table=house.lookups.outer.find,
        directory=None if chain is None else _directory(chain),
        objection=house.dialer.guard.objection,
        addresses=house.book.peek,
        inside=house.tenants.inside,
        spell=spell,
        narrow=narrow,
        pool=partial(endpoints_of, house),
        choosing=partial(_choosing, house),
    )


def endpoints_of(house: House, pool: str) -> tuple[Upstream, ...] | None:
    """The endpoints of a pool, as they are written; None: there is no such pool."""
    written = house.settings.pools.get(pool)
    return None if written is None else written.endpoints


def _choosing(house: House, route: Route, port: int, client: str | None, name: Hostname | None) -> Choosing | None:
    """The pool that is in use for a route, and whom it would choose."""
    pool = house.dialer.pools.peek(route, port)
    return None if pool is None else Choosing(standing=view(pool), forecast=foresee(pool, client, name))


def _doors(house: House) -> tuple[Doorway, ...]:
    """One for each listener; the port is that of its first endpoint."""
    ports: dict[str, int] = {}
    for door in house.doors:
        known = door.factory.manners.door
        ports.setdefault(known.name, known.port)
    named = [listener for listener in house.settings.listeners if listener.protocol != RAW]
    return tuple(_doorway(listener, ports[listener.name], house.gate) for listener in named)


def _doorway(listener: Listener, port: int, gate: Gate) -> Doorway:
    return Doorway(
        name=listener.name,
        protocol=listener.protocol,
        port=port,
        no_name=_route("no_name", listener.no_name),
        default=_route("default", listener.default),
        admits=gate.guests[listener.name].admits,
        requests=listener.mode == REQUESTS,
        redirect=listener.redirect,
    )


def _route(app: str, home: Endpoints) -> Route | None:
    return static_route(app, home) if home else None


def _directory(chain: Chain) -> Directory:
    def ask(name: Hostname) -> Deferred[Answer]:
        return chain.queue.resolve(Ask(name=name, source=SOURCE, door="explain"))

    return Directory(
        keeper=chain.caching.keeper,
        ours=chain.ours,
        patience=chain.caching.patience,
        over=chain.budget.objection,
        refusal=chain.apis.failover.refusal,
        forgiving=chain.wanted.miss_on_error,
        raw=chain.apis.raw.of,
        apis=chain.apis.failover.snapshot,
        ask=ask,
    )
