"""Listening endpoints: what Twisted would take, and no more, without listening."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor

from starship.config.endpoints import DOORS, WINDOW, Place, parse_listen
from starship.config.values import Bad

HERE = Path()
TCP = [
    "tcp:443",
    "tcp6:443",
    "tcp:0",
    "tcp:443:interface=127.0.0.1",
    r"tcp6:443:interface=\:\:1",
    r"tcp:443:interface=\:\:1",
]
SYSTEMD = ["systemd:domain=INET6:index=0", "systemd:domain=INET:name=https"]
UNIX = ["unix:/run/a.sock", "unix:/run/a.sock:mode=660", "unix:/run/a.sock:mode=0600:lockfile=0"]


@pytest.mark.parametrize("text", TCP + SYSTEMD)
def test_a_door_is_tcp_or_a_socket_of_systemd(text: str) -> None:
    assert DOORS.read(text, HERE) == (text,)


@pytest.mark.parametrize("text", TCP + SYSTEMD + UNIX)
def test_the_admin_site_may_be_a_unix_socket_too(text: str) -> None:
    assert WINDOW.read(text, HERE) == text


@pytest.mark.parametrize("text", TCP + UNIX)
def test_what_is_taken_is_what_twisted_takes(text: str) -> None:
    assert serverFromString(MemoryReactor(), text) is not None


def test_an_empty_admin_endpoint_is_off() -> None:
    assert WINDOW.read("", HERE) == ""


def test_doors_stand_one_a_line() -> None:
    assert DOORS.read("tcp:443\ntcp6:443", HERE) == ("tcp:443", "tcp6:443")
    assert isinstance(DOORS.read("tcp:443, tcp6:443", HERE), Bad)
    assert isinstance(DOORS.read("tcp:443\nudp:443", HERE), Bad)


@pytest.mark.parametrize("text", [*UNIX, "systemd:domain=UNIX:index=0"])
def test_a_door_is_no_unix_socket(text: str) -> None:
    assert isinstance(DOORS.read(text, HERE), Bad)


@pytest.mark.parametrize(
    "text",
    [
        "443", "tcp", "tcp:", "tcp:x", "tcp:-1", "tcp:65536", "tcp:443:127.0.0.1", "tcp:443:backlog=5", "tcp:443:",
        "tcp:443:interface=localhost", "tcp:443:interface=::1", "tcp6:443:interface=127.0.0.1", "TCP:443", ":443",
        "tcp:443:interface=127.0.0.1:interface=127.0.0.1", "tcp=443", "tcp:443\\", "tcp: 443", "ssl:443", "tls:443",
        "haproxy:tcp:443", "unix:", "unix:a.sock", "unix:/a:mode=999", "unix:/a:mode=66", "unix:/a:x=1",
        "unix:/" + "a" * 107, "unix:/a:lockfile=2", "systemd:domain=INET", "systemd:index=0",
        "systemd:domain=INET:index=x", "systemd:domain=INET:index=0:name=a", "systemd:domain=IPX:index=0",
        "systemd:INET:index=0", "systemd:domain=INET:name=",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_listening(text: str) -> None:
    assert isinstance(WINDOW.read(text, HERE), Bad)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tcp:443", "tcp:443"),
        ("tcp:443", "tcp:0443:interface=0.0.0.0"),
        ("tcp:443", "tcp:443:interface=127.0.0.1"),
        ("tcp:443", "tcp6:443"),
        ("tcp:443:interface=127.0.0.1", r"tcp:443:interface=\:\:"),
        (r"tcp6:443:interface=\:\:1", r"tcp:443:interface=0\:\:1"),
        ("unix:/a", "unix:/a:mode=600"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET6:index=00"),
    ],
)
def test_two_that_want_one_place_clash(one: str, other: str) -> None:
    first, second = parse_listen(one), parse_listen(other)
    assert isinstance(first, Place)
    assert isinstance(second, Place)
    assert first.clashes(second)
    assert second.clashes(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tcp:443", "tcp:80"),
        ("tcp:0", "tcp:0"),
        ("tcp:443", r"tcp6:443:interface=\:\:1"),
        ("tcp:443:interface=127.0.0.1", "tcp:443:interface=127.0.0.2"),
        ("unix:/a", "unix:/b"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=1"),
    ],
)
def test_two_places_do_not_clash(one: str, other: str) -> None:
    first, second = parse_listen(one), parse_listen(other)
    assert isinstance(first, Place)
    assert isinstance(second, Place)
    assert not first.clashes(second)


@given(st.text(max_size=40), st.sampled_from(["", "tcp:", "tcp6:", "unix:", "systemd:", "tcp:443:interface="]))
def test_no_text_raises_anything(text: str, start: str) -> None:
    assert isinstance(parse_listen(start + text), Place | Bad)
