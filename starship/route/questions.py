"""
Questions in flight, one for each name, and those who wait for them.

Part of `route`: CachingResolver asks through this. Knows neither caches nor clocks.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from starship.names import Hostname
from starship.words import Answer, Ask

Asking = Callable[[Ask], Deferred[Answer]]


@define(eq=False)
class Question:
    """
    Who waits, and whether the answer may still be remembered.

    `beside` is the entry that is being refreshed by it, for which nobody waits at first.
    """

    name: Hostname
    beside: str | None = None
    waiters: dict[Deferred[Answer], None] = field(factory=dict)  # a set that keeps their order
    answer: Deferred[Answer] | None = None
    outdated: bool = False

    def join(self) -> Deferred[Answer]:
        """One more who waits; cancelling it takes it off the list, and Deferred says CancelledError by itself."""
        waiter: Deferred[Answer] = Deferred(lambda gone: self.waiters.pop(gone, None))
        self.waiters[waiter] = None
        return waiter

    def tell(self, answer: Answer) -> None:
        """Give the answer to all who wait; what one does may make another leave."""
        for waiter in tuple(self.waiters):
            if not waiter.called:
                waiter.callback(answer)

    def tell_failure(self, failure: Failure) -> None:
        """The same with a failure."""
        for waiter in tuple(self.waiters):
            if not waiter.called:
                waiter.errback(failure.value)


@define(eq=False, kw_only=True)
class Questions:
    """
    All questions under way. `answered` and `failed` are told of each end, once the next may be asked about that name.

    At most `beside_limit` are asked beside, that is with nobody waiting; one for each entry that they refresh.
    """

    _answered: Callable[[Question, Answer], None]
    _failed: Callable[[Question, Failure], None]
    _beside_limit: int
    _current: dict[Hostname, Question] = field(factory=dict, init=False)
    _outdated: set[Question] = field(factory=set, init=False)
    _beside: set[str] = field(factory=set, init=False)

    def __len__(self) -> int:
        return len(self._current) + len(self._outdated)

    def of(self, name: Hostname) -> Question | None:
        """The question about a name whose answer may be remembered."""
        return self._current.get(name)

    def room_beside(self, name: Hostname, entry: str) -> bool:
        """Whether a question about the name may be asked beside, to refresh this entry."""
        return entry not in self._beside and name not in self._current and len(self._beside) < self._beside_limit

    def ask(self, question: Question, asking: Asking, ask: Ask) -> None:
        """Put a question; it may be over when this returns."""
        self._current[question.name] = question
        if question.beside is not None:
            self._beside.add(question.beside)
        question.answer = maybeDeferred(asking, ask)
        question.answer.addCallbacks(self._over, self._broke, callbackArgs=(question,), errbackArgs=(question,))

    def outdate(self, meant: Callable[[Hostname], bool]) -> None:
        """What is now being asked about the names meant is not to be remembered. Who asks from here on asks anew."""
        for name in [asked for asked in self._current if meant(asked)]:
            question = self._current.pop(name)
            question.outdated = True
            self._outdated.add(question)

    def stop(self) -> None:
        """Give up all of them."""
        for question in [*self._current.values(), *self._outdated]:
            if question.answer is not None:
                question.answer.cancel()

    def _over(self, answer: Answer, question: Question) -> None:
        self._close(question)
        self._answered(question, answer)

    def _broke(self, failure: Failure, question: Question) -> None:
        self._close(question)
        self._failed(question, failure)

    def _close(self, question: Question) -> None:
        if question.beside is not None:
            self._beside.discard(question.beside)
        if question.outdated:
            self._outdated.discard(question)
        else:
            del self._current[question.name]
