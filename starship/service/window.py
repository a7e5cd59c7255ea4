"""
The admin site's pages: each is given what it may look into, and the doorkeeper the token.

Part of service, floor 7: the admin room knows no workshop, so what it asks of them is introduced here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.web.server import Site

from starship.accept.gate import Gate, TenantGate
from starship.accept.listening import DoorService
from starship.accept.live import Crowd
from starship.admin.cache import CachePages
from starship.admin.connections import ConnectionPages
from starship.admin.explain import ExplainPage
from starship.admin.health import HealthPages
from starship.admin.lookups import LookupsPage, LookupState
from starship.admin.poolrooms import Basin, Choosing
from starship.admin.pools import PoolPages
from starship.admin.readiness import Readiness
from starship.admin.replies import Place
from starship.admin.rooms import Directory, Doorway, Rooms
from starship.admin.site import make_site
from starship.admin.token import Doorkeeper
from starship.admin.warm import WarmPages
from starship.config.endpoints import parse_listen
from starship.config.settings import Admin, Listener, Settings
from starship.config.values import Bad
from starship.dial.dialer import Dialer
from starship.dial.pools.views import foresee, view
from starship.dns.book import Book
from starship.names import Hostname
from starship.poolviews import NameView
from starship.route.caching import CachingResolver
from starship.route.contract import Head, read_answer
from starship.route.credentials import read_token
from starship.route.narrowing import narrow
from starship.route.rereading import Rereading
from starship.route.spelling import spell
from starship.route.table import static_route
from starship.route.warming import Warming
from starship.service.doors import RAW
from starship.service.lookups import Lookups
from starship.words import Answer, Ask, Endpoints, Miss, Origin, Route, Upstream

SOURCE: Final = "127.0.0.1"
"""Who asks where an operator does."""

_NEVER_ASKED: Final = Miss(origin=Origin.STATIC)


@frozen(kw_only=True)
class House:
    """Whoever the pages look at."""

    settings: Settings
    reactor: Any
    lookups: Lookups
    gate: Gate
    tenants: TenantGate
    dialer: Dialer
    book: Book
    doors: list[DoorService]
    crowd: Crowd


@frozen(kw_only=True)
class Window:
    """The site, what to warn of at the start (empty: nothing), and how to give up what it has under way."""

    site: Site
    warning: str
    stop: Callable[[], None]


def make_window(house: House, registry: CollectorRegistry, readiness: Readiness) -> Window:
    """Build the site. Raises CredentialsUnusable."""
    admin = house.settings.admin or Admin()
    warm = _warm(house)
    places: dict[bytes, Place] = HealthPages(registry, readiness).places()
    places |= ExplainPage(rooms=_rooms(house), clock=house.reactor).places()
    places |= LookupsPage(_state(house)).places()
    places |= PoolPages(basin=_basin(house)).places()
    places |= ConnectionPages(crowd=house.crowd, clock=house.reactor).places()
    if house.lookups.caching is not None and warm is not None:
        read = partial(read_by_hand, pools=house.settings.pools)
        places |= CachePages(keeper=house.lookups.caching.keeper, read=read, spell=spell).places()
        places |= warm.places()
    doorkeeper = Doorkeeper(token=_token(admin, house.reactor), local=is_local(admin.endpoint))
    closed = house.settings.admin is not None and admin.token_file is None and not doorkeeper.local
    return Window(
        site=make_site(places, doorkeeper, house.reactor),
        warning="the admin endpoint can be reached from other machines, and without [admin] token_file it shows no"
        " names: /explain, /lookups, /pools, /connections and /cache answer 403"
        if closed
        else "",
        stop=warm.stop if warm is not None else lambda: None,
    )


def is_local(endpoint: str) -> bool:
    """Whether nobody reaches an endpoint from another machine: a unix socket, or an address of the loopback."""
    place = parse_listen(endpoint)
    if isinstance(place, Bad):
        return False
    if place.kind == "systemd":
        return "domain=UNIX" in endpoint.split(":")
    return place.kind == "unix" or (bool(place.where) and ip_address(place.where).is_loopback)


def read_by_hand(name: Hostname, body: bytes, pools: Container[str] | None = None) -> Answer:
    """An answer that an operator wrote, read as one of the API (`pools` None: any). Errors: LookupInvalid."""
    return read_answer(name, Head(status=200), body, pools)


def _token(admin: Admin, reactor: Any) -> Callable[[], str | None]:
    path = admin.token_file
    return (lambda: None) if path is None else Rereading((path,), lambda: read_token(path), reactor)


def _rooms(house: House) -> Rooms:
    return Rooms(
        doors=partial(_doors, house),
        table=house.lookups.outer.find,
        directory=_directory(house.lookups, house.settings),
        objection=house.dialer.guard.objection,
        addresses=house.book.peek,
        inside=house.tenants.inside,
        spell=spell,
        narrow=narrow,
        pool=partial(_pool, house),
        choosing=partial(_choosing, house),
    )


def _pool(house: House, name: str) -> tuple[Upstream, ...] | None:
    """The endpoints of a pool, as they are written."""
    pool = house.settings.pools.get(name)
    return None if pool is None else pool.endpoints


def _choosing(house: House, route: Route, port: int, client: str | None, name: Hostname | None) -> Choosing | None:
    """The pool that is in use for a route, and whom it would choose."""
    pool = house.dialer.pools.peek(route, port)
    return None if pool is None else Choosing(standing=view(pool), forecast=foresee(pool, client, name))


def _basin(house: House) -> Basin:
    def known(upstream: Upstream) -> NameView | None:
        return house.book.look(upstream.host, upstream.srv)

    return Basin(pools=house.dialer.pools, upstreams=partial(_pool, house), known=known)


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
        requests=listener.mode == "requests",
        redirect=listener.redirect,
    )


def _route(app: str, home: Endpoints) -> Route | None:
    return static_route(app, home) if home else None


def _directory(lookups: Lookups, settings: Settings) -> Directory | None:
    caching, budget, queue, failover, raw = (
        lookups.caching,
        lookups.budget,
        lookups.queue,
        lookups.failover,
        lookups.raw,
    )
    if caching is None or budget is None or queue is None or failover is None or raw is None:
        return None

    def ask(name: Hostname) -> Deferred[Answer]:
        return queue.resolve(Ask(name=name, source=SOURCE, door="explain"))

    return Directory(
        keeper=caching.keeper,
        ours=_all if lookups.suffixes is None else lookups.suffixes.ours,
        patience=caching.patience,
        over=budget.objection,
        refusal=failover.refusal,
        forgiving=settings.lookup is not None and settings.lookup.miss_on_error,
        raw=raw.of,
        apis=failover.snapshot,
        ask=ask,
    )


def _all(name: Hostname) -> bool:
    return True


def _warm(house: House) -> WarmPages | None:
    caching = house.lookups.caching
    if caching is None:
        return None

    def begin(names: tuple[Hostname, ...]) -> Warming:
        return Warming(names=names, asking=partial(_warmed, house.lookups, caching), clock=house.reactor)

    return WarmPages(begin=begin, clock=house.reactor, new_id=partial(secrets.token_hex, 4))


def _warmed(lookups: Lookups, caching: CachingResolver, ask: Ask) -> Deferred[Answer]:
    """The answer for a client of this name, learned ahead where the API has to be asked for it."""
    name = ask.name
    route = None if name is None else lookups.outer.find(name)
    if route is not None:
        return succeed(route)
    ours = lookups.suffixes is None or lookups.suffixes.ours(name)
    return caching.warm(ask) if ours else succeed(_NEVER_ASKED)


def _state(house: House) -> Callable[[], LookupState] | None:
    lookups, settings = house.lookups, house.settings.lookup
    failover, queue, budget, failures = lookups.failover, lookups.queue, lookups.budget, lookups.failures
    if failover is None or queue is None or budget is None or failures is None or settings is None:
        return None
    shadow = lookups.shadow

    def state() -> LookupState:
        counts: Mapping[str, int] | None = None if shadow is None else shadow.results
        return LookupState(
            apis=failover.snapshot(),
            in_flight=queue.in_flight,
            in_flight_limit=settings.concurrency,
            waiting=queue.waiting,
            waiting_limit=settings.queue,
            failing=failures.entries,
            budget=budget.snapshot(),
            shadow=counts,
        )

    return state
