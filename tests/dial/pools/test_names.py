"""What pools want to know of names is what the book of names tells."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.dial.pools.names import KnownName, Names
from starship.words import Place
from tests.dial.pools.pooling import FakeNames
from tests.dns.scenes import FakeResolver, a_book


def moves(names: Names) -> list[tuple[Place, ...]]:
    """What a name says while an answer comes."""
    seen: list[tuple[Place, ...]] = []
    name: KnownName = names.name("a.example")
    name.watch(lambda: seen.append(name.places), lasting=False)
    name.used = True
    name.ask()
    return seen


def test_the_book_and_the_fake_tell_the_same() -> None:
    clock, resolver, fake = Clock(), FakeResolver(), FakeNames()
    book = a_book(clock, resolver)
    seen, seen_of_fake = moves(book), moves(fake)
    resolver.answer("192.0.2.1", "192.0.2.2")
    fake.questions[0].answer("192.0.2.1", "192.0.2.2")
    assert seen == seen_of_fake == [(Place("192.0.2.1"), Place("192.0.2.2"))]
    assert book.name("a.example").stale is fake.name("a.example").stale is False
    assert book.name("a.example", srv=True).stale is True
