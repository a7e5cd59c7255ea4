"""/pools shows how the endpoints stand, and lets an operator drain one or give it a weight; errors are plain words."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import capturedLogs

from starship.admin.pools import NOBODY, PoolPages
from starship.admin.token import Doorkeeper
from tests.admin.basins import Waters
from tests.admin.visiting import Answer, Visitor
from tests.dial.pools.pooling import SOURCE, eject, picks

ACCEPT = b"Accept: application/json"
ONE, TWO, SPARE = (f"192.0.2.{number}:443" for number in (1, 2, 9))


def visitor(waters: Waters) -> Visitor:
    return Visitor(PoolPages(basin=waters.basin()).places())


def change(waters: Waters, pool: str = "web", **body: Any) -> Answer:
    return visitor(waters).ask(f"/pools/{pool}".encode(), b"POST", body=body)


def test_all_pools_are_told_in_short() -> None:
    waters = Waters()
    found = visitor(waters).ask(b"/pools", b"GET", ACCEPT).json["pools"]
    assert found[0] == {
        "pool": "web",
        "policy": "round_robin",
        "endpoints": 3,
        "states": {"up": 3},
        "used": 2,
        "panic": False,
        "live": 0,
        "total": 0,
        "waiting": 0,
    }
    assert visitor(waters).ask(b"/pools").body.decode().splitlines() == [
        "web: round_robin, 3 endpoints (3 up), 2 used, 0 live, 0 connections so far",
        "mail: random, 1 endpoint (1 up), 1 used, 0 live, 0 connections so far",
    ]


def test_one_pool_is_told_with_its_members_and_names() -> None:
    waters = Waters()
    waters.names["mail.internal"] = waters.known()
    eject(waters.web.at(443), "192.0.2.2")
    waters.world.clock.advance(4)
    told = visitor(waters).ask(b"/pools/web", b"GET", ACCEPT).json
    (port,) = told["ports"]
    assert (port["port"], port["max_connections"], port["queue"], told["names"]) == (None, 9, 256, [])
    assert port["members"][1] == {
        "address": TWO,
        "endpoint": TWO,
        "state": "ejected",
        "since": 4.0,
        "back_in": 6.0,
        "why": "refused",
        "draining": False,
        "share": 0.0,
        "weight": 1,
        "backup": False,
        "live": 0,
        "total": 0,
        "failures": 3,
        "ejections": 1,
        "spares": 0,
    }
    assert visitor(waters).ask(b"/pools/mail", b"GET", ACCEPT).json["names"] == [
        {"name": "mail.internal", "addresses": ["192.0.2.25"], "age": 3.0, "asked_again_in": 27.0, "trouble": None}
    ]


def test_looking_takes_no_turn_and_makes_no_pool() -> None:
    waters = Waters()
    looked, alone = waters, Waters()
    for _ in range(6):
        for path in (b"/pools", b"/pools/web", b"/pools/mail"):
            visitor(looked).ask(path)
        chosen = [each.web.at(443).pick(SOURCE, None) for each in (looked, alone)]
        assert len({seat.label for seat in chosen if seat is not None}) == 1
    assert looked.pools.named["mail"].pools == {}


def test_a_drained_endpoint_has_no_new_connections_until_it_is_undrained() -> None:
    waters = Waters()
    with capturedLogs() as events:
        (member,) = change(waters, endpoint=ONE, draining=True).json["members"]
    assert (member["draining"], member["share"]) == (True, 0.0)
    assert [(event["pool"], event["endpoint"]) for event in events] == [("web", ONE)]
    assert picks(waters.web.at(443)) == {"192.0.2.2"}
    assert change(waters, endpoint=ONE, draining=False).json["members"][0]["share"] == 0.75
    assert picks(waters.web.at(443)) == {"192.0.2.1", "192.0.2.2"}


def test_a_weight_is_set_and_taken_back() -> None:
    waters = Waters()
    assert change(waters, endpoint=TWO, weight=1).json["members"][0]["share"] == 0.25
    assert change(waters, endpoint=TWO, weight=3).json["members"][0]["share"] == 0.5
    assert change(waters, endpoint=TWO, weight=0).json["members"][0]["share"] == 0.0
    assert change(waters, endpoint=TWO, weight=None).json["members"][0]["weight"] == 1
    both = change(waters, endpoint=TWO, weight=7, draining=True).json["members"][0]
    assert (both["weight"], both["draining"]) == (7, True)


def test_who_drains_the_last_one_is_told_what_that_means() -> None:
    waters = Waters()
    assert "warning" not in change(waters, endpoint=ONE, draining=True).json
    assert "warning" not in change(waters, endpoint=TWO, draining=True).json
    assert change(waters, endpoint=SPARE, draining=True).json["warning"] == NOBODY


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "the body is not"),
        ({"endpoint": ONE}, "the body is not"),
        ({"draining": True}, "the body is not"),
        ({"endpoint": 5, "draining": True}, "the body is not"),
        ({"endpoint": ONE, "drain": True}, "the body is not"),
        ({"endpoint": "", "draining": True}, "endpoint is not a text of 1 to 300 characters"),
        ({"endpoint": "a" * 301, "draining": True}, "endpoint is not a text of 1 to 300 characters"),
        ({"endpoint": ONE, "draining": 1}, "draining is neither true nor false"),
        ({"endpoint": ONE, "draining": None}, "draining is neither true nor false"),
        ({"endpoint": ONE, "weight": -1}, "weight is not a number from 0 to 65535"),
        ({"endpoint": ONE, "weight": 65536}, "weight is not a number from 0 to 65535"),
        ({"endpoint": ONE, "weight": True}, "weight is not a number from 0 to 65535"),
        ({"endpoint": ONE, "weight": 1.5}, "weight is not a number from 0 to 65535"),
    ],
)
def test_what_cannot_be_meant_is_400_with_words_and_changes_nothing(body: dict[str, Any], why: str) -> None:
    waters = Waters()
    answer = change(waters, **body)
    assert answer.status == 400
    assert answer.json["error"].startswith(why)
    assert picks(waters.web.at(443)) == {"192.0.2.1", "192.0.2.2"}


def test_what_there_is_not_is_404_with_words() -> None:
    waters = Waters()
    assert visitor(waters).ask(b"/pools/other").json == {"error": "no such pool; GET /pools tells all"}
    assert change(waters, "other", endpoint=ONE, weight=1).status == 404
    for wanted in ({"draining": True}, {"weight": 1}):
        answer = change(waters, endpoint="192.0.2.7:443\x1b[2J", **wanted)
        assert (answer.status, answer.json["error"]) == (
            404,
            "the pool web has no endpoint 192.0.2.7:443\\x1b[2J now",
        )
    assert visitor(waters).ask(b"/pools?x=1").status == 400
    assert visitor(waters).ask(b"/pools/%ff").status == 400
    assert visitor(waters).ask(b"/pools/web", b"DELETE").status == 405


def test_nobody_looks_or_changes_without_the_token() -> None:
    waters = Waters()
    guarded = Visitor(PoolPages(basin=waters.basin()).places(), Doorkeeper(token=lambda: "s3cret"))
    assert guarded.ask(b"/pools").status == 401
    assert guarded.ask(b"/pools/web", b"POST", body={"endpoint": ONE, "draining": True}).status == 401
    assert guarded.ask(b"/pools", b"GET", b"Authorization: Bearer s3cret").status == 200
    assert picks(waters.web.at(443)) == {"192.0.2.1", "192.0.2.2"}


def test_without_pools_it_is_said_so() -> None:
    waters = Waters()
    waters.pools.named = {}
    assert visitor(waters).ask(b"/pools").body == b"there is no [pool:NAME] in the ini file\n"
    assert visitor(waters).ask(b"/pools", b"GET", ACCEPT).json == {"pools": []}
