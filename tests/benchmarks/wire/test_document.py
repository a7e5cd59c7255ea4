"""The whole of the results is told: circumstances, aims, tables, and all that went wrong."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from benchmarks.wire.contest import OURS
from benchmarks.wire.document import Results, document, wrong
from benchmarks.wire.figures import Sample

ABOUT = {"date": "2026-01-01", "machine": "2 cores", "kernel": "Linux", "load": "0.1", "how": "5 rounds."}
SAMPLES = {
    OURS: [Sample(figure=30.0, good=9, rate=10.0)],
    "nginx": [Sample(figure=24.0, good=9, rate=20.0)],
    "sniproxy": [Sample(figure=20.0, good=9, rate=15.0)],
}


def results(**more: Any) -> Results:
    return evolve(Results(about=ABOUT, versions={"nginx": "nginx 1"}, samples={"tls": SAMPLES}), **more)


def test_what_was_wrong_is_told_and_counted() -> None:
    bad = {**SAMPLES, OURS: [Sample(figure=30.0, good=9, wrong=2, why={"misrouted": 2})]}
    found = results(samples={"tls": bad}, faults=["a peer did not log"])
    assert wrong(found) == 3
    assert "**Wrong: Starship: misrouted 2.**" in document(found)
    assert "**a peer did not log**" in document(found)
    assert wrong(results()) == 0


def test_a_document_has_the_machine_the_versions_and_a_table_for_each_scenario_that_ran() -> None:
    told = document(results())
    assert told.startswith("2026-01-01; 2 cores; Linux; load 0.1. 5 rounds.\n\n- nginx: nginx 1\n")
    assert [line for line in told.splitlines() if line.startswith("### ")] == [
        "### In short",
        "### A new TLS connection",
        "### New TLS connections a second, the proxy on one core",
    ]


def test_heads_that_were_rewritten_are_mentioned() -> None:
    rewriting = {**SAMPLES, "nginx": [Sample(figure=1.0, good=1, rewritten=1)]}
    assert "otherwise than they were sent (fields added or in another order): nginx" in document(
        results(samples={"tls": rewriting})
    )


def test_the_overview_has_a_line_for_each_aim_with_the_peer_that_was_best() -> None:
    told = document(results()).partition("### In short\n\n")[2].partition("\n\n")[0].splitlines()
    cells = [cell.strip() for cell in told[2].strip("|").split("|")]
    assert len(told) == 3
    assert cells == [
        "A new TLS connection, µs CPU / connection",
        "Starship",
        "30.0",
        "sniproxy",
        "20.0",
        "**1.50**",
        "1.00",
    ]


def test_an_aim_that_nothing_can_be_said_of_is_not_in_the_overview() -> None:
    assert "### In short" not in document(results(samples={"tls": {"nginx": SAMPLES["nginx"]}}))


def test_a_machine_that_others_used_is_called_so() -> None:
    def told(foreign: float) -> str:
        return document(results(samples={"tls": {"nginx": [Sample(figure=1.0, good=1, foreign=foreign)]}}))

    assert "other programs took 31 % of the proxy's core" in told(31.2)
    assert "not quiet" not in told(3.0)
