"""
MemoryCache: routes and misses remembered in this process; bounded, expiring, driven by a clock.

Part of `route`: an `ICache`, and so synchronous. Knows nothing of where answers come from; how long they live stands
in `lifetimes.py`, how they are kept in `store.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nsmallest
from math import inf
from typing import Final

from attrs import define, evolve, field
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from starship.names import Hostname
from starship.route.cache import ICache
from starship.route.lifetimes import Life, Lifetimes
from starship.route.store import Entry, Store
from starship.route.weight import weight
from starship.words import Answer, Look, Miss, Origin, Route

ROUTES: Final = "routes"
MISSES: Final = "misses"


@implementer(ICache)
@define(eq=False, kw_only=True)
class MemoryCache:
    """
    Routes and misses in stores of their own, so that no number of unknown names evicts a route.

    A route is due for its refresh in the last `ahead` (a share) of its ttl, from a moment that `jitter` (0 to 1)
    chooses within the first half of that, so that names learned together are not asked about together. `hits` (live
    routes), `negatives` (live misses), `stales` and `misses` (nothing known) count since the start.
    """

    _clock: IReactorTime
    _lifetimes: Lifetimes
    _routes: Store
    _misses: Store
    _ahead: float = 0.0
    _jitter: Callable[[], float] = lambda: 0.0
    hits: int = field(default=0, init=False)
    negatives: int = field(default=0, init=False)
    stales: int = field(default=0, init=False)
    misses: int = field(default=0, init=False)

    @property
    def stores(self) -> dict[str, Store]:
        """The stores by what they keep, for those who count."""
        return {ROUTES: self._routes, MISSES: self._misses}

    def get(self, name: Hostname) -> Entry | None:
        """The live entry, promoted as used."""
        now = self._clock.seconds()
        entry = self._routes.kept.get(name)
        if entry is not None and now < entry.expires and entry.answer.origin is Origin.HIT:  # the hot path
            self._routes.kept.move_to_end(name)
            entry.hits += 1
            self.hits += 1
            return entry
        self._tidy(name, now)
        store, entry = self._find(name, now)
        if entry is None or now >= entry.expires:
            self.misses += 1
            return None
        store.kept.move_to_end(entry.name)
        entry.hits += 1
        if store is self._routes:
            self.hits += 1
            return entry.as_of(Origin.HIT)
        self.negatives += 1
        return entry

    def stale(self, name: Hostname, within: float, used: int = 0) -> Entry | None:
        """The expired route while it may still be served. A miss is never served stale."""
        now = self._clock.seconds()
        _, entry = self._find(name, now)
        if entry is None or not 0 <= now - entry.expires < within or entry.hits < used:
            return None
        self.stales += 1
        return entry.as_of(Origin.STALE)

    def look(self, name: str) -> Look | None:
        """What is held of a name or wildcard."""
        now = self._clock.seconds()
        store, entry = self._find(name, now)
        return None if entry is None else entry.look(ROUTES if store is self._routes else MISSES, now)

    def put(self, name: Hostname, answer: Answer) -> None:
        """Remember an answer in place of what was known of the name, even where that leaves nothing."""
        life = self._lifetimes.of(answer)
        self.drop(name)
        if life is not None:
            if answer.wildcard is not None:
                self.drop(answer.wildcard)
            self._keep(answer.wildcard or name, answer, self._clock.seconds(), life)
        else:
            for wildcard in self._above(name):  # what was said of the name alone must not be undone by them
                self.drop(wildcard)

    def restore(self, name: str, route: Route, left: float, stale_left: float) -> None:
        """Remember what was remembered before: a route that expires in `left` s (negative: it has), within bounds."""
        now = self._clock.seconds()
        left = min(left, self._lifetimes.max_ttl)
        stale_left = min(stale_left, left + max(self._lifetimes.max_stale_ttl, self._lifetimes.stale_ttl))
        if stale_left > 0:
            self._keep(name, route, now, Life(left, stale_left - left if stale_left < inf else 0.0))

    def entries(self) -> list[Entry]:
        """
        The routes of now, in the order they were put. The entries are not copied: read them soon.

        What is in use is put again within each ttl, so that this is nearly the order of use.
        """
        return self._routes.all()

    def drop(self, name: str) -> bool:
        """Forget a name; say whether anything was known of it."""
        route = self._routes.drop(name)
        return self._misses.drop(name) or route

    def drop_where(self, app: str | None, suffix: str | None) -> tuple[str, ...]:
        """Forget all of an app, or at and below a suffix. Walks over everything: some 20 ms for 100,000 names."""
        if app is None and suffix is None:
            return ()
        dropped = []
        for store in (self._routes, self._misses):
            for entry in store:
                if _belongs(entry, app, suffix):
                    store.drop(entry.name)
                    dropped.append(entry.name)
        return tuple(dropped)

    def purge(self, expired_only: bool) -> int:
        """Forget everything, or what has expired; counters go on."""
        if not expired_only:
            return self._routes.clear() + self._misses.clear()
        now = self._clock.seconds()
        return sum(store.drop(entry.name) for store in self.stores.values() for entry in store if now >= entry.expires)

    def page(
        self, store: str, after: str, limit: int, only: Callable[[str, Answer], bool] | None = None
    ) -> tuple[Look, ...]:
        """A page, sorted by name. Walks over everything: some 20 ms for 100,000 names."""
        now = self._clock.seconds()
        kept = self.stores[store].kept
        meant = (
            name
            for name, entry in dict.items(kept)
            if name > after and now < entry.forgotten and (only is None or only(name, entry.answer))
        )
        names = nsmallest(limit, meant)
        return tuple(kept[name].look(store, now) for name in names)

    def _keep(self, name: str, answer: Answer, now: float, life: Life) -> None:
        if isinstance(answer, Route):
            store, origin = self._routes, Origin.HIT
            ahead = life.ttl * self._ahead
            refresh = now + life.ttl - ahead * (1 - self._jitter() / 2) if 0 < ahead < inf else inf
        else:
            store, origin, refresh = self._misses, Origin.NEGATIVE, inf
        expires = now + life.ttl
        answer = evolve(answer, origin=origin)
        store.put(Entry(name, answer, now, refresh, expires, expires + life.stale, weight(name, answer)))

    def _find(self, name: str, now: float) -> tuple[Store, Entry | None]:
        """The first entry that speaks for a name, live or stale: its own, else that of the longest wildcard."""
        for store in (self._routes, self._misses):
            entry = store.kept.get(name)
            if entry is not None and now < entry.forgotten:
                return store, entry
        for wildcard in self._above(name):
            for store in (self._routes, self._misses):
                entry = store.kept.get(wildcard)
                if entry is not None and now < entry.forgotten:
                    return store, entry
        return self._routes, None

    def _above(self, name: str) -> Iterator[str]:
        """The wildcards that cover a name, the longest first; none where none is kept, so that nobody pays for it."""
        if not (self._routes.wildcards or self._misses.wildcards) or name[0] == "*":
            return
        dot = name.find(".")
        while dot >= 0:
            yield "*" + name[dot:]
            dot = name.find(".", dot + 1)

    def _tidy(self, name: str, now: float) -> None:
        """Let go what is over where we meet it."""
        for store in (self._routes, self._misses):
            entry = store.kept.get(name)
            if entry is not None and now >= entry.forgotten:
                store.expire(entry)


def _belongs(entry: Entry, app: str | None, suffix: str | None) -> bool:
    if app is not None and (isinstance(entry.answer, Miss) or entry.answer.app != app):
        return False
    name = entry.name.removeprefix("*.")
    return suffix is None or name == suffix or name.endswith("." + suffix)
