"""
The porch: where connections of balancers wait until their PROXY header has said who the client is.

Part of accept. The gate counts clients, so it is asked afterwards; until then this bounds how many wait, and who may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field, frozen

from starship.accept.gate import within
from starship.interfaces import IPrefaceReader
from starship.reasons import Reason
from starship.words import Arrival, Network, Refusal


@define(eq=False, kw_only=True)
class Porch:
    """
    Of all doors together. `trusted` by the name of a door: networks that the balancers' own addresses are in.

    `connections` is the gate's limit of all (0: none), and `inside` who counts against it already.
    """

    trusted: Mapping[str, tuple[Network, ...]]
    connections: int
    inside: Callable[[], int]
    waiting: int = field(init=False, default=0)

    def enter(self, arrival: Arrival) -> Refusal | None:
        """None lets a connection wait, and counts it until `leave`; a Refusal counts nothing."""
        if not within(arrival.client.host, self.trusted.get(arrival.door.name, ())):
            return Refusal(reason=Reason.DENIED, detail="the listener takes clients from its balancers alone")
        if self.connections and self.inside() + self.waiting >= self.connections:
            return Refusal(reason=Reason.OVER_LIMIT, detail=f"{self.connections} connections are open")
        self.waiting += 1
        return None

    def leave(self) -> None:
        """The header has come, or never will."""
        self.waiting -= 1


@frozen(kw_only=True)
class Balancers:
    """How a door hears from its balancers: where they wait, what reads their headers, and for how long (s)."""

    porch: Porch
    reader: Callable[[], IPrefaceReader]
    timeout: float
