"""
Sources: our own addresses, which new connections take in turn.

Part of the dial step. One address has some 28,000 ports for each endpoint; where those are not enough, several
addresses are. Knows no sockets: whether one has a port left, who connects finds out, and goes on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from attrs import define, field

from starship.words import Address


@define(eq=False)
class Sources:
    """`addresses` of either family; empty: the kernel chooses."""

    addresses: tuple[str, ...] = ()
    _four: Iterator[tuple[str, ...]] = field(init=False)
    _six: Iterator[tuple[str, ...]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._four = cycle(_turns([one for one in self.addresses if ":" not in one]))
        self._six = cycle(_turns([one for one in self.addresses if ":" in one]))

    def of(self, remote: Address) -> tuple[str, ...]:
        """Those of the same family, each time with another one in front; none where there is none."""
        return next(self._six if ":" in remote.host else self._four)


def _turns(addresses: Sequence[str]) -> list[tuple[str, ...]]:
    """Made once, so that a connection makes no tuple."""
    return [(*addresses[first:], *addresses[:first]) for first in range(len(addresses))] or [()]
