"""
Limits on who comes in: how many at once, how many from one source, and from which networks.

Part of accept. Knows counts and networks; no transport. Sources are counted by address, IPv6 by /64, because that is
what one customer of an access provider has.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, TypeVar

from attrs import define, field, frozen
from zope.interface import implementer

from starship.addresses import source_of
from starship.buckets import Buckets
from starship.interfaces import IGate, ITenantGate
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Arrival, Hello, Network, Refusal, Route

K = TypeVar("K")

ACME_TLS: Final = b"acme-tls/1"


def within(host: str, networks: tuple[Network, ...]) -> bool:
    """Say whether an IP address lies in one of the networks."""
    ip = ip_address(host.partition("%")[0])
    return any(ip.version == network.version and ip in network for network in networks)


@frozen(kw_only=True)
class Guestlist:
    """Whom a door lets in. An empty `allow` is everybody; `deny` is read first."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()

    def admits(self, host: str) -> bool:
        if self.deny and within(host, self.deny):
            return False
        return not self.allow or within(host, self.allow)


@implementer(IGate)
@define(eq=False, kw_only=True)
class Gate:
    """
    Counts connections for all doors together. A limit of 0 is none.

    `newcomers` counts by source how many came in lately; None: nobody counts.
    """

    connections: int
    per_source: int
    guests: Mapping[str, Guestlist]  # by the name of the door
    newcomers: Buckets | None = None
    inside: int = field(init=False, default=0)
    _sources: dict[str, int] = field(init=False, factory=dict)

    def admit(self, arrival: Arrival) -> Refusal | None:
        host = arrival.client.host
        guests = self.guests.get(arrival.door.name)
        if guests is not None and (guests.deny or guests.allow) and not guests.admits(host):
            return Refusal(reason=Reason.DENIED, detail="the listener does not allow this address")
        if self.connections and self.inside >= self.connections:
            return Refusal(reason=Reason.OVER_LIMIT, detail=f"{self.connections} connections are open")
        if self.newcomers is not None:
            source = source_of(host)
            if not self.newcomers.admits(source, arrival.start):
                return Refusal(reason=Reason.OVER_LIMIT, detail=f"too many new connections came from {source}")
            self.newcomers.take(source, arrival.start)
        if self.per_source:
            source = source_of(host)
            count = self._sources.get(source, 0)
            if count >= self.per_source:
                return Refusal(reason=Reason.OVER_LIMIT, detail=f"{count} connections are open from {source}")
            self._sources[source] = count + 1
        self.inside += 1
        return None

    @property
    def sources(self) -> int:
        """How many sources those inside come from; 0 where they are not counted."""
        return len(self._sources)

    def leave(self, arrival: Arrival) -> None:
        self.inside -= 1
        if self.per_source:
            _count_down(self._sources, source_of(arrival.client.host))


@implementer(ITenantGate)
@define(eq=False)
class TenantGate:
    """What a route asks for its own name. Counts by name, and only while somebody is inside."""

    _inside: dict[Hostname | None, int] = field(init=False, factory=dict)

    def enter(self, hello: Hello, route: Route, arrival: Arrival) -> Refusal | None:
        if route.maintenance and hello.alpn != (ACME_TLS,):  # RFC 8737 section 3: certificates renew all the same
            return Refusal(reason=Reason.MAINTENANCE)
        host = arrival.client.host
        if (route.deny and within(host, route.deny)) or (route.allow is not None and not within(host, route.allow)):
            return Refusal(reason=Reason.DENIED, detail="the route does not allow this address")
        count = self._inside.get(hello.name, 0)
        if route.max_connections is not None and count >= route.max_connections:
            return Refusal(reason=Reason.OVER_LIMIT, detail=f"{count} connections are open to this name")
        self._inside[hello.name] = count + 1
        return None

    def leave(self, name: Hostname | None) -> None:
        _count_down(self._inside, name)

    def inside(self, name: Hostname) -> int:
        """How many hellos for this name are in."""
        return self._inside.get(name, 0)


def _count_down(counts: dict[K, int], key: K) -> None:
    count = counts[key] - 1
    if count:
        counts[key] = count
    else:
        del counts[key]
