"""Values: what each kind takes, what it refuses, and that it reads what it shows."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.config import values
from starship.config.values import Bad, Kind, choice, duration, integer, size, text

HERE = Path()
ANY_DURATION = duration(0, 365 * 86400.0)
WORDS = values.words("Red", "blue")


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (ANY_DURATION, "10", 10.0),
        (ANY_DURATION, "10s", 10.0),
        (ANY_DURATION, "500ms", 0.5),
        (ANY_DURATION, "5 m", 300.0),
        (ANY_DURATION, "2h", 7200.0),
        (ANY_DURATION, "1d", 86400.0),
        (ANY_DURATION, "0.25", 0.25),
        (ANY_DURATION, "0", 0.0),
        (duration(1, 5, "off"), "0", 0.0),
        (size(0, 2**20), "65536", 65536),
        (size(0, 2**20), "64 KiB", 65536),
        (size(0, 2**20), "64k", 65536),
        (size(0, 2**20), "1M", 2**20),
        (size(0, 2**20), "10 B", 10),
        (integer(1, 5), "5", 5),
        (integer(1, 5, "off"), "0", 0),
        (choice("tls", "http"), "tls", "tls"),
        (text(5), "a b c", "a b c"),
        (values.BOOLEAN, "yes", True),
        (values.BOOLEAN, "True", True),
        (values.BOOLEAN, "on", True),
        (values.BOOLEAN, "no", False),
        (values.BOOLEAN, "false", False),
        (values.BOOLEAN, "OFF", False),
        (values.COLOUR, "#4f46e5", "#4f46e5"),
        (values.COLOUR, "#abc", "#abc"),
        (values.NETWORKS, "10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
        (values.NETWORKS, "::1, 10.0.0.1\n192.0.2.0/24 fd00::/8", tuple(
            map(ip_network, ("::1", "10.0.0.1", "192.0.2.0/24", "fd00::/8"))
        )),
        (values.TOKEN, "star-ship_1.example", "star-ship_1.example"),
        (values.REDIRECT, "https", 443),
        (values.REDIRECT, "https:8443", 8443),
        (values.REDIRECT, "off", 0),
        (WORDS, "none", ()),
        (WORDS, "blue RED", ("blue", "Red")),
        (WORDS, "Red,\nblue", ("Red", "blue")),
        (values.IPS, "192.0.2.1", ("192.0.2.1",)),
        (values.IPS, "2001:DB8:0::1, 192.0.2.1 192.0.2.2", ("2001:db8::1", "192.0.2.1", "192.0.2.2")),
    ],
)  # fmt: skip
def test_a_value_is_read(kind: Kind, written: str, value: Any) -> None:
    assert kind.read(written, HERE) == value
    assert type(kind.read(written, HERE)) is type(value)


@pytest.mark.parametrize(
    ("kind", "written", "allowed"),
    [
        (ANY_DURATION, "soon", "a duration such as 500ms, 3s or 2m (a bare number is seconds)"),
        (ANY_DURATION, "", "a duration such as"),
        (ANY_DURATION, "-1", "a duration such as"),
        (ANY_DURATION, "1e3", "a duration such as"),
        (ANY_DURATION, "٣s", "a duration such as"),
        (ANY_DURATION, "1w", "a duration such as"),
        (ANY_DURATION, "nan", "a duration such as"),
        (ANY_DURATION, "9" * 400, "a duration such as"),
        (ANY_DURATION, "366d", "a duration from 0 to 365d"),
        (duration(1, 60), "0", "a duration from 1s to 1m (a bare number is seconds)"),
        (duration(1, 60), "500ms", "a duration from 1s to 1m"),
        (duration(1, 60, "off"), "61", "a duration from 1s to 1m, or 0 (off) (a bare number is seconds)"),
        (size(1024, 2**20), "64 kB", "a size such as"),
        (size(1024, 2**20), "1.5k", "a size such as"),
        (size(1024, 2**20), "1", "a size from 1 KiB to 1 MiB"),
        (integer(1, 5), "6", "a whole number from 1 to 5"),
        (integer(1, 5), "0", "a whole number from 1 to 5"),
        (integer(1, 5), "1_0", "a whole number"),
        (integer(1, 5, "off"), "x", "a whole number from 1 to 5, or 0 (off)"),
        (choice("tls", "http"), "TLS", "one of tls, http"),
        (text(5), "", "one line of 1 to 5 characters"),
        (text(5), "a\nb", "one line"),
        (text(5), "abcdef", "one line"),
        (values.BOOLEAN, "ja", "yes or no"),
        (values.COLOUR, "red", "a colour"),
        (values.COLOUR, "#12345", "a colour"),
        (values.NETWORKS, "", "networks such as"),
        (values.NETWORKS, "10.0.0.1/8", "networks such as"),
        (values.NETWORKS, "10.0.0.0/8,", "networks such as"),
        (values.TOKEN, "", "a word of"),
        (values.TOKEN, "a b", "a word of"),
        (values.TOKEN, "a\u00fc", "a word of"),
        (values.REDIRECT, "http", "https, https:PORT or off"),
        (values.REDIRECT, "https:0", "https, https:PORT or off"),
        (values.REDIRECT, "https:65536", "https, https:PORT or off"),
        (values.REDIRECT, "https://evil.example", "https, https:PORT or off"),
        (WORDS, "", "none, or any of Red, blue"),
        (WORDS, "green", "none, or any of Red, blue"),
        (WORDS, "red Red", "none, or any of Red, blue"),
        (values.IPS, "localhost", "IP addresses of this machine"),
        (values.IPS, "fe80::1%eth0", "IP addresses without a scope"),
        (values.IPS, "::1, 0:0:0:0:0:0:0:1", "each address once"),
        (values.IPS, ", ".join(f"10.0.0.{number}" for number in range(65)), "at most 64 addresses"),
    ],
)
def test_a_text_that_is_no_value_says_what_is_allowed(kind: Kind, written: str, allowed: str) -> None:
    found = kind.read(written, HERE)
    assert isinstance(found, Bad)
    assert found.allowed.startswith(allowed)


@given(st.integers(0, 365 * 86_400_000))
def test_a_duration_is_read_back_as_it_is_shown(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert ANY_DURATION.read(ANY_DURATION.show(seconds), HERE) == pytest.approx(seconds)


@given(st.integers(0, 2**30))
def test_a_size_is_read_back_as_it_is_shown(count: int) -> None:
    kind = size(0, 2**30)
    assert kind.read(kind.show(count), HERE) == count


def test_a_redirect_is_read_back_as_it_is_shown() -> None:
    assert [values.REDIRECT.show(port) for port in (0, 443, 8443)] == ["off", "https", "https:8443"]


def test_suffixes_are_hostnames_with_or_without_a_star() -> None:
    assert values.SUFFIXES.read("Example.com, *.example.net\n.xn--p1ai", HERE) == (
        "example.com",
        "example.net",
        "xn--p1ai",
    )
    assert values.SUFFIXES.show(("a.com", "b.com")) == "a.com, b.com"
    for wrong in ("", "10.0.0.1", "a b/c", "a..com", "*", "x" * 400):
        assert isinstance(values.SUFFIXES.read(wrong, HERE), Bad)


def test_ports_are_single_ones_or_ranges() -> None:
    assert values.PORTS.read("443, 8000-8001 80", HERE) == (range(443, 444), range(8000, 8002), range(80, 81))
    assert values.PORTS.show((range(443, 444), range(8000, 9000))) == "443, 8000-8999"
    for wrong in ("", "0", "65536", "9-8", "80-", "http"):
        assert isinstance(values.PORTS.read(wrong, HERE), Bad)
