"""Whatever colour the operator likes, it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.errors import BadPages
from starship.refuse.colour import BLACK, DARK_PAPER, LIGHT_PAPER, READABLE, WHITE, Colour, contrast, ink, readable

COLOURS = st.builds(Colour, *[st.integers(0, 255)] * 3)
PAPERS = [Colour.parse(LIGHT_PAPER), Colour.parse(DARK_PAPER)]


@pytest.mark.parametrize("text", ["#4F46e5", "#abc"])
def test_a_colour_has_three_or_six_digits(text: str) -> None:
    assert str(Colour.parse(text)) == {"#4F46e5": "#4f46e5", "#abc": "#aabbcc"}[text]


@pytest.mark.parametrize(
    "text", ["", "red", "#12", "#12345g", "4f46e5", "#4f46e5;}", "#4f46e5\n", "#\uff11\uff12\uff13"]
)
def test_anything_else_is_a_mistake_with_its_key(text: str) -> None:
    with pytest.raises(BadPages, match=r"colour: .* #rgb or #rrggbb"):
        Colour.parse(text)


def test_contrast_is_as_the_standard_has_it() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == pytest.approx(1)
    assert contrast(Colour.parse("#777"), WHITE) == pytest.approx(4.48, abs=0.01)


def test_a_colour_that_reads_is_left_as_it_is() -> None:
    assert readable(Colour.parse("#4f46e5"), PAPERS[0]) == Colour.parse("#4f46e5")


@given(COLOURS)
def test_every_colour_becomes_readable_on_both_papers_and_so_does_what_is_written_on_it(colour: Colour) -> None:
    for paper in PAPERS:
        accent = readable(colour, paper)
        assert contrast(accent, paper) >= READABLE
        assert contrast(ink(accent), accent) >= READABLE
