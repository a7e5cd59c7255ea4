"""A route with path rules goes where a request's path says; a redirect goes to the canonical name and nowhere else."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from starship.names import Hostname
from starship.paths import EXACT, PREFIX, ordered
from starship.reasons import Reason
from starship.route.narrowing import narrow
from starship.words import Door, Hello, Origin, PathRule, Refusal, Request, Route, Upstream

NAME = Hostname("a.com")
DOOR = Door("http", 80)
HOME, BAR, DEEP = (Upstream(host=f"10.0.0.{number}") for number in (1, 2, 3))
RULES = ordered(
    [
        PathRule(path="/bar", kind=PREFIX, upstreams=(BAR,)),
        PathRule(path="/bar/deep", kind=EXACT, upstreams=(DEEP,), rewrite="/"),
        PathRule(path="/app", kind=PREFIX, upstreams=(DEEP,), rewrite="/"),
        PathRule(path="/pool", kind=PREFIX, upstreams=(), pool="blue"),
    ]
)
RULED = Route(app="A", upstreams=(HOME,), origin=Origin.HIT, paths=RULES, max_connections=7)
RULES_ALONE = evolve(RULED, upstreams=())
TO_HTTPS = Route(app="A", upstreams=(HOME,), origin=Origin.HIT, redirect=True)
TLS = Hello(name=NAME, scheme="tls", consumed=9)


def hello(target: str, name: Hostname | None = NAME, method: bytes = b"GET") -> Hello:
    path = re.sub(r"^http://[^/?]*", "", target).partition("?")[0] or "/"
    request = Request(method=method, target=target.encode(), path=path, minor=1, authority=b"A.com:80")
    return Hello(name=name, scheme="http", consumed=9, request=request)


def chosen(route: Route, target: str) -> Route:
    found = narrow(route, hello(target), DOOR)
    assert isinstance(found, Route)
    return found


def refused(route: Route, target: str, door: Door = DOOR) -> Refusal:
    found = narrow(route, hello(target), door)
    assert isinstance(found, Refusal)
    return found


@pytest.mark.parametrize(
    ("target", "upstream"),
    [
        ("/", HOME),
        ("/barx", HOME),
        ("/bar", BAR),
        ("/bar/", BAR),
        ("/bar/x?y=/app", BAR),
        ("/%62ar/x", BAR),
        ("//bar//x", BAR),
        ("/bar/deep", DEEP),
        ("/bar/deep/er", BAR),
        ("/x?a=/bar", HOME),
        ("http://a.com/bar/x", BAR),
    ],
)
def test_k2_the_path_chooses_among_the_endpoints_of_a_name(target: str, upstream: Upstream) -> None:
    assert chosen(RULED, target).upstreams == (upstream,)


def test_k9_a_path_that_no_rule_fits_goes_to_the_routes_own_endpoint_or_is_unknown() -> None:
    assert chosen(RULED, "/other") is RULED
    refusal = refused(RULES_ALONE, "/other")
    assert (refusal.reason, refusal.reason.row.status) == (Reason.UNKNOWN_PATH, 404)


def test_k5_a_rule_with_a_rewrite_says_what_changes_for_this_request() -> None:
    assert chosen(RULED, "/app/x?y=1").rewrite == ("/app", "")
    assert chosen(RULED, "/app").rewrite == ("/app", "/")
    assert chosen(RULED, "/%61pp/x").rewrite == ("/%61pp", "")
    assert chosen(RULED, "/bar/deep").rewrite == ("/bar/deep", "/")
    assert chosen(RULED, "/bar/x").rewrite is None


def test_what_holds_for_the_name_holds_for_its_paths() -> None:
    found = chosen(RULED, "/bar")
    assert evolve(found, upstreams=RULED.upstreams, paths=RULES) == RULED


def test_a_rule_may_lead_to_a_pool() -> None:
    found = chosen(RULED, "/pool/x")
    assert (found.pool, found.upstreams) == ("blue", ())
    assert chosen(evolve(RULED, upstreams=(), pool="green"), "/bar").pool is None


@pytest.mark.parametrize(
    "target",
    ["/bar/../app", "/bar/%2e%2e/app", "/bar%2Fx", "/bar\\x", "/bar/..;/app", "/%", "/bar;x=1", "/bar;x/y", "/;x/bar"],
)
def test_a_path_that_two_servers_could_read_differently_is_refused_where_it_decides(target: str) -> None:
    refusal = refused(RULED, target)
    assert refusal.reason is Reason.BAD_HEAD
    assert refusal.detail.startswith("the path decides here, and ")
    whole = evolve(RULED, paths=())
    assert narrow(whole, hello(target), DOOR) is whole, "it is the tenant's own affair otherwise"


def test_options_of_the_whole_server_is_no_path() -> None:
    assert chosen(RULED, "*") is RULED
    assert refused(RULES_ALONE, "*").reason is Reason.UNKNOWN_PATH


@pytest.mark.parametrize("hidden", [TLS, evolve(TLS, scheme="http")], ids=["tls", "tunnel"])
def test_where_the_path_is_hidden_the_routes_own_endpoint_serves_all(hidden: Hello) -> None:
    assert narrow(RULED, hidden, DOOR) is RULED
    refusal = narrow(RULES_ALONE, hidden, DOOR)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.reason.row.alert) == (Reason.UNKNOWN_PATH, 112)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/", "https://a.com/"),
        ("/x/%2e?y=1&z=%20", "https://a.com/x/%2e?y=1&z=%20"),
        ("//evil.example/", "https://a.com//evil.example/"),
        ("http://a.com?q", "https://a.com/?q"),
        ("http://a.com/x?q", "https://a.com/x?q"),
        ("*", "https://a.com/"),
    ],
)
def test_a_redirect_is_to_the_same_place_of_the_canonical_name(target: str, location: str) -> None:
    refusal = refused(TO_HTTPS, target)
    assert (refusal.reason, refusal.location) == (Reason.REDIRECTED, location)


def test_a_listener_sends_all_of_its_clients_to_https_at_its_own_port() -> None:
    plain = evolve(TO_HTTPS, redirect=False)
    assert refused(plain, "/x", Door("http", 80, redirect=443)).location == "https://a.com/x"
    assert refused(plain, "/x", Door("http", 80, redirect=8443)).location == "https://a.com:8443/x"
    assert refused(TO_HTTPS, "/x", Door("http", 80, redirect=8443)).location == "https://a.com:8443/x"


def test_a_redirect_comes_before_the_path_rules() -> None:
    assert refused(evolve(RULED, redirect=True), "/bar").location == "https://a.com/bar"


def test_the_challenge_of_a_certificate_authority_reaches_the_tenant() -> None:
    target = "/.well-known/acme-challenge/token"
    assert chosen(TO_HTTPS, target) is TO_HTTPS
    assert refused(TO_HTTPS, "/.well-known/acme-challenge").reason is Reason.REDIRECTED
    assert refused(TO_HTTPS, "/x" + target).reason is Reason.REDIRECTED


@pytest.mark.parametrize(
    "rest",
    [
        "../../x",
        "./../../x",
        "%2e%2e/%2E%2e/x",
        "..;a/..;a/x",
        "..%2f..%2Fx",
        "..%5c..%5cx",
        "..\\..\\x",
        "a/../../../x",
        "%",
    ],
)
def test_a_path_that_may_lead_out_of_the_challenges_is_none(rest: str) -> None:
    target = "/.well-known/acme-challenge/" + rest
    assert refused(TO_HTTPS, target).location == "https://a.com" + target


def test_who_speaks_tls_or_names_nobody_is_not_redirected() -> None:
    assert narrow(TO_HTTPS, TLS, Door("auto", 443, redirect=443)) is TO_HTTPS
    assert narrow(TO_HTTPS, hello("/", None), DOOR) is TO_HTTPS


TARGETS = st.from_regex(r"(?:/|http://[a-z.]{1,9}/|\*)[!-~]{0,30}", fullmatch=True).filter(lambda text: "#" not in text)


@given(TARGETS)
def test_no_target_leads_a_redirect_astray(target: str) -> None:
    location = refused(TO_HTTPS, target).location
    assert location is not None
    assert re.fullmatch(r"https://a\.com/[!-~]*", location)
