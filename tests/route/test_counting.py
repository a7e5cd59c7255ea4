"""What the API answers is counted in the words of the reasons, and timed."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.errors import LookupFailed, LookupInvalid, LookupRefused, LookupServerError, LookupTimeout
from starship.interfaces import IResolver
from starship.route.counting import CountingResolver
from tests.fakes import failure_of, success_of
from tests.route.resolvers import PatientResolver, ReadyResolver, ask, miss, route


def test_a_question_is_in_flight_until_it_is_answered_and_timed_by_the_clock() -> None:
    clock, inner, seconds = Clock(), PatientResolver(), list[float]()
    counting = CountingResolver(inner, clock, seconds.append)
    answer = counting.resolve(ask())
    assert (counting.in_flight, counting.results, seconds) == (1, {}, [])
    clock.advance(0.25)
    inner.questions[0].callback(route())
    assert success_of(answer) == route()
    assert (counting.in_flight, counting.results, seconds) == (0, {"route": 1}, [0.25])


def test_a_miss_is_a_word_of_its_own() -> None:
    counting = CountingResolver(ReadyResolver(miss()), Clock(), list[float]().append)
    success_of(counting.resolve(ask()))
    success_of(counting.resolve(ask()))
    assert counting.results == {"miss": 2}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (LookupRefused("no"), "refused"),
        (LookupTimeout("no"), "timeout"),
        (LookupServerError("no"), "5xx"),
        (LookupInvalid("no"), "invalid"),
    ],
)
def test_a_failure_is_counted_by_its_word_and_passed_on(error: LookupFailed, word: str) -> None:
    counting = CountingResolver(ReadyResolver(error), Clock(), list[float]().append)
    assert failure_of(counting.resolve(ask())) is error
    assert (counting.results, counting.in_flight) == ({word: 1}, 0)


def test_a_question_that_was_given_up_is_no_result() -> None:
    inner, seconds = PatientResolver(), list[float]()
    counting = CountingResolver(inner, Clock(), seconds.append)
    question = counting.resolve(ask())
    question.cancel()
    assert isinstance(failure_of(question), CancelledError)
    assert (inner.cancelled, counting.in_flight, counting.results) == (1, 0, {})


def test_a_peek_is_not_counted() -> None:
    counting = CountingResolver(ReadyResolver(miss(), known=route()), Clock(), list[float]().append)
    assert verifyObject(IResolver, counting)
    assert counting.peek(ask()) == route()
    assert counting.results == {}
