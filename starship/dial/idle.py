"""
Idle upstream connections: kept between two requests, handed out again, thrown away at the first sign of life.

Part of dial, beside the Dialer: it knows legs, addresses and a clock; of HTTP only which requests may be sent twice.
A connection is taken where the Dialer would have connected, so that picking and limits hold for it as for a new one.
One that a PROXY header has opened is never kept: it says one client's name for good.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from starship.dial.dialer import NOTHING, Choice, Dialer
from starship.dial.twice import REPEATABLE
from starship.exchanging import IIdle
from starship.interfaces import ICancel, IDialer, IDialOutcome, ILeg
from starship.wire.parting import Parting
from starship.words import Address, Arrival, Hello, Network, Route, Stop

SURE_S: Final = 1.0
"""A request that must not be sent twice takes a connection only if it has been idle for no longer than that."""

KNOWN_LIMIT: Final = 1024
"""Routes whose address is remembered. All are forgotten when it is reached."""

PATIENCE_S: Final = 10.0
PART_S: Final = 60.0
"""How long an upstream may take nothing of what it was sent last (the end of a body), and how long in all."""


class Policy(NamedTuple):
    """What two routes must have in common to share an upstream connection."""

    pool: str | None
    trusted: bool
    allow: tuple[Network, ...] | None
    deny: tuple[Network, ...]


@define(eq=False)
class _Idle:
    """One connection that waits. Whatever it says, or that it ends, makes it useless."""

    house: IdleConnections
    leg: ILeg
    remote: Address
    route: Route  # that it carried for last
    since: float

    def heard(self, data: bytes) -> None:
        self.house.spoil(self)

    def ended(self, how: Stop) -> None:
        self.house.spoil(self)


@implementer(IIdle)
@define(eq=False, kw_only=True)
class IdleConnections:
    """
    `each` bounds the connections to one address, `total` all of them; 0: none are kept. `timeout` in seconds.

    `is_proxied` says whether a route's upstream connections begin with a PROXY header.
    """

    clock: IReactorTime
    each: int
    total: int
    timeout: float
    is_proxied: Callable[[Route], bool]
    reused: int = field(default=0, init=False)
    replays: int = field(default=0, init=False)
    _homes: dict[Address, list[_Idle]] = field(factory=dict, init=False)
    _oldest_first: OrderedDict[_Idle, None] = field(factory=OrderedDict, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def __len__(self) -> int:
        """How many are idle."""
        return len(self._oldest_first)

    # IIdle

    def keep(self, leg: ILeg, route: Route, arrival: Arrival, hello: Hello) -> None:
        remote = leg.remote
        home = self._homes.get(remote)
        if not self.each or not self.total or self.is_proxied(route) or (home is not None and len(home) >= self.each):
            self.part(leg)
            return
        over, leg.over = leg.over, None
        if over is not None:
            over(leg, Stop.ENDED)  # to who counts connections: this one carries for nobody
        if len(self._oldest_first) >= self.total:
            oldest = next(iter(self._oldest_first))
            self._forget(oldest)
            self.part(oldest.leg)
        idle = _Idle(self, leg, remote, route, self.clock.seconds())
        if home is None:
            self._homes[remote] = [idle]
        else:
            home.append(idle)
        self._oldest_first[idle] = None
        if self._timer is None:
            self._timer = self.clock.callLater(self.timeout, self._sweep)
        leg.read(idle.heard, idle.ended)

    def part(self, leg: ILeg) -> None:
        Parting(leg, self.clock, PATIENCE_S, PART_S).start()

    # For who dials

    def take(self, remote: Address, route: Route, *, sure: bool) -> ILeg | None:
        """
        The connection to this address that was used last under a route's policy; `sure`: only if that was just now.

        A route that is remembered is the same object each time: then there is nothing to compare.
        """
        home = self._homes.get(remote)
        if home is None:
            return None
        for idle in reversed(home):
            if idle.route is route or policy_of(idle.route) == policy_of(route):
                if sure and self.clock.seconds() - idle.since > SURE_S:
                    return None
                self._forget(idle)
                return idle.leg
        return None

    def give_up(self, count: int) -> int:
        """Close so many at most, those that have been idle for longest; how many it were."""
        oldest = list(islice(self._oldest_first, count))
        for idle in oldest:
            self.spoil(idle)
        return len(oldest)

    # Inside

    def spoil(self, idle: _Idle) -> None:
        """A connection that has said something, or ended, is of no use to anybody."""
        if idle in self._oldest_first:
            self._forget(idle)
            idle.leg.abort()

    def _forget(self, idle: _Idle) -> None:
        del self._oldest_first[idle]
        home = self._homes[idle.remote]
        if home[-1] is idle:
            home.pop()
        else:
            home.remove(idle)
        if not home:
            del self._homes[idle.remote]

    def _sweep(self) -> None:
        self._timer = None
        now = self.clock.seconds()
        while self._oldest_first:
            oldest = next(iter(self._oldest_first))
            left = oldest.since + self.timeout - now
            if left > 0:
                self._timer = self.clock.callLater(left, self._sweep)
                return
            self._forget(oldest)
            self.part(oldest.leg)


@implementer(IDialer)
@define(eq=False)
class ReusingDialer:
    """
    Lets plain HTTP requests have idle connections; any other hello gets a new one.

    What a route without a pool says is its address is remembered with it: a known name has the same object each time.
    """

    dialer: Dialer
    idle: IdleConnections
    _alone: dict[int, tuple[Route, int, Choice]] = field(factory=dict, init=False)  # by the id of the route

    def dial(self, route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> ICancel:
        dialer, idle, request = self.dialer, self.idle, hello.request
        if request is None or not len(idle) or idle.is_proxied(route):
            return dialer.dial(route, arrival, hello, opening, outcome)
        known = self._alone.get(id(route))
        if known is not None and known[0] is route and known[1] == arrival.door.port:
            choice: Choice | None = known[2]
        else:
            choice = self._choose(route, arrival, hello)
        if choice is None:
            return dialer.dial(route, arrival, hello, opening, outcome)
        address, seat = choice
        leg = idle.take(address, route, sure=request.method not in REPEATABLE)
        if leg is None:
            return dialer.dial(route, arrival, hello, opening, outcome, choice)
        if seat is not None:
            seat.begin()
            seat.connected(leg)
        idle.reused += 1
        leg.send(opening)
        outcome.dialled(leg)
        return NOTHING

    def _choose(self, route: Route, arrival: Arrival, hello: Hello) -> Choice | None:
        choice = self.dialer.choose(route, arrival, hello)
        if choice is not None and choice.seat is None:
            if len(self._alone) >= KNOWN_LIMIT:
                self._alone.clear()
            self._alone[id(route)] = route, arrival.door.port, choice  # which holds the route: its id stays its own
        return choice


@implementer(IDialer)
@define(eq=False)
class FreshDialer:
    """For a request that is sent again since its idle connection was dead: a new one, and a count."""

    dialer: IDialer
    idle: IdleConnections

    def dial(self, route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> ICancel:
        self.idle.replays += 1
        return self.dialer.dial(route, arrival, hello, opening, outcome)


def policy_of(route: Route) -> Policy:
    """The policy that a route's connections may be shared under."""
    return Policy(route.pool, route.trusted, route.allow, route.deny)
