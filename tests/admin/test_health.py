"""Metrics, health and readiness are for everybody, and name no host."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from starship.account.ledger import Ledger
from starship.account.metrics import register
from starship.account.sources import Sources
from starship.admin.health import HealthPages
from starship.admin.readiness import Readiness
from starship.admin.token import Doorkeeper
from tests.admin.visiting import Visitor

READY = Readiness((lambda: True,), listening=True)


def visitor(readiness: Readiness = READY) -> Visitor:
    registry = CollectorRegistry()
    register(registry, Sources(ledger=Ledger(doors=("https",))))
    return Visitor(HealthPages(registry, readiness).places(), Doorkeeper(local=False))


def test_metrics_are_in_the_text_format_of_prometheus() -> None:
    answer = visitor().ask(b"/metrics")
    assert (answer.status, answer.headers[b"content-type"]) == (200, b"text/plain; version=0.0.4; charset=utf-8")
    names = {family.name for family in parse(answer.body.decode())}
    assert {"starship_build_info", "starship_connections", "process_open_fds"} <= names


def test_metrics_are_in_openmetrics_for_those_who_accept_it() -> None:
    accept = b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    answer = visitor().ask(b"/metrics", b"GET", accept)
    assert answer.headers[b"content-type"].startswith(b"application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")
    assert "starship_build_info" in {family.name for family in parse_openmetrics(answer.body.decode())}


@pytest.mark.parametrize(
    "accept",
    [b"application/openmetrics-text; version=\xff9.9.9.9", b"application/openmetrics-text;version=", b"*/*;" * 500],
)
def test_no_accept_header_breaks_the_metrics(accept: bytes) -> None:
    answer = visitor().ask(b"/metrics", b"GET", b"Accept: " + accept)
    assert answer.status == 200
    assert b"9.9" not in answer.headers[b"content-type"]


def test_health_is_that_the_process_answers() -> None:
    answer = visitor(Readiness((), draining=True)).ask(b"/healthz?verbose=<b>")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_ready_is_200() -> None:
    answer = visitor().ask(b"/readyz")
    assert (answer.status, answer.body) == (200, b"ready\n")


def test_not_ready_is_503_and_says_why() -> None:
    answer = visitor(Readiness((lambda: True,))).ask(b"/readyz")
    assert (answer.status, answer.body) == (503, b"starting\nthe listeners are not bound yet\n")


def test_draining_is_503_for_as_long_as_it_lasts() -> None:
    answer = visitor(Readiness((), draining=True)).ask(b"/readyz", b"GET", b"Accept: application/json")
    assert (answer.status, answer.headers[b"content-type"]) == (503, b"application/json")
    assert answer.json == {"ready": False, "state": "draining", "reasons": ["the service is draining"]}
