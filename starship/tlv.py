"""
The fields (TLVs) of a PROXY header: the types that mean something to us, and the checksum over the whole.

Floor 1, beside names: knows nothing. `sniff` reads headers, `dial` writes them, `account` shows what they said.
Source: haproxy doc/proxy-protocol.txt, section 2.2.
"""

from __future__ import annotations

from typing import Final

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""How a header of version 2 begins; no other protocol does."""

ALPN: Final = 0x01
AUTHORITY: Final = 0x02
CRC32C: Final = 0x03
NOOP: Final = 0x04
UNIQUE_ID: Final = 0x05
SSL: Final = 0x20
NETNS: Final = 0x30
GOOGLE_PSC: Final = 0xE0
AWS: Final = 0xEA
AZURE: Final = 0xEE

WORDS: Final[dict[int, str]] = {
    ALPN: "alpn",
    AUTHORITY: "authority",
    UNIQUE_ID: "unique_id",
    SSL: "ssl",
    NETNS: "netns",
    GOOGLE_PSC: "google_psc",
    AWS: "aws",
    AZURE: "azure",
}
"""What people call a type. Others are shown as `0xe4`."""

UNIQUE_ID_LIMIT_BYTES: Final = 128
CRC32C_OCTETS: Final = 4

_CASTAGNOLI: Final = 0x82F63B78  # reflected; RFC 3309 appendix A


def word_of(kind: int) -> str:
    """How a type is shown."""
    return WORDS.get(kind) or f"0x{kind:02x}"


def crc32c(data: bytes) -> int:
    """
    The checksum of the CRC32C field, over the whole header with that field's four octets zeroed.

    Zlib has another polynomial. A header is some hundred octets, and carries the field where somebody asked for it.
    """
    value = 0xFFFFFFFF
    for octet in data:
        value = _TABLE[(value ^ octet) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _remainder(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
    return value


_TABLE: Final = tuple(map(_remainder, range(256)))
