"""
The book of names: what is known of each, for how long it holds, and when it is asked about again.

The face of `dns` to who dials. A name that is used is asked about again whenever its time is over, beside those who use
it; who has its places is told of others. Whatever goes wrong, the last good answer stays until there is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from random import Random
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from starship.dns.messages import Trouble
from starship.dns.resolver import Found, Resolver
from starship.names import Hostname
from starship.poolviews import NameView
from starship.words import Place

IDLE_S: Final = 300.0
"""How long after its last use a name is still asked about."""

JITTER: Final = 0.1
"""The share of its time that an answer holds longer, by chance: names that were asked together drift apart."""

AGAIN_LEAST_S: Final = 1.0
AGAIN_MOST_S: Final = 15.0
"""After a failure it is asked again: after a second, then twice as long each time, up to this or to `max_ttl`."""

PLACES_LIMIT: Final = 65_536
"""Places of all names together."""

PLACES_LEAST: Final = 8
"""Places that a name has although there is no room for more."""

FOUND: Final = "found"
RESULTS: Final = (FOUND, *Trouble)


@define(eq=False)
class Name:
    """
    One name. `stale`: its places may be those of somebody else by now (it was not used for long, or never asked about).

    Who uses `places` sets `used`. `lasting` counts those who want it to be known even while nobody comes.
    """

    _log = Logger()

    host: Hostname
    srv: bool
    book: Book
    places: tuple[Place, ...] = ()
    stale: bool = True
    used: bool = False
    lasting: int = 0
    good_at: float = -inf
    trouble: Trouble | None = None
    _row: int = 0
    _watchers: dict[Callable[[], None], None] = field(init=False, factory=dict)
    _waiters: list[Deferred[tuple[Place, ...]]] = field(init=False, factory=list)
    _question: Deferred[Found | Trouble] | None = field(init=False, default=None)
    _timer: IDelayedCall | None = field(init=False, default=None)
    _used_at: float = field(init=False, default=-inf)
    _failed_at: float = field(init=False, default=-inf)

    def __str__(self) -> str:
        return f"srv:{self.host}" if self.srv else self.host

    # Who uses it

    def watch(self, moved: Callable[[], None], *, lasting: bool) -> None:
        """Tell of each change of `places` or `stale` from here on."""
        self._watchers[moved] = None
        self.lasting += lasting
        if lasting and self.book.running and self.stale:
            self.ask()

    def leave(self, moved: Callable[[], None], *, lasting: bool) -> None:
        """Do not tell any more."""
        self._watchers.pop(moved, None)
        self.lasting -= lasting
        if not self._watchers and not self._waiters:
            self.book.forget(self)

    def ask(self) -> None:
        """Ask, beside whoever uses it; not where that is under way, or has failed only just now."""
        if self._question is None and self._due:
            self._stop_timer()
            question = self._question = self.book.resolver.resolve(self.host, srv=self.srv)
            question.addCallbacks(self._answered, self._broke)

    def find(self) -> Deferred[tuple[Place, ...]]:
        """Wait for its places; none where it has none. Errors: none. Cancelling leaves other waiters alone."""
        if self.stale:
            self.ask()
        if not self.stale or self._question is None:
            return succeed(self.places)
        waiter: Deferred[tuple[Place, ...]] = Deferred(self._waiters.remove)
        self._waiters.append(waiter)
        return waiter

    def view(self) -> NameView:
        now = self.book.clock.seconds()
        return NameView(
            name=str(self),
            places=self.places,
            age=None if self.good_at == -inf else now - self.good_at,
            left=None if self._timer is None else self._timer.getTime() - now,
            trouble=self.trouble or "",
        )

    # The book

    def close(self) -> None:
        """Ask no more. Who waits gets what is known."""
        question, self._question = self._question, None
        if question is not None:
            question.cancel()
        self._stop_timer()
        self._tell_waiters()

    def release(self) -> None:
        """Nobody has used it lately. What is known of it counts only if there is no answer when somebody comes."""
        self._stop_timer()
        self._set(self.places, stale=True)

    def drop(self) -> None:
        """Know nothing of it."""
        self._stop_timer()
        self._set((), stale=True)

    # Inside

    @property
    def _due(self) -> bool:
        """Whether nobody was asked lately. Who has nothing for those who come is asked sooner than by itself."""
        if self._timer is None:
            return True
        return not self.places and self.book.clock.seconds() >= self._failed_at + AGAIN_LEAST_S

    def _answered(self, result: Found | Trouble) -> None:
        if self._question is None:
            return  # it was given up
        self._question = None
        book, now = self.book, self.book.clock.seconds()
        if isinstance(result, Found):
            book.results[FOUND] += 1
            self._good(result, now)
        else:
            book.results[result] += 1
            self._bad(result)
        self._tell_waiters()
        if not self._watchers:
            book.forget(self)

    def _broke(self, failure: Failure) -> None:
        """It was given up, or something of ours failed."""
        if self._question is not None:
            self._log.failure("the name of an endpoint could not be asked for: {name}", failure, name=str(self))
            self._answered(Trouble.UNREACHABLE)

    def _good(self, found: Found, now: float) -> None:
        if self.trouble is not None:
            self._log.info("{name} has addresses again", name=str(self))
        self.trouble, self._row, self.good_at = None, 0, now
        self._set(self.book.fitting(self, _merged(found, self.places)), stale=False)
        book = self.book
        ttl = min(max(float(found.ttl), book.min_ttl), book.max_ttl)
        if found.unheard:
            ttl = min(ttl, max(book.min_ttl, AGAIN_MOST_S))
        self._again(ttl * (1 + JITTER * book.random.random()))

    def _bad(self, why: Trouble) -> None:
        if why is not self.trouble:
            kept = f"; its last {len(self.places)} are kept" if self.places else ""
            self._log.info("{name} has no addresses now ({why}){kept}", name=str(self), why=why.value, kept=kept)
        self.trouble = why
        self._set(self.places, stale=not self.places)
        book = self.book
        self._failed_at = book.clock.seconds()
        longest = max(AGAIN_LEAST_S, min(AGAIN_MOST_S, book.max_ttl))  # no longer believed than an answer would be
        delay = min(AGAIN_LEAST_S * 2**self._row, longest)
        self._row = min(self._row + 1, 16)
        self._again(delay * (1 + JITTER * book.random.random()))

    def _set(self, places: tuple[Place, ...], *, stale: bool) -> None:
        changed = places != self.places or stale != self.stale
        self.book.total += len(places) - len(self.places)
        self.places, self.stale = places, stale
        for moved in tuple(self._watchers) if changed else ():
            moved()

    def _again(self, delay: float) -> None:
        self._timer = self.book.clock.callLater(delay, self._late)

    def _late(self) -> None:
        self._timer = None
        now = self.book.clock.seconds()
        if self.used:
            self.used, self._used_at = False, now
        if self.lasting or now - self._used_at < IDLE_S:
            self.ask()
        else:
            self.release()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _tell_waiters(self) -> None:
        waiters, places = self._waiters, self.places
        while waiters:  # one whom the answer reaches may cancel another
            waiters.pop(0).callback(places)


@define(eq=False, kw_only=True)
class Book:
    """
    All names that somebody has. An answer holds as long as it says, but `min_ttl` at least and `max_ttl` at most (s).

    `results` counts resolutions by RESULTS; `total` the places of all names, of which there are `limit` at most.
    """

    resolver: Resolver
    clock: IReactorTime
    random: Random
    min_ttl: float
    max_ttl: float
    limit: int = PLACES_LIMIT
    results: dict[str, int] = field(init=False, factory=lambda: dict.fromkeys(RESULTS, 0))
    total: int = field(init=False, default=0)
    running: bool = field(init=False, default=False)
    _names: dict[tuple[str, bool], Name] = field(init=False, factory=dict)

    def name(self, host: str, *, srv: bool = False) -> Name:
        """The name, known or not. Nothing is asked before somebody uses it."""
        key = host, srv
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = Name(Hostname(host), srv, self)
        return name

    def peek(self, host: str, srv: bool = False) -> tuple[Place, ...] | None:
        """The places of a name, as far as they are known and count; None where one would have to ask."""
        name = self._names.get((host, srv))
        return None if name is None or name.stale else name.places

    def look(self, host: str, srv: bool = False) -> NameView | None:
        """A name as it stands; None where nobody has it."""
        name = self._names.get((host, srv))
        return None if name is None else name.view()

    def start(self) -> None:
        """Ask about the names that are to be known always."""
        self.running = True
        for name in tuple(self._names.values()):
            if name.lasting:
                name.ask()

    def stop(self) -> None:
        """Ask no more."""
        self.running = False
        for name in tuple(self._names.values()):
            name.close()

    def forget(self, name: Name) -> None:
        """Nobody has it any more."""
        if self._names.get((name.host, name.srv)) is name:
            del self._names[name.host, name.srv]
        name.close()
        name.drop()

    def fitting(self, name: Name, places: tuple[Place, ...]) -> tuple[Place, ...]:
        """As many of a name's new places as there is room for, once those of idle names are taken away."""
        more = len(places) - len(name.places)
        if self.total + more <= self.limit:
            return places
        for other in tuple(self._names.values()):
            if other is not name and other.places and not other.used and not other.lasting:
                other.drop()
        return places[: max(PLACES_LEAST, self.limit - self.total + len(name.places))]

    def oldest(self) -> float:
        """The age (s) of the oldest answer that is in use; 0 where there is none."""
        moments = [name.good_at for name in self._names.values() if name.places and not name.stale]
        return self.clock.seconds() - min(moments) if moments else 0.0

    def views(self) -> Iterator[NameView]:
        """All names as they stand."""
        return (name.view() for name in self._names.values())

    def __len__(self) -> int:
        """Names whose addresses are known."""
        return sum(1 for name in self._names.values() if name.places)


def _merged(found: Found, before: tuple[Place, ...]) -> tuple[Place, ...]:
    """What was found, and what was known before of families that were not heard of."""
    if not found.unheard:
        return found.places
    there = {(place.host, place.port) for place in found.places}
    kept = [
        place
        for place in before
        if (6 if ":" in place.host else 4) in found.unheard and (place.host, place.port) not in there
    ]
    return found.places + tuple(kept)
