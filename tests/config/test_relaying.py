"""Which fields of a PROXY header are passed on: words, numbers, all or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.config.relaying import FIELDS, OURS
from starship.config.values import Bad

HERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("all", None),
        ("none", frozenset()),
        ("unique_id", frozenset({0x05})),
        ("aws, azure,google_psc", frozenset({0xEA, 0xEE, 0xE0})),
        ("ssl netns", frozenset({0x20, 0x30})),
        ("0xE4,\n0xf", frozenset({0xE4, 0x0F})),
    ],
)
def test_fields_have_words_or_numbers(text: str, kinds: frozenset[int] | None) -> None:
    assert FIELDS.read(text, HERE) == kinds


@pytest.mark.parametrize(
    "text",
    ["", "every", "0x100", "234", "ea", "aws, aws", "0xea aws", "all, aws", "none aws", "alpn", "0x02", "0x3", "0x04"],
)
def test_anything_else_is_told_what_is_allowed(text: str) -> None:
    found = FIELDS.read(text, HERE)
    assert isinstance(found, Bad)
    assert "unique_id" in found.allowed


@given(st.one_of(st.none(), st.frozensets(st.integers(0, 255).filter(lambda kind: kind not in OURS))))
def test_what_is_shown_reads_back(kinds: frozenset[int] | None) -> None:
    assert FIELDS.read(FIELDS.show(kinds), HERE) == kinds
