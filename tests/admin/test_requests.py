"""What a route does with one request is explained as it is done."""

from __future__ import annotations

import pytest
from attrs import evolve

from starship.admin.requests import Turn, turn_of
from starship.names import Hostname
from starship.paths import ordered
from starship.reasons import Reason
from starship.words import PathRule, Refusal, Route, Upstream
from tests.admin.houses import House, route

NAME = Hostname("a.com")
RULED = route(
    paths=ordered(
        [
            PathRule(path="/app", kind="prefix", upstreams=(Upstream(host="10.0.0.7"),), rewrite="/"),
            PathRule(path="/health", kind="exact", upstreams=(Upstream(host="10.0.0.8"),)),
        ]
    )
)


def turn(found: Route, target: str | None, house: House | None = None) -> Turn | None:
    rooms = (house or House()).rooms()
    return turn_of(rooms, rooms.doors()[1], NAME, target, found)


def words(found: Route, target: str | None, house: House | None = None) -> str:
    told = turn(found, target, house)
    assert told is not None
    return told.words


def test_a_route_that_is_not_particular_needs_no_word() -> None:
    assert turn(route(), "/app") is None


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/app/x?y=1", "/app/x?y=1: fits the prefix /app, passed on as /x?y=1"),
        ("/health", "/health: fits the exact /health"),
        ("/other", "/other: no rule fits"),
        ("/app/../x", "/app/../x: the path decides here, and it has a dot segment"),
        (None, "hidden from us: path rules and redirects do not count"),
    ],
)
def test_k2_k5_the_rule_that_fits_is_told_and_what_the_upstream_gets(target: str | None, said: str) -> None:
    assert words(RULED, target) == said


def test_k9_where_a_path_that_no_rule_fits_goes_nowhere_it_is_told_why() -> None:
    alone = evolve(RULED, upstreams=())
    told = turn(alone, "/other")
    assert told is not None
    assert isinstance(told.found, Refusal)
    assert (told.found.reason, told.words) == (Reason.UNKNOWN_PATH, "/other: no rule of the route fits the path")


def test_a_redirect_of_the_route_or_the_door_is_told_with_where_it_leads() -> None:
    assert words(route(redirect=True), "/x") == "/x: https://a.com/x"
    assert words(route(), "/x", House(redirect=8443)) == "/x: https://a.com:8443/x"


def test_who_meets_it_so_is_who_speaks_so() -> None:
    plain, hidden = turn(RULED, "/"), turn(RULED, None)
    assert plain is not None
    assert hidden is not None
    assert (plain.kind, hidden.kind) == ("http", "tls")
