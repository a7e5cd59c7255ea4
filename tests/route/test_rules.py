"""The path rules of an answer are understood, every one of them, or the whole answer is invalid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starship.errors import LookupInvalid
from starship.route.contract import Head, read_answer
from starship.route.lines import LINE_LIMIT_BYTES, line_of
from starship.route.rules import PATHS_LIMIT
from starship.route.store import Entry
from starship.words import Origin, PathRule, Route, Upstream
from tests.route.resolvers import A_COM

HOME = {"endpoint": "10.0.0.24"}


def read(answer: dict[str, Any], pools: frozenset[str] = frozenset({"blue"})) -> Route:
    route = read_answer(A_COM, Head(status=200), json.dumps(answer).encode(), pools)
    assert isinstance(route, Route)
    return route


def why_invalid(answer: dict[str, Any]) -> str:
    with pytest.raises(LookupInvalid) as caught:
        read(answer)
    return str(caught.value)


def test_k2_k5_the_rules_of_an_answer_are_read_in_the_order_of_matching() -> None:
    paths = [
        {"path": "/", "endpoint": "10.0.0.1"},
        {"path": "/api/", "type": "prefix", "endpoints": [{"address": "10.0.0.2:81", "weight": 3}], "colour": "blue"},
        {"path": "/app", "endpoint": "pool:blue", "rewrite": "/"},
        {"path": "/api", "type": "exact", "endpoint": "c1.example"},
    ]
    assert read({**HOME, "paths": paths}) == Route(
        app="",
        upstreams=(Upstream(host="10.0.0.24"),),
        origin=Origin.FRESH,
        paths=(
            PathRule(path="/api", kind="exact", upstreams=(Upstream(host="c1.example"),)),
            PathRule(path="/api", kind="prefix", upstreams=(Upstream(host="10.0.0.2", port=81, weight=3),)),
            PathRule(path="/app", kind="prefix", upstreams=(), pool="blue", rewrite="/"),
            PathRule(path="/", kind="prefix", upstreams=(Upstream(host="10.0.0.1"),)),
        ),
    )


def test_k9_an_answer_may_say_where_its_paths_live_and_nothing_else() -> None:
    route = read({"paths": [{"path": "/api", "endpoint": "10.0.0.2"}]})
    assert (route.upstreams, route.pool, len(route.paths)) == ((), None, 1)
    assert "neither" in why_invalid({"paths": []})


def test_no_paths_are_no_rules() -> None:
    assert read({**HOME, "paths": []}) == read(HOME)


def test_an_answer_may_send_plain_http_to_https() -> None:
    assert read({**HOME, "redirect": "https"}).redirect
    assert not read(HOME).redirect


RULE = {"path": "/x", "endpoint": "10.0.0.1"}
WRONG: list[tuple[Any, str]] = [
    ("/x", "paths is not a list"),
    ({"/x": "10.0.0.1"}, "paths is not a list"),
    (None, "paths is not a list"),
    (["/x"], "paths holds something that is not an object"),
    ([{}], "a rule has no path"),
    ([{"path": "/x"}], "neither endpoint nor endpoints"),
    ([{"path": 5, "endpoint": "10.0.0.1"}], "path is not a string"),
    ([RULE, {**RULE, "path": "x"}], "path is not usable"),
    ([{**RULE, "path": "/a/../b"}], "dot segment"),
    ([{**RULE, "path": "/a%2Fb"}], "encoded slash"),
    ([{**RULE, "path": "/a?b"}], "path is not usable"),
    ([{**RULE, "path": "/\ud800"}], "path is not usable"),
    ([{**RULE, "path": "/" + "a" * 2048}], "longer than"),
    ([{**RULE, "path": "/" + "\u00fc" * 1000}], "longer than"),
    ([{**RULE, "type": "Prefix"}], "neither prefix nor exact"),
    ([{**RULE, "type": 1}], "type is not a string"),
    ([{**RULE, "rewrite": 1}], "rewrite is not a string"),
    ([{**RULE, "rewrite": ""}], "rewrite is not usable"),
    ([{**RULE, "rewrite": "http://evil.example/"}], "rewrite is not usable"),
    ([{**RULE, "rewrite": "/ HTTP/1.1\r\nX: y"}], "rewrite is not usable"),
    ([{**RULE, "endpoint": "10.0.0.1:0"}], "endpoint is not usable"),
    ([{**RULE, "endpoint": "pool:green"}], "a pool that there is not"),
    ([{"path": "/x", "endpoints": []}], "endpoints has none"),
    ([RULE, {**RULE, "path": "/%78/"}], "a path twice"),
    ([{**RULE, "path": f"/{number}"} for number in range(PATHS_LIMIT + 1)], "more than 256 items"),
    (
        [
            {"path": f"/{number}", "endpoints": [{"address": f"10.0.0.{one}"} for one in range(1, 102)]}
            for number in range(3)
        ],
        "more than 256 endpoints",
    ),
]


@pytest.mark.parametrize(("paths", "why"), WRONG, ids=range(len(WRONG)))
def test_a_rule_that_is_not_understood_makes_the_whole_answer_invalid(paths: Any, why: str) -> None:
    told = why_invalid({**HOME, "paths": paths})
    assert why in told
    assert told.isprintable()


@pytest.mark.parametrize("redirect", [True, "http", "https://evil.example/", "", None])
def test_a_redirect_leads_to_https_alone(redirect: Any) -> None:
    assert why_invalid({**HOME, "redirect": redirect}).startswith("redirect is not ")


def test_a_miss_has_no_paths() -> None:
    assert "both a miss and an endpoint" in why_invalid({"miss": True, "paths": [RULE]})


def test_the_same_path_may_be_a_prefix_and_exact() -> None:
    assert len(read({"paths": [RULE, {**RULE, "type": "exact"}]}).paths) == 2


def test_the_longest_answer_that_the_contract_allows_is_a_line_of_a_snapshot() -> None:
    def endpoint(number: int) -> dict[str, Any]:
        return {"address": f"h{number}.{'example.' * 29}com:65535", "weight": 65535, "backup": True}

    networks = [f"2001:db8:{number:x}:ffff:ffff:ffff:ffff:ffff/128" for number in range(1024)]
    paths = [
        {"path": f"/{number:03}{'a' * 1020}", "rewrite": f"/{'b' * 1023}", "endpoints": [endpoint(number)]}
        for number in range(256)
    ]
    endpoints = [endpoint(number) for number in range(256)]
    route = read({"app": "\u00fc" * 256, "endpoints": endpoints, "allow": networks, "deny": networks, "paths": paths})
    assert 500_000 < len(line_of(Entry("a.com", route, 0.0, 1.0, 2.0, 3.0, 4), 0.0)) < LINE_LIMIT_BYTES
