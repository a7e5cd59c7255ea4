"""
Table: whom a pool uses now, and in which order it falls back. Pure, and swapped as one.

Part of the dial step. Members with a weight come first, then those of no weight, then the backups; whoever is left out
or down is tried last of all, and is all there is when nobody is well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from random import Random
from typing import Final

from attrs import frozen

from starship.dial.pools.ejection import WARMING_STEPS, warmth
from starship.dial.pools.policies import Picker, drawn, make_picker
from starship.dial.pools.seat import Seat
from starship.dial.pools.terms import Terms

WHOLE_PERCENT: Final = 100


@frozen(eq=False, kw_only=True)
class Table:
    """
    `picker` chooses among `seats` by their `shares`; it is None where there is nobody at all.

    `spares` are tried after them, group by group. It holds until the moment `until` (s; inf: until something happens).
    `panic`: nobody is well, so all are used.
    """

    picker: Picker[Seat] | None
    seats: tuple[Seat, ...] = ()
    shares: tuple[int, ...] = ()
    spares: tuple[tuple[Seat, ...], ...] = ()
    until: float = inf
    panic: bool = False

    def others(self, source: str, host: str | None, random: Random) -> Iterator[Seat]:
        """All of them in the order of trying; those who were tried already among them."""
        if self.picker is not None:
            yield from self.picker.after(source, host)
        for group in self.spares:
            yield from drawn(group, [seat.weight for seat in group], random)


EMPTY: Final = Table(picker=None)


def lay(seats: Sequence[Seat], terms: Terms, now: float, random: Random, before: Table) -> Table:
    """
    Say who is used from `now` on (s).

    A picker whose candidates have not changed stays as it is: a round goes on where it was.
    """
    there = [seat for seat in seats if not seat.draining]
    out = left_out(there, terms, now)
    well = [seat for seat in there if not seat.down and seat not in out]
    groups = _by_rank(well) + _by_rank([seat for seat in there if seat in out])
    groups += _by_rank([seat for seat in there if seat.down])
    panic = not well
    if panic:
        groups = _by_rank(there)
    if not groups:
        return EMPTY
    used = groups[0]
    shares = tuple(share_of(seat, terms, now) for seat in used)
    same = before.seats == used and before.shares == shares
    largest = max(seat.weight for seat in seats) * WHOLE_PERCENT
    return Table(
        picker=before.picker if same else make_picker(terms.policy, used, shares, random, max(largest, *shares)),
        seats=used,
        shares=shares,
        spares=tuple(groups[1:]),
        until=min((moment for seat in there for moment in _moments(seat, terms, now)), default=inf),
        panic=panic,
    )


def left_out(seats: Sequence[Seat], terms: Terms, now: float) -> set[Seat]:
    """Those who are ejected and may be left out; where too many are, those whose time is over soonest stay in."""
    up = [seat for seat in seats if not seat.down]
    ejected = [seat for seat in up if seat.member.out_until > now]
    if not ejected:
        return set()
    ejected.sort(key=lambda seat: -seat.member.out_until)
    return set(ejected[: terms.ejection.allowed(len(seats), len(up))])


def _by_rank(seats: Sequence[Seat]) -> list[tuple[Seat, ...]]:
    """Members with a weight, those without, tier by tier, then the backups in the same way; no group is empty."""
    groups: dict[tuple[bool, int, bool], list[Seat]] = {}
    for seat in seats:
        groups.setdefault((seat.backup, seat.tier, not seat.weight), []).append(seat)
    return [tuple(groups[rank]) for rank in sorted(groups)]


def share_of(seat: Seat, terms: Terms, now: float) -> int:
    """What a seat weighs now, in hundredths: one of no weight that is used all the same counts as 1."""
    weight = max(seat.weight, 1)
    if not terms.slow_start:
        return weight * WHOLE_PERCENT
    return weight * warmth(now - _back_at(seat), terms.slow_start)


def _moments(seat: Seat, terms: Terms, now: float) -> Iterator[float]:
    """When a seat stands differently, if nothing happens to it."""
    if seat.member.out_until > now:
        yield seat.member.out_until
    elif terms.slow_start and now - _back_at(seat) < terms.slow_start:
        yield now + terms.slow_start / WARMING_STEPS


def _back_at(seat: Seat) -> float:
    """When it was back: at the end of the time that it was left out, or when it was found well."""
    return seat.member.back(seat.question)
