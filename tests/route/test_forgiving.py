"""The original's way: a failed lookup counts as a miss (S8, where the operator asks for it)."""

from __future__ import annotations

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.route.forgiving import MissOnError
from starship.words import Origin
from tests.fakes import failure_of, success_of
from tests.route.resolvers import ReadyResolver, ask, caching_of, miss, route


def test_it_is_a_resolver() -> None:
    verifyObject(IResolver, MissOnError(ReadyResolver(route())))


def test_answers_pass_as_they_are() -> None:
    assert success_of(MissOnError(ReadyResolver(route())).resolve(ask())) == route()
    assert MissOnError(ReadyResolver(route(), known=route("known"))).peek(ask()) == route("known")


def test_a_failed_lookup_is_a_miss_and_remembered_like_one_S8() -> None:
    forgiving = MissOnError(ReadyResolver(LookupTimeout("late")))
    caching = caching_of(Clock(), forgiving)
    assert success_of(caching.resolve(ask())) == miss()
    negative = caching.peek(ask())
    assert negative is not None
    assert negative.origin is Origin.NEGATIVE


def test_a_fault_of_our_own_is_no_miss() -> None:
    assert isinstance(failure_of(MissOnError(ReadyResolver(KeyError("bug"))).resolve(ask())), KeyError)
