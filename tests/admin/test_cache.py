"""The cache is looked into and changed by hand, with words for every request that cannot be meant (M8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.admin.cache import ANSWER_LIMIT_BYTES, PAGE_LIMIT, CachePages
from starship.names import Hostname
from starship.route.spelling import spell
from starship.service.window import read_by_hand
from starship.words import Origin
from tests.admin.houses import House, route
from tests.admin.visiting import Visitor
from tests.fakes import success_of
from tests.route.resolvers import miss

PURGE = b"/cache/purge"


def visitor(house: House) -> Visitor:
    return Visitor(CachePages(keeper=house.caching.keeper, read=read_by_hand, spell=spell).places())


@pytest.fixture
def house() -> House:
    """Three routes of two apps, and a miss."""
    house = House()
    for name, app in (("a.com", "A"), ("www.a.com", "A"), ("b.org", "B")):
        house.cache.put(Hostname(name), route(app=app))
    house.cache.put(Hostname("no.com"), miss())
    return house


def names(house: House, query: bytes = b"") -> list[str]:
    return [entry["kept_as"] for entry in visitor(house).ask(b"/cache" + query).json["entries"]]


def test_the_list_is_by_store_and_can_be_narrowed(house: House) -> None:
    assert names(house) == ["a.com", "b.org", "www.a.com"]
    assert names(house, b"?store=misses") == ["no.com"]
    assert names(house, b"?suffix=a.com") == ["a.com", "www.a.com"]
    assert names(house, b"?prefix=WWW") == ["www.a.com"]
    assert names(house, b"?app=B") == ["b.org"]
    assert names(house, b"?app=A&prefix=a&suffix=com") == ["a.com"]
    assert names(house, b"?store=misses&app=A") == []


def test_the_list_is_read_page_by_page(house: House) -> None:
    first = visitor(house).ask(b"/cache?limit=2").json
    assert ([entry["kept_as"] for entry in first["entries"]], first["next"]) == (["a.com", "b.org"], "b.org")
    last = visitor(house).ask(b"/cache?limit=2&after=b.org").json
    assert ([entry["kept_as"] for entry in last["entries"]], last["next"]) == (["www.a.com"], None)


def test_a_look_shows_the_time_left_negative_when_stale_and_counts_nothing(house: House) -> None:
    house.clock.advance(61.5)
    entry = visitor(house).ask(b"/cache/A.com").json
    assert (entry["left"], entry["fresh"], entry["age"], entry["hits"]) == (-1.5, False, 61.5, 0)
    assert entry["answer"] == {"app": "A", "endpoint": "10.0.0.24"}
    assert (house.cache.hits, house.cache.stales, house.cache.misses) == (0, 0, 0)


def test_a_look_promotes_nothing(house: House) -> None:
    visitor(house).ask(b"/cache/a.com")
    house.cache.put(Hostname("c.com"), route())
    house.cache.put(Hostname("d.com"), route())
    assert house.cache.look("a.com") is None


def test_a_name_that_a_wildcard_answers_for_shows_the_wildcard(house: House) -> None:
    house.cache.put(Hostname("x.c.com"), miss(wildcard="*.c.com"))
    assert visitor(house).ask(b"/cache/y.c.com").json["kept_as"] == "*.c.com"
    assert visitor(house).ask(b"/cache/*.c.com").json["kept_as"] == "*.c.com"
    answer = visitor(house).ask(b"/cache/nowhere.com")
    assert (answer.status, answer.json) == (404, {"error": "nothing is remembered of this name"})


def test_an_answer_is_set_in_the_words_of_the_contract(house: House) -> None:
    body = {"app": "Z", "endpoint": "10.0.0.7", "ttl": 5}
    shown = visitor(house).ask(b"/cache/z.com", b"PUT", body=body).json
    assert (shown["kept_as"], shown["left"], shown["answer"]) == ("z.com", 5, {**body, "ttl": 5.0})
    assert visitor(house).ask(b"/cache/a.com", b"PUT", body={"miss": True, "neg_ttl": 3}).json["store"] == "misses"
    assert visitor(house).ask(b"/cache/*.w.com", b"PUT", body=body).json["kept_as"] == "*.w.com"
    assert visitor(house).ask(b"/cache/x.v.com", b"PUT", body={**body, "host": "*.v.com"}).json["kept_as"] == "*.v.com"


def test_what_is_not_to_be_remembered_replaces_what_was(house: House) -> None:
    shown = visitor(house).ask(b"/cache/a.com", b"PUT", body={"endpoint": "10.0.0.7", "ttl": 0}).json
    assert shown["kept_as"] is None
    assert house.cache.look("a.com") is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"app": "A"}, "the answer has neither endpoint nor endpoints"),
        ({"endpoint": "10.0.0.7", "ttl": "soon"}, "ttl is not a number of seconds"),
        ({"endpoint": "10.0.0.7", "host": "evil.com"}, "host is not the name that was asked for"),
        ({"endpoint": "10.0.0.7", "allow": ["x"]}, "allow is not usable: not a network in CIDR notation"),
        (b"{", "the answer is not JSON"),
        (b"", f"the body has to be an answer of the lookup contract, of at most {ANSWER_LIMIT_BYTES} bytes"),
        (b" " * 65537, f"the body has to be an answer of the lookup contract, of at most {ANSWER_LIMIT_BYTES} bytes"),
    ],
)
def test_an_answer_that_the_api_could_not_give_is_not_set_either(house: House, body: Any, why: str) -> None:
    answer = visitor(house).ask(b"/cache/a.com", b"PUT", body=body)
    assert (answer.status, answer.json["error"]) == (400, why)
    look = house.cache.look("a.com")
    assert getattr(look and look.answer, "app", "") == "A"


def test_a_name_is_deleted_and_one_that_is_not_there_is_404(house: House) -> None:
    assert visitor(house).ask(b"/cache/a.com", b"DELETE").json == {"deleted": 1, "names": ["a.com"]}
    assert visitor(house).ask(b"/cache/a.com", b"DELETE").status == 404
    assert names(house) == ["b.org", "www.a.com"]


def test_deletion_beats_a_question_that_is_in_flight(house: House) -> None:
    waiters = {name: house.ask(name) for name in ("new.com", "x.new.com", "other.com")}
    assert visitor(house).ask(b"/cache/new.com", b"DELETE").status == 404
    visitor(house).ask(b"/cache?suffix=x.new.com", b"DELETE")
    for question in house.inner.questions:
        question.callback(route(app="old"))
    assert all(success_of(waiter).origin is Origin.FRESH for waiter in waiters.values())
    assert [house.cache.look(name) is None for name in waiters] == [True, True, False]


def test_all_of_an_app_or_below_a_suffix_are_deleted(house: House) -> None:
    assert visitor(house).ask(b"/cache?app=A", b"DELETE").json == {"deleted": 2, "names": ["a.com", "www.a.com"]}
    assert visitor(house).ask(b"/cache?suffix=org", b"DELETE").json == {"deleted": 1, "names": ["b.org"]}
    assert visitor(house).ask(b"/cache?suffix=org", b"DELETE").json == {"deleted": 0, "names": []}


def test_a_purge_is_of_everything_or_of_what_has_expired(house: House) -> None:
    house.clock.advance(11)
    assert visitor(house).ask(PURGE, b"POST", body={"what": "expired"}).json == {"deleted": 1}
    assert visitor(house).ask(PURGE, b"POST", body={"what": "all"}).json == {"deleted": 3}
    assert names(house) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        (b"GET", b"/cache?store=all", None, 400),
        (b"GET", b"/cache?limit=0", None, 400),
        (b"GET", b"/cache?limit=%d" % (PAGE_LIMIT + 1), None, 400),
        (b"GET", b"/cache?limit=%D9%A1", None, 400),
        (b"GET", b"/cache?suffix=", None, 400),
        (b"GET", b"/cache?app=", None, 400),
        (b"GET", b"/cache/1.2.3.4", None, 400),
        (b"GET", b"/cache/a.com?x=1", None, 400),
        (b"PUT", b"/cache/a%00.com", {"endpoint": "10.0.0.1"}, 400),
        (b"DELETE", b"/cache", None, 400),
        (b"DELETE", b"/cache?store=routes", None, 400),
        (b"POST", PURGE, {"what": "some"}, 400),
        (b"POST", PURGE, {}, 400),
        (b"POST", PURGE, None, 400),
        (b"POST", PURGE, [], 400),
        (b"PUT", PURGE, {}, 405),
        (b"GET", PURGE, None, 405),
        (b"POST", b"/cache", {}, 405),
        (b"POST", b"/cache/a.com", {}, 405),
    ],
)
def test_what_cannot_be_meant_changes_nothing(house: House, method: bytes, path: bytes, body: Any, status: int) -> None:
    assert visitor(house).ask(path, method, body=body).status == status
    assert names(house) == ["a.com", "b.org", "www.a.com"]


@given(
    st.sampled_from([b"GET", b"PUT", b"DELETE", b"POST"]),
    st.binary(max_size=30).map(lambda raw: raw.translate(None, b" \r\n")),
    st.binary(max_size=60),
)
def test_no_request_breaks_it(method: bytes, rest: bytes, body: bytes) -> None:
    house = House()
    assert visitor(house).ask(b"/cache" + rest, method, body=body).status in (200, 400, 404, 405)
    assert visitor(house).ask(b"/cache/a.com?" + rest, method, body=body).status in (200, 400, 404, 405)
