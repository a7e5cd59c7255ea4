"""
Policies: who of those that may be used takes the next connection, and in which order the others are tried. Pure.

Part of the dial step. A picker is made for one set of candidates and thrown away with it; picking costs the same for
two and for two hundred, but for least_connections, which asks each for its load. Knows neither health nor addresses.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from heapq import heapreplace
from itertools import accumulate
from math import inf, lcm
from operator import itemgetter
from random import Random
from typing import Final, Generic, Protocol, TypeVar

from starship.dial.pools.ring import Ring, host_key, source_key

STRIDES_LIMIT: Final = 1 << 40
"""Up to here the turns of a round are exact; weights without a common measure are rounded to it."""


class Loaded(Protocol):
    """`load`: connections that are open to it or being made."""

    @property
    def load(self) -> int: ...


class Candidate(Protocol):
    """A member's place in a pool; `label` names it on the ring."""

    @property
    def member(self) -> Loaded: ...
    @property
    def label(self) -> str: ...


C = TypeVar("C", bound=Candidate)


T = TypeVar("T", covariant=True)


class Picker(Protocol[T]):
    """Chooses among candidates for a client's address and the name that it asked for."""

    def pick(self, source: str, host: str | None) -> T:
        """The choice for the next connection."""

    def foresee(self, source: str, host: str | None) -> T | None:
        """The choice that `pick` would make now, None where lots decide. Changes nothing, the lots neither."""

    def after(self, source: str, host: str | None) -> Iterator[T]:
        """All candidates in the order in which they are tried when the choice fails; it may come again."""


def make_picker(
    policy: str, candidates: Sequence[C], shares: Sequence[int], random: Random, largest: int = 0
) -> Picker[C]:
    """
    Make the picker of a policy, one of words.POLICIES, for one candidate or more.

    Shape: `shares` above 0, one for each candidate. `largest` is the largest share that there could be, so that what
    the others have on the ring does not depend on who is there.
    """
    if len(candidates) == 1:
        return Alone(candidates)
    match policy:
        case "round_robin":
            return RoundRobin(candidates, shares, random)
        case "least_connections":
            return LeastConnections(candidates, shares, random)
        case "random_two":
            return RandomTwo(candidates, shares, random)
        case "hash_source" | "hash_host":
            ring = Ring([one.label for one in candidates], shares, largest or max(shares))
            return (BySource if policy == "hash_source" else ByHost)(candidates, ring)
        case _:
            return Weighted(candidates, shares, random)


def drawn(candidates: Sequence[C], shares: Sequence[int], random: Random) -> list[C]:
    """
    All of them, drawn by share without replacement, so that each is first as often as its share says.

    Shape: a share of 0 comes last.
    """
    # A race of exponential clocks is won in proportion to their rates, and so are the places behind the winner.
    lots = [(random.expovariate(share) if share else inf, random.random()) for share in shares]
    return [one for _, one in sorted(zip(lots, candidates, strict=True), key=itemgetter(0))]


class Alone(Generic[C]):
    """No choice."""

    __slots__ = ("_candidate",)

    def __init__(self, candidates: Sequence[C]) -> None:
        self._candidate = candidates[0]

    def pick(self, source: str, host: str | None) -> C:
        return self._candidate

    def foresee(self, source: str, host: str | None) -> C | None:
        return self._candidate

    def after(self, source: str, host: str | None) -> Iterator[C]:
        yield self._candidate


class Weighted(Generic[C]):
    """By lot; each as often as its share says."""

    __slots__ = ("_candidates", "_chance", "_marks", "_random", "_shares", "_total")

    def __init__(self, candidates: Sequence[C], shares: Sequence[int], random: Random) -> None:
        self._candidates = candidates
        self._shares = shares
        self._random = random
        self._chance = random.random
        self._marks = list(accumulate(shares))
        self._total = self._marks[-1]

    def pick(self, source: str, host: str | None) -> C:
        return self._candidates[bisect(self._marks, self._chance() * self._total)]

    def foresee(self, source: str, host: str | None) -> C | None:
        return None

    def after(self, source: str, host: str | None) -> Iterator[C]:
        return iter(drawn(self._candidates, self._shares, self._random))


class RoundRobin(Generic[C]):
    """
    In turns, smoothly: whoever has the earliest turn is next, and its turns stand evenly spaced by its share.

    The first turns are half a space away, so that in a round of the sum of all shares everybody has exactly its share,
    and nobody all of it at once. Who begins among equals is drawn, so that a fleet of balancers does not begin in step.
    """

    __slots__ = ("_turns",)

    def __init__(self, candidates: Sequence[C], shares: Sequence[int], random: Random) -> None:
        whole = min(lcm(*shares), STRIDES_LIMIT)
        places = random.sample(range(len(shares)), len(shares))
        rows = zip(places, shares, candidates, strict=True)
        self._turns = sorted((whole // share, place, 2 * whole // share, one) for place, share, one in rows)

    def pick(self, source: str, host: str | None) -> C:
        turn, place, stride, candidate = self._turns[0]
        heapreplace(self._turns, (turn + stride, place, stride, candidate))
        return candidate

    def foresee(self, source: str, host: str | None) -> C | None:
        return self._turns[0][3]

    def after(self, source: str, host: str | None) -> Iterator[C]:
        return (candidate for _, _, _, candidate in sorted(self._turns))


class LeastConnections(Generic[C]):
    """Whoever has the fewest connections for its share; of equals one by lot."""

    __slots__ = ("_candidates", "_chance", "_inverse", "_members")

    def __init__(self, candidates: Sequence[C], shares: Sequence[int], random: Random) -> None:
        self._candidates = candidates
        self._members = [one.member for one in candidates]
        self._chance = random.random
        self._inverse = None if len(set(shares)) == 1 else [1 / share for share in shares]

    def pick(self, source: str, host: str | None) -> C:
        loads = self._loads()
        least = min(loads)
        try:
            return self._candidates[loads.index(least, int(self._chance() * len(loads)))]
        except ValueError:
            return self._candidates[loads.index(least)]

    def foresee(self, source: str, host: str | None) -> C | None:
        loads = self._loads()
        least = min(loads)
        return self._candidates[loads.index(least)] if loads.count(least) == 1 else None

    def after(self, source: str, host: str | None) -> Iterator[C]:
        loads = zip(self._loads(), self._candidates, strict=True)
        return (candidate for _, candidate in sorted(loads, key=itemgetter(0)))

    def _loads(self) -> list[float]:
        if self._inverse is None:
            return [member.load for member in self._members]
        rows = zip(self._members, self._inverse, strict=True)
        return [(member.load + 1) * inverse for member, inverse in rows]


class RandomTwo(Weighted[C]):
    """The less loaded, for its share, of two that are drawn."""

    __slots__ = ()

    def pick(self, source: str, host: str | None) -> C:
        marks, chance, total = self._marks, self._chance, self._total
        one = bisect(marks, chance() * total)
        other = bisect(marks, chance() * total)
        if one == other:
            other = (one + 1 + int(chance() * (len(marks) - 1))) % len(marks)
        candidates, shares = self._candidates, self._shares
        load, other_load = candidates[one].member.load, candidates[other].member.load
        return candidates[other if (load + 1) * shares[other] > (other_load + 1) * shares[one] else one]


class BySource(Generic[C]):
    """The same client's address (IPv6: its /64) to the same candidate."""

    __slots__ = ("_candidates", "_ring")

    def __init__(self, candidates: Sequence[C], ring: Ring) -> None:
        self._candidates = candidates
        self._ring = ring

    def pick(self, source: str, host: str | None) -> C:
        return self._candidates[self._ring.owner(self._key(source, host))]

    def foresee(self, source: str, host: str | None) -> C | None:
        return self.pick(source, host)

    def after(self, source: str, host: str | None) -> Iterator[C]:
        return map(self._candidates.__getitem__, self._ring.owners(self._key(source, host)))

    def _key(self, source: str, host: str | None) -> int:
        return source_key(source)


class ByHost(BySource[C]):
    """The same name to the same candidate; all who name nobody to one."""

    __slots__ = ()

    def _key(self, source: str, host: str | None) -> int:
        return host_key(host)
