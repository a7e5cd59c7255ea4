"""`starship explain`: 0 where the name would be served, 1 where not, 2 where nobody can be asked."""

from __future__ import annotations

import pytest

from starship.cli import main
from tests.cli.desk import desk


@pytest.mark.parametrize(("verdict", "status"), [("served", 0), ("refused", 1), ("unknown", 1)])
def test_the_exit_status_is_the_verdict(verdict: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with desk() as admin:
        admin.say(200, "a.com at the door\n", verdict)
        assert main(["explain", "a.com", "--admin", admin.place]) == status
        assert capsys.readouterr().out == "a.com at the door\n"
        assert admin.asked[0].target == "/explain?host=a.com&live=0"
        assert admin.asked[0].accept == "text/plain"


def test_what_is_said_is_asked() -> None:
    with desk() as admin:
        admin.say(200, {}, "served")
        options = ["--live", "--json", "--scheme", "tls", "--door", "https", "--client", "192.0.2.7"]
        assert main(["explain", "", *options, "--admin", admin.place]) == 0
        assert main(["explain", "a.com", "--path", "/x?y=1", "--admin", admin.place]) == 0
        assert admin.asked[1].target == "/explain?host=a.com&live=0&path=%2Fx%3Fy%3D1"
        assert admin.asked[0].target == "/explain?host=&live=1&scheme=tls&door=https&client=192.0.2.7"
        assert admin.asked[0].accept == "application/json"


def test_nobody_there_is_2_and_so_is_a_question_that_cannot_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "a.com", "--admin", "unix:/nowhere/admin.sock"]) == 2
    assert "cannot be asked" in capsys.readouterr().err
    with desk() as admin:
        admin.say(400, {"error": "no such door; there are https (tls)"})
        assert main(["explain", "a.com", "--door", "x", "--admin", admin.place]) == 2
    assert capsys.readouterr().err == "starship: no such door; there are https (tls)\n"
