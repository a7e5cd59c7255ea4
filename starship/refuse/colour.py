"""
The operator's colour, made readable on light and on dark paper.

Part of `refuse`, pure. Knows nothing of pages.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from starship.errors import BadPages

LIGHT_PAPER: Final = "#f7f8fa"
DARK_PAPER: Final = "#14161b"
READABLE: Final = 4.5
"""The contrast ratio that text of ordinary size needs (WCAG 2.1, success criterion 1.4.3)."""

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_STEPS: Final = 20


class Colour(NamedTuple):
    """Red, green, blue: 0 to 255 each."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @classmethod
    def parse(cls, text: str) -> Colour:
        """Shape: `#rgb` or `#rrggbb`. Raises: BadPages for everything else."""
        if not _HEX.fullmatch(text):
            raise BadPages([f"colour: {text[:40]!r} is not of the form #rgb or #rrggbb"])
        digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
        return cls(*bytes.fromhex(digits))


BLACK: Final = Colour(0, 0, 0)
WHITE: Final = Colour(255, 255, 255)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.1, relative luminance and contrast ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink(paper: Colour) -> Colour:
    """Black or white, whichever reads better on this paper: always at least 4.5."""
    return max(BLACK, WHITE, key=lambda candidate: contrast(candidate, paper))


def readable(colour: Colour, paper: Colour) -> Colour:
    """The colour itself if it reads on this paper, else the nearest shade towards black or white that does."""
    end = ink(paper)
    shades = (_mix(colour, end, step / _STEPS) for step in range(_STEPS + 1))
    return next((shade for shade in shades if contrast(shade, paper) >= READABLE), end)


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    return Colour(*(round(a + (b - a) * share) for a, b in zip(one, other, strict=True)))


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
