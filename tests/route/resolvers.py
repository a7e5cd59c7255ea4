"""Resolvers for tests: one whose answers the test gives by hand, one that is told its answers before."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from starship.interfaces import IResolver
from starship.names import Hostname
from starship.words import Answer, Ask, Miss, Origin, Route, Upstream

A_COM = Hostname("a.com")
B_COM = Hostname("b.com")


def ask(name: str | None = A_COM, door: str = "https") -> Ask:
    return Ask(name=None if name is None else Hostname(name), source="192.0.2.7", door=door)


def route(app: str = "A", *, ttl: float | None = None, stale_ttl: float | None = None) -> Route:
    upstreams = (Upstream(host="10.0.0.24"),)
    return Route(app=app, upstreams=upstreams, origin=Origin.FRESH, ttl=ttl, stale_ttl=stale_ttl)


def miss(ttl: float | None = None) -> Miss:
    return Miss(origin=Origin.FRESH, ttl=ttl)


@implementer(IResolver)
@define(eq=False)
class PatientResolver:
    """Keeps each question until the test answers it; `cancelled` counts those given up."""

    asked: list[Ask] = field(factory=list)
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
