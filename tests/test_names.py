"""One canonical spelling, or a reason why not (L6, L8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship import names
from starship.names import BadName, canonical, covers, from_text

GOOD = [
    (b"a.com", "a.com"),
    (b"A.Com", "a.com"),
    (b"a.com.", "a.com"),
    (b"localhost", "localhost"),
    (b"_dmarc.a.com", "_dmarc.a.com"),
    (b"3com.com", "3com.com"),
    (b"1.2.3.4.example", "1.2.3.4.example"),
    (b"a.1b", "a.1b"),
    (b"xn--bcher-kva.example", "xn--bcher-kva.example"),
    (b"r1---sn.a.com", "r1---sn.a.com"),
    (b"a" * 63 + b".com", "a" * 63 + ".com"),
    (b".".join([b"a" * 61] * 4) + b".abcde", ".".join(["a" * 61] * 4) + ".abcde"),
]

BAD = [
    (b"", "empty"),
    (b".", "empty"),
    (b"a..com", "empty label"),
    (b".a.com", "empty label"),
    (b"a.com..", "empty label"),
    (b"a" * 64 + b".com", "longer than 63"),
    (b".".join([b"a" * 62] * 4) + b".ab", "longer than 253"),
    (b"a\0.com", "byte"),
    (b"a.com\0.evil.com", "byte"),
    (b"a\r.com", "byte"),
    (b"a.com\n", "byte"),
    (b"b\xc3\xbccher.example", "byte"),
    (b"a b.com", "byte"),
    (b"192.0.2.1", "address"),
    (b"192.0.2.1.", "address"),
    (b"127.1", "address"),
    (b"2130706433", "address"),
    (b"0x7f000001", "address"),
    (b"127.0.0.0X1", "address"),
    (b"::1", "address"),
    (b"[::1]", "address"),
    (b"a.com:443", "port"),
    *((b"a" + bytes([char]) + b"b.com", "") for char in b"/?&#%@:*+!$'(),;=<>[]\\^`{|}~\"\x7f\x80\xff\t\x01"),
]


@pytest.mark.parametrize(("raw", "spelt"), GOOD)
def test_a_hostname_has_one_spelling(raw: bytes, spelt: str) -> None:
    assert canonical(raw) == spelt


@pytest.mark.parametrize(("raw", "why"), BAD)
def test_what_is_no_hostname_has_a_reason(raw: bytes, why: str) -> None:
    result = canonical(raw)
    assert isinstance(result, BadName)
    assert why in result.why


NEARLY = st.lists(st.sampled_from([b"a", b"B", b"7", b"-", b"_", b".", b"xn--", b"a" * 61, b"\xc3\xbc"])).map(b"".join)


@given(st.binary(max_size=300) | NEARLY)
def test_no_bytes_raise_and_what_passes_is_already_canonical(raw: bytes) -> None:
    result = canonical(raw)
    if not isinstance(result, BadName):
        assert canonical(result.encode()) == result
        assert result == raw.decode().lower().removesuffix(".")
        assert len(result) <= 253


def test_s3_an_operator_may_write_u_labels() -> None:
    assert from_text("Bücher.example") == "xn--bcher-kva.example"
    assert from_text("A.com") == "a.com"
    assert isinstance(from_text("☃\u202e.example"), BadName)


@pytest.mark.parametrize(
    ("pattern", "raw", "covered"),
    [
        ("a.com", b"a.com", True),
        ("*.a.com", b"x.a.com", True),
        ("*.a.com", b"x.y.a.com", True),
        ("*.a.com", b"a.com", False),
        ("*.a.com", b"ba.com", False),
        ("a.com", b"x.a.com", False),
    ],
)
def test_a_wildcard_covers_what_is_below_it(pattern: str, raw: bytes, covered: bool) -> None:
    name = canonical(raw)
    assert not isinstance(name, BadName)
    assert covers(pattern, name) is covered


def test_a_flood_of_names_is_not_remembered_for_ever() -> None:
    for number in range(names.KNOWN_LIMIT + 10):
        raw = b"A%d.example" % number
        assert names.canonical(raw) == names.canonical(raw) == raw.decode().lower()
    assert len(names._known) <= names.KNOWN_LIMIT
