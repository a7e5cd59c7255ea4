"""
The admin site's pages: each is given what it may look into, and the doorkeeper the token.

Part of service, floor 7: the admin room knows no workshop, so what it asks of them is introduced here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.web.server import Site

from starship.admin.cache import CachePages
from starship.admin.connections import ConnectionPages
from starship.admin.explain import ExplainPage
from starship.admin.health import HealthPages
from starship.admin.lookups import LookupsPage, LookupState
from starship.admin.poolrooms import Basin
from starship.admin.pools import PoolPages
from starship.admin.replies import Place
from starship.admin.site import make_site
from starship.admin.token import Doorkeeper
from starship.admin.warm import WarmPages
from starship.config.endpoints import parse_listen
from starship.config.settings import Admin
from starship.config.values import Bad
from starship.names import Hostname
from starship.poolviews import NameView
from starship.route.contract import Head, read_answer
from starship.route.credentials import read_token
from starship.route.rereading import Rereading
from starship.route.spelling import spell
from starship.route.table import TableResolver
from starship.route.warming import Warming
from starship.service.chain import Chain
from starship.service.house import House
from starship.service.rooms import endpoints_of, rooms_of
from starship.words import Answer, Ask, Miss, Origin, Upstream

CLOSED: Final = (
    "the admin endpoint can be reached from other machines, and without [admin] token_file it shows no"
    " names: /explain, /lookups, /pools, /connections and /cache answer 403"
)

_NEVER_ASKED: Final = Miss(origin=Origin.STATIC)


@frozen(kw_only=True)
class Window:
    """The site, what to warn of at the start (empty: nothing), and how to give up what it has under way."""

    site: Site
    warning: str
    stop: Callable[[], None]


def make_window(house: House, registry: CollectorRegistry) -> Window:
    """Build the site. Raises CredentialsUnusable."""
    admin, chain = house.settings.admin or Admin(), house.lookups.chain
    warm = None if chain is None else _warm(house, chain)
    places: dict[bytes, Place] = HealthPages(registry, house.readiness).places()
    places |= ExplainPage(rooms=rooms_of(house), clock=house.reactor).places()
    places |= LookupsPage(None if chain is None else partial(_state, chain)).places()
    places |= PoolPages(basin=_basin(house)).places()
    places |= ConnectionPages(crowd=house.crowd, clock=house.reactor).places()
    if chain is not None and warm is not None:
        read = partial(read_by_hand, pools=house.settings.pools)
        places |= CachePages(keeper=chain.caching.keeper, read=read, spell=spell).places()
        places |= warm.places()
    doorkeeper = Doorkeeper(token=_token(admin, house.reactor), local=is_local(admin.endpoint))
    closed = house.settings.admin is not None and admin.token_file is None and not doorkeeper.local
    return Window(
        site=make_site(places, doorkeeper, house.reactor),
        warning=CLOSED if closed else "",
        stop=(lambda: None) if warm is None else warm.stop,
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


def _basin(house: House) -> Basin:
    def known(upstream: Upstream) -> NameView | None:
        return house.book.look(upstream.host, upstream.srv)

    return Basin(pools=house.dialer.pools, upstreams=partial(endpoints_of, house), known=known)


def _warm(house: House, chain: Chain) -> WarmPages:
    def begin(names: tuple[Hostname, ...]) -> Warming:
        return Warming(names=names, asking=partial(_warmed, house.lookups.outer, chain), clock=house.reactor)

    return WarmPages(begin=begin, clock=house.reactor, new_id=partial(secrets.token_hex, 4))


def _warmed(table: TableResolver, chain: Chain, ask: Ask) -> Deferred[Answer]:
    """The answer for a client of this name, learned ahead where the API has to be asked for it."""
    name = ask.name
    route = None if name is None else table.find(name)
    if route is not None:
        return succeed(route)
    return chain.caching.warm(ask) if chain.ours(name) else succeed(_NEVER_ASKED)


def _state(chain: Chain) -> LookupState:
    return LookupState(
        apis=chain.apis.failover.snapshot(),
        in_flight=chain.queue.in_flight,
        in_flight_limit=chain.wanted.concurrency,
        waiting=chain.queue.waiting,
        waiting_limit=chain.wanted.queue,
        failing=chain.failures.entries,
        budget=chain.budget.snapshot(),
        shadow=None if chain.shadow is None else chain.shadow.results,
    )
