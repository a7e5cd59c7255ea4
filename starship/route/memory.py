"""
MemoryCache: routes and misses remembered in this process; bounded, expiring, driven by a clock.

Part of `route`: an `ICache`, and so synchronous. Knows nothing of where answers come from.

Why no library: cachetools' TLRUCache gives each item a time of its own, but forgets an item as it expires (nothing is
left to serve stale), keeps a heap beside its links, and counts nothing. What remains to be written is an OrderedDict,
whose move_to_end and popitem are a linked list in C. (A plain dict that pops and inserts again leaves holes, and
looking for its oldest key walks over them.)
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import Final

from attrs import define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from starship.interfaces import ICache
from starship.names import Hostname
from starship.words import Answer, Miss, Origin, Route

FOR_EVER: Final = inf


@frozen
class _Kept:
    """An answer as `get` hands it out, the moment it expires, and the moment it may no longer be served stale."""

    answer: Answer
    expires: float
    forgotten: float


@define(eq=False)
class Store:
    """The latest used of one kind, at most `size` of them. `evictions` and `expired` count since the start."""

    size: int
    kept: OrderedDict[Hostname, _Kept] = field(factory=OrderedDict)
    evictions: int = field(default=0, init=False)
    expired: int = field(default=0, init=False)

    @property
    def entries(self) -> int:
        """How many are kept, the expired ones too."""
        return len(self.kept)

    def put(self, name: Hostname, kept: _Kept) -> None:
        """Keep it; the longest unused have to go."""
        self.kept[name] = kept
        self.kept.move_to_end(name)
        while len(self.kept) > self.size:
            self.kept.popitem(last=False)
            self.evictions += 1


@implementer(ICache)
@define(eq=False, kw_only=True)
class MemoryCache:
    """
    Routes and misses in stores of their own, so that no number of unknown names evicts a route.

    `ttl`, `neg_ttl` and `stale_ttl` (s) are for answers that name none. A ttl of 0 here never expires, a negative one
    remembers nothing; an answer's own ttl of 0 is not remembered. `hits` (live routes), `negatives` (live misses),
    `stales` and `misses` (nothing known) count what was asked since the start.
    """

    _clock: IReactorTime
    _ttl: float
    _neg_ttl: float
    _stale_ttl: float = 0.0
    _routes: Store = field(converter=Store, alias="routes")
    _misses: Store = field(converter=Store, alias="misses")
    hits: int = field(default=0, init=False)
    negatives: int = field(default=0, init=False)
    stales: int = field(default=0, init=False)
    misses: int = field(default=0, init=False)

    @property
    def stores(self) -> dict[str, Store]:
        """The stores by what they keep, for those who count."""
        return {"routes": self._routes, "misses": self._misses}

    def get(self, name: Hostname) -> Answer | None:
        """The live answer, of origin hit or negative, promoted as used."""
        now = self._clock.seconds()
        route = self._live(self._routes, name, now)
        if route is not None:
            self.hits += 1
            return route
        miss = self._live(self._misses, name, now)
        if miss is not None:
            self.negatives += 1
            return miss
        self.misses += 1
        return None

    def stale(self, name: Hostname) -> Answer | None:
        """The expired route, of origin stale, while it may still be served. A miss is never served stale."""
        now = self._clock.seconds()
        kept = self._routes.kept.get(name)
        if kept is None or not kept.expires <= now < kept.forgotten:
            return None
        self.stales += 1
        return evolve(kept.answer, origin=Origin.STALE)

    def put(self, name: Hostname, answer: Answer) -> None:
        """Remember an answer in place of what was known of the name, even where that leaves nothing."""
        self.drop(name)
        match answer:
            case Route():
                store, ttl, stale_ttl = self._routes, self._ttl, self._stale_ttl
                if answer.stale_ttl is not None:
                    stale_ttl = answer.stale_ttl
                origin = Origin.HIT
            case Miss():
                store, ttl, stale_ttl, origin = self._misses, self._neg_ttl, 0.0, Origin.NEGATIVE
        expires = self._expiry(answer.ttl, ttl)
        if expires is not None:
            # Evolved once, here: a hit hands out the same object every time.
            kept = _Kept(evolve(answer, origin=origin), expires, expires + stale_ttl)
            store.put(name, kept)

    def drop(self, name: Hostname) -> bool:
        """Forget a name; say whether anything was known of it."""
        route = self._routes.kept.pop(name, None)
        miss = self._misses.kept.pop(name, None)
        return route is not None or miss is not None

    def clear(self) -> None:
        """Forget everything, and keep counting."""
        self._routes.kept.clear()
        self._misses.kept.clear()

    def _expiry(self, own: float | None, ours: float) -> float | None:
        """The moment an answer expires; None where it is not to be remembered."""
        if own is None and ours == 0:
            return FOR_EVER
        ttl = ours if own is None else own
        return self._clock.seconds() + ttl if ttl > 0 else None

    def _live(self, store: Store, name: Hostname, now: float) -> Answer | None:
        kept = store.kept.get(name)
        if kept is None:
            return None
        if now < kept.expires:
            store.kept.move_to_end(name)
            return kept.answer
        if now >= kept.forgotten:
            del store.kept[name]
            store.expired += 1
        return None
