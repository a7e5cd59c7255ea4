"""What a balancer said of a client is shown as people know it, and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.account.proxyfields import CUT, SHOWN_LIMIT, VALUE_LIMIT, shown
from starship.words import Tlv


@pytest.mark.parametrize(
    ("tlv", "said"),
    [
        (Tlv(0x05, b"id-1"), {"unique_id": "id-1"}),
        (Tlv(0x05, bytes.fromhex("0af03b")), {"unique_id": "0af03b"}),
        (Tlv(0x02, b"a.example"), {"authority": "a.example"}),
        (Tlv(0x20, b"\x01\0\0\0\0"), {"ssl": "0100000000"}),
        (Tlv(0xEA, b"\x01vpce-08d2bf15fac5001c9"), {"aws": "vpce-08d2bf15fac5001c9"}),
        (Tlv(0xEA, b"\x02?"), {"aws": "023f"}),
        (Tlv(0xEE, b"\x01\x45\x23\x01\x00"), {"azure": str(0x012345)}),
        (Tlv(0xE0, (12345).to_bytes(8, "big")), {"google_psc": "12345"}),
        (Tlv(0xE4, b"any"), {"0xe4": "any"}),
        (Tlv(0xE4, b""), {"0xe4": ""}),
        (Tlv(0xE4, b"\xc3\xa9"), {"0xe4": "c3a9"}),
    ],
)
def test_a_field_is_shown_as_people_know_it(tlv: Tlv, said: dict[str, str]) -> None:
    assert shown([tlv]) == said


def test_of_a_type_that_comes_twice_the_first_is_shown() -> None:
    assert shown([Tlv(5, b"a"), Tlv(5, b"b")]) == {"unique_id": "a"}


@given(st.lists(st.builds(Tlv, st.integers(0, 255), st.binary(max_size=300)), max_size=40))
def test_l18_what_is_shown_is_printable_and_bounded(tlvs: list[Tlv]) -> None:
    said = shown(tlvs)
    assert len(said) <= SHOWN_LIMIT
    assert all(value.isascii() and (not value or value.isprintable()) for value in said.values())
    assert all(len(value) <= VALUE_LIMIT + len(CUT) for value in said.values())
