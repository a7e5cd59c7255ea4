"""
How long an answer lives: its own word, else the settings', within bounds. Pure.

Part of `route`: the cache asks once for each answer that it is given. Knows neither names nor clocks.
"""

from __future__ import annotations

from math import inf

from attrs import frozen

from starship.words import Answer, Miss, Route


@frozen
class Life:
    """Seconds: `ttl` until it expires (inf: never), `stale` beyond that while it may still be served."""

    ttl: float
    stale: float = 0.0


@frozen(kw_only=True)
class Lifetimes:
    """
    `ttl`, `neg_ttl` and `stale_ttl` (s) are for answers that name none; a ttl of 0 here never expires, a negative one
    remembers nothing. The bounds hold for what an answer says itself: a slip of the API (a year, a millisecond) must
    neither pin a name nor make a storm. An answer's own 0 stays 0: not to be remembered is a wish, not a slip.
    """

    ttl: float
    neg_ttl: float
    stale_ttl: float = 0.0
    min_ttl: float = 0.0
    max_ttl: float = inf
    max_neg_ttl: float = inf
    max_stale_ttl: float = inf

    def of(self, answer: Answer) -> Life | None:
        """The life of an answer; None where it is not to be remembered. A miss is never served stale."""
        match answer:
            case Route():
                ttl = self._ttl(answer.ttl, self.ttl, self.max_ttl)
                stale = self.stale_ttl if answer.stale_ttl is None else min(answer.stale_ttl, self.max_stale_ttl)
            case Miss():
                ttl, stale = self._ttl(answer.ttl, self.neg_ttl, self.max_neg_ttl), 0.0
        return Life(ttl, stale) if ttl > 0 else None

    def _ttl(self, own: float | None, ours: float, most: float) -> float:
        if own is None:
            return ours or inf
        return min(max(own, self.min_ttl), most) if own > 0 else 0.0
