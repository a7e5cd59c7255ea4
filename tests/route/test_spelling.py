"""An answer spelled in the contract's words is read back as the same answer."""

from __future__ import annotations

import json
from ipaddress import ip_network

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.names import Hostname
from starship.paths import ordered
from starship.route.contract import Head, read_answer
from starship.route.spelling import spell
from starship.words import Answer, Origin, PathRule, Route, Upstream
from tests.route.resolvers import A_COM, miss, route

NETWORKS = st.sampled_from([ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32"), ip_network("2001:db8::/32")])
UPSTREAMS = st.builds(
    Upstream,
    host=st.sampled_from(["10.0.0.24", "2001:db8::1", "cluster-1.internal"]),
    port=st.none() | st.integers(1, 65535),
    weight=st.integers(1, 65535),
    backup=st.booleans(),
)
RULES = st.lists(
    st.builds(
        PathRule,
        path=st.sampled_from(["/", "/a", "/a/b", "/b%C3%BC"]),
        kind=st.sampled_from(["prefix", "exact"]),
        upstreams=st.lists(UPSTREAMS, min_size=1, max_size=2).map(tuple),
        rewrite=st.sampled_from([None, "/", "/v2/"]),
    ),
    max_size=4,
    unique_by=lambda rule: (rule.path, rule.kind),
).map(ordered)
TIMES = st.none() | st.floats(0, 2.0**31)
ROUTES = st.builds(
    Route,
    app=st.text(st.characters(categories=["L", "N"]), max_size=20),
    upstreams=st.lists(UPSTREAMS, min_size=1, max_size=4).map(tuple),
    origin=st.just(Origin.FRESH),
    ttl=TIMES,
    stale_ttl=TIMES,
    policy=st.none() | st.sampled_from(["round_robin", "hash"]),
    proxy_protocol=st.sampled_from([None, "v1", "v2", "off"]),
    maintenance=st.booleans(),
    allow=st.none() | st.lists(NETWORKS, max_size=3).map(tuple),
    deny=st.lists(NETWORKS, max_size=3).map(tuple),
    max_connections=st.none() | st.integers(1, 2**31 - 1),
    wildcard=st.sampled_from([None, "*.com"]),
    paths=RULES,
    redirect=st.booleans(),
)


def back(answer: Answer) -> Answer:
    return read_answer(A_COM, Head(status=200), json.dumps(spell(answer)).encode())


@given(ROUTES)
@settings(max_examples=150)
def test_every_route_comes_back_as_it_was(answer: Route) -> None:
    assert back(answer) == answer


def test_k2_a_route_of_paths_alone_comes_back_and_a_pool_of_a_path_too() -> None:
    rule = PathRule(path="/x", kind="prefix", upstreams=(), pool="blue", rewrite="/")
    alone = evolve(route("A"), upstreams=(), paths=(rule,))
    assert spell(alone) == {
        "app": "A",
        "paths": [{"path": "/x", "type": "prefix", "endpoint": "pool:blue", "rewrite": "/"}],
    }
    assert back(alone) == alone


def test_a_miss_comes_back_too() -> None:
    for answer in (miss(), miss(3.5), miss(wildcard="*.com")):
        assert back(answer) == answer


def test_the_least_answer_is_the_least_text() -> None:
    assert spell(route("A")) == {"app": "A", "endpoint": "10.0.0.24"}
    assert spell(evolve(route(""), upstreams=(Upstream(host="2001:db8::1", port=443),))) == {
        "endpoint": "[2001:db8::1]:443"
    }
    assert spell(miss(wildcard="*.evil.tld", ttl=600.0)) == {"miss": "*.evil.tld", "neg_ttl": 600.0}


def test_a_name_is_not_part_of_it() -> None:
    assert Hostname("a.com") not in json.dumps(spell(route("A")))


def test_a_route_to_a_pool_comes_back() -> None:
    named = evolve(route("A"), upstreams=(), pool="blue", policy="hash_host")
    assert spell(named)["endpoint"] == "pool:blue"
    assert back(named) == named
