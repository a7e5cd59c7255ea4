"""A client's bytes are quoted so that a log and a page can bear them (L18)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from starship.sniff.shown import printable, shown


def test_visible_bytes_stand_for_themselves_and_the_rest_is_escaped() -> None:
    assert shown(b"a.com") == "a.com"
    assert shown(b"a\0b \\\xff\n") == "a\\x00b\\x20\\x5c\\xff\\x0a"
    assert shown(b"a" * 65) == "a" * 64 + "..."


@given(st.binary(max_size=300), st.text(max_size=200))
def test_what_is_shown_is_printable_and_bounded(raw: bytes, text: str) -> None:
    for words in (shown(raw), printable(text)):
        assert words.isascii()
        assert words.isprintable()
        assert len(words) <= 4 * 64 + 3
