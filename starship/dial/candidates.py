"""
Candidates: whom one connection tries, after the first choice of its pool did not serve.

Part of the dial step, beside the Attempt, which makes one where it needs to choose again. It knows a pool and who was
tried; not how anybody is connected to. Where the first choice connects at once there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from starship.dial.pools.names import KnownName
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.race import rivals
from starship.words import Address

TRIES_LIMIT: Final = 16
"""Addresses that one connection may try: a name with hundreds of them must not hold a client that long."""


class Candidates:
    """
    Of one pool for one client: `source` is its address, `host` the name that it asked for.

    `full`: somebody was passed by who has no room. `spent`: somebody was, who failed last and whom the pool's budget
    for those did not allow. Whoever asks says how many `tries` there were.
    """

    __slots__ = ("_anew", "_asked", "_host", "_others", "_pool", "_source", "full", "spent", "tried")

    def __init__(self, pool: Pool, source: str, host: str | None) -> None:
        self._pool = pool
        self._source = source
        self._host = host
        self._anew = False  # names have brought somebody before anybody was tried: the policy chooses once more
        self._others: Iterator[Seat] | None = None
        self._asked: list[KnownName] = []
        self.tried: list[Seat] = []
        self.full = self.spent = False

    def following(self, tries: int) -> Seat | None:
        """Whom to try next; None where nobody is left."""
        if self._anew:
            self._anew = False
            seat = self._pool.pick(self._source, self._host)
            if seat is None or not self._pool.full(seat):
                return seat
        return self._other(tries)

    def with_room(self, tries: int) -> Seat | None:
        """The same, for who has waited until there was room: all are looked at from the first on."""
        self._others, self.full = None, False
        return self._other(tries)

    def rival(self, last: Seat, running: Seat | None, tries: int, is_allowed: Callable[[Address], bool]) -> Seat | None:
        """Who starts after `last` in a race that `running` began, unless it has failed; None where there is nobody."""
        pool = self._pool
        if tries >= TRIES_LIMIT:
            return None
        those = rivals(last, pool.table.seats, (*self.tried, running))
        pool.means.random.shuffle(those)
        for seat in those:
            if pool.full(seat):
                continue
            self.tried.append(seat)
            if is_allowed(seat.member.address) and (not seat.member.row or pool.retries.take(pool.total)):
                return seat
        return None

    def unknown(self, tries: int, *, backups: bool) -> KnownName | None:
        """A name that may bring somebody and was not asked about here yet; it counts as asked from here on."""
        pool = self._pool
        name = pool.roster.unknown(self._asked, backups=backups) if pool.named and tries < TRIES_LIMIT else None
        if name is not None:
            self._asked.append(name)
        return name

    def more_came(self) -> None:
        """A name has brought addresses: there are more to choose from."""
        self._others, self._anew = None, not self.tried

    def _other(self, tries: int) -> Seat | None:
        """The next one that was not tried yet, has room, and is well or may be tried although it failed last."""
        pool, others = self._pool, self._others
        if others is None:
            others = self._others = pool.others(self._source, self._host)
        for seat in others if tries < TRIES_LIMIT else ():
            if seat in self.tried:
                continue
            if pool.full(seat):
                self.full = True
            elif tries and seat.member.row and not pool.retries.take(pool.total):
                self.spent = True
            else:
                return seat
        return None
