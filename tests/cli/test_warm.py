"""`starship cache warm`: a list goes in parts, its progress is watched, and Ctrl-C gives the rest up."""

from __future__ import annotations

import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from starship.cli import main
from starship.cli.warm import PART_BYTES, PART_NAMES, parts_of, run_warm
from tests.cli.desk import Desk, desk


def job(state: str, done: int, total: int = 3, failed: int = 0) -> dict[str, Any]:
    return {
        "id": "j1",
        "state": state,
        "total": total,
        "done": done,
        "routes": done - failed,
        "misses": 0,
        "failed": failed,
    }


def warm(admin: Desk, file: str, rest: Any = lambda seconds: None) -> int:
    return run_warm(Namespace(admin=admin.place, token_file=None, config=None, file=file), rest)


@pytest.fixture
def names(tmp_path: Path) -> str:
    file = tmp_path / "names"
    file.write_text("a.com\n\n# a comment\nb.com # another\n  c.com\n")
    return str(file)


def test_a_list_is_sent_and_watched_to_its_end(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    rests: list[float] = []
    with desk() as admin:
        admin.say(202, job("running", 0))
        admin.say(200, job("running", 1))
        admin.say(200, job("done", 3))
        assert warm(admin, names, rests.append) == 0
        assert json.loads(admin.asked[0].body) == {"names": ["a.com", "b.com", "c.com"]}
        assert [asked.target for asked in admin.asked] == ["/cache/warm", "/cache/warm/j1", "/cache/warm/j1"]
    assert len(rests) == 2
    assert capsys.readouterr().out == "3 of 3: 3 routes, 0 unknown, 0 failed\n"


def test_names_that_failed_are_1_and_a_name_said_twice_is_looked_up_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a.com\nA.com\nb.com\n"))
    with desk() as admin:
        admin.say(202, job("done", 2, total=2, failed=1))
        assert warm(admin, "-") == 1
    assert capsys.readouterr().out == "2 of 2: 1 routes, 0 unknown, 1 failed\n"


def test_ctrl_c_gives_up_the_rest(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with desk() as admin:
        admin.say(202, job("running", 1))
        admin.say(200, job("cancelled", 1))
        assert warm(admin, names, interrupt) == 2
        assert [(asked.method, asked.target) for asked in admin.asked][1:] == [("DELETE", "/cache/warm/j1")]
    assert "given up at 1 of 3" in capsys.readouterr().err


def test_a_list_that_somebody_else_gave_up_is_told(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(202, job("running", 1))
        admin.say(200, job("cancelled", 1))
        assert warm(admin, names) == 2
    assert "the list was cancelled at 1 of 3" in capsys.readouterr().err


def test_a_long_list_goes_in_parts_that_one_request_takes() -> None:
    many = [f"{number}.com" for number in range(2 * PART_NAMES + 1)]
    assert [len(part) for part in parts_of(many)] == [PART_NAMES, PART_NAMES, 1]
    long = ["x" * 253] * 10_000
    parts = list(parts_of(long))
    assert [name for part in parts for name in part] == long
    assert all(len(json.dumps({"names": part})) <= PART_BYTES + 100 for part in parts)
    assert list(parts_of([])) == []


def test_a_file_that_is_not_there_or_names_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    for file, why in ((str(empty), "names nothing"), (str(tmp_path / "none"), "cannot be read")):
        assert main(["cache", "warm", file, "--admin", "http://127.0.0.1:1"]) == 2
        assert why in capsys.readouterr().err
