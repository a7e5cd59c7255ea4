"""A query is read strictly, and says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.admin.replies import Unfit, Visit, json_reply, read_json, refusal, seconds, switch, text_reply


def test_parameters_are_read_and_decoded() -> None:
    assert Visit(query=b"host=a%2Ecom&live=&x=%C3%BC").parameters("host", "live", "x") == {
        "host": "a.com",
        "live": "",
        "x": "ü",
    }
    assert Visit().parameters() == {}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (b"nope=1", "an unknown parameter; known are host"),
        (b"host=a&host=b", "a parameter is said twice"),
        (b"host", "the query cannot be read"),
        (b"host=%ff", "the query cannot be read"),
        (b"\xff", "the query cannot be read"),
        (b"&".join([b"host=a"] * 17), "the query cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(query: bytes, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        Visit(query=query).parameters("host")


@given(st.binary(max_size=60))
def test_no_query_no_path_and_no_body_raises_anything_else(raw: bytes) -> None:
    visit = Visit(query=raw, rest=raw, body=raw)
    reads: tuple[Callable[[], object], ...] = (lambda: visit.parameters("a", "b"), visit.last, lambda: read_json(visit))
    for read in reads:
        with suppress(Unfit):
            read()


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_unfit(body: bytes) -> None:
    with pytest.raises(Unfit):
        read_json(Visit(body=body))


def test_a_switch_is_1_or_0() -> None:
    assert [switch({"live": "1"}, "live"), switch({"live": "0"}, "live"), switch({}, "live")] == [True, False, False]
    with pytest.raises(Unfit, match="live is neither 0 nor 1"):
        switch({"live": "yes"}, "live")


def test_replies_are_short_on_one_line_and_long_on_many() -> None:
    assert json_reply({"a": 1}).body == b'{"a": 1}\n'
    assert json_reply({"a": "x" * 200}).body.count(b"\n") == 3
    assert json.loads(refusal(404, "gone").body) == {"error": "gone"}
    assert text_reply("ä").body == "ä".encode()


def test_a_program_says_that_it_wants_json() -> None:
    assert Visit(accept="text/html;q=0.1, application/json").wants_json
    assert not Visit(accept="*/*").wants_json


def test_a_time_without_end_is_null_since_json_knows_no_infinity() -> None:
    assert (seconds(None), seconds(inf), seconds(1.23456)) == (None, None, 1.235)
