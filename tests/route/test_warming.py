"""Many names are looked up before anybody asks, a few at a time, and progress can be seen (M8)."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.errors import LookupTimeout
from starship.names import Hostname
from starship.route.warming import Warming
from tests.fakes import success_of
from tests.route.resolvers import PatientResolver, ReadyResolver, ask, caching_of, miss, route

NAMES = tuple(Hostname(f"n{number}.com") for number in range(10))


def test_names_are_asked_for_a_few_at_a_time_and_counted_M8() -> None:
    clock, inner = Clock(), PatientResolver()
    warming = Warming(names=NAMES, asking=inner.resolve, clock=clock, at_once=3)
    done = warming.start()
    assert len(inner.asked) == 3
    for number in range(10):
        match number % 3:
            case 0:
                inner.questions[number].callback(route())
            case 1:
                inner.questions[number].callback(miss())
            case _:
                inner.questions[number].errback(LookupTimeout("late"))
        clock.advance(0)
        assert len(inner.asked) <= warming.done + 3
    clock.advance(0)
    success_of(done)
    assert (warming.total, warming.done) == (10, 10)
    assert (warming.routes, warming.misses, warming.failed) == (4, 3, 3)


def test_what_is_live_is_not_asked_for_again_M8() -> None:
    clock, inner = Clock(), ReadyResolver(route())
    resolver = caching_of(clock, inner)
    success_of(resolver.resolve(ask(NAMES[0])))
    warming = Warming(names=NAMES[:3], asking=resolver.warm, clock=clock)
    done = warming.start()
    clock.pump([0.0] * 5)
    success_of(done)
    assert [one.name for one in inner.asked] == list(NAMES[:3])


def test_what_is_not_done_can_be_given_up() -> None:
    clock, inner = Clock(), PatientResolver()
    warming = Warming(names=NAMES, asking=inner.resolve, clock=clock, at_once=2)
    done = warming.start()
    done.addErrback(lambda failure: None)
    warming.stop()
    clock.pump([0.0] * 5)
    assert done.called
    assert inner.cancelled == 2
    assert len(inner.asked) == 2


def test_an_empty_list_is_done_at_once() -> None:
    warming = Warming(names=(), asking=PatientResolver().resolve, clock=Clock())
    success_of(warming.start())
    assert warming.total == 0
