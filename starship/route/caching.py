"""
CachingResolver: remembers what it was told, asks one question at a time about a name, and lets no tenant down.

Part of `route`: stands around the API's resolver (and whatever makes that one more patient), behind an `ICache`. Who
administers the cache asks `keeper`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import ClassVar, Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.errors import LookupFailed, LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.route.cache import ICache, Kept
from starship.route.failures import Failures
from starship.route.keeper import Keeper
from starship.route.questions import Asking, Question, Questions
from starship.route.recent import Recent
from starship.words import Answer, Ask, Origin

IN_USE: Final = 2
"""Hits since it was put, from which on a route is in use: who asks for another one may wait for its new answer."""


@implementer(IResolver)
@define(eq=False, kw_only=True)
class CachingResolver:
    """
    A cache before `inner`.

    - A live answer is given at once; where its refresh is due, one question runs beside.
    - A route in use that expired less than `revalidate` seconds ago is given at once too, and one question runs beside;
      so is any, however old (within its stale time), while its last lookup failed, or `troubled` says that none works.
    - All others wait for the question about their name, at most `wait` seconds (0: as long as it takes). Where it fails
      they get the stale route if there is one, and the failure otherwise, which is remembered for its own short time.
    - `renew` asks about a name at most once in `renew_interval` seconds, and gives what is known in between.

    A waiter who leaves ends their own wait and nothing else: the question goes on, also for nobody, since its answer
    is worth remembering; `inner` bounds how long. Names that are known are asked for by `inner.renew`, new ones by
    `inner.resolve`. Counters since the start: `joined`, `ahead` (refreshed before expiry), `revalidated`, `renewed`.
    """

    log: ClassVar[Logger] = Logger()

    _cache: ICache
    _inner: IResolver
    _clock: IReactorTime
    _failures: Failures
    _revalidate: float = 0.0
    _wait: float = 0.0
    _beside_limit: int = 64
    _renew_interval: float = 0.0
    _troubled: Callable[[], bool] = lambda: False
    _questions: Questions = field(init=False)
    _renewed: Recent = field(init=False)
    keeper: Keeper = field(init=False)
    joined: int = field(default=0, init=False)
    ahead: int = field(default=0, init=False)
    revalidated: int = field(default=0, init=False)
    renewed: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._questions = Questions(answered=self._answered, failed=self._failed, beside_limit=self._beside_limit)
        self._renewed = Recent(self._clock, self._renew_interval)
        self.keeper = Keeper(self._cache, self._questions, self._failures)

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._questions)

    def peek(self, ask: Ask) -> Answer | None:
        """What can be answered at once."""
        name = ask.name
        if name is None:
            return None
        kept = self._cache.get(name)
        if kept is None:
            return self._stale_at_once(ask, name)
        if kept.refresh <= self._clock.seconds() and self._ask_beside(ask, name, kept):
            self.ahead += 1
        return kept.answer

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """Join the question about this name, or ask it. Errors: those of `inner`; LookupTimeout after `wait`."""
        name = ask.name
        if name is None:
            return self._inner.resolve(ask)
        known = self._cache.look(name) is not None
        return self._without_asking(name) or self._put(ask, name, self._inner.renew if known else self._inner.resolve)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """Ask again, and give what is known where that was only just done. Errors: as `resolve`."""
        name = ask.name
        if name is None:
            return self._inner.renew(ask)
        given = self._without_asking(name)
        if given is not None:
            return given
        known = self._known(name)
        if known is not None and self._asked_lately(name, known):
            return succeed(known.answer)
        self._renewed.note(name)
        self.renewed += 1
        return self._put(ask, name, self._inner.renew)

    def warm(self, ask: Ask) -> Deferred[Answer]:
        """Have a name answered for later: what is live, or the answer to a question that no budget counts."""
        look = None if ask.name is None else self._cache.look(ask.name)
        return self.renew(ask) if look is None or look.left <= 0 else succeed(look.answer)

    def stop(self) -> None:
        """Give up all questions under way; who still waits is told by a CancelledError."""
        self._questions.stop()

    def patience(self, name: Hostname) -> tuple[float, int]:
        """How long (s) after its expiry a route of this name is given at once, and with how many hits."""
        if self._failures.of(name) is not None or self._troubled():
            return inf, 0
        return self._revalidate, IN_USE

    def _stale_at_once(self, ask: Ask, name: Hostname) -> Answer | None:
        kept = self._cache.stale(name, *self.patience(name))
        if kept is None:
            return None
        if self._ask_beside(ask, name, kept):
            self.revalidated += 1
        return kept.answer

    def _without_asking(self, name: Hostname) -> Deferred[Answer] | None:
        """What is being asked already, or failed only just now."""
        question = self._questions.of(name)
        if question is not None:
            self.joined += 1
            return self._wait_for(question)
        failure = self._failures.of(name)
        if failure is None:
            return None
        self._failures.served += 1
        return self._instead(name, failure)

    def _known(self, name: Hostname) -> Kept | None:
        return self._cache.get(name) or self._cache.stale(name, inf, 0)

    def _asked_lately(self, name: Hostname, known: Kept) -> bool:
        return self._renewed.within(name) or self._clock.seconds() - known.born < self._renew_interval

    def _instead(self, name: Hostname, error: LookupFailed) -> Deferred[Answer]:
        """What is given where a lookup failed."""
        kept = self._known(name)
        return fail(error) if kept is None else succeed(kept.answer)

    def _ask_beside(self, ask: Ask, name: Hostname, kept: Kept) -> bool:
        """Ask with nobody waiting, unless that is being done, or failed only just now, or enough is asked."""
        if not self._questions.room_beside(name, kept.name) or self._failures.of(name) is not None:
            return False
        self._questions.ask(Question(name, kept.name), self._inner.renew, ask)
        return True

    def _put(self, ask: Ask, name: Hostname, asking: Asking) -> Deferred[Answer]:
        question = Question(name)
        waiter = self._wait_for(question)
        self._questions.ask(question, asking, ask)
        return waiter

    def _wait_for(self, question: Question) -> Deferred[Answer]:
        waiter = question.join()
        if self._wait:
            late = LookupTimeout(f"no answer within {self._wait:g} s")
            waiter.addTimeout(self._wait, self._clock, lambda _, seconds: self._instead(question.name, late))
        return waiter

    def _answered(self, question: Question, answer: Answer) -> None:
        # Only what a lookup brought is remembered: that a budget was used up says nothing of the name.
        if answer.origin is Origin.FRESH and not question.outdated:
            self._failures.forget(question.name)
            self._cache.put(question.name, answer)
        question.tell(answer)

    def _failed(self, question: Question, failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, LookupFailed):
            if not (question.waiters or isinstance(error, CancelledError)):
                self.log.failure("a question that nobody waits for broke", failure=failure)
            question.tell_failure(failure)
            return
        if not (question.outdated or error.shared):
            self._failures.note(question.name, error)
        kept = self._known(question.name) if question.waiters else None
        if kept is None:
            question.tell_failure(failure)
        else:
            self.log.debug("{name} is served as it was known: {why}", name=question.name, why=str(error))
            question.tell(kept.answer)
