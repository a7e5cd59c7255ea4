"""
Numbers and ids for arrivals: one counter for all doors.

Part of accept.
"""

from __future__ import annotations

from attrs import define, field

from starship.words import Address, Arrival, Door


@define(eq=False)
class Identities:
    """`boot` sets the ids of this run apart from those of every other: a short random text from who starts us."""

    boot: str
    _count: int = field(init=False, default=0)

    def arrival(self, door: Door, client: Address, local: Address, now: float) -> Arrival:
        """Number a connection that was accepted at `now` (s, monotonic)."""
        self._count += 1
        return Arrival(
            number=self._count,
            id=f"{self.boot}-{self._count:x}",
            door=door,
            client=client,
            local=local,
            start=now,
        )
