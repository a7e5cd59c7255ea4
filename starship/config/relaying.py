"""
Which fields of a PROXY header are passed on: a kind of value of its own. Pure.

Part of `config`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starship.config.values import Bad, Kind
from starship.tlv import ALPN, AUTHORITY, CRC32C, NOOP, WORDS, word_of

ALL: Final = "all"
NONE: Final = "none"
OURS: Final = frozenset({ALPN, AUTHORITY, CRC32C, NOOP})
"""Types that are between two neighbours: the hello says the first two, the others are spent."""

_TYPES: Final = {word: kind for kind, word in WORDS.items() if kind not in OURS}
_HEX = re.compile(r"0x[0-9a-fA-F]{1,2}")


def _read_fields(text: str, base: Path) -> frozenset[int] | Bad | None:
    if text in (ALL, NONE):
        return None if text == ALL else frozenset()
    found = [_type_of(item) for item in re.split(r"[ \t\n,]+", text)]
    kinds = frozenset(kind for kind in found if kind is not None and kind not in OURS)
    if len(kinds) == len(found):
        return kinds
    words = ", ".join(_TYPES)
    return Bad(f"all, none, or fields such as {words} or 0xe4, each once (not alpn, authority, checksum and padding)")


def _type_of(item: str) -> int | None:
    return int(item, 16) if _HEX.fullmatch(item) else _TYPES.get(item)


def _show_fields(kinds: frozenset[int] | None) -> str:
    if kinds is None:
        return ALL
    return ", ".join(word_of(kind) for kind in sorted(kinds)) or NONE


FIELDS: Final = Kind(name="fields", read=_read_fields, show=_show_fields)
