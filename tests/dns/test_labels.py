"""Names in messages, hostile ones too."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.dns.labels import POINTERS_LIMIT, Garbled, Labels

HEAD = b"\0" * 12


def label(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def test_a_name_is_spelled_as_all_names_are_and_says_where_it_ends() -> None:
    data = HEAD + label(b"WWW") + label(b"Example") + b"\0" + b"rest"
    assert Labels(data).name(12) == ("www.example", 25)


def test_a_pointer_leads_to_a_name_before_and_ends_after_two_octets() -> None:
    data = HEAD + label(b"example") + b"\0" + label(b"a") + b"\xc0\x0c"
    labels = Labels(data)
    assert labels.name(21) == ("a.example", 25)
    assert labels.name(12) == ("example", 21)
    assert labels.name(23) == ("example", 25)


def test_the_root_and_what_no_hostname_has_are_no_names() -> None:
    assert Labels(HEAD + b"\0").name(12) == (None, 13)
    assert Labels(HEAD + label(b"a.b") + b"\0").name(12) == (None, 17)
    assert Labels(HEAD + label(b"a\0b") + b"\0").name(12) == (None, 17)
    assert Labels(HEAD + label(b"127") + b"\0").name(12) == (None, 17)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x03ab",
        b"\x03abc",
        b"\xc0",
        b"\xc0\x0c",  # to itself
        b"\x01a\xc0\x0c",  # to its own beginning
        b"\xc0\xff",  # forwards, past the end
        b"\x40a",  # no kind of label that there is
        label(b"a" * 63) * 4 + b"\0",
    ],
)
def test_what_is_no_name_is_garbled(octets: bytes) -> None:
    with pytest.raises(Garbled):
        Labels(HEAD + octets).name(12)


def test_pointers_to_pointers_are_counted() -> None:
    chain = HEAD + label(b"end") + b"\0" + b"\xc0\x0c"
    starts = [17]
    for _ in range(POINTERS_LIMIT + 8):
        starts.append(len(chain))
        chain += (0xC000 | starts[-2]).to_bytes(2, "big")
    assert Labels(chain).name(starts[POINTERS_LIMIT - 2])[0] == "end"
    with pytest.raises(Garbled):
        Labels(chain).name(starts[-1])


def test_a_message_full_of_names_that_lead_through_all_others_is_read_in_no_time() -> None:
    data, place = HEAD + label(b"x") + b"\0", 12
    starts = []
    while len(data) < 16_000:
        starts.append(len(data))
        data += label(b"y") + (0xC000 | place).to_bytes(2, "big")
        place = starts[-1]
    labels, before = Labels(data), time.process_time()
    for start in starts:
        with suppress(Garbled):
            labels.name(start)
    assert time.process_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 310))
def test_no_octets_break_it(octets: bytes, at: int) -> None:
    try:
        name, end = Labels(octets).name(at)
    except Garbled:
        return
    assert end > at
    assert name is None or len(name) <= 253
