"""
Pool: endpoints that share a load.

Part of the dial step. Who its members are it knows of its Roster, who is used now of its Table; both change under it
while connections live on. On the hot path it looks at two attributes and asks the table's picker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from random import Random

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from starship.dial.pools.member import Members
from starship.dial.pools.names import Names
from starship.dial.pools.overrides import Overrides
from starship.dial.pools.retries import RetryBudget
from starship.dial.pools.roster import Roster, Spot
from starship.dial.pools.seat import Seat
from starship.dial.pools.table import EMPTY, Table, lay
from starship.dial.pools.tallies import Tallies
from starship.dial.pools.terms import Terms
from starship.dial.pools.waiting import WaitingRoom
from starship.words import Address, Upstream


def _none(_: Address) -> int:
    return 0


def _nobody_minds(_: Address) -> None:
    """There are no spare connections."""


@define(eq=False, kw_only=True)
class Means:
    """
    What all pools have in common.

    `ready` says how many spare connections an endpoint has; `unused` is told of one that a pool uses no more.
    """

    members: Members
    names: Names
    clock: IReactorTime
    random: Random
    ready: Callable[[Address], int] = _none
    unused: Callable[[Address], None] = _nobody_minds


@define(eq=False, kw_only=True)
class Pool:
    """
    `name` empty: the endpoints of a route. `port` is what an endpoint without one means.

    `named`: some of its endpoints are names. `total` counts the connections that were asked for. `room` is None where
    no endpoint is ever full. `tallies` None: nobody wants to know by endpoint.
    """

    name: str
    upstreams: tuple[Upstream, ...]
    port: int
    terms: Terms
    means: Means = field(repr=False)
    overrides: Overrides = field(factory=Overrides)
    tallies: Tallies | None = field(default=None, repr=False)
    total: int = 0
    seats: tuple[Seat, ...] = field(default=(), repr=False)
    table: Table = field(default=EMPTY, repr=False)
    roster: Roster = field(init=False, repr=False)
    retries: RetryBudget = field(init=False)
    room: WaitingRoom | None = field(init=False, default=None)
    named: bool = field(init=False)
    _stale: bool = field(init=False, default=True)
    _moved: bool = field(init=False, default=True)
    _closed: bool = field(init=False, default=False)
    _until: float = field(init=False, default=inf)

    def __attrs_post_init__(self) -> None:
        terms, clock = self.terms, self.means.clock
        self.roster = Roster(self.upstreams, self.port, self.means.names, self.names_moved, lasting=bool(self.name))
        self.named = bool(self.roster.known)
        self.retries = RetryBudget(clock=clock, share=terms.retries, least=terms.min_retries)
        if terms.max_connections:
            self.room = WaitingRoom(clock=clock, limit=terms.queue, patience=terms.queue_timeout)
        self.roster.open()

    # Who dials

    def pick(self, source: str, host: str | None) -> Seat | None:
        """The choice for a new connection; None where there is nobody."""
        self.total += 1
        if self.named:
            self.roster.look()
        if self._stale or (self._until != inf and self._until <= self.means.clock.seconds()):
            self.refresh()
        picker = self.table.picker
        return None if picker is None else picker.pick(source, host)

    def others(self, source: str, host: str | None) -> Iterator[Seat]:
        """All of them, in the order of trying, for who could not have the choice; that one is among them."""
        return self.current().others(source, host, self.means.random)

    def current(self) -> Table:
        """Whom it uses now."""
        if self._stale or self._until <= self.means.clock.seconds():
            self.refresh()
        return self.table

    def full(self, seat: Seat) -> bool:
        """Whether an endpoint has as many connections as it may."""
        return self.room is not None and seat.member.load >= self.terms.max_connections

    def standing(self) -> tuple[Seat, ...]:
        """All members as they are known now, for who watches over them. Looking is no use of names."""
        self.current()
        return self.seats

    # Who watches

    def changed(self) -> None:
        """A member stands differently: the next to dial finds out how."""
        self._stale = True

    def freed(self) -> None:
        """A connection is over."""
        if self.room is not None and len(self.room):
            self.room.call()

    def opened(self) -> None:
        """There may be room for any number of those who wait."""
        if self.room is not None and len(self.room):
            self.room.call_all()

    def seats_changed(self) -> None:
        """There are other members, or an operator has changed one."""
        self._moved = self._stale = True

    def names_moved(self) -> None:
        """A name has other addresses. Where none may be used any more, since nobody came, none is kept."""
        self.seats_changed()
        if self.roster.idle:
            self.refresh()
        self.opened()

    def refresh(self) -> None:
        """Say anew who is used."""
        if self._moved and not self._closed:
            self._seat()
        self._moved = self._stale = False
        before = self.table.seats
        self.table = lay(self.seats, self.terms, self.means.clock.seconds(), self.means.random, self.table)
        self._until = self.table.until
        if self.table.seats != before:
            for seat in set(before).difference(self.table.seats):
                self.means.unused(seat.member.address)

    def close(self) -> None:
        """Nobody will come any more. Who is still at it goes on with what there is."""
        self._closed = True
        self.roster.close()
        for seat in self.seats:
            self._leave(seat)

    def _seat(self) -> None:
        """Give each member its seat; those who stay keep theirs."""
        before = {seat.member.address: seat for seat in self.seats}
        members, seats = self.means.members, []
        for spot in self.roster.places():
            seat = before.pop(spot.address, None)
            if seat is None:
                member = members.watch(spot.address, self, crowded=self.room is not None)
                if self.seats and not member.total:  # new beside others who are at work: its share grows, too
                    member.back_at = self.means.clock.seconds()
                seat = Seat(member, spot.upstream, self.terms.ejection, members)
                if self.tallies is not None:
                    self.tallies.came(member, str(spot.upstream))
            self._set(seat, spot)
            seats.append(seat)
        for gone in before.values():
            self._leave(gone)
            self.overrides.gone(gone.label)
        self.seats = tuple(seats)

    def _leave(self, seat: Seat) -> None:
        if self.tallies is not None:
            self.tallies.went(seat.member)
        self.means.members.leave(seat.member, self, crowded=self.room is not None)

    def _set(self, seat: Seat, spot: Spot) -> None:
        """As it is written, or as operators have said since."""
        upstream = spot.upstream
        seat.tier, seat.kin = spot.tier, spot.kin
        check = self.terms.check
        seat.question = None if check is None else check.about(upstream)
        seat.upstream, seat.backup = upstream, upstream.backup
        seat.draining = self.overrides.draining(str(upstream), seat.label)
        seat.weight = self.overrides.weight(str(upstream), seat.label, upstream.weight)
