"""
Listed: the endpoints that lookups list, as far as somebody is to ask them how they are.

Part of the dial step. Pools without a name come and go with answers, and there may be tens of thousands of them. Those
are asked that clients used last, up to a bound, and no address that the guard objects to: a check must lead nowhere
that a client may not go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.words import Address

Asked = Callable[[], Iterator[tuple[Pool, Seat]]]

KEEP_S: Final = 300.0
"""For so long after its last client a pool is looked after."""


@define(eq=False, kw_only=True)
class Listed:
    """
    `pools`: those without a name, the one that was used last first; of their endpoints at most `limit`. `objection` is
    the guard's.
    """

    pools: Callable[[], Iterable[Pool]]
    clock: IReactorTime
    limit: int
    objection: Callable[[Address], str | None]
    _seen: dict[Pool, tuple[int, float]] = field(init=False, factory=dict)

    def seats(self) -> Iterator[tuple[Pool, Seat]]:
        """Who is to be asked now."""
        before, self._seen = self._seen, {}
        now, count = self.clock.seconds(), 0
        for pool in self.pools():
            total, used = before.get(pool, (-1, now))
            if pool.total != total:
                used = now
            self._seen[pool] = pool.total, used
            if now - used >= KEEP_S:
                return  # and whoever follows was not used since either
            seats = pool.standing()
            for seat in seats if len(seats) > 1 else ():  # who is alone is all there is, well or not
                if self.objection(seat.member.address) is None:
                    if count == self.limit:
                        return
                    count += 1
                    yield pool, seat


def nobody() -> Iterator[tuple[Pool, Seat]]:
    """Nobody is: the ini file does not want it."""
    return iter(())
