"""
CachingResolver: remembers what it was told, and asks one question at a time about a name.

Part of `route`: stands around the API's resolver (and whatever makes that one more patient), behind an `ICache`.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.interfaces import ICache, IResolver
from starship.names import Hostname
from starship.words import Answer, Ask


@define(eq=False)
class _Question:
    """A question in flight: who waits for it, and whether its answer may still be remembered."""

    waiters: dict[Deferred[Answer], None] = field(factory=dict)  # a set that keeps their order
    answer: Deferred[Answer] | None = None
    outdated: bool = False

    def join(self) -> Deferred[Answer]:
        """One more who waits; cancelling it takes it off the list, and Deferred says CancelledError by itself."""
        waiter: Deferred[Answer] = Deferred(lambda gone: self.waiters.pop(gone, None))
        self.waiters[waiter] = None
        return waiter


@implementer(IResolver)
@define(eq=False)
class CachingResolver:
    """
    A cache before `inner`.

    A waiter who leaves ends their own wait and nothing else: the question goes on, also for nobody, since its answer
    is worth remembering; `inner` bounds how long. A failure reaches all who wait and is not remembered. Forget names
    here and not in the cache, so that a question asked before cannot bring back what was forgotten.
    """

    _cache: ICache
    _inner: IResolver
    _questions: dict[Hostname, _Question] = field(factory=dict, init=False)
    _outdated: set[_Question] = field(factory=set, init=False)
    joined: int = field(default=0, init=False)

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._questions) + len(self._outdated)

    def peek(self, ask: Ask) -> Answer | None:
        """What is remembered and not expired."""
        return None if ask.name is None else self._cache.get(ask.name)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """Join the question about this name, or ask it. Errors: those of `inner`."""
        if ask.name is None:
            return self._inner.resolve(ask)
        question = self._questions.get(ask.name)
        if question is not None:
            self.joined += 1
            return question.join()
        question = _Question()
        self._questions[ask.name] = question
        waiter = question.join()
        question.answer = maybeDeferred(self._inner.resolve, ask)
        question.answer.addCallbacks(
            self._answered, self._failed, callbackArgs=(ask.name, question), errbackArgs=(ask.name, question)
        )
        return waiter

    def drop(self, name: Hostname) -> bool:
        """Forget a name, and what a question now under way will say of it. Who asks from here on asks anew."""
        question = self._questions.pop(name, None)
        if question is not None:
            self._outdate(question)
        return self._cache.drop(name)

    def clear(self) -> None:
        """Forget all names, as `drop` does."""
        questions = list(self._questions.values())
        self._questions.clear()
        for question in questions:
            self._outdate(question)
        self._cache.clear()

    def stop(self) -> None:
        """Give up all questions under way; who still waits is told by a CancelledError."""
        for question in [*self._questions.values(), *self._outdated]:
            if question.answer is not None:
                question.answer.cancel()

    def _outdate(self, question: _Question) -> None:
        question.outdated = True
        self._outdated.add(question)

    def _answered(self, answer: Answer, name: Hostname, question: _Question) -> None:
        self._close(name, question)
        if not question.outdated:
            self._cache.put(name, answer)
        for waiter in tuple(question.waiters):  # what one does may make another leave
            if not waiter.called:
                waiter.callback(answer)

    def _failed(self, failure: Failure, name: Hostname, question: _Question) -> None:
        self._close(name, question)
        for waiter in tuple(question.waiters):  # what one does may make another leave
            if not waiter.called:
                waiter.errback(failure.value)

    def _close(self, name: Hostname, question: _Question) -> None:
        if question.outdated:
            self._outdated.discard(question)
        else:
            del self._questions[name]
