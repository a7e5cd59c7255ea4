"""
Token buckets by key, bounded in number. Pure: the moment is given.

Floor 0, beside errors: knows nothing. The budget of new names and the gate count with them.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field


@define(eq=False, weakref_slot=False)
class _Bucket:
    tokens: float
    at: float


@define(eq=False)
class Buckets:
    """
    Each key has `burst` tokens, refilled at `rate` a second; rate 0: no limit. Of more than `size` keys the longest
    unused are forgotten, that is full again.

    Tokens are taken when it is known what something cost, which may be more than there are: the debt comes first.
    """

    rate: float
    burst: float
    _size: int = 20_000
    _buckets: OrderedDict[str, _Bucket] = field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, key: str, now: float) -> bool:
        """Whether there is a token left."""
        bucket = self._buckets.get(key)
        return not self.rate or bucket is None or self._level(bucket, now) >= 1

    def take(self, key: str, now: float) -> None:
        """One token, also where there is none."""
        if not self.rate:
            return
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self.burst, now)
            if len(self._buckets) > self._size:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        bucket.tokens = self._level(bucket, now) - 1
        bucket.at = now

    def _level(self, bucket: _Bucket, now: float) -> float:
        return min(self.burst, bucket.tokens + max(0.0, now - bucket.at) * self.rate)
