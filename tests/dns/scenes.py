"""A clock that an Asker goes by, and questions that a test answers itself."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.names import dns

from starship.dns.asking import Asker
from starship.dns.book import Book
from starship.dns.messages import Question, Reply, Trouble
from starship.dns.resolver import Found
from starship.names import Hostname
from starship.words import Address, Place

KINDS = {dns.A: "A", dns.AAAA: "AAAA", dns.SRV: "SRV"}


@define(eq=False)
class Asked:
    """One question under way."""

    server: Address
    question: Question
    timeout: float
    edns: bool
    reply: Deferred[Reply]


class FakeAsker(Asker):
    """Answers what `known` has (by `NAME KIND`), and keeps the rest for the test; silent servers cost their time."""

    def __init__(self) -> None:
        self.time = Clock()
        super().__init__(self.time, Random(1))
        self.known: dict[str, Reply] = {}
        self.asked: list[Asked] = []

    def ask(self, server: Address, question: Question, timeout: float, *, edns: bool = True) -> Deferred[Reply]:
        one = Asked(server, question, timeout, edns, Deferred())
        self.asked.append(one)
        reply = self.known.get(f"{question.name} {KINDS[question.kind]}")
        if reply is not None:
            one.reply.callback(reply)
        return one.reply

    def names(self) -> list[str]:
        return [f"{one.question.name} {KINDS[one.question.kind]}" for one in self.asked]


@define(eq=False)
class FakeResolver:
    """Keeps its questions for the test to answer; `at_once`: answers them so."""

    at_once: Found | Trouble | None = None
    questions: list[tuple[str, Deferred[Found | Trouble]]] = field(factory=list)

    def resolve(self, name: Hostname, *, srv: bool = False) -> Deferred[Found | Trouble]:
        question: Deferred[Found | Trouble] = Deferred()
        self.questions.append((f"srv:{name}" if srv else name, question))
        if self.at_once is not None:
            question.callback(self.at_once)
        return question

    def answer(self, *hosts: str, ttl: int = 5, **more: Any) -> None:
        """The last question."""
        self.questions[-1][1].callback(found(*hosts, ttl=ttl, **more))

    def fail(self, why: Trouble) -> None:
        self.questions[-1][1].callback(why)


def found(*hosts: str, ttl: int = 5, **more: Any) -> Found:
    return Found(tuple(map(Place, hosts)), ttl, **more)


def a_book(clock: Clock, resolver: FakeResolver, **more: Any) -> Book:
    """A book whose answers hold as long as they say, without chance."""
    kinds: dict[str, Any] = {"min_ttl": 1.0, "max_ttl": 300.0, "random": NoChance()} | more
    ours: Any = resolver
    time: Any = clock
    return Book(resolver=ours, clock=time, **kinds)


class NoChance(Random):
    """Always says 0."""

    def random(self) -> float:
        return 0.0
