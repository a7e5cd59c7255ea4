"""`starship cache`: each action is one request, told in a line or two."""

from __future__ import annotations

import io
from typing import Any

import pytest

from starship.cli import main
from tests.cli.desk import Desk, desk


def entry(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "kept_as": name,
        "store": "routes",
        "left": 41.9,
        "hits": 3,
        "answer": {"app": "A", "endpoint": "10.0.0.24"},
        **changes,
    }


def run(admin: Desk, *line: str) -> int:
    return main(["cache", *line, "--admin", admin.place])


def test_the_list_goes_on_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    several = {"endpoints": [{"address": "10.0.0.1:443"}, {"address": "10.0.0.2:443"}]}
    with desk() as admin:
        admin.say(200, {"entries": [entry("a.com"), entry("b.com", left=None)], "next": "b.com"})
        admin.say(200, {"entries": [entry("c.com", answer=several, left=-2.0)], "next": None})
        assert run(admin, "list", "--suffix", "com", "--app", "A") == 0
        assert [asked.target for asked in admin.asked] == [
            "/cache?store=routes&suffix=com&app=A&limit=200",
            "/cache?store=routes&suffix=com&app=A&after=b.com&limit=200",
        ]
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["a.com", "42", "s", "3", "hits", "A", "10.0.0.24"],
        ["b.com", "for", "ever", "3", "hits", "A", "10.0.0.24"],
        ["c.com", "-2", "s", "3", "hits", "-", "10.0.0.1:443,", "10.0.0.2:443"],
    ]


def test_a_list_may_be_short_and_an_empty_one_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"entries": [entry("a.com", store="misses", answer={"miss": True})], "next": "a.com"})
        assert run(admin, "list", "--store", "misses", "--limit", "1") == 0
        admin.answers = [(200, {"entries": [], "next": None}, "")]
        assert run(admin, "list") == 1
    assert capsys.readouterr().out.split() == ["a.com", "42", "s", "3", "hits", "miss"]


def test_a_name_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, entry("a.com"))
        admin.say(404, {"error": "nothing is remembered of this name"})
        admin.say(400, {"error": "the name is an address"})
        assert [run(admin, "peek", name) for name in ("*.a.com", "bücher.example", "1.2.3.4")] == [0, 1, 2]
        assert [asked.target for asked in admin.asked[:2]] == ["/cache/*.a.com", "/cache/b%C3%BCcher.example"]
    assert "nothing is remembered" in capsys.readouterr().err


def test_an_answer_is_set_from_the_line_or_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk() as admin:
        admin.say(200, {})
        assert run(admin, "set", "a.com", '{"endpoint": "10.0.0.1"}') == 0
        monkeypatch.setattr("sys.stdin", io.StringIO('{"miss": true}'))
        assert run(admin, "set", "a.com", "-") == 0
        assert [(asked.method, asked.body) for asked in admin.asked] == [
            ("PUT", b'{"endpoint": "10.0.0.1"}'),
            ("PUT", b'{"miss": true}'),
        ]
        admin.answers = [(400, {"error": "the answer is not JSON"}, "")]
        assert run(admin, "set", "a.com", "x") == 2


def test_deleting_says_how_much_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"deleted": 1})
        admin.say(404, {"error": "nothing"})
        admin.say(200, {"deleted": 12})
        admin.say(400, {"error": "app is not a text"})
        lines: tuple[list[str], ...] = (
            ["a.com"],
            ["b.com"],
            ["--suffix", "a.com", "--app", "A"],
            ["--app", ""],
            [],
            ["a.com", "--app", "A"],
        )
        assert [run(admin, "delete", *line) for line in lines] == [0, 1, 0, 2, 2, 2]
        assert [asked.target for asked in admin.asked[:3]] == [
            "/cache/a.com",
            "/cache/b.com",
            "/cache?app=A&suffix=a.com",
        ]
    assert capsys.readouterr().out.splitlines() == ["1 deleted", "0 deleted", "12 deleted"]


def test_a_purge_says_of_what(capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, {"deleted": 7})
        assert run(admin, "purge", "expired") == 0
        assert (admin.asked[0].method, admin.asked[0].body) == ("POST", b'{"what": "expired"}')
    assert capsys.readouterr().out == "7 deleted\n"
