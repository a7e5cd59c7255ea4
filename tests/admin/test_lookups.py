"""/lookups tells how the APIs are: each breaker's state, last error, what is in flight, the budget, the shadow."""

from __future__ import annotations

from attrs import evolve

from starship.admin.lookups import LookupsPage, LookupState
from starship.route.budget import Spending
from tests.admin.test_telling import FAILING
from tests.admin.visiting import Visitor

STATE = LookupState(
    apis=(evolve(FAILING, index=0), FAILING),
    in_flight=3,
    in_flight_limit=128,
    waiting=2,
    waiting_limit=1024,
    failing=4,
    budget=Spending(sources=5, over_source=6, over_overall=7),
    shadow={"same": 8, "app": 1},
)


def test_it_is_json_for_programs() -> None:
    fields = Visitor(LookupsPage(lambda: STATE).places()).ask(b"/lookups", b"GET", b"Accept: application/json").json
    assert fields["apis"][1] == {
        "api": 1,
        "url": "http://api/",
        "breaker": "open",
        "breaker_age": 1.0,
        "retry_in": 0.75,
        "well": False,
        "answers": 7,
        "failures": 3,
        "last_error": "the API answered 503",
        "last_error_age": 1.25,
    }
    assert fields["in_flight"] == {"now": 3, "limit": 128}
    assert fields["waiting"] == {"now": 2, "limit": 1024}
    assert fields["budget"] == {"sources": 5, "over_source": 6, "over_overall": 7}
    assert (fields["failing_names"], fields["shadow"]) == (4, {"same": 8, "app": 1})


def test_it_is_text_for_people() -> None:
    text = Visitor(LookupsPage(lambda: STATE).places()).ask(b"/lookups").body.decode()
    assert text.splitlines()[1:] == [
        "API 1 http://api/: failing, breaker open for 1.0 s, tried again in 0.8 s; failed 1.2 s ago: the API answered"
        " 503; 7 answers, 3 failures",
        "questions: 3 of 128 in flight, 2 of 1024 waiting",
        "names whose last lookup failed: 4",
        "budget of unknown names: 5 sources counted; not asked about: 6 for their source's limit, 7 for everybody's",
        "shadow: app 1, same 8",
    ]


def test_without_an_api_it_says_so() -> None:
    visitor = Visitor(LookupsPage(None).places())
    assert visitor.ask(b"/lookups").body == b"there is no API: [routes] knows all\n"
    assert visitor.ask(b"/lookups", b"GET", b"Accept: application/json").json == {"apis": []}


def test_a_shadow_that_compared_nothing_yet_says_so() -> None:
    text = Visitor(LookupsPage(lambda: evolve(STATE, shadow={})).places()).ask(b"/lookups").body
    assert b"shadow: nothing compared yet" in text
