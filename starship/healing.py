"""
Healing: a remembered route that could not be dialled is asked about anew, once, in the time that is left.

Floor 4, beside the Journey that makes one where a dial has failed, and written against the seams alone. It knows a
question and a clock; what becomes of the answer is the Journey's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from starship.errors import DialFailed, DialTimeout, LookupFailed, Side
from starship.interfaces import IResolver
from starship.words import Answer, Ask, Origin, Route

REMEMBERED: Final = frozenset({Origin.HIT, Origin.STALE})
"""Origins of a route that may have moved since it was asked for."""


@define(eq=False, kw_only=True)
class Healing:
    """
    The `old` route could not be dialled, and `why`. `timeout` (s) is what the whole dial may take.

    Tells one of `renewed`, with another answer; `failed`, where there is no other or it does not come in time; `broke`.
    Told to stop the clock (the other answer was dialled) or to cancel, it tells nobody anything more.
    """

    resolver: IResolver
    clock: IReactorTime
    timeout: float
    ask: Ask
    old: Route
    why: DialFailed
    renewed: Callable[[Answer], None]
    failed: Callable[[DialFailed], None]
    broke: Callable[[Failure], None]
    _question: Deferred[Answer] | None = field(init=False, default=None)
    _deadline: IDelayedCall | None = field(init=False, default=None)
    _over: bool = field(init=False, default=False)

    def start(self, left: float) -> None:
        """Ask; `left` (s) until all of it is over."""
        self._deadline = self.clock.callLater(left, self._too_late)
        question = self._question = self.resolver.renew(self.ask)
        question.addCallback(self._renewed).addErrback(self._not_renewed)

    @property
    def is_asking(self) -> bool:
        """Whether the answer is still to come."""
        return self._question is not None

    def stop_clock(self) -> None:
        """It was in time."""
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def cancel(self) -> None:
        """Give it up."""
        self._over = True
        self.stop_clock()
        question, self._question = self._question, None
        if question is not None:
            question.cancel()

    def _renewed(self, answer: Answer) -> None:
        self._question = None
        if self._over:
            return
        if isinstance(answer, Route) and _lives_where(answer, self.old):
            self.failed(self.why)  # it is where it was, and could not be reached
        else:
            self.renewed(answer)

    def _not_renewed(self, failure: Failure) -> None:
        self._question = None
        if failure.check(LookupFailed):
            self.failed(self.why)
        elif not (self._over and failure.check(CancelledError)):  # we gave it up
            self.broke(failure)

    def _too_late(self) -> None:
        self._deadline = None
        self.failed(DialTimeout(f"not connected within {self.timeout:g} s; before that: {self.why}"))


def is_hopeful(route: Route, why: DialFailed) -> bool:
    """Whether another answer might help: not where the route was only just asked for, nor where we failed ourselves."""
    return why.retriable and why.side is Side.UPSTREAM and route.origin in REMEMBERED


def _lives_where(route: Route, old: Route) -> bool:
    return (route.upstreams, route.pool, route.paths) == (old.upstreams, old.pool, old.paths)
