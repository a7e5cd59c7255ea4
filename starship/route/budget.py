"""
Budget: how many names that lead nowhere a source may have looked up, and all sources together.

Part of `route`: stands inside the cache, so that known names cost nothing. Random names then cost the API a bounded
rate, however many clients bring them.

A name costs when it has turned out to be unknown, and not before: a source behind which thousands of people open real
sites (an office, a balancer without the PROXY protocol) never pays, nor does anyone while the lookup itself fails. What
is under way may therefore exceed the budget by as much as the queue before the API lets in.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from starship.addresses import source_of
from starship.buckets import Buckets
from starship.interfaces import IResolver
from starship.reasons import Reason
from starship.words import Answer, Ask, Miss, Origin

EVERYBODY: Final = ""
"""The one key of the overall bucket."""

OVER: Final = Miss(origin=Origin.NONE, reason=Reason.OVER_LIMIT, ttl=0.0, told=Reason.UNKNOWN_NAME)


@frozen(kw_only=True)
class Spending:
    """What the budget is like: sources with a bucket, names not asked about since the start, by whose limit."""

    sources: int
    over_source: int
    over_overall: int


@implementer(IResolver)
@define(eq=False, kw_only=True)
class Budget:
    """Over the budget a new name is a Miss of reason over_limit, told to the client as an unknown name."""

    _inner: IResolver
    _clock: IReactorTime
    _sources: Buckets
    _overall: Buckets
    over_source: int = field(default=0, init=False)
    over_overall: int = field(default=0, init=False)

    def peek(self, ask: Ask) -> Answer | None:
        """As inside."""
        return self._inner.peek(ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """A new name: as inside, within the budget."""
        now, source = self._clock.seconds(), source_of(ask.source)
        if not self._sources.admits(source, now):
            self.over_source += 1
            return succeed(OVER)
        if not self._overall.admits(EVERYBODY, now):
            self.over_overall += 1
            return succeed(OVER)
        return self._inner.resolve(ask).addCallback(self._paid, source)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """A name that is known costs nothing."""
        return self._inner.renew(ask)

    def objection(self, source: str) -> str | None:
        """Why this client's new name would not be asked about now. A look, which takes nothing."""
        now = self._clock.seconds()
        if not self._sources.admits(source_of(source), now):
            return f"too many unknown names came from {source_of(source)}"
        return None if self._overall.admits(EVERYBODY, now) else "too many unknown names came from all sources together"

    def snapshot(self) -> Spending:
        """What the budget is like."""
        return Spending(sources=len(self._sources), over_source=self.over_source, over_overall=self.over_overall)

    def _paid(self, answer: Answer, source: str) -> Answer:
        if isinstance(answer, Miss):
            now = self._clock.seconds()
            self._sources.take(source, now)
            self._overall.take(EVERYBODY, now)
        return answer
