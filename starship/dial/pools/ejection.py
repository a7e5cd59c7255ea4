"""
Passive health: what is learned of an endpoint by connecting to it. Pure: the rules alone.

Part of the dial step: `member.py` counts, `pool.py` asks how many may be left out. An endpoint that fails so many times
in a row is left out for a time, which grows while it goes on failing; never the last one, and at most a share of them.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from attrs import frozen

SPELLS_LIMIT: Final = 10
"""The time grows up to so many times the first."""

COLDEST_PERCENT: Final = 10
"""The share that an endpoint has at the beginning of a slow start."""

WARMING_STEPS: Final = 10


@frozen(kw_only=True)
class Ejection:
    """`failures` in a row until an endpoint is left out (0: never), for `time` (s); at most a `share` (0 to 1)."""

    failures: int
    time: float
    share: float

    def due(self, row: int) -> bool:
        """Whether so many failures in a row are enough."""
        return 0 < self.failures <= row

    def spell(self, spells: int) -> float:
        """How long (s) it is left out, the so many-th time in a row."""
        return self.time * min(spells, SPELLS_LIMIT)

    def allowed(self, members: int, up: int) -> int:
        """How many of a pool may be left out at once. `up`: those of whom nothing else is known against them."""
        return max(0, min(ceil(members * self.share), up - 1))


def warmth(elapsed: float, slow_start: float) -> int:
    """The per cent of its share that an endpoint has which is back since `elapsed` seconds."""
    if elapsed >= slow_start:
        return 100
    step = int(elapsed / slow_start * WARMING_STEPS) / WARMING_STEPS
    return max(COLDEST_PERCENT, round(100 * step))
