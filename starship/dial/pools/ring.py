"""
Ring: consistent hashing. A key belongs to whoever has the next point on a circle. Pure.

Part of the dial step. Each candidate has points of its own, made of its label alone, and more of them the larger its
share: so whoever leaves takes along the keys that were its own and moves no other (Maglev's tables are more even, and
move some), and all balancers of a fleet, today's and tomorrow's, say the same.
"""

from __future__ import annotations

import socket
from array import array
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zlib import crc32

POINTS: Final = 160
"""Points of the largest share. Loads differ by some 8 per cent then (the inverse of its root)."""

OWNER_BITS: Final = 16
OWNER_MASK: Final = (1 << OWNER_BITS) - 1
WORD_BITS: Final = 32
WORD_MASK: Final = (1 << WORD_BITS) - 1
SCATTER: Final = 0x9E3779B1
"""An odd number that spreads what differs in few bits: 2 to the 32nd by the golden ratio."""

LABELS_LIMIT: Final = 4096
"""Candidates whose points are remembered: 700 bytes each."""


def source_key(source: str) -> int:
    """The key of a client: its IPv4 address, or the /64 of its IPv6 address, which is what one customer has."""
    if ":" in source:
        try:
            return _key(socket.inet_pton(socket.AF_INET6, source.partition("%")[0])[:8])
        except OSError:
            pass
    return _key(source.encode())


def host_key(host: str | None) -> int:
    """The key of a name; all who name nobody have the same."""
    return _key((host or "").encode())


class Ring:
    """For at most 65,536 candidates, which are known by their places."""

    __slots__ = ("_points",)

    def __init__(self, labels: Sequence[str], shares: Sequence[int], largest: int) -> None:
        points: list[int] = []
        for place, (label, share) in enumerate(zip(labels, shares, strict=True)):
            count = max(1, round(POINTS * share / largest))
            points += [point << OWNER_BITS | place for point in _points(label)[:count]]
        points.sort()
        self._points = array("Q", points)

    def owner(self, key: int) -> int:
        """The place of the candidate whom a key belongs to."""
        points = self._points
        return points[bisect(points, key << OWNER_BITS) % len(points)] & OWNER_MASK

    def owners(self, key: int) -> Iterator[int]:
        """All candidates, each once: whose the key is, whose it would be without that one, and so on."""
        points, seen = self._points, set[int]()
        start = bisect(points, key << OWNER_BITS)
        for step in range(len(points)):
            place = points[(start + step) % len(points)] & OWNER_MASK
            if place not in seen:
                seen.add(place)
                yield place


def _key(text: bytes) -> int:
    return crc32(text) * SCATTER & WORD_MASK


@lru_cache(LABELS_LIMIT)
def _points(label: str) -> array[int]:
    points = array("I")
    round_ = 0
    while len(points) < POINTS:
        points.frombytes(blake2b(f"{label}#{round_}".encode(), digest_size=64).digest())
        round_ += 1
    return points[:POINTS]
