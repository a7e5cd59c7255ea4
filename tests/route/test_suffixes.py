"""Names that are none of ours are unknown without asking anybody."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from starship.interfaces import IResolver
from starship.route.suffixes import Suffixes
from starship.words import Miss, Origin
from tests.fakes import success_of
from tests.route.resolvers import ReadyResolver, ask, route


def test_it_is_a_resolver() -> None:
    assert verifyObject(IResolver, Suffixes(ReadyResolver(route()), frozenset(["a.com"])))


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("a.com", True),
        ("www.a.com", True),
        ("x.y.b.co.uk", True),
        (None, True),
        ("com", False),
        ("nota.com", False),
        ("a.com.evil.tld", False),
        ("co.uk", False),
    ],
)
def test_a_name_is_ours_where_it_is_a_suffix_or_below_one(name: str | None, ours: bool) -> None:
    inner = ReadyResolver(route(), known=route("known"))
    suffixes = Suffixes(inner, frozenset(["a.com", "b.co.uk"]))
    answers = [suffixes.peek(ask(name)), success_of(suffixes.resolve(ask(name))), success_of(suffixes.renew(ask(name)))]
    assert suffixes.ours(ask(name).name) is ours
    if ours:
        assert answers == [route("known"), route(), route()]
    else:
        assert answers == [Miss(origin=Origin.STATIC)] * 3
        assert inner.asked == []
