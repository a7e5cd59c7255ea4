"""
Pools: the pool of each route, whether the ini file has named it or the route brings its own endpoints.

Part of the dial step. Named pools are there from the start to the end; a route's own endpoints make a pool at first
use, which is found again by the route's tuple and forgotten when it has not been used for long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import define, evolve, field

from starship.dial.pools.overrides import Overrides
from starship.dial.pools.pool import Means, Pool
from starship.dial.pools.roster import Roster, wants_port
from starship.dial.pools.tallies import Tallies
from starship.dial.pools.terms import Terms
from starship.dial.pools.views import unused, view
from starship.poolviews import PoolView
from starship.words import POLICIES, Route, Upstream

ANYWHERE: Final = 0
"""The port of a pool all of whose endpoints have one of their own."""

SEATS_LIMIT: Final = 65_536
"""Endpoints that are remembered of routes without a named pool: some 700 bytes each."""

WEIGHT_LIMIT: Final = 65_535


@define(eq=False)
class NamedPool:
    """A pool of the ini file: one Pool for each port that an endpoint without one may mean."""

    name: str
    upstreams: tuple[Upstream, ...]
    terms: Terms
    means: Means
    overrides: Overrides = field(init=False)
    tallies: Tallies = field(init=False, factory=Tallies)
    pools: dict[int, Pool] = field(init=False, factory=dict)
    _portless: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._portless = any(map(wants_port, self.upstreams))
        self.overrides = Overrides(frozenset(map(str, self.upstreams)))
        if self._portless:  # its names are to be known before the first client comes to a door
            Roster(self.upstreams, ANYWHERE, self.means.names, _nothing_changes, lasting=True).open()
        else:
            self.at(ANYWHERE)

    def known(self, port: int) -> Pool | None:
        """The pool for connections that came to a door of that port, if any did."""
        return self.pools.get(port if self._portless else ANYWHERE)

    def at(self, port: int) -> Pool:
        """The same; made, where it was not used yet."""
        place = port if self._portless else ANYWHERE
        pool = self.pools.get(place)
        if pool is None:
            pool = self.pools[place] = Pool(
                name=self.name,
                upstreams=self.upstreams,
                port=place,
                terms=self.terms,
                means=self.means,
                overrides=self.overrides,
                tallies=self.tallies,
            )
            pool.refresh()
        return pool

    def endpoint(self, text: str) -> str | None:
        """One of its endpoints, by the words of the ini file or by an address that a name has; None: no such."""
        known = {str(upstream) for upstream in self.upstreams}
        known |= {seat.label for pool in self.pools.values() for seat in pool.seats}
        return text if text in known else None

    def addresses(self, endpoint: str) -> frozenset[str]:
        """Those that it has at any door; itself, where it is one."""
        seats = (seat for pool in self.pools.values() for seat in pool.seats)
        return frozenset(seat.label for seat in seats if endpoint in (seat.label, str(seat.upstream)))

    def views(self) -> Iterator[PoolView]:
        """As it stands at each port; as it is written where it was not used yet."""
        if not self.pools:
            yield unused(self.name, self.terms, self.upstreams)
        yield from map(view, self.pools.values())

    def changed(self) -> None:
        """An operator has changed something: there may be room now for those who wait."""
        for pool in self.pools.values():
            pool.seats_changed()
            pool.refresh()
            pool.opened()


@define(eq=False)
class Pools:
    """`terms` are those of endpoints that are in no named pool."""

    named: Mapping[str, NamedPool]
    terms: Terms
    means: Means
    _found: OrderedDict[int, tuple[tuple[Upstream, ...], str | None, int, Pool]] = field(
        init=False, factory=OrderedDict
    )
    _alike: dict[tuple[tuple[Upstream, ...], str, int], tuple[Pool, set[int]]] = field(init=False, factory=dict)
    _seats: int = field(init=False, default=0)

    def of(self, route: Route, port: int) -> Pool | None:
        """The pool of a route for connections that came to a door of that port; None: it names one that is not."""
        if route.pool is not None:
            named = self.named.get(route.pool)
            return None if named is None else named.at(port)
        upstreams = route.upstreams
        key = id(upstreams) ^ port
        found = self._found.get(key)
        if found is not None:
            known, policy, door, pool = found
            if known is upstreams and door == port and policy == route.policy:
                self._found.move_to_end(key)
                return pool
        return self._find(key, route, port)

    def peek(self, route: Route, port: int) -> Pool | None:
        """The same, for who only looks: nothing is made or remembered; None where it was not used yet."""
        if route.pool is not None:
            named = self.named.get(route.pool)
            return None if named is None else named.known(port)
        place, policy = self._place(route, port)
        alike = self._alike.get((route.upstreams, policy, place))
        return None if alike is None else alike[0]

    def drain(self, pool: str, endpoint: str) -> bool:
        """Let an endpoint have no new connections. False where there is no such pool or endpoint."""
        return self._drain(pool, endpoint, on=True)

    def undrain(self, pool: str, endpoint: str) -> bool:
        """Let it have new ones again."""
        return self._drain(pool, endpoint, on=False)

    def set_weight(self, pool: str, endpoint: str, weight: int | None) -> bool:
        """Give an endpoint another weight (0 to WEIGHT_LIMIT) until the next start; None: what is written."""
        named = self.named.get(pool)
        known = None if named is None else named.endpoint(endpoint)
        if named is None or known is None or (weight is not None and not 0 <= weight <= WEIGHT_LIMIT):
            return False
        named.overrides.weigh(known, named.addresses(known), weight)
        named.changed()
        return True

    def names(self) -> tuple[str, ...]:
        """Of all named pools, as the ini file has them."""
        return tuple(self.named)

    def views(self, pool: str) -> tuple[PoolView, ...]:
        """How a named pool stands at each port; nothing where there is none of that name."""
        named = self.named.get(pool)
        return () if named is None else tuple(named.views())

    def snapshot(self) -> tuple[PoolView, ...]:
        """All named pools as they stand."""
        return tuple(one for named in self.named.values() for one in named.views())

    def lately(self) -> Iterator[Pool]:
        """Those of routes that name none, the one that was used last first."""
        met: set[Pool] = set()
        for *_, pool in reversed(self._found.values()):
            if pool not in met:
                met.add(pool)
                yield pool

    def __iter__(self) -> Iterator[Pool]:
        """All named pools."""
        return (pool for named in self.named.values() for pool in named.pools.values())

    def _drain(self, pool: str, endpoint: str, *, on: bool) -> bool:
        named = self.named.get(pool)
        known = None if named is None else named.endpoint(endpoint)
        if named is None or known is None:
            return False
        named.overrides.drain(known, named.addresses(known), on=on)
        named.changed()
        return True

    def _place(self, route: Route, port: int) -> tuple[int, str]:
        """The port and the policy of a route with its own endpoints."""
        policy = route.policy if route.policy in POLICIES else self.terms.policy
        return port if any(map(wants_port, route.upstreams)) else ANYWHERE, policy

    def _find(self, key: int, route: Route, port: int) -> Pool:
        """
        The pool of endpoints that were not met in this tuple yet.

        An answer that was asked for anew is another tuple with the same endpoints: it is the same pool, and goes on.
        """
        self._forget(key)
        upstreams = route.upstreams
        place, policy = self._place(route, port)
        alike = (upstreams, policy, place)
        if alike not in self._alike:
            terms = evolve(self.terms, policy=policy)
            pool = Pool(name="", upstreams=upstreams, port=place, terms=terms, means=self.means)
            self._alike[alike] = pool, set()
        pool, keys = self._alike[alike]
        keys.add(key)
        self._found[key] = upstreams, route.policy, port, pool
        self._seats += len(upstreams)
        while self._seats > SEATS_LIMIT and len(self._found) > 1:
            self._forget(next(iter(self._found)))
        return pool

    def _forget(self, key: int) -> None:
        found = self._found.pop(key, None)
        if found is None:
            return
        upstreams, _, _, pool = found
        self._seats -= len(upstreams)
        alike = (upstreams, pool.terms.policy, pool.port)
        keys = self._alike[alike][1]
        keys.discard(key)
        if not keys:
            del self._alike[alike]
            pool.close()


def _nothing_changes() -> None:
    """A name has other addresses: nobody has a pool of them yet, or that one is told itself."""
