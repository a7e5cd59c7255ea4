"""What an endpoint may be asked: hosts, paths and statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.checking import HOST, PATH, PATH_LIMIT, STATUSES
from starship.config.values import Bad

HERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("200", (range(200, 201),)),
        ("200-399", (range(200, 400),)),
        ("200, 204 301-302", (range(200, 201), range(204, 205), range(301, 303))),
    ],
)
def test_statuses_are_numbers_and_ranges_and_read_back_as_shown(text: str, statuses: tuple[range, ...]) -> None:
    assert STATUSES.read(text, HERE) == statuses
    assert STATUSES.read(STATUSES.show(statuses), HERE) == statuses


@pytest.mark.parametrize("text", ["", "99", "600", "2xx", "399-200", "200,,204", "-200", "200-"])
def test_other_statuses_are_told_what_is_allowed(text: str) -> None:
    assert isinstance(STATUSES.read(text, HERE), Bad)


@pytest.mark.parametrize("text", ["/", "/healthz", '/up?full=1&x="y"', "/%20"])
def test_a_path_is_what_can_stand_in_a_request(text: str) -> None:
    assert PATH.read(text, HERE) == text


@pytest.mark.parametrize("text", ["", "healthz", "/a b", "/a#b", "/ä", "/\r\nX: y", "/" * (PATH_LIMIT + 1)])
def test_nothing_else_can(text: str) -> None:
    assert isinstance(PATH.read(text, HERE), Bad)


def test_a_host_is_a_hostname_in_its_one_spelling_and_no_address() -> None:
    assert HOST.read("Health.Example.COM.", HERE) == "health.example.com"
    for text in ("10.0.0.1", "a b", "", "[::1]"):
        assert isinstance(HOST.read(text, HERE), Bad)
