"""
Roster: who the members of a pool are, once its names are known.

Part of the dial step. Every address of a name is a member. New answers come by themselves while the pool is used; what
was known of a name stays until then.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from attrs import define, evolve, field

from starship.addresses import is_ip
from starship.dial.pools.names import KnownName, Names
from starship.words import Address, Upstream


def wants_port(upstream: Upstream) -> bool:
    """Whether an endpoint means another address at each door; SRV records have ports of their own."""
    return upstream.port is None and not upstream.srv


class Spot(NamedTuple):
    """
    A member's address and who it belongs to. `tier`: those of tier 0 before those of 1, where SRV records say so.

    `kin` is its name where that has addresses of both families.
    """

    address: Address
    upstream: Upstream
    tier: int = 0
    kin: KnownName | None = None


@define(eq=False)
class Roster:
    """
    `upstreams` as they are written; `port` is what one without a port means. `moved` is called at new answers.

    `lasting`: its names are to be known even while nobody comes.
    """

    upstreams: tuple[Upstream, ...]
    port: int
    names: Names
    moved: Callable[[], None]
    lasting: bool = False
    known: tuple[KnownName, ...] = field(init=False)
    _of: dict[Upstream, KnownName] = field(init=False)

    def __attrs_post_init__(self) -> None:
        named = [upstream for upstream in self.upstreams if upstream.srv or not is_ip(upstream.host)]
        self._of = {upstream: self.names.name(upstream.host, srv=upstream.srv) for upstream in named}
        self.known = tuple(dict.fromkeys(self._of.values()))

    def open(self) -> None:
        """Be told of new answers from here on."""
        for name in self.known:
            name.watch(self.moved, lasting=self.lasting)

    def close(self) -> None:
        """Be told no more."""
        for name in self.known:
            name.leave(self.moved, lasting=self.lasting)

    @property
    def idle(self) -> bool:
        """Whether nothing of its names may be used at present."""
        return all(name.stale for name in self.known)

    def places(self) -> Iterator[Spot]:
        """All members, each address once."""
        seen: set[Address] = set()
        for upstream in self.upstreams:
            for spot in self._spots(upstream):
                if spot.address not in seen:
                    seen.add(spot.address)
                    yield spot

    def look(self) -> None:
        """Somebody comes: names are used, and those of which nothing is known are asked about."""
        for name in self.known:
            name.used = True
            if name.stale:
                name.ask()

    def unknown(self, but: Container[KnownName], *, backups: bool) -> KnownName | None:
        """A name of a member, or of a backup, of which no address is known; none of `but`."""
        for upstream, name in self._of.items():
            if upstream.backup == backups and (name.stale or not name.places) and name not in but:
                return name
        return None

    def _spots(self, upstream: Upstream) -> Iterator[Spot]:
        name = self._of.get(upstream)
        if name is None:
            yield Spot(Address(upstream.host, upstream.port or self.port), upstream)
            return
        places = () if name.stale else name.places
        kin = name if len({":" in place.host for place in places}) > 1 else None
        for place in places:
            address = Address(place.host, place.port or upstream.port or self.port)
            weighed = upstream if place.weight is None else evolve(upstream, weight=place.weight)
            yield Spot(address, weighed, place.tier, kin)
