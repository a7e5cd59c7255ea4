"""Long answers arrive whole, in whatever pieces they are read."""

from __future__ import annotations

import pytest

from starship.mock.streams import BLOCK, Pattern


def read_all(pattern: Pattern, size: int) -> bytes:
    pieces = []
    while piece := pattern.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("size", [1, 7, 4096, 2**17])
def test_a_pattern_is_the_same_however_it_is_read(size: int) -> None:
    pattern = Pattern(1000, block=b"abc", head=b"<<<", tail=b">>>")
    assert pattern.total == 1006
    assert read_all(pattern, size) == b"<<<" + (b"abc" * 334)[:1000] + b">>>"


def test_a_pattern_longer_than_its_block_repeats_it() -> None:
    assert read_all(Pattern(len(BLOCK) + 5), 16384) == BLOCK + BLOCK[:5]


def test_an_empty_pattern_is_empty() -> None:
    assert read_all(Pattern(0), 10) == b""
