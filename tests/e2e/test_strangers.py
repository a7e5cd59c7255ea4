"""Who speaks something else, or waits to be spoken to, has a documented outcome (L3, L19); who parses what (L13)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.e2e.clients import alert_of, ask, connect, hello_for, read_all, read_so_many
from tests.e2e.trouble import in_threads
from tests.e2e.world import Api, Cluster, Starship, ini_text, starship

SPEAKING = [
    ("PostgreSQL's SSLRequest", b"\0\0\0\x08\x04\xd2\x16\x2f"),
    ("PostgreSQL's startup message", b"\0\0\0\x10\0\x03\0\0user\0me\0\0"),
    ("an SSL 2.0 hello", b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10"),
    ("a QUIC long header", b"\xc3\0\0\0\x01\x08" + bytes(8)),
]
"""Protocols with first bytes of their own that are no TLS."""

LETTERS = [("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"), ("SMTP", b"EHLO there\r\n"), ("IMAP", b"a STARTTLS\r\n")]
"""Protocols that begin with a letter, as HTTP does."""

HELLO_S = 2.0
"""Long enough for a client to say its first byte on any machine."""

TWISTED_FIXED = Version("24.7")
"""twisted.web: GHSA-c8m8-j448-xjx7 (CVE-2024-41671) and all before it are fixed here."""


@pytest.fixture(scope="module")
def hasty(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    ini = ini_text(api, extra=f"[limits]\nhello_timeout = {HELLO_S}s\n")
    with starship(tmp_path_factory.mktemp("hasty"), ini) as hasty:
        yield hasty


@pytest.mark.parametrize(("who", "said"), SPEAKING, ids=[who for who, _ in SPEAKING])
def test_l3_another_protocol_at_the_tls_door_gets_an_alert_at_its_first_byte(
    hasty: Starship, api: Api, who: str, said: bytes
) -> None:
    before = api.asked.total()
    assert alert_of(ask(hasty.port("https"), [said[:1]])) == 50
    assert hasty.ending(reason="bad_hello")["status"] == 495
    assert api.asked.total() == before, who


@pytest.mark.parametrize(("who", "said"), LETTERS, ids=[who for who, _ in LETTERS])
def test_l3_a_starttls_client_that_begins_with_a_letter_is_answered_as_http(
    hasty: Starship, who: str, said: bytes
) -> None:
    answer = ask(hasty.port("https"), [said])
    assert answer.startswith(b"HTTP/1.1 400 "), who
    assert hasty.ending(reason="wrong_door")["status"] == 400


def test_l3_a_client_that_waits_for_the_server_to_speak_is_closed_at_the_hello_deadline(hasty: Starship) -> None:
    doors = ("https", "http", "any")

    def wait(door: str) -> bytes:
        with connect(hasty.port(door)) as client:
            return read_all(client)

    assert in_threads(*(partial(wait, door) for door in doors)) == [b""] * len(doors)
    for door in doors:
        ending = hasty.ending(reason="hello_timeout", door=door)
        assert HELLO_S - 0.1 < ending["t"] < 10.0  # which is what it would be where nothing is said about it
        assert (ending["mood"], ending["in"], ending["out"]) == ("silent", 0, 0)


def test_l19_the_name_inside_is_the_clusters_to_check(hasty: Starship, api: Api, clusters: dict[str, Cluster]) -> None:
    """The outer name decides, also where the cluster hears another one inside."""
    api.hosts["outer.example"] = {"app": "outer", "endpoint": clusters["echo"].address}
    asked = api.asked["inner.example"]
    with connect(hasty.port("https")) as client:
        first = hello_for("outer.example")
        client.sendall(first + b"Host: inner.example\r\n")
        assert read_so_many(client, len(first)) == first
    assert hasty.ending(name="outer.example")
    assert api.asked["inner.example"] == asked


def test_l13_twisted_web_has_the_fixes_and_no_client_on_the_data_path_meets_it() -> None:
    needs = [Requirement(line) for line in requires("starship") or [] if line.startswith("Twisted")]
    lowest = min(Version(bound.version) for need in needs for bound in need.specifier if bound.operator == ">=")
    assert lowest >= TWISTED_FIXED
    assert Version(version("Twisted")) >= lowest
