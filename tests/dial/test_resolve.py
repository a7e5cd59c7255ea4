"""Endpoint names to addresses."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.dial.resolve import ADDRESSES_LIMIT, KEEP_S, NAMES_LIMIT, Names
from tests.fakes import failure_of, success_of


@implementer(IHostResolution)
@define(eq=False)
class Question:
    """One question that the resolver was asked."""

    name: str
    receiver: IResolutionReceiver

    def cancel(self) -> None:
        """Never asked for."""

    def answer(self, *hosts: str) -> None:
        self.receiver.resolutionBegan(self)
        for host in hosts:
            self.receiver.addressResolved((IPv6Address if ":" in host else IPv4Address)("TCP", host, 0))
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
@define(eq=False)
class FakeResolver:
    """Keeps its questions for the test to answer; `at_once`: answers them so."""

    questions: list[Question] = field(factory=list)
    at_once: tuple[str, ...] | None = None
    broken: bool = False

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        if self.broken:
            raise RuntimeError("can't start new thread")
        question = Question(hostName, resolutionReceiver)
        self.questions.append(question)
        if self.at_once is not None:
            question.answer(*self.at_once)
        return question


def a_scene() -> tuple[Names, FakeResolver, Clock]:
    resolver, clock = FakeResolver(), Clock()
    return Names(resolver, clock), resolver, clock


def test_the_fake_is_a_resolver() -> None:
    verifyObject(IHostnameResolver, FakeResolver())


def test_the_addresses_come_in_the_systems_order_each_once() -> None:
    names, resolver, _ = a_scene()
    found = names.addresses("a.example")
    resolver.questions[0].answer("2001:db8::1", "192.0.2.2", "192.0.2.1", "192.0.2.2")
    assert success_of(found) == ("2001:db8::1", "192.0.2.2", "192.0.2.1")


def test_many_who_ask_at_once_make_one_question() -> None:
    names, resolver, _ = a_scene()
    waiters = [names.addresses("a.example") for _ in range(50)]
    other = names.addresses("b.example")
    assert [question.name for question in resolver.questions] == ["a.example", "b.example"]
    resolver.questions[0].answer("192.0.2.1")
    assert {success_of(waiter) for waiter in waiters} == {("192.0.2.1",)}
    assert not other.called


def test_an_answer_is_kept_for_five_seconds_and_can_be_peeked_at() -> None:
    names, resolver, clock = a_scene()
    assert names.peek("a.example") is None
    names.addresses("a.example")
    resolver.questions[0].answer("192.0.2.1")
    clock.advance(KEEP_S - 0.1)
    assert names.peek("a.example") == ("192.0.2.1",)
    assert success_of(names.addresses("a.example")) == ("192.0.2.1",)
    clock.advance(0.2)
    assert names.peek("a.example") is None
    names.addresses("a.example")
    assert len(resolver.questions) == 2


def test_a_name_without_addresses_is_empty_and_not_remembered() -> None:
    names, resolver, _ = a_scene()
    found = names.addresses("a.example")
    resolver.questions[0].answer()
    assert success_of(found) == ()
    names.addresses("a.example")
    assert len(resolver.questions) == 2


def test_a_waiter_who_leaves_does_not_cancel_the_rest() -> None:
    names, resolver, _ = a_scene()
    leaving, staying = names.addresses("a.example"), names.addresses("a.example")
    leaving.cancel()
    assert isinstance(failure_of(leaving), CancelledError)
    resolver.questions[0].answer("192.0.2.1")
    assert success_of(staying) == ("192.0.2.1",)


def test_an_answer_that_nobody_waits_for_any_more_is_still_remembered() -> None:
    names, resolver, _ = a_scene()
    leaving = names.addresses("a.example")
    leaving.cancel()
    failure_of(leaving)
    staying = names.addresses("a.example")
    assert len(resolver.questions) == 1
    resolver.questions[0].answer("192.0.2.1")
    assert success_of(staying) == ("192.0.2.1",)


def test_a_waiter_whom_the_answer_makes_cancel_another_is_no_trouble() -> None:
    names, resolver, _ = a_scene()
    first, second = names.addresses("a.example"), names.addresses("a.example")
    first.addCallback(lambda found: second.cancel())
    resolver.questions[0].answer("192.0.2.1")
    assert isinstance(failure_of(second), CancelledError)


def test_a_resolver_that_cannot_be_asked_gives_nothing_and_is_asked_again_later() -> None:
    names, resolver, _ = a_scene()
    resolver.broken = True
    with capturedLogs() as logs:
        assert success_of(names.addresses("a.example")) == ()
    assert len(logs) == 1
    resolver.broken, resolver.at_once = False, ("192.0.2.1",)
    assert success_of(names.addresses("a.example")) == ("192.0.2.1",)


def test_what_is_remembered_and_what_is_asked_at_once_are_bounded() -> None:
    names, resolver, _ = a_scene()
    for number in range(NAMES_LIMIT + 10):
        names.addresses(f"{number}.example")
    assert len(resolver.questions) == NAMES_LIMIT
    for question in resolver.questions:
        question.answer("192.0.2.1")
    resolver.at_once = ("192.0.2.1",)
    names.addresses("one.more.example")
    assert len(names._known) == NAMES_LIMIT
    assert names.peek("0.example") is None


def test_a_name_with_endless_addresses_is_cut() -> None:
    names, resolver, _ = a_scene()
    found = names.addresses("a.example")
    resolver.questions[0].answer(*(f"192.0.{high}.{low}" for high in range(4) for low in range(250)))
    assert len(success_of(found)) == ADDRESSES_LIMIT
