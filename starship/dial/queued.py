"""
Queued: one client's place in the waiting room of its pool, where every endpoint has as many connections as it may.

Part of the dial step, between an Attempt and the room. Whoever is called looks at all candidates anew.
"""

from __future__ import annotations

from typing import Protocol

from starship.dial.candidates import Candidates
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.pools.waiting import WaitingRoom
from starship.errors import DialBusy


class Waiting(Protocol):
    """Whose place it is."""

    def called(self, seat: Seat) -> None:
        """There is room at this endpoint."""

    def tired(self, why: DialBusy) -> None:
        """There was none in time."""


class Queued:
    """Told `called` or `tired` once, unless it leaves before; see Waiter. `tries` were made so far."""

    __slots__ = ("_candidates", "_pool", "_room", "_tries", "_waiting")

    def __init__(self, waiting: Waiting, pool: Pool, room: WaitingRoom, candidates: Candidates, tries: int) -> None:
        self._waiting = waiting
        self._pool = pool
        self._room = room
        self._candidates = candidates
        self._tries = tries

    def join(self) -> DialBusy | None:
        """Wait from here on; or why there is no place to."""
        if self._room.join(self):
            return None
        return DialBusy(f"no endpoint has room, and {len(self._room)} clients wait: {self._limits()}")

    def leave(self) -> None:
        """Wait no more."""
        self._room.leave(self)

    def room(self) -> bool:
        seat = self._candidates.with_room(self._tries)
        if seat is None:
            return False
        self._room.leave(self)
        self._waiting.called(seat)
        return True

    def tired(self) -> None:
        self._waiting.tired(DialBusy(f"no endpoint had room in time: {self._limits()}"))

    def _limits(self) -> str:
        return f"{self._pool.terms.max_connections} connections are open to each"
