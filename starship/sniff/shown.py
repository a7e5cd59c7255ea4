"""
How bytes of a client may appear in our words: the `sniff` step's only way of quoting.

Part of `sniff`, floor 4, pure.
"""

from __future__ import annotations

from typing import Final

SHOWN_OCTETS: Final = 64
SHOWN_CHARACTERS: Final = 100


def shown(raw: bytes) -> str:
    """A client's bytes for a log line or a page: visible ASCII, the rest as `\\xNN`, cut after 64 octets."""
    text = "".join(_shown(byte) for byte in raw[:SHOWN_OCTETS])
    return text + "..." if len(raw) > SHOWN_OCTETS else text


def printable(text: str) -> str:
    """A parser's own words, as a log can bear them: ASCII, 100 characters."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:SHOWN_CHARACTERS])


def _shown(byte: int) -> str:
    return chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x5C else f"\\x{byte:02x}"
