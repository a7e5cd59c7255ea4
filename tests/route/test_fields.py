"""Strict reading of one JSON object, field by field (L20)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.route.fields import TIME_LIMIT_S, JsonObject, Malformed, parse_object

NO_OBJECTS = [
    (b"", "not JSON"),
    (b"<html>no</html>", "not JSON"),
    (b'{"a": 1} trailing', "not JSON"),
    (b"{'a': 1}", "not JSON"),
    (b'{"a": NaN}', "not JSON"),
    (b'{"a": -Infinity}', "not JSON"),
    (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
    (b'{"a": "\xff"}', "not UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    ('{"a": 1}'.encode("utf-32-le"), "not JSON"),
    (b"[1]", "not a JSON object"),
    (b'"a"', "not a JSON object"),
    (b"null", "not a JSON object"),
    (b"5", "not a JSON object"),
    (b"[" * 60_000, "nested too deeply"),
    (b'{"a":' * 12_000, "nested too deeply"),
]


@pytest.mark.parametrize(("body", "why"), NO_OBJECTS)
def test_what_is_no_json_object_is_malformed_L20(body: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse_object(body)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else_L20(body: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(parse_object(body), JsonObject)


ANSWER = b'{"ttl": 1.5, "app": "a\\u00fc", "count": 7, "items": [{"x": null}, {"y": true}]}'
ODD = [b"", b'"ttl": 2, ', b"9" * 400, b"\xff", *rb'{ } [ ] " , - e999 \ud800 \ null'.split()]


@settings(max_examples=300)
@given(st.integers(0, len(ANSWER)), st.integers(0, 12), st.sampled_from(ODD))
def test_no_change_of_an_answer_makes_its_fields_raise_anything_else_L20(at: int, gone: int, odd: bytes) -> None:
    with suppress(Malformed):
        answer = parse_object(ANSWER[:at] + odd + ANSWER[at + gone :])
        for read in (
            lambda: answer.seconds("ttl"),
            lambda: answer.text("app", 9),
            lambda: answer.integer("count", 1, 9),
            lambda: answer.items_of("items", dict, "objects", 4),
        ):
            with suppress(Malformed):
                read()


def test_a_key_said_twice_is_refused_when_it_is_read_and_ignored_when_it_is_not() -> None:
    answer = parse_object(b'{"ttl": 1, "ttl": 2, "x": {"ttl": 1, "ttl": 1}, "app": "a"}')
    assert answer.text("app", 9) == "a"
    with pytest.raises(Malformed, match="ttl is said twice"):
        answer.seconds("ttl")


@pytest.mark.parametrize(
    "value", [b"true", b'"5"', b"null", b"[5]", b"{}", b"-1", b"-0.5", b"1e999", b"1e15", b"9" * 400, b"-1e999"]
)
def test_what_is_no_time_is_refused(value: bytes) -> None:
    with pytest.raises(Malformed, match="ttl is not"):
        parse_object(b'{"ttl": ' + value + b"}").seconds("ttl")


@pytest.mark.parametrize(("value", "seconds"), [(b"0", 0.0), (b"0.25", 0.25), (b"2147483648", TIME_LIMIT_S)])
def test_a_time_is_whole_or_fractional_seconds(value: bytes, seconds: float) -> None:
    assert parse_object(b'{"ttl": ' + value + b"}").seconds("ttl") == seconds


@pytest.mark.parametrize("value", [b"true", b"1.0", b"0", b"11", b'"1"', b"null"])
def test_a_whole_number_is_no_bool_no_fraction_and_within_bounds(value: bytes) -> None:
    with pytest.raises(Malformed, match="n is not"):
        parse_object(b'{"n": ' + value + b"}").integer("n", 1, 10)


@pytest.mark.parametrize("value", [rb'"a\nb"', rb'"\u0000"', rb'"\ud800"', rb'"\u202e"', b'"aaaaaaaaaaa"', b"5"])
def test_a_text_is_printable_and_bounded(value: bytes) -> None:
    with pytest.raises(Malformed, match="app is not"):
        parse_object(b'{"app": ' + value + b"}").text("app", 10)


def test_a_list_has_items_of_one_type_and_not_too_many() -> None:
    answer = parse_object(b'{"a": ["x", "y"], "b": ["x", 5], "c": "x"}')
    assert answer.items_of("a", str, "a string", 2) == ["x", "y"]
    assert answer.items_of("z", str, "a string", 2) is None
    with pytest.raises(Malformed, match="more than 1"):
        answer.items_of("a", str, "a string", 1)
    with pytest.raises(Malformed, match="not a string"):
        answer.items_of("b", str, "a string", 2)
    with pytest.raises(Malformed, match="not a list"):
        answer.items_of("c", str, "a string", 2)
