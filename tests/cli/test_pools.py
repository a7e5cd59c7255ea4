"""`starship pools`: shows what the admin port says, and lets an operator drain and weigh; the status says what came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starship.cli import main
from tests.cli.desk import Desk, desk

ONE = "192.0.2.1:443"


def run(admin: Desk, *line: str) -> int:
    return main(["pools", *line, "--admin", admin.place])


def member(**changes: Any) -> dict[str, Any]:
    return {"address": ONE, "state": "up", "draining": False, "weight": 3, "share": 0.75, "live": 12, **changes}


def test_all_pools_or_one_are_shown_as_they_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, "web: round_robin\n")
        assert [run(admin), run(admin, "web"), run(admin, "we/b", "--json")] == [0, 0, 0]
        assert [(asked.method, asked.target, asked.accept) for asked in admin.asked] == [
            ("GET", "/pools", "text/plain"),
            ("GET", "/pools/web", "text/plain"),
            ("GET", "/pools/we%2Fb", "application/json"),
        ]
    assert capsys.readouterr().out == "web: round_robin\n" * 3


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (("drain", "web", ONE), {"endpoint": ONE, "draining": True}),
        (("undrain", "web", ONE), {"endpoint": ONE, "draining": False}),
        (("weight", "web", ONE, "7"), {"endpoint": ONE, "weight": 7}),
        (("weight", "web", ONE, "written"), {"endpoint": ONE, "weight": None}),
    ],
)
def test_a_change_is_asked_for_and_how_it_stands_then_is_shown(
    line: tuple[str, ...], body: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with desk() as admin:
        admin.say(200, {"pool": "web", "endpoint": ONE, "members": [member(draining=True, share=0.0)]})
        assert run(admin, *line) == 0
        (asked,) = admin.asked
        assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", "/pools/web", body)
    assert capsys.readouterr().out == "192.0.2.1:443: draining, weight 3, 0% of new connections, 12 live\n"


def test_a_warning_and_an_endpoint_without_an_address_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"members": [], "warning": "nobody is left"})
        assert run(admin, "drain", "web", "a.internal") == 0
        assert run(admin, "drain", "web", "a.internal", "--json") == 0
    told = capsys.readouterr()
    assert told.out.startswith("a.internal: it has no address yet")
    assert told.err == "starship: nobody is left\n"


def test_what_there_is_not_is_1_and_what_is_refused_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(404, {"error": "no such pool"})
        assert [run(admin, "web"), run(admin, "drain", "web", ONE)] == [1, 1]
        admin.answers = [(400, {"error": "cannot be meant"}, "")]
        assert [run(admin, "web"), run(admin, "drain", "web", ONE)] == [2, 2]
        admin.answers = [(404, "404 Not Found\n", "")]
        assert run(admin) == 1
    assert capsys.readouterr().err.splitlines() == [
        *["starship: no such pool"] * 2,
        *["starship: cannot be meant"] * 2,
        "starship: 404 Not Found",
    ]


@pytest.mark.parametrize(
    "line", [("drain", "web"), ("weight", "web", ONE), ("weight", "web", ONE, "many"), ("weight", "web", ONE, "1.5")]
)
def test_a_line_that_cannot_be_meant_asks_nobody(line: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        assert run(admin, *line) == 2
        assert admin.asked == []
    assert "starship: " in capsys.readouterr().err


def test_help_says_what_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pools", "--help"])
    told = capsys.readouterr().out
    assert "starship pools drain POOL ENDPOINT" in told
    assert "usage: starship pools [NAME]" in told
