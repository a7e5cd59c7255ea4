"""
Shadow: asks a second API about a share of the names, compares, and never uses what it says.

Part of `route`: stands around whoever asks the API, where a new API is to be tried on real names before it counts.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final
from zlib import crc32

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.buckets import Buckets
from starship.errors import LookupFailed
from starship.interfaces import IResolver
from starship.route.spelling import spell
from starship.words import Answer, Ask, Miss, Route, Upstream

RESULTS: Final = ("same", "route_for_miss", "miss_for_route", "app", "endpoints", "fields", "failed", "skipped")
LINES_A_SECOND: Final = 5.0
LINES_AT_ONCE: Final = 50.0
"""Differences that are logged; all are counted."""


@implementer(IResolver)
@define(eq=False, kw_only=True)
class Shadow:
    """
    Asks `shadow` too for the names of a `fraction` (0 to 1), always the same ones; at most `limit` at once, the others
    are skipped. `results` counts by RESULTS.
    """

    log: ClassVar[Logger] = Logger()

    _inner: IResolver
    _shadow: IResolver
    _clock: IReactorTime
    _fraction: float
    _limit: int
    _lines: Buckets = field(factory=lambda: Buckets(LINES_A_SECOND, LINES_AT_ONCE), init=False)
    _asked: set[Deferred[None]] = field(factory=set, init=False)
    results: dict[str, int] = field(factory=dict, init=False)

    def peek(self, ask: Ask) -> Answer | None:
        """As inside."""
        return self._inner.peek(ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As inside."""
        return self._inner.resolve(ask).addCallback(self._compare, ask)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As inside."""
        return self._inner.renew(ask).addCallback(self._compare, ask)

    def stop(self) -> None:
        """Give up what is under way."""
        for asked in tuple(self._asked):
            asked.cancel()

    def _compare(self, answer: Answer, ask: Ask) -> Answer:
        if ask.name is None or crc32(ask.name.encode()) / 2**32 >= self._fraction:
            return answer
        if len(self._asked) >= self._limit:
            self._count("skipped")
            return answer
        asked: Deferred[None] = self._shadow.resolve(ask).addCallbacks(
            self._answered, self._failed, callbackArgs=(answer, ask)
        )
        if not asked.called:
            self._asked.add(asked)
            asked.addBoth(lambda _: self._asked.discard(asked))
        return answer

    def _answered(self, other: Answer, answer: Answer, ask: Ask) -> None:
        kind = difference(answer, other)
        self._count(kind)
        now = self._clock.seconds()
        if kind != "same" and self._lines.admits("", now):
            self._lines.take("", now)
            self.log.info(
                "the shadow API differs ({kind}) on {name}: {answer} and {other}",
                kind=kind,
                name=ask.name,
                answer=json.dumps(spell(answer)),
                other=json.dumps(spell(other)),
            )

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, LookupFailed):
            self._count("failed")
        elif not failure.check(CancelledError):
            self.log.failure("the shadow lookup broke", failure=failure)

    def _count(self, kind: str) -> None:
        self.results[kind] = self.results.get(kind, 0) + 1


def difference(answer: Answer, other: Answer) -> str:
    """The kind of difference between the answer that counts and the shadow's; how long they live does not matter."""
    match answer, other:
        case Miss(), Miss():
            return "same"
        case Route(), Miss():
            return "miss_for_route"
        case Miss(), Route():
            return "route_for_miss"
        case Route(), Route():
            if _homes(answer) != _homes(other):
                return "endpoints"
            if answer.app != other.app:
                return "app"
            ours = evolve(
                answer, upstreams=other.upstreams, paths=other.paths, ttl=other.ttl, stale_ttl=other.stale_ttl
            )
            return "same" if ours == other else "fields"
    return "same"


def _homes(route: Route) -> dict[tuple[str, str, str | None], tuple[str | None, frozenset[Upstream]]]:
    """Where what goes: the rest, and each path as it is matched and passed on. The order of endpoints is none."""
    homes = {(rule.kind, rule.path, rule.rewrite): (rule.pool, frozenset(rule.upstreams)) for rule in route.paths}
    homes["", "", None] = (route.pool, frozenset(route.upstreams))
    return homes
