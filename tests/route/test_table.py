"""Static routes before the API, and where the nameless and the unknown go (S3, S16, L8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsIndex

import pytest
from zope.interface.verify import verifyObject

from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.table import TableResolver, static_route
from starship.words import Ask, Miss, Origin, PathRule, PoolName, Route, Upstream
from tests.fakes import failure_of, success_of
from tests.route.resolvers import ReadyResolver, ask, miss, route


def static(app: str) -> Route:
    return static_route(app, (Upstream(host="10.0.0.1"),))


ROUTES = {
    "a.com": static("exact"),
    "*.a.com": static("below a"),
    "*.deep.a.com": static("deeper"),
    "*.com": static("any com"),
    "b.org": static("b"),
}


def table(inner: IResolver | None = None, default: Mapping[str, Route] | None = None) -> TableResolver:
    return TableResolver(routes=ROUTES, inner=inner, no_name={"https": static("nameless")}, default=default or {})


def test_it_is_a_resolver() -> None:
    verifyObject(IResolver, table())


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("a.com", "exact"),
        ("x.a.com", "below a"),
        ("x.y.a.com", "below a"),
        ("deep.a.com", "below a"),
        ("x.deep.a.com", "deeper"),
        ("z.com", "any com"),
        ("xa.com", "any com"),
        ("b.org", "b"),
    ],
)
def test_the_exact_name_comes_before_the_longest_wildcard_S3_L8(name: str, app: str) -> None:
    inner = ReadyResolver(route("API"))
    for answer in (table(inner).peek(ask(name)), success_of(table(inner).resolve(ask(name)))):
        assert answer == static(app)
    assert table(inner).find(Hostname(name)) == static(app)
    assert not inner.asked


@pytest.mark.parametrize("name", ["com", "x.b.org", "localhost", "a.org"])
def test_a_wildcard_does_not_cover_its_own_domain_nor_a_neighbour(name: str) -> None:
    assert table().peek(ask(name)) == Miss(origin=Origin.STATIC)


def test_a_static_route_is_the_operators_word() -> None:
    assert static("x").trusted
    assert static("x").origin is Origin.STATIC


def test_a_name_outside_the_table_is_asked_of_the_next() -> None:
    inner = ReadyResolver(route("API"))
    assert table(inner).peek(ask("c.org")) is None
    assert success_of(table(inner).resolve(ask("c.org"))) == route("API")
    inner.known = route("known")
    assert table(inner).peek(ask("c.org")) == route("known")


def test_without_anyone_to_ask_a_name_is_unknown_at_once() -> None:
    unknown = Miss(origin=Origin.STATIC)
    assert table().peek(ask("c.org")) == unknown
    assert success_of(table().resolve(ask("c.org"))) == unknown


def test_who_names_nobody_goes_where_the_door_says_and_nobody_is_asked() -> None:
    inner = ReadyResolver(route("API"))
    nobody = Miss(origin=Origin.NONE, reason=Reason.NO_NAME)
    for door, answer in (("https", static("nameless")), ("http", nobody)):
        assert table(inner, {"http": static("d")}).peek(ask(None, door)) == answer
        assert success_of(table(inner).resolve(ask(None, door))) == answer
    assert not inner.asked


def test_an_unknown_name_goes_to_the_doors_default_S16() -> None:
    default = {"https": static("default")}
    inner = ReadyResolver(miss())
    assert success_of(table(inner, default).resolve(ask("c.org"))) == static("default")
    assert success_of(table(inner, default).resolve(ask("c.org", "http"))) == miss()
    inner.known = miss()
    assert table(inner, default).peek(ask("c.org")) == static("default")
    assert table(None, default).peek(ask("c.org")) == static("default")


def test_a_failed_lookup_has_no_default_S16() -> None:
    resolver = table(ReadyResolver(LookupTimeout("late")), {"https": static("default")})
    assert isinstance(failure_of(resolver.resolve(ask("c.org"))), LookupTimeout)


def test_a_route_of_the_api_is_not_replaced_by_the_default() -> None:
    resolver = table(ReadyResolver(route("API")), {"https": static("default")})
    assert success_of(resolver.resolve(ask("c.org"))) == route("API")


def test_the_cost_of_a_name_does_not_grow_with_the_table_L8() -> None:
    looks: list[str] = []

    class Counted(str):
        """A name whose every slice is noted: one for each wildcard that is looked for."""

        def __getitem__(self, part: SupportsIndex | slice) -> str:
            looks.append(super().__getitem__(part))
            return looks[-1]

    for size in (1, 100, 10_000):
        many = TableResolver(routes={f"*.n{number}.com": static("n") for number in range(size)}, inner=None)
        looks.clear()
        many.peek(Ask(name=Hostname(Counted("x.y.z.example")), source="192.0.2.7", door="https"))
        assert looks == [".y.z.example", ".z.example", ".example"]


def test_a_host_may_have_paths_alone_and_a_redirect_on_the_operators_word_k2() -> None:
    rule = PathRule(path="/x", kind="prefix", upstreams=(Upstream(host="10.0.0.9"),))
    made = static_route("A", (), (rule,), True)
    assert (made.upstreams, made.paths, made.redirect, made.trusted) == ((), (rule,), True, True)


def test_a_pool_stands_where_endpoints_could() -> None:
    made = static_route("a.com", PoolName("blue"))
    assert (made.pool, made.upstreams, made.trusted) == ("blue", (), True)
