"""A second API is asked about a share of names, compared, and never used."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from attrs import evolve
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from zope.interface.verify import verifyObject

from starship.errors import LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.route.shadow import RESULTS, Shadow, difference
from starship.words import Answer, PathRule, Route, Upstream
from tests.fakes import errors_in, success_of
from tests.route.resolvers import PatientResolver, ReadyResolver, ask, miss, route

RULE = PathRule(path="/x", kind="prefix", upstreams=(Upstream(host="10.0.0.9"),))


def shadow(inner: Answer, other: Answer | Exception, fraction: float = 1.0) -> Shadow:
    return Shadow(inner=ReadyResolver(inner), shadow=ReadyResolver(other), clock=Clock(), fraction=fraction, limit=2)


def test_it_is_a_resolver() -> None:
    assert verifyObject(IResolver, shadow(route(), route()))
    assert shadow(route(), route()).peek(ask()) is None


@pytest.mark.parametrize(
    ("ours", "other", "kind"),
    [
        (route(), route(ttl=5), "same"),
        (miss(), miss(7), "same"),
        (route(), miss(), "miss_for_route"),
        (miss(), route(), "route_for_miss"),
        (route(), route(host="10.0.0.25"), "endpoints"),
        (route("A"), route("B"), "app"),
        (route(), evolve(route(), deny=(ip_network("192.0.2.0/24"),)), "fields"),
        (route(), evolve(route(), paths=(RULE,)), "endpoints"),
        (evolve(route(), paths=(RULE,)), evolve(route(), paths=(evolve(RULE, rewrite="/"),)), "endpoints"),
        (evolve(route(), paths=(RULE,)), evolve(route(), paths=(RULE,), ttl=5.0), "same"),
        (route(), evolve(route(), redirect=True), "fields"),
        (route(), LookupTimeout("late"), "failed"),
    ],
)
def test_the_answer_is_ours_and_the_difference_is_counted_by_its_kind(
    ours: Answer, other: Answer | Exception, kind: str
) -> None:
    shadowing = shadow(ours, other)
    with capturedLogs() as events:
        assert success_of(shadowing.resolve(ask())) == ours
        assert success_of(shadowing.renew(ask())) == ours
    assert shadowing.results == {kind: 2}
    assert kind in RESULTS
    assert not errors_in(events)
    told = [formatEvent(event) for event in events if event["log_level"] is LogLevel.info]
    assert len(told) == (0 if kind in ("same", "failed") else 2)
    if kind == "endpoints" and isinstance(other, Route) and not other.paths:
        assert "10.0.0.24" in told[0]
        assert "10.0.0.25" in told[0]


def test_a_share_of_names_is_asked_about_always_the_same_ones() -> None:
    shadowing = shadow(route(), route(), fraction=0.25)
    names = [Hostname(f"n{number}.com") for number in range(400)]
    for name in names + names:
        success_of(shadowing.resolve(ask(name)))
    assert shadowing.results["same"] == pytest.approx(200, abs=60)
    assert shadowing.results["same"] % 2 == 0


def test_nobody_waits_for_the_shadow_and_what_is_too_much_is_skipped() -> None:
    patient = PatientResolver()
    shadowing = Shadow(inner=ReadyResolver(route()), shadow=patient, clock=Clock(), fraction=1.0, limit=2)
    for _ in range(3):
        assert success_of(shadowing.resolve(ask())) == route()
    assert shadowing.results == {"skipped": 1}
    patient.questions[0].callback(route())
    assert shadowing.results == {"skipped": 1, "same": 1}
    success_of(shadowing.resolve(ask()))
    assert len(patient.asked) == 3
    shadowing.stop()
    assert patient.cancelled == 2


def test_differences_are_logged_at_a_bounded_rate_and_all_counted() -> None:
    shadowing = shadow(route(), miss())
    with capturedLogs() as events:
        for number in range(500):
            success_of(shadowing.resolve(ask(f"n{number}.com")))
    assert shadowing.results == {"miss_for_route": 500}
    assert len(events) == 50


def test_every_two_answers_have_a_word() -> None:
    assert {difference(one, two) for one in (route(), miss()) for two in (route(), miss())} <= set(RESULTS)


def test_another_pool_is_another_home() -> None:
    blue, green = (evolve(route(), upstreams=(), pool=pool) for pool in ("blue", "green"))
    assert (difference(blue, green), difference(blue, route()), difference(blue, blue)) == (
        "endpoints",
        "endpoints",
        "same",
    )
