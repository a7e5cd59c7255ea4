"""How the one who sent a request head wants to be refused."""

from __future__ import annotations

import pytest

from starship.sniff.manner import is_headless, manner_for, manner_of, prefers_json

ACCEPTS = [
    ([], False),
    (["*/*"], False),
    (["application/json"], True),
    (["Application/JSON; charset=utf-8"], True),
    (["application/json, */*;q=0.1"], True),
    (["text/html, application/json"], False),
    (["text/html;q=0.5, application/json;q=0.9"], True),
    (["text/html;q=0.9", "application/json;q=0.5"], False),
    (["text/html;q=0.5", "application/json"], True),
    (["application/json;q=0"], False),
    (["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], False),
    (["application/*"], False),
    (["x" * 2000 + ", application/json"], False),
    ([";;;,,,;q=,="], False),
]


@pytest.mark.parametrize(("accepts", "json"), ACCEPTS)
def test_json_is_for_those_who_name_it_before_html(accepts: list[str], json: bool) -> None:
    assert prefers_json([accept.encode() for accept in accepts]) is json
    lines = "".join(f"aCCept: {accept}\r\n" for accept in accepts).encode()
    assert manner_for(b"GET", lines + b"Content-Type: application/json\r\n").json is json


def test_only_accept_says_what_is_wanted() -> None:
    assert not manner_for(b"POST", b"Content-Type: application/json\r\nX: Accept: application/json\r\n").json


@pytest.mark.parametrize("head", [b"HEAD / HTTP/1.1\r\n", b"\r\n\r\nHEAD "])
def test_an_answer_to_head_has_no_body(head: bytes) -> None:
    assert is_headless(head)
    assert not is_headless(head.replace(b"HEAD", b"HEADS"))
    assert manner_for(b"HEAD", b"").bodyless
    assert not manner_for(b"GET", b"").bodyless
    assert manner_of(bodyless=True) == manner_for(b"HEAD", b"")
