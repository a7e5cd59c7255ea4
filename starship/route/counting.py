"""
CountingResolver: counts and times what `inner` answers.

Part of the route step; laid around whatever asks the API. The metrics read its plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.errors import LookupFailed
from starship.interfaces import IResolver
from starship.words import Answer, Ask, Miss, Route

OURS: Final = "lookup_"
"""What the reasons of a failed lookup begin with."""


@implementer(IResolver)
@define(eq=False)
class CountingResolver:
    """`results` counts by `route`, `miss`, or a failure's word without `lookup_`; `observe` is told the seconds."""

    _inner: IResolver
    _clock: IReactorTime
    _observe: Callable[[float], object]
    results: dict[str, int] = field(factory=dict, init=False)
    in_flight: int = field(default=0, init=False)

    def peek(self, ask: Ask) -> Answer | None:
        """As inside; not counted."""
        return self._inner.peek(ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As inside."""
        return self._count(self._inner.resolve, ask)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As inside."""
        return self._count(self._inner.renew, ask)

    def _count(self, question: Callable[[Ask], Deferred[Answer]], ask: Ask) -> Deferred[Answer]:
        self.in_flight += 1
        asked = self._clock.seconds()
        answer = question(ask)
        answer.addBoth(self._over, asked)
        return answer

    def _over(self, result: Answer | Failure, asked: float) -> Answer | Failure:
        self.in_flight -= 1
        self._observe(self._clock.seconds() - asked)
        word = _word(result)
        if word is not None:
            self.results[word] = self.results.get(word, 0) + 1
        return result


def _word(result: Answer | Failure) -> str | None:
    match result:
        case Route():
            return "route"
        case Miss():
            return "miss"
        case _:
            error = result.value
            return error.word.removeprefix(OURS) if isinstance(error, LookupFailed) else None
