"""What the pages look into, in memory: a real cache before an API that waits, and fakes of the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starship.admin.poolrooms import Choosing
from starship.admin.replies import Place
from starship.admin.rooms import Directory, Doorway, Rooms
from starship.errors import LookupFailed
from starship.names import Hostname
from starship.route.breaker import Breaker
from starship.route.caching import CachingResolver
from starship.route.failover import Api, Failover
from starship.route.memory import MemoryCache
from starship.route.narrowing import narrow
from starship.route.raw import Raw, RawAnswers
from starship.route.spelling import spell
from starship.words import Address, Answer, Ask, Origin, Route, Upstream
from starship.words import Place as NamePlace
from tests.route.resolvers import PatientResolver, caching_of, memory

Places = dict[bytes, Place]


def route(*endpoints: str, app: str = "A", **fields: Any) -> Route:
    """A route that a lookup brought, to `host` or `host:port`."""
    upstreams = []
    for endpoint in endpoints or ("10.0.0.24",):
        host, _, port = endpoint.partition(":")
        upstreams.append(Upstream(host=host, port=int(port) if port else None))
    return Route(app=app, upstreams=tuple(upstreams), origin=Origin.FRESH, **fields)


def static(app: str) -> Route:
    return Route(app=app, upstreams=(Upstream(host="10.9.9.9"),), origin=Origin.STATIC, trusted=True)


@define(eq=False, kw_only=True)
class House:
    """A house with a TLS and an HTTP door; change what is looked into, then make its `rooms`."""

    clock: Clock = field(factory=Clock)
    cache: MemoryCache = field(init=False)
    inner: PatientResolver = field(factory=PatientResolver)
    caching: CachingResolver = field(init=False)
    live: PatientResolver = field(factory=PatientResolver)
    raw: RawAnswers = field(factory=RawAnswers)
    table: dict[str, Route] = field(factory=dict)
    default: Route | None = None
    no_name: Route | None = None
    denied: str = ""
    over: str | None = None
    refused: LookupFailed | None = None
    forgiving: bool = False
    suffix: str = ""
    forbidden: str = "169.254."
    names: dict[str, tuple[NamePlace, ...]] = field(factory=dict)
    pools: dict[str, tuple[Upstream, ...]] = field(factory=dict)
    choosing: Choosing | None = None
    asked_of_guard: list[Address] = field(factory=list)
    inside: int = 0
    has_api: bool = True
    requests: bool = True
    redirect: int = 0

    def __attrs_post_init__(self) -> None:
        self.cache = memory(self.clock, stale_ttl=1000.0)
        self.caching = caching_of(self.clock, self.inner, self.cache, error_ttl=10.0)

    def ask(self, name: str) -> Deferred[Answer]:
        """As a client does."""
        return self.caching.resolve(Ask(name=Hostname(name), source="192.0.2.7", door="https"))

    def heard(self, name: str, body: bytes) -> None:
        """The API said this of a name."""
        self.raw.note(Hostname(name), Raw(0, 200, "max-age=60", body, self.clock.seconds()))

    def doors(self) -> tuple[Doorway, ...]:
        def door(name: str, protocol: str, port: int) -> Doorway:
            return Doorway(
                name=name,
                protocol=protocol,
                port=port,
                no_name=self.no_name,
                default=self.default,
                admits=lambda client: client != self.denied,
                requests=self.requests,
                redirect=self.redirect if protocol == "http" else 0,
            )

        return door("https", "tls", 443), door("http", "http", 80)

    def rooms(self) -> Rooms:
        return Rooms(
            doors=self.doors,
            table=self.table.get,
            directory=self.directory() if self.has_api else None,
            objection=self._objection,
            addresses=lambda host, srv: self.names.get(host),
            inside=lambda name: self.inside,
            spell=spell,
            narrow=narrow,
            pool=self.pools.get,
            choosing=lambda route, port, client, name: self.choosing if route.pool else None,
        )

    def directory(self) -> Directory:
        return Directory(
            keeper=self.caching.keeper,
            ours=lambda name: name.endswith(self.suffix),
            patience=self.caching.patience,
            over=lambda client: self.over,
            refusal=lambda: self.refused,
            forgiving=self.forgiving,
            raw=self.raw.of,
            apis=self.failover().snapshot,
            ask=lambda name: self.live.resolve(Ask(name=name, source="127.0.0.1", door="explain")),
        )

    def failover(self) -> Failover:
        breaker = Breaker(clock=self.clock, failures=3, interval=2.0)
        return Failover((Api(index=0, url="http://api/", resolver=self.inner, breaker=breaker),), self.clock)

    def _objection(self, address: Address) -> str | None:
        self.asked_of_guard.append(address)
        return f"{address.host} is a link-local address" if address.host.startswith(self.forbidden) else None


Change = Callable[[House], None]
