"""`starship connections`: a list that goes on to its end, and an end for those who are meant and for nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starship.cli import main
from tests.cli.desk import Desk, desk


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"ab-{number}",
        "state": "carrying",
        "host": "a.com",
        "source": "192.0.2.7",
        "port": 50000,
        "door": "https",
        "app": "A Simple App",
        "endpoint": "10.0.0.24:443",
        "age": 12.345,
        "in": 517,
        "out": 4096,
        **changes,
    }


def page(*rows: dict[str, Any], goes_on: str | None = None) -> dict[str, Any]:
    return {"connections": list(rows), "meant": 9, "next": goes_on}


def run(admin: Desk, *line: str) -> int:
    return main(["connections", *line, "--admin", admin.place])


def test_the_list_goes_on_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    silent = row(2, state="sniffing", host=None, endpoint=None, app="", source="2001:db8::7")
    with desk() as admin:
        admin.say(200, page(row(1), silent, goes_on="0.2"))
        admin.say(200, page(row(3, app="evil\x1b[2J")))
        assert run(admin, "--source", "192.0.2.0/24", "--sort", "age") == 0
        assert [asked.target for asked in admin.asked] == [
            "/connections?source=192.0.2.0%2F24&sort=age&limit=200",
            "/connections?source=192.0.2.0%2F24&sort=age&after=0.2&limit=200",
        ]
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.split()[:2] == ["id", "state"]
    counts = ("12.3", "517", "4096", "https")
    assert [line.split(maxsplit=9) for line in lines] == [
        ["ab-1", "carrying", *counts, "192.0.2.7:50000", "a.com", "10.0.0.24:443", "A Simple App"],
        ["ab-2", "sniffing", *counts, "[2001:db8::7]:50000", "-", "-", "-"],
        ["ab-3", "carrying", *counts, "192.0.2.7:50000", "a.com", "10.0.0.24:443", "evil\\x1b[2J"],
    ]


@pytest.mark.parametrize("action", [[], ["list"]])
def test_a_list_may_be_short_and_an_empty_one_is_1(action: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, page(row(1), goes_on="0.1"))
        assert run(admin, *action, "--host", "a.com", "--limit", "1") == 0
        assert admin.asked[0].target == "/connections?host=a.com&limit=1"
        admin.answers = [(200, page(), "")]
        assert run(admin, *action) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_one_is_closed_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"closed": 1})
        admin.say(404, {"error": "no such connection is open"})
        admin.say(429, {"error": "others are looking"})
        assert [run(admin, "close", id_) for id_ in ("ab-1", "../cache", "ab-2")] == [0, 1, 2]
        assert [(asked.method, asked.target) for asked in admin.asked] == [
            ("DELETE", "/connections/ab-1"),
            ("DELETE", "/connections/..%2Fcache"),
            ("DELETE", "/connections/ab-2"),
        ]
    told = capsys.readouterr()
    assert told.out.splitlines() == ["1 closed", "0 closed"]
    assert "others are looking" in told.err


def test_many_are_closed_by_what_is_said_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"closed": 12})
        admin.say(200, {"closed": 0})
        admin.say(400, {"error": "the name is an address"})
        assert run(admin, "close", "--host", "*.a.com", "--app", "A") == 0
        assert run(admin, "close", "--endpoint", "10.0.0.24", "--source", "192.0.2.7") == 1
        assert run(admin, "close", "--host", "1.2.3.4") == 2
        assert [(asked.method, asked.target) for asked in admin.asked] == [("POST", "/connections/close")] * 3
        assert [json.loads(asked.body) for asked in admin.asked[:2]] == [
            {"host": "*.a.com", "app": "A"},
            {"endpoint": "10.0.0.24", "source": "192.0.2.7"},
        ]
    assert capsys.readouterr().out.splitlines() == ["12 closed", "0 closed"]


@pytest.mark.parametrize("line", [["close"], ["close", "ab-1", "--host", "a.com"]])
def test_closing_needs_an_id_or_words_for_who_is_meant(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        assert run(admin, *line) == 2
        assert admin.asked == []
    assert "say an ID, or one or more of" in capsys.readouterr().err


def test_what_is_said_before_the_action_counts_too() -> None:
    with desk() as admin:
        admin.say(200, {"closed": 1})
        assert main(["connections", "--admin", admin.place, "--host", "a.com", "close"]) == 0
        assert json.loads(admin.asked[0].body) == {"host": "a.com"}
