"""The doorkeeper lets in who has the token; without one, programs on this machine and nobody's web page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http_headers import Headers

from starship.admin.token import Doorkeeper

LOCAL = Doorkeeper()
SECRET = Doorkeeper(token=lambda: "s3cret")
REMOTE = Doorkeeper(local=False)


def headers(**lines: str) -> Headers:
    return Headers({name.replace("_", "-"): [value] for name, value in lines.items()})


def status(doorkeeper: Doorkeeper, **lines: str) -> int | None:
    objection = doorkeeper.objection(headers(**{"Host": "127.0.0.1:9901", **lines}))
    return None if objection is None else objection.status


def test_the_token_lets_in_and_nothing_else_does() -> None:
    assert status(SECRET, Authorization="Bearer s3cret") is None
    assert status(SECRET, Authorization="bearer s3cret", Host="starship.internal") is None
    for wrong in ("Bearer s3cre", "Bearer s3crets", "Bearer", "Basic s3cret", "s3cret", "Bearer \xff"):
        assert status(SECRET, Authorization=wrong) == 401
    assert status(SECRET) == 401
    twice = Headers({"Host": ["localhost"], "Authorization": ["Bearer s3cret", "Bearer s3cret"]})
    objection = SECRET.objection(twice)
    assert objection is not None
    assert "token_file" in objection.why


def test_the_token_of_now_counts() -> None:
    tokens = ["old"]
    doorkeeper = Doorkeeper(token=lambda: tokens[0])
    assert status(doorkeeper, Authorization="Bearer old") is None
    tokens[0] = "new"
    assert status(doorkeeper, Authorization="Bearer old") == 401
    assert "new" not in repr(doorkeeper)


def test_without_a_token_nobody_comes_in_from_another_machine() -> None:
    assert status(REMOTE) == 403
    assert status(REMOTE, Authorization="Bearer anything") == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9901", "127.0.0.1:9901", "127.1.2.3", "[::1]:9901"])
def test_without_a_token_programs_of_this_machine_come_in(host: str) -> None:
    assert status(LOCAL, Host=host) is None


@pytest.mark.parametrize(
    "host", ["", "evil.com", "evil.com:9901", "localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1"]
)
def test_a_name_that_was_made_to_point_here_does_not_come_in(host: str) -> None:
    assert status(LOCAL, Host=host) == 403


@pytest.mark.parametrize("doorkeeper", [LOCAL, SECRET])
@pytest.mark.parametrize(
    "lines",
    [
        {"Origin": "https://evil.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_site_does_not_come_in_even_with_the_token(
    doorkeeper: Doorkeeper, lines: dict[str, str]
) -> None:
    assert status(doorkeeper, Authorization="Bearer s3cret", **lines) == 403


@pytest.mark.parametrize(
    "lines", [{"Sec_Fetch_Site": "none"}, {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:9901"}]
)
def test_a_browser_that_was_told_by_its_owner_comes_in(lines: dict[str, str]) -> None:
    assert status(LOCAL, **lines) is None


WORDS = st.binary(max_size=30) | st.sampled_from(
    [b"Bearer s3cre", b"Bearer", b"Basic s3cret", b"127.0.0.1:9901", b"http://127.0.0.1:9901", b"same-origin", b"none"]
)


@given(st.dictionaries(st.sampled_from(["Host", "Origin", "Authorization", "Sec-Fetch-Site"]), WORDS))
def test_no_bytes_open_a_door_with_a_token(lines: dict[str, bytes]) -> None:
    sent = Headers({name.encode(): [value.replace(b"\n", b"").replace(b"\r", b"")] for name, value in lines.items()})
    assert SECRET.objection(sent) is not None
    assert REMOTE.objection(sent) is not None
