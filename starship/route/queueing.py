"""
Queueing: so many questions in flight, so many more that wait their turn, each for so long.

Part of `route`: stands before whoever asks the API, so that neither a burst nor an API that hangs costs without bound.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NoReturn

from attrs import define, field
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.errors import LookupBusy
from starship.interfaces import IResolver
from starship.route.questions import Asking
from starship.words import Answer, Ask

BUSY: Final = "too many questions to the API are in flight"


@implementer(IResolver)
@define(eq=False, kw_only=True)
class Queueing:
    """At most `limit` questions in `inner` and `room` waiting, first come first served, `patience` (s) at most."""

    _inner: IResolver
    _clock: IReactorTime
    _limit: int
    _room: int
    _patience: float
    _waiting: OrderedDict[Deferred[None], None] = field(factory=OrderedDict, init=False)
    _serving: bool = field(default=False, init=False)
    in_flight: int = field(default=0, init=False)

    @property
    def waiting(self) -> int:
        """Questions that wait their turn."""
        return len(self._waiting)

    def peek(self, ask: Ask) -> Answer | None:
        """As inside."""
        return self._inner.peek(ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As inside, in turn. Errors: those of inside; LookupBusy where the queue is full or its turn does not come."""
        return self._enter(self._inner.resolve, ask)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As `resolve`."""
        return self._enter(self._inner.renew, ask)

    def _enter(self, asking: Asking, ask: Ask) -> Deferred[Answer]:
        if self.in_flight < self._limit:
            return self._go(asking, ask)
        if len(self._waiting) >= self._room:
            return fail(LookupBusy(BUSY, shared=True))
        turn: Deferred[None] = Deferred(lambda gone: self._waiting.pop(gone, None))
        self._waiting[turn] = None
        turn.addTimeout(self._patience, self._clock, self._too_long)
        return turn.addCallback(lambda _: self._go(asking, ask))

    def _go(self, asking: Asking, ask: Ask) -> Deferred[Answer]:
        self.in_flight += 1
        return maybeDeferred(asking, ask).addBoth(self._left)

    def _left(self, result: Answer | Failure) -> Answer | Failure:
        self.in_flight -= 1
        self._serve()
        return result

    def _serve(self) -> None:
        """Let in who waits longest. Answers that come at once are taken up by one loop and go no deeper."""
        if self._serving:
            return
        self._serving = True
        while self._waiting and self.in_flight < self._limit:
            turn, _ = self._waiting.popitem(last=False)
            turn.callback(None)
        self._serving = False

    def _too_long(self, result: object, seconds: float) -> NoReturn:
        raise LookupBusy(f"{BUSY}, and the turn of this one did not come within {seconds:g} s", shared=True)
