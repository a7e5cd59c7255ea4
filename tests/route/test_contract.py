"""The lookup contract, field by field (S4, S8, S11, S12, M2, L20)."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.errors import LookupFailed, LookupInvalid, LookupRefused, LookupServerError
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.contract import Head, read_answer, refusal_of
from starship.words import Answer, Miss, Origin, Route, Upstream

NAME = Hostname("a.com")
FULL: dict[str, Any] = {"app": "A Simple App", "host": "a.com", "endpoint": "10.0.0.24"}


def read(body: object, status: int = 200, name: Hostname = NAME, **head: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(name, Head(status=status, **head), raw)


def route(**fields: object) -> Route:
    answer = read({**FULL, **fields})
    assert isinstance(answer, Route)
    return answer


def why_invalid(body: object, **head: Any) -> str:
    with pytest.raises(LookupInvalid) as caught:
        read(body, 200, **head)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    return str(caught.value)


def test_the_smallest_answer_is_a_route_S4() -> None:
    assert read(FULL) == Route(app="A Simple App", upstreams=(Upstream(host="10.0.0.24"),), origin=Origin.FRESH)


def test_an_answer_needs_nothing_but_an_endpoint_and_what_it_adds_is_ignored() -> None:
    assert read({"endpoint": "c1.example:8080", "colour": "blue", "x": [None, {"ttl": "no"}]}) == Route(
        app="", upstreams=(Upstream(host="c1.example", port=8080),), origin=Origin.FRESH
    )


def test_every_optional_field_is_read() -> None:
    full = route(
        endpoints=[
            {"address": "10.0.0.1", "weight": 3},
            {"address": "[2001:db8::1]:8443", "backup": True, "zone": "b"},
            {"address": "10.0.0.3", "weight": 0},
        ],
        ttl=30,
        neg_ttl=5,
        stale_ttl=600.5,
        policy="least_connections",
        proxy_protocol="v2",
        maintenance=True,
        allow=["10.0.0.0/8", "192.0.2.1"],
        deny=["10.9.0.0/16"],
        max_connections=100,
    )
    assert full == Route(
        app="A Simple App",
        upstreams=(Upstream(host="10.0.0.1", weight=3), Upstream(host="2001:db8::1", port=8443, backup=True)),
        origin=Origin.FRESH,
        ttl=30.0,
        stale_ttl=600.5,
        policy="least_connections",
        proxy_protocol="v2",
        maintenance=True,
        allow=(ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32")),
        deny=(ip_network("10.9.0.0/16"),),
        max_connections=100,
    )


def test_an_empty_allow_list_admits_nobody() -> None:
    assert route(allow=[]).allow == ()


@pytest.mark.parametrize("host", ["a.com", "A.com.", "*.com"])
def test_the_host_is_the_name_asked_or_a_wildcard_over_it(host: str) -> None:
    assert route(host=host).app == "A Simple App"


@pytest.mark.parametrize(
    "host", ["b.com", "*.a.com", "*", "", "a.com:80", "10.0.0.24", "*.*.com", "a.com\0", "\u0445.com"]
)
def test_an_answer_about_another_host_is_invalid(host: str) -> None:
    assert why_invalid({**FULL, "host": host}).startswith("host is ")


WRONG: list[dict[str, Any]] = [
    {"endpoint": 5},
    {"endpoint": None},
    {"endpoint": ["10.0.0.24"]},
    {"endpoint": "10.0.0.24:0"},
    {"endpoint": "fe80::1%eth0"},
    {"endpoint": "http://10.0.0.24/"},
    {"endpoint": ""},
    {"endpoint": "\ud800"},
    {"endpoint": 5, "endpoints": [{"address": "10.0.0.1"}]},
    {"endpoints": []},
    {"endpoints": {}},
    {"endpoints": ["10.0.0.1"]},
    {"endpoints": [{}]},
    {"endpoints": [{"address": 1}]},
    {"endpoints": [{"address": "10.0.0.1", "weight": True}]},
    {"endpoints": [{"address": "10.0.0.1", "weight": -1}]},
    {"endpoints": [{"address": "10.0.0.1", "weight": 1.5}]},
    {"endpoints": [{"address": "10.0.0.1", "weight": 0}]},
    {"endpoints": [{"address": "10.0.0.1", "backup": 1}]},
    {"endpoints": [{"address": "10.0.0.1"}] * 257},
    {"app": 5},
    {"app": "a" * 257},
    {"app": "a\r\nX: y"},
    {"ttl": "30"},
    {"ttl": -1},
    {"ttl": True},
    {"ttl": 10**30},
    {"neg_ttl": "5"},
    {"stale_ttl": []},
    {"policy": 5},
    {"policy": "a b"},
    {"proxy_protocol": 2},
    {"proxy_protocol": "v3"},
    {"maintenance": "false"},
    {"maintenance": 0},
    {"allow": "10.0.0.0/8"},
    {"allow": [5]},
    {"allow": ["10.0.0.1/8"]},
    {"allow": None},
    {"deny": ["everyone"]},
    {"max_connections": 0},
    {"max_connections": 1.0},
    {"max_connections": 2**31},
]


@pytest.mark.parametrize("fields", WRONG, ids=repr)
def test_a_known_field_of_a_wrong_type_makes_the_answer_invalid_L20(fields: dict[str, Any]) -> None:
    why = why_invalid({**FULL, **fields})
    assert any(word in why for word in [*fields, "address", "weight", "backup"])


def test_an_answer_without_an_endpoint_is_invalid() -> None:
    assert "neither" in why_invalid({"app": "a", "host": "a.com"})


@pytest.mark.parametrize("key", ["endpoint", "ttl", "allow", "host"])
def test_a_known_field_said_twice_makes_the_answer_invalid(key: str) -> None:
    twice = {"endpoint": '"10.0.0.1"', "ttl": "1", "allow": "[]", "host": '"a.com"'}[key]
    body = f'{{"{key}": {twice}, "endpoint": "10.0.0.24", "{key}": {twice}}}'.encode()
    assert why_invalid(body) == f"{key} is said twice"


def test_a_404_is_a_miss_whatever_its_body_S8() -> None:
    for body in (b"", b"<h1>Not found</h1>", b"[1]", b"{}", b"[" * 60_000, b"\xff"):
        assert read(body, 404) == Miss(origin=Origin.FRESH, reason=Reason.UNKNOWN_NAME)


def test_a_miss_can_say_for_how_long_S8_M2() -> None:
    assert read({"neg_ttl": 2.5}, 404) == Miss(origin=Origin.FRESH, ttl=2.5)
    assert read({"neg_ttl": 2.5}, 404, cache_control="max-age=9") == Miss(origin=Origin.FRESH, ttl=2.5)
    assert read(b"no", 404, cache_control="max-age=9") == Miss(origin=Origin.FRESH, ttl=9.0)
    assert read(b"no", 404, cache_control="no-store") == Miss(origin=Origin.FRESH, ttl=0.0)
    with pytest.raises(LookupInvalid, match="neg_ttl"):
        read({"neg_ttl": "long"}, 404)


def test_cache_control_counts_where_the_body_says_nothing_M2() -> None:
    def times(body: dict[str, Any], cache_control: str, age: str = "") -> tuple[float | None, float | None]:
        answer = read(body, cache_control=cache_control, age=age)
        assert isinstance(answer, Route)
        return answer.ttl, answer.stale_ttl

    assert times(FULL, "max-age=60, stale-if-error=600", "10") == (50.0, 600.0)
    assert times({**FULL, "ttl": 5}, "max-age=60, stale-if-error=600") == (5.0, 600.0)
    assert times({**FULL, "ttl": 5, "stale_ttl": 1}, "no-store") == (5.0, 1.0)
    assert times(FULL, "no-store") == (0.0, 0.0)
    assert times(FULL, "max-age=0") == (0.0, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, LookupServerError),
        (503, LookupServerError),
        (599, LookupServerError),
        (999, LookupServerError),
        (301, LookupRefused),
        (304, LookupRefused),
        (308, LookupRefused),
        (400, LookupRefused),
        (401, LookupRefused),
        (410, LookupRefused),
        (429, LookupRefused),
        (204, LookupInvalid),
        (206, LookupInvalid),
        (0, LookupInvalid),
        (-1, LookupInvalid),
    ],
)
def test_a_status_that_is_no_answer_is_a_failed_lookup_S11(status: int, kind: type[LookupFailed]) -> None:
    with pytest.raises(kind) as caught:
        read(FULL, status)
    assert type(caught.value) is kind
    assert str(status) in str(caught.value)


def test_a_busy_api_says_when_to_come_back() -> None:
    for status in (429, 503):
        refusal = refusal_of(Head(status=status, retry_after="7"))
        assert refusal is not None
        assert refusal.retry_after == 7.0


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "gzip, as-sent", "x"])
def test_a_coded_body_is_refused_before_it_is_read_L20(status: int, coding: str) -> None:
    with pytest.raises(LookupInvalid, match="Content-Encoding"):
        read(FULL, status, content_encoding=coding)
    assert read(FULL, content_encoding=" Identity ") == read(FULL)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
known = st.sampled_from(sorted({*FULL, *(key for fields in WRONG for key in fields), "address", "weight", "backup"}))


def outcome(*args: Any, **head: Any) -> str:
    """The kind of answer, or why there is none."""
    try:
        return type(read(*args, **head)).__name__
    except LookupFailed as error:
        return str(error)


@given(st.integers(0, 999), st.binary(max_size=300), st.text(max_size=30), st.text(max_size=30))
def test_no_bytes_raise_anything_but_a_failed_lookup_L20(status: int, body: bytes, control: str, coding: str) -> None:
    why = outcome(body, status, cache_control=control, content_encoding=coding)
    assert why.isprintable()
    assert len(why) < 200


@settings(max_examples=50)
@given(st.dictionaries(known, values | st.just("10.0.0.1") | st.lists(st.dictionaries(known, values))), st.booleans())
def test_no_object_raises_anything_but_a_failed_lookup_L20(fields: dict[str, Any], found: bool) -> None:
    why = outcome({"endpoint": "10.0.0.1", **fields}, 200 if found else 404)
    assert why.isprintable()
    assert len(why) < 200


@pytest.mark.parametrize("status", [200, 404])
def test_the_api_may_answer_for_a_whole_suffix(status: int) -> None:
    body = b'{"miss": "*.evil.tld", "neg_ttl": 600}'
    answer = read_answer(Hostname("x.evil.tld"), Head(status=status), body)
    assert answer == Miss(origin=Origin.FRESH, ttl=600, wildcard="*.evil.tld")


def test_a_wildcard_route_says_what_it_covers() -> None:
    answer = read_answer(Hostname("x.shop.com"), Head(status=200), b'{"endpoint": "10.0.0.24", "host": "*.Shop.com"}')
    assert isinstance(answer, Route)
    assert answer.wildcard == "*.shop.com"


@pytest.mark.parametrize("said", [b'"x.evil.tld"', b"true"])
def test_a_miss_may_name_the_one_name_too(said: bytes) -> None:
    answer = read_answer(Hostname("x.evil.tld"), Head(status=200), b'{"miss": %s}' % said)
    assert answer == Miss(origin=Origin.FRESH)


@pytest.mark.parametrize(
    "body",
    [
        b'{"miss": "*.other.tld"}',
        b'{"miss": "*.a b"}',
        b'{"miss": 7}',
        b'{"miss": false}',
        b'{"miss": true, "endpoint": "10.0.0.24"}',
    ],
)
def test_a_miss_that_is_not_for_the_name_is_no_answer(body: bytes) -> None:
    with pytest.raises(LookupInvalid):
        read_answer(Hostname("x.evil.tld"), Head(status=200), body)
