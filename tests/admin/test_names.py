"""Names in requests are read in the operator's spelling, or refused in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.admin.names import host_or_wildcard, hostname, suffix_of
from starship.admin.replies import Unfit
from starship.names import canonical


def test_a_name_has_one_spelling() -> None:
    assert [hostname("A.com."), hostname("bücher.example"), host_or_wildcard("*.A.com")] == [
        "a.com",
        "xn--bcher-kva.example",
        "*.a.com",
    ]


@pytest.mark.parametrize("text", ["", "*", "*.", "*.*.a.com", "a.*.com", "1.2.3.4", "a b", "ü" * 300, "a" * 2000, "�"])
def test_what_is_no_name_is_unfit(text: str) -> None:
    with pytest.raises(Unfit):
        host_or_wildcard(text)


def test_a_suffix_stands_for_itself_and_all_below_it() -> None:
    assert suffix_of({}) is None
    assert {suffix_of({"suffix": text}) for text in ("A.com", ".a.com", "*.a.com")} == {"a.com"}
    with pytest.raises(Unfit):
        suffix_of({"suffix": "*."})


@given(st.text(max_size=40))
def test_no_text_raises_anything_else_and_what_is_read_is_canonical(text: str) -> None:
    with suppress(Unfit):
        name = hostname(text)
        assert canonical(name.encode()) == name
