"""What the settings say of plain HTTP, request by request."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from starship.config.settings import Dialling, Http, Limits, Pool, Settings
from starship.messages import Request
from starship.service.requests import converses, introducing, make_idle, make_terms
from starship.words import Origin, Route, Upstream
from tests.fakes import arrival
from tests.service.material import AUTO, HTTP, TLS, settings

ROUTE = Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.STATIC)
REQUEST = Request(method=b"GET", target=b"/app/x", path="/app/x", minor=1, authority=b"a.com")


def test_plain_doors_converse_unless_they_are_told_to_tunnel() -> None:
    assert [converses(listener) for listener in (HTTP, AUTO, TLS)] == [True, True, False]
    assert not converses(evolve(HTTP, mode="tunnel"))


def proxied(route: Route, made: Settings) -> bool:
    return make_idle(made, Clock()).is_proxied(route)


@pytest.mark.parametrize(
    ("route", "changes", "is_proxied"),
    [
        (ROUTE, {}, False),
        (evolve(ROUTE, proxy_protocol="v2"), {}, True),
        (ROUTE, {"upstream": Dialling(proxy_protocol="v1")}, True),
        (evolve(ROUTE, pool="web"), {"pools": {"web": Pool(name="web", endpoints=(), proxy_protocol="v2")}}, True),
        (
            evolve(ROUTE, pool="web"),
            {"upstream": Dialling(proxy_protocol="v1"), "pools": {"web": Pool(name="web", endpoints=())}},
            False,
        ),
    ],
)
def test_upstreams_that_get_a_proxy_header_are_known(route: Route, changes: dict[str, Any], is_proxied: bool) -> None:
    assert proxied(route, settings(**changes)) == is_proxied


def test_the_terms_and_bounds_are_those_of_the_settings() -> None:
    http = Http(response_timeout=1.0, body_timeout=2.0, body_size=3, retries=4, replay_size=5, upstream_idle=6)
    made = settings(http=http, limits=Limits(head_size=7000, fields=8))
    terms = make_terms(made, lambda client, upstream, done, back=None: pytest.fail("nothing is joined"))
    assert (terms.response_timeout, terms.body_timeout, terms.body_size) == (1.0, 2.0, 3)
    assert (terms.replays, terms.replay_size, terms.head_size, terms.fields) == (4, 5, 7000, 8)
    idle = make_idle(made, Clock())
    assert (idle.each, idle.total, idle.timeout) == (6, http.upstream_idle_total, http.upstream_idle_timeout)


def test_k5_k6_a_request_is_worded_with_the_routes_rewrite_and_what_upstreams_are_told() -> None:
    wording = introducing(settings(http=Http(forwarded=("X-Real-IP",), via="ship")))(arrival())
    head = wording(REQUEST, evolve(ROUTE, rewrite=("/app", "")), "id-1")
    assert head.startswith(b"GET /x HTTP/1.1\r\nHost: a.com\r\n")
    for line in (b"X-Real-IP: 192.0.2.7", b"X-Request-Id: id-1", b"Via: 1.1 ship"):
        assert b"\r\n" + line + b"\r\n" in head
