"""A message says of its body what it was told, and else that there is none."""

from __future__ import annotations

from starship import messages, words


def test_a_request_has_no_body_unless_it_says_so() -> None:
    asked = messages.Request(method=b"GET", target=b"/", path="/", minor=1)
    assert (asked.length, asked.chunked, asked.upgrade, asked.expects, asked.close) == (None, False, None, False, False)


def test_the_rooms_find_the_nouns_among_the_others() -> None:
    assert words.Request is messages.Request
    assert words.Response is messages.Response
