"""The checksum and the words of a PROXY header's fields."""

from __future__ import annotations

import pytest

from starship.tlv import WORDS, crc32c, word_of


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),  # the check value of CRC-32C
        (bytes(32), 0x8A9136AA),  # RFC 3720 section B.4, as the next ones
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_checksum_is_crc32c_as_published(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def test_a_type_has_a_word_or_its_number() -> None:
    assert (word_of(0x05), word_of(0xEA), word_of(0xE4)) == ("unique_id", "aws", "0xe4")
    assert len(set(WORDS.values())) == len(WORDS)
