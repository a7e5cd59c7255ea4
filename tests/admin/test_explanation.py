"""An explanation as JSON: the words of words.py, no infinity, nothing that is not known."""

from __future__ import annotations

import json
from math import inf

import pytest
from attrs import evolve

from starship.admin.explanation import ALERTS, api_fields, as_json, look_fields, meeting
from starship.admin.poolrooms import Choosing
from starship.admin.reasoning import Outcome
from starship.dial.pools.views import foresee, view
from starship.reasons import Reason
from starship.words import Look
from tests.admin.basins import Waters
from tests.admin.houses import House, route
from tests.admin.test_telling import told


def test_for_ever_is_null() -> None:
    look = Look(name="a.com", answer=route(), store="routes", age=1.0, left=inf, stale_left=inf, hits=3, size=850)
    fields = look_fields(look)
    assert (fields["left"], fields["stale_left"], fields["fresh"]) == (None, None, True)


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_told_as_its_row_says(reason: Reason) -> None:
    gets = meeting(Outcome(reason=reason))
    if reason is Reason.OK:
        assert gets["http"] == gets["tls"] == {"gets": "the tenant"}
        return
    assert gets["http"]["status"] == reason.row.status
    assert gets["tls"].get("alert") == reason.row.alert
    assert gets["tls"]["logged"] == (reason.row.logged if reason.row.alert is None else 495)


def test_every_alert_that_we_send_has_its_name() -> None:
    assert set(ALERTS) == {reason.row.alert for reason in Reason} - {None}


def test_who_is_over_the_limit_is_told_another_reason_than_the_log() -> None:
    outcome = Outcome(reason=Reason.OVER_LIMIT, told=Reason.UNKNOWN_NAME)
    assert meeting(outcome)["http"]["status"] == 404


def test_all_of_it_is_json() -> None:
    fields = json.loads(json.dumps(as_json(told()), allow_nan=False))
    assert (fields["verdict"], fields["reason"], fields["live"]["verdict"]) == ("served", "ok", "refused")
    assert fields["restrictions"] == {"max_connections": 5}


def test_an_api_is_told_with_its_breaker_and_last_error() -> None:
    fields = api_fields(House().failover().snapshot()[0])
    assert (fields["api"], fields["breaker"], fields["breaker_age"], fields["last_error"]) == (0, "closed", None, None)


def test_a_pool_is_told_with_its_members_and_whom_it_would_choose() -> None:
    waters = Waters()
    pool = waters.web.at(443)
    assert as_json(told())["pool"] is None
    choosing = Choosing(standing=view(pool), forecast=foresee(pool, None, None))
    fields = json.loads(json.dumps(as_json(evolve(told(), choosing=choosing)), allow_nan=False))["pool"]
    chosen = pool.pick("192.0.2.7", None)
    assert chosen is not None
    assert (fields["name"], fields["policy"], fields["next"]) == ("web", "round_robin", chosen.label)
    assert [member["share"] for member in fields["members"]] == [0.75, 0.25, 0.0]
