"""Resolvers for tests: one whose answers the test gives by hand, one that is told its answers before."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from starship.interfaces import IResolver
from starship.names import Hostname
from starship.route.caching import CachingResolver
from starship.route.failures import Failures
from starship.route.lifetimes import Lifetimes
from starship.route.memory import MemoryCache
from starship.route.store import Store
from starship.words import Answer, Ask, Miss, Origin, Route, Upstream

A_COM = Hostname("a.com")
B_COM = Hostname("b.com")


def ask(name: str | None = A_COM, door: str = "https") -> Ask:
    return Ask(name=None if name is None else Hostname(name), source="192.0.2.7", door=door)


def route(
    app: str = "A",
    *,
    ttl: float | None = None,
    stale_ttl: float | None = None,
    host: str = "10.0.0.24",
    wildcard: str | None = None,
) -> Route:
    upstreams = (Upstream(host=host),)
    return Route(app=app, upstreams=upstreams, origin=Origin.FRESH, ttl=ttl, stale_ttl=stale_ttl, wildcard=wildcard)


def miss(ttl: float | None = None, *, wildcard: str | None = None) -> Miss:
    return Miss(origin=Origin.FRESH, ttl=ttl, wildcard=wildcard)


def memory(
    clock: Clock,
    *,
    ttl: float = 60.0,
    neg_ttl: float = 10.0,
    stale_ttl: float = 0.0,
    routes: int = 4,
    misses: int = 4,
    ahead: float = 0.0,
) -> MemoryCache:
    """A small cache."""
    lifetimes = Lifetimes(ttl=ttl, neg_ttl=neg_ttl, stale_ttl=stale_ttl)
    return MemoryCache(clock=clock, lifetimes=lifetimes, routes=Store(routes), misses=Store(misses), ahead=ahead)


def caching_of(
    clock: Clock,
    inner: IResolver,
    cache: MemoryCache | None = None,
    *,
    error_ttl: float = 0.0,
    max_error_ttl: float = 4.0,
    **options: Any,
) -> CachingResolver:
    """A CachingResolver over a small cache."""
    failures = Failures(clock=clock, first=error_ttl, longest=max_error_ttl)
    return CachingResolver(
        cache=memory(clock) if cache is None else cache, inner=inner, clock=clock, failures=failures, **options
    )


@implementer(IResolver)
@define(eq=False)
class PatientResolver:
    """Keeps each question until the test answers it; `renewed` are those about a known name; `cancelled` counts."""

    asked: list[Ask] = field(factory=list)
    renewed: list[Ask] = field(factory=list)
    questions: list[Deferred[Answer]] = field(factory=list)
    cancelled: int = 0

    def peek(self, ask: Ask) -> Answer | None:
        return None

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        def given_up(_: Deferred[Answer]) -> None:
            self.cancelled += 1

        self.asked.append(ask)
        question: Deferred[Answer] = Deferred(given_up)
        self.questions.append(question)
        return question

    def renew(self, ask: Ask) -> Deferred[Answer]:
        self.renewed.append(ask)
        return self.resolve(ask)


@implementer(IResolver)
@define(eq=False)
class ReadyResolver:
    """Answers every question with the same answer or error; `known` is what peek gives."""

    outcome: Answer | Exception
    known: Answer | None = None
    asked: list[Ask] = field(factory=list)

    def peek(self, ask: Ask) -> Answer | None:
        return self.known

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        self.asked.append(ask)
        return fail(self.outcome) if isinstance(self.outcome, Exception) else succeed(self.outcome)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        return self.resolve(ask)
