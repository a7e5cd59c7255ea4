"""/explain says why a name goes where it goes; with live=1 it asks beside the cache, and says what differs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.admin.explain import LIVE_DEADLINE_S, ExplainPage
from starship.errors import LookupServerError
from starship.names import Hostname
from starship.words import PathRule, Upstream
from tests.admin.houses import House, route, static
from tests.admin.visiting import Answer, Visitor, answer_of
from tests.route.resolvers import miss

ACCEPT = b"Accept: application/json"


def visitor(house: House) -> Visitor:
    return Visitor(ExplainPage(rooms=house.rooms(), clock=house.clock).places(), clock=house.clock)


def explained(house: House, query: bytes) -> Answer:
    return visitor(house).ask(b"/explain?" + query, b"GET", ACCEPT)


def test_it_tells_the_name_the_provider_the_cache_the_raw_answer_and_what_clients_get() -> None:
    house = House()
    house.cache.put(Hostname("www.a.com"), route("10.0.0.24:8443", ttl=60.0))
    house.heard("www.a.com", b'{"app": "A"}\n')
    house.clock.advance(12.5)
    answer = explained(house, b"host=WWW.A.com.")
    told = answer.json
    assert answer.headers[b"starship-verdict"] == b"served"
    assert (told["asked"], told["name"], told["provider"]) == ("WWW.A.com.", "www.a.com", "cache")
    assert told["cache"]["kept_as"] == "www.a.com"
    assert (told["cache"]["age"], told["cache"]["left"], told["cache"]["hits"]) == (12.5, 47.5, 0)
    assert told["raw"] == {
        "api": 0,
        "age": 12.5,
        "status": 200,
        "cache_control": "max-age=60",
        "body": '{"app": "A"}\n',
    }
    assert told["answer"] == {"app": "A", "endpoint": "10.0.0.24:8443", "ttl": 60.0}
    assert told["endpoints"][0]["address"] == "10.0.0.24:8443"
    assert told["clients"] == {"http": {"gets": "the tenant"}, "tls": {"gets": "the tenant"}}
    assert told["apis"][0]["url"] == "http://api/"


def test_a_refusal_is_told_as_each_kind_of_client_meets_it() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), miss())
    answer = explained(house, b"host=a.com")
    assert answer.headers[b"starship-verdict"] == b"refused"
    assert (answer.json["reason"], answer.json["mood"]) == ("unknown_name", "missed")
    assert answer.json["clients"] == {
        "http": {"gets": "a page", "status": 404, "title": "App not found", "logged": 404},
        "tls": {"gets": "an alert", "alert": 112, "name": "unrecognized_name", "logged": 495},
    }


def test_text_is_for_people() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), route())
    answer = visitor(house).ask(b"/explain?host=a.com")
    assert answer.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert b"  provider        cache: a fresh route, kept as a.com\n" in answer.body


def test_the_door_is_the_one_named_or_the_first_that_speaks_the_scheme() -> None:
    house = House(table={"a.com": static("a.com")})
    assert explained(house, b"host=a.com").json["door"]["name"] == "https"
    assert explained(house, b"host=a.com&scheme=http").json["endpoints"][0]["address"] == "10.9.9.9:80"
    assert explained(house, b"host=a.com&door=http").json["door"]["port"] == 80


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (b"", "say host=NAME (empty: a client that names nobody)"),
        (b"host=a.com&scheme=ftp", "scheme is neither tls nor http"),
        (b"host=a.com&door=ssh", "no such door; there are https (tls), http (http)"),
        (b"host=a.com&scheme=tls&door=http", "no such door; there are https (tls), http (http)"),
        (b"host=a.com&client=me", "client is not an IP address"),
        (b"host=a.com&scheme=tls&path=/x", "the path is hidden by TLS, and does not count in a tunnel"),
        (b"host=a.com&door=https&path=/x", "no such door; there are https (tls), http (http)"),
        (b"host=a.com&path=x", "path is no path: a slash, and visible ASCII behind it, without #"),
        (b"host=a.com&path=/%20", "path is no path: a slash, and visible ASCII behind it, without #"),
        (b"host=a.com&path=/x%23y", "path is no path: a slash, and visible ASCII behind it, without #"),
        (b"host=a.com&live=maybe", "live is neither 0 nor 1"),
        (b"host=" + b"a" * 1025, "the host is longer than 1024 characters"),
        (b"host=a.com&x=1", "an unknown parameter; known are host, scheme, door, client, path, live"),
    ],
)
def test_what_cannot_be_meant_is_400_with_words(query: bytes, why: str) -> None:
    answer = explained(House(), query)
    assert (answer.status, answer.json["error"]) == (400, why)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (b"1.2.3.4", "the name is an address"),
        (b"a..com", "the name has an empty label"),
        (b"a.com:443", "the name is an address or has a port"),
        (b"%00.com", "the name has a byte that no hostname has"),
        (b"\xc3\xbc%EF%BF%BD".replace(b"\xc3\xbc", b"%C3%BC"), "the name is not an internationalised name"),
    ],
)
def test_what_is_no_name_is_explained_too(host: bytes, why: str) -> None:
    told = explained(House(), b"host=" + host).json
    assert (told["name"], told["why_not"], told["reason"]) == (None, why, "bad_name")


def test_a_name_in_unicode_is_the_one_that_clients_send() -> None:
    assert explained(House(), b"host=b%C3%BCcher.example").json["name"] == "xn--bcher-kva.example"


def test_live_asks_beside_the_cache_and_says_what_differs() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), route("10.0.0.1"))
    transport, channel = visitor(house).open()
    channel.dataReceived(b"GET /explain?host=a.com&live=1 HTTP/1.1\r\nHost: localhost\r\n" + ACCEPT + b"\r\n\r\n")
    assert transport.value() == b""
    house.heard("a.com", b'{"app": "B"}')
    house.live.questions[0].callback(route("10.0.0.2", app="B"))
    told = answer_of(transport.value()).json
    assert told["answer"]["endpoint"] == "10.0.0.1"
    assert told["live"]["answer"] == {"app": "B", "endpoint": "10.0.0.2"}
    assert told["live"]["differs"] == ["app", "endpoint"]
    assert told["raw"]["body"] == '{"app": "B"}'
    look = house.cache.look("a.com")
    assert getattr(look and look.answer, "app", "") == "A"
    assert house.inner.asked == []


def test_the_verdict_of_a_name_that_is_not_known_is_the_live_one() -> None:
    for outcome, verdict in ((route(), b"served"), (miss(), b"refused"), (LookupServerError("503"), b"refused")):
        house = House()
        transport, channel = visitor(house).open()
        channel.dataReceived(b"GET /explain?host=a.com&live=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        question = house.live.questions[0]
        if isinstance(outcome, LookupServerError):
            question.errback(outcome)
        else:
            question.callback(outcome)
        assert answer_of(transport.value()).headers[b"starship-verdict"] == verdict


def test_an_api_that_hangs_does_not_hold_who_explains() -> None:
    house = House()
    transport, channel = visitor(house).open()
    channel.dataReceived(b"GET /explain?host=a.com&live=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    house.clock.advance(LIVE_DEADLINE_S - 0.01)
    assert transport.value() == b""
    house.clock.advance(0.01)
    assert b"lookup_timeout: no answer within the 10 s of live=1" in transport.value()
    assert house.live.cancelled == 1


def test_live_asks_nobody_about_what_is_no_name_or_where_there_is_no_api() -> None:
    house = House(has_api=False)
    assert explained(house, b"host=a.com&live=1").json["live"] is None
    assert explained(House(), b"host=1.2.3.4&live=1").json["live"] is None


def with_paths() -> House:
    house = House()
    rule = PathRule(path="/app", kind="prefix", upstreams=(Upstream(host="10.0.0.7"),), rewrite="/")
    house.cache.put(Hostname("a.com"), route("10.0.0.1", paths=(rule,), redirect=False))
    return house


def test_k2_k5_a_path_is_explained_with_its_rule_its_endpoint_and_what_is_passed_on() -> None:
    told = explained(with_paths(), b"host=a.com&path=/app/x").json
    assert told["door"]["name"] == "http"
    assert told["path"] == {
        "asked": "/app/x",
        "rule": {"path": "/app", "type": "prefix", "rewrite": "/"},
        "passed_on": "/x",
    }
    assert [one["address"] for one in told["endpoints"]] == ["10.0.0.7:80"]
    assert (told["verdict"], told["clients"]) == ("served", {"http": {"gets": "the tenant"}})
    other = explained(with_paths(), b"host=a.com&scheme=http").json
    assert (other["path"]["asked"], other["endpoints"][0]["address"]) == ("/", "10.0.0.1:80")


def test_over_tls_the_path_is_hidden_and_the_routes_own_endpoint_is_told() -> None:
    told = explained(with_paths(), b"host=a.com&scheme=tls").json
    assert (told["path"]["asked"], told["endpoints"][0]["address"]) == (None, "10.0.0.1:443")
    assert told["clients"] == {"tls": {"gets": "the tenant"}}


def test_a_tunnel_knows_no_paths() -> None:
    house = with_paths()
    house.requests = False
    assert explained(house, b"host=a.com&path=/app").status == 400
    assert explained(house, b"host=a.com&scheme=http").json["endpoints"][0]["address"] == "10.0.0.1:80"


def test_a_redirect_is_told_as_what_a_client_gets() -> None:
    house = House(redirect=443)
    house.cache.put(Hostname("a.com"), route())
    told = explained(house, b"host=a.com&path=/x").json
    assert (told["reason"], told["detail"], told["endpoints"]) == ("redirected", "https://a.com/x", [])
    assert told["clients"] == {"http": {"gets": "a redirect", "status": 308, "title": "Moved to https", "logged": 308}}
    text = visitor(house).ask(b"/explain?host=a.com&path=/x").body
    assert b"  path            /x: https://a.com/x\n" in text
    assert explained(house, b"host=a.com&scheme=tls").json["verdict"] == "served"


def test_live_answers_are_judged_for_the_same_path() -> None:
    house = with_paths()
    transport, channel = visitor(house).open()
    query = b"GET /explain?host=a.com&path=/app/x&live=1 HTTP/1.1\r\nHost: localhost\r\n" + ACCEPT + b"\r\n\r\n"
    channel.dataReceived(query)
    house.live.questions[0].callback(route("10.0.0.2"))
    told = answer_of(transport.value()).json
    assert [one["address"] for one in told["live"]["endpoints"]] == ["10.0.0.2:80"]
    assert told["live"]["differs"] == ["endpoint", "paths"]


@given(st.binary(max_size=40))
def test_no_query_breaks_it(raw: bytes) -> None:
    line = b"host=" + raw.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"")
    answer = explained(House(), line)
    assert answer.status in (200, 400)
