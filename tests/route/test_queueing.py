"""So many questions in flight, so many more in the queue, each for so long (F6)."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.errors import LookupBusy
from starship.interfaces import IResolver
from starship.route.queueing import Queueing
from starship.words import Answer, Ask
from tests.fakes import failure_of, success_of
from tests.route.resolvers import PatientResolver, ReadyResolver, ask, route


def queueing(inner: IResolver, clock: Clock, limit: int = 2, room: int = 2) -> Queueing:
    return Queueing(inner=inner, clock=clock, limit=limit, room=room, patience=1.0)


def names(inner: PatientResolver) -> list[str | None]:
    return [one.name for one in inner.asked]


def test_it_is_a_resolver() -> None:
    assert verifyObject(IResolver, queueing(PatientResolver(), Clock()))
    assert queueing(ReadyResolver(route(), known=route("known")), Clock()).peek(ask()) == route("known")


def test_who_is_over_the_limit_waits_their_turn_and_who_is_over_the_queue_is_told_at_once() -> None:
    inner = PatientResolver()
    queue = queueing(inner, Clock())
    asked = [queue.resolve(ask(f"n{number}.com")) for number in range(5)]
    assert names(inner) == ["n0.com", "n1.com"]
    assert (queue.in_flight, queue.waiting) == (2, 2)
    busy = failure_of(asked[4])
    assert isinstance(busy, LookupBusy)
    assert busy.shared
    inner.questions[1].callback(route())
    assert success_of(asked[1]) == route()
    assert names(inner) == ["n0.com", "n1.com", "n2.com"]
    inner.questions[0].callback(route())
    inner.questions[2].callback(route())
    inner.questions[3].callback(route())
    assert success_of(asked[3]) == route()
    assert (queue.in_flight, queue.waiting) == (0, 0)


def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    clock, inner = Clock(), PatientResolver()
    queue = queueing(inner, clock, limit=1)
    first, second = queue.resolve(ask("a.com")), queue.renew(ask("b.com"))
    clock.advance(0.875)
    assert not second.called
    clock.advance(0.125)
    assert isinstance(failure_of(second), LookupBusy)
    inner.questions[0].callback(route())
    assert success_of(first) == route()
    assert names(inner) == ["a.com"]


def test_a_turn_that_has_come_has_no_deadline_of_the_queue_any_more() -> None:
    clock, inner = Clock(), PatientResolver()
    queue = queueing(inner, clock, limit=1)
    queue.resolve(ask("a.com"))
    second = queue.resolve(ask("b.com"))
    inner.questions[0].callback(route())
    clock.advance(100)
    assert not clock.getDelayedCalls()
    inner.questions[1].callback(route())
    assert success_of(second) == route()


def test_who_leaves_the_queue_is_not_asked_for_and_who_leaves_the_api_makes_room() -> None:
    inner = PatientResolver()
    queue = queueing(inner, Clock(), limit=1)
    first, second, third = (queue.resolve(ask(f"n{number}.com")) for number in range(3))
    second.cancel()
    assert isinstance(failure_of(second), CancelledError)
    first.cancel()
    assert isinstance(failure_of(first), CancelledError)
    assert inner.cancelled == 1
    assert names(inner) == ["n0.com", "n2.com"]
    inner.questions[1].callback(route())
    assert success_of(third) == route()


@define(eq=False)
class FirstIsSlow(ReadyResolver):
    """The first answer is for the test to give; all others come at once."""

    slow: Deferred[Answer] = field(factory=Deferred)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        self.asked.append(ask)
        return self.slow if len(self.asked) == 1 else succeed(route())


def test_a_long_queue_whose_answers_come_at_once_is_served_without_going_deep() -> None:
    inner = FirstIsSlow(route())
    queue = queueing(inner, Clock(), limit=1, room=5000)
    asked = [queue.resolve(ask(f"n{number}.com")) for number in range(5001)]
    assert queue.waiting == 5000
    inner.slow.callback(route())
    assert {success_of(one) for one in asked} == {route()}
    assert (queue.in_flight, queue.waiting) == (0, 0)
