"""
What a balancer's PROXY header said besides the addresses, for the access log. Pure.

Part of `account`. A balancer is trusted, and yet what it says may have come from its clients: it is bounded, and
shown in a way that a line of JSON can hold.
Source: haproxy doc/proxy-protocol.txt, section 2.2; the documentation of AWS, Azure and Google for their own fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from starship.tlv import AWS, AZURE, GOOGLE_PSC, word_of
from starship.words import Tlv

VALUE_LIMIT: Final = 128
"""Characters of a value that are shown."""

SHOWN_LIMIT: Final = 16
"""Fields that are shown."""

CUT: Final = "..."

_PRINTABLE = re.compile(rb"[ -~]+")


def shown(tlvs: Iterable[Tlv]) -> dict[str, str]:
    """
    Fields by the word or number of their type; of a type that comes twice, the first.

    Shape: text as it is where all of it is printable ASCII, a number where the vendor's value is one, else hexadecimal.
    """
    said: dict[str, str] = {}
    for kind, value in tlvs:
        if len(said) < SHOWN_LIMIT:
            said.setdefault(word_of(kind), _cut(_value(kind, value)))
    return said


def _value(kind: int, value: bytes) -> str:
    match kind, len(value):
        case (kind, _) if kind == AWS and value[:1] == b"\x01":  # the id of a VPC endpoint
            return _text(value[1:])
        case (kind, 5) if kind == AZURE and value[:1] == b"\x01":  # the id of a private link
            return str(int.from_bytes(value[1:], "little"))
        case (kind, 8) if kind == GOOGLE_PSC:  # the id of a connection
            return str(int.from_bytes(value, "big"))
        case _:
            return _text(value)


def _text(value: bytes) -> str:
    return value.decode("ascii") if _PRINTABLE.fullmatch(value) else value.hex()


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_LIMIT else text[:VALUE_LIMIT] + CUT
