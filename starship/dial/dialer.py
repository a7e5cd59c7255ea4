"""
Dialer: a Route becomes a connected upstream.

The fourth step of the walk. Finds the route's pool, puts the PROXY header before the opening bytes where one is asked
for, and lets an Attempt try. A route with one address needs no pool, and costs none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from starship.addresses import is_ip
from starship.dial.attempt import Attempt
from starship.dial.candidates import verdict
from starship.dial.guard import Guard
from starship.dial.pools.book import Pools
from starship.dial.pools.seat import Seat
from starship.dial.preface import preface
from starship.dial.relief import Relief
from starship.dial.sources import Sources
from starship.dial.spares import Spares
from starship.dial.trial import Supply
from starship.dial.twice import twice
from starship.errors import DialUnresolved
from starship.interfaces import Connect, ICancel, IDialer, IDialOutcome
from starship.words import Address, Arrival, Hello, Route


class Choice(NamedTuple):
    """The endpoint that a dial would try first; `seat` is None for an address without a pool."""

    address: Address
    seat: Seat | None


@implementer(IDialer)
@define(eq=False, kw_only=True)
class Dialer:
    """
    Deadlines in seconds: `connect_timeout` for an address without a pool, `dial_timeout` for all tries together.

    `pools` has the terms for all others. `bind_addresses` are our own ends, in turn. `attempt_delay` is the head start
    of an address of a name that has both families; 0: one is tried after the other. `spares` are connections that
    are made before a client comes; None: nobody wants any. `relief` is asked where our own means are used up.
    """

    connect: Connect
    clock: IReactorTime
    pools: Pools
    guard: Guard
    dial_timeout: float
    bind_addresses: tuple[str, ...] = ()
    attempt_delay: float = 0.25
    spares: Spares | None = None
    relief: Relief | None = None
    connect_timeout: float = field(init=False)
    _limited: bool = field(init=False)
    _sources: Sources = field(init=False)

    def __attrs_post_init__(self) -> None:
        terms = self.pools.terms
        self.connect_timeout = terms.connect_timeout
        self._limited = bool(terms.max_connections)
        self._sources = Sources(self.bind_addresses)

    def dial(
        self,
        route: Route,
        arrival: Arrival,
        hello: Hello,
        opening: bytes,
        outcome: IDialOutcome,
        choice: Choice | None = None,
    ) -> ICancel:
        """As the seam says. `choice` is what `choose` said just now: it is tried first."""
        alone = self._alone(route, arrival)
        pool = None if alone is not None else self.pools.of(route, arrival.door.port)
        if pool is None and alone is None:
            outcome.failed(DialUnresolved(f"there is no pool {route.pool}"))
            return NOTHING
        seat = None if choice is None else choice.seat
        if pool is not None and pool.room is None and not pool.named:  # nobody to be waited or asked for
            seat = seat or pool.pick(arrival.client.host, hello.name)
            if seat is None:
                outcome.failed(verdict(pool, None, None))
                return NOTHING
            alone = seat.member.address
        terms = self.pools.terms if pool is None else pool.terms
        version = route.proxy_protocol or terms.proxy_protocol
        said = opening
        if version is not None:
            opening = preface(version, terms.proxy_options, arrival, hello) + opening
        trusted = route.trusted or route.pool is not None
        attempt = Attempt(self, outcome, opening, pool, trusted, arrival.client.host, hello)
        attempt.said = said
        if self.spares is not None and terms.preconnect:
            # Where nothing was said yet, there is nothing by which a spare could be known to be alive.
            attempt.supply = Supply(self.spares, terms.preconnect, bool(said) and twice(hello, said))
        attempt.start(alone, seat)
        return attempt

    def choose(self, route: Route, arrival: Arrival, hello: Hello) -> Choice | None:
        """
        The endpoint of a new connection, for who may have one open to it already.

        Returns: None where it takes more than a look (a name to be resolved, no room, nobody there): then dial.
        """
        alone = self._alone(route, arrival)
        if alone is not None:
            return Choice(alone, None)
        pool = self.pools.of(route, arrival.door.port)
        seat = None if pool is None else pool.pick(arrival.client.host, hello.name)
        if pool is None or seat is None or pool.full(seat) or (seat.backup and pool.named):
            return None
        return Choice(seat.member.address, seat)

    def bind_to(self, address: Address) -> tuple[str, ...]:
        """Our end of a connection to an address: those that are configured of the same family, the next one first."""
        return self._sources.of(address) if self.bind_addresses else ()

    def _alone(self, route: Route, arrival: Arrival) -> Address | None:
        """The address of a route that has one endpoint, which is an address and has no limit."""
        upstreams = route.upstreams
        if len(upstreams) != 1 or self._limited:
            return None
        upstream = upstreams[0]
        host = upstream.host
        if upstream.srv or not is_ip(host):
            return None
        return Address(host, upstream.port or arrival.door.port)


@implementer(ICancel)
class _Nothing:
    """Nothing is under way."""

    def cancel(self) -> None:
        """Nothing to give up."""


NOTHING: Final = _Nothing()
