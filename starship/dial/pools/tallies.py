"""
Tallies: what each endpoint of a pool has seen since the start, whichever of its addresses came and went. Pure.

Part of the dial step. A member counts for itself, whoever has it, and is forgotten when nobody does; here its figures
are added up by the endpoint that the ini file names, and never fall.
"""

from __future__ import annotations

from typing import NamedTuple

from attrs import define, field

from starship.dial.pools.member import Member


class Counts(NamedTuple):
    """Connections, failures and ejections."""

    total: int = 0
    failures: int = 0
    ejections: int = 0

    def plus(self, more: Counts) -> Counts:
        """Both together."""
        return Counts(self.total + more.total, self.failures + more.failures, self.ejections + more.ejections)

    def less(self, before: Counts) -> Counts:
        """What came since."""
        return Counts(self.total - before.total, self.failures - before.failures, self.ejections - before.ejections)


NOTHING = Counts()


@define(eq=False)
class _Stay:
    """How long a member belongs to an endpoint: `seats` counts those that it has in the pool, one for each door."""

    endpoint: str
    before: Counts
    seats: int = 0


@define(eq=False)
class Tallies:
    """By endpoint, as it is written."""

    _stays: dict[Member, _Stay] = field(init=False, factory=dict)
    _gone: dict[str, Counts] = field(init=False, factory=dict)

    def came(self, member: Member, endpoint: str) -> None:
        """It has a seat."""
        stay = self._stays.get(member)
        if stay is None:
            stay = self._stays[member] = _Stay(endpoint, _counts(member))
        stay.seats += 1

    def went(self, member: Member) -> None:
        """It has one seat less."""
        stay = self._stays[member]
        stay.seats -= 1
        if not stay.seats:
            del self._stays[member]
            self._gone[stay.endpoint] = self._gone.get(stay.endpoint, NOTHING).plus(_counts(member).less(stay.before))

    def counts(self) -> dict[str, Counts]:
        """Of all endpoints that ever had an address."""
        found = dict(self._gone)
        for member, stay in self._stays.items():
            found[stay.endpoint] = found.get(stay.endpoint, NOTHING).plus(_counts(member).less(stay.before))
        return found


def _counts(member: Member) -> Counts:
    return Counts(member.total, member.failures, member.ejections)
