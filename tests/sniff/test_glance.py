"""What is seen at one glance is what patient reading finds, for every byte that could be another (L1)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.sniff import glance as room
from starship.sniff.glance import KNOWN_HELLOS, KNOWN_LISTS, glance
from starship.sniff.tls import TlsSniffer
from starship.words import Hello, Verdict
from tests.sniff.making import GROUPS, NAME, alpn, hello, record, records, sni, verdict_of

LIMIT = 65536
DATA = Path(__file__).parent.parent / "data"
HELLOS = {path.name: path.read_bytes() for path in sorted(DATA.glob("*.bin")) if path.read_bytes()[:1] == b"\x16"}


def patiently(data: bytes, limit: int = LIMIT) -> Verdict:
    """What is said of the same bytes when the first of them comes alone."""
    return verdict_of(TlsSniffer(limit), [data[:1], data[1:]])


def agrees(data: bytes, limit: int = LIMIT) -> bool:
    """Whether a glance says nothing, or what patience says."""
    seen = glance(data, limit)
    return seen is None or seen == patiently(data, limit)


@pytest.mark.parametrize("raw", HELLOS.values(), ids=HELLOS)
def test_a_hello_of_a_real_client_is_seen_at_a_glance(raw: bytes) -> None:
    seen = glance(raw, LIMIT)
    assert seen == patiently(raw)
    assert isinstance(seen, Hello)
    assert glance(raw + b"early data", LIMIT) == seen


@pytest.mark.parametrize("raw", HELLOS.values(), ids=HELLOS)
def test_a_hello_that_is_not_all_there_is_left_to_patience(raw: bytes) -> None:
    whole = glance(raw, LIMIT)
    assert isinstance(whole, Hello)
    assert not any(glance(raw[:end], LIMIT) for end in range(whole.consumed))


@given(st.sampled_from(sorted(HELLOS)), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_hello_with_wrong_bytes_is_never_seen_otherwise_than_patience_would_l1(name: str, seed: int) -> None:
    dice, raw = random.Random(seed), bytearray(HELLOS[name])
    for _ in range(dice.choice((1, 1, 2, 8))):
        raw[dice.randrange(min(len(raw), 600))] = dice.choice((0, 1, 2, 3, 22, 255, dice.randrange(256)))
    assert agrees(bytes(raw))


@given(st.lists(st.tuples(st.sampled_from((0, 16, 42, 43, 0xFE0D)), st.binary(max_size=12)), max_size=5))
@settings(max_examples=300, deadline=None)
def test_extensions_of_any_content_are_never_seen_otherwise_l1(extensions: list[tuple[int, bytes]]) -> None:
    assert agrees(records(hello(tuple(extensions))))


def test_a_name_or_a_list_that_lies_about_its_length_is_left_to_patience() -> None:
    good = sni(NAME)[1]
    for at in range(5):
        body = bytearray(good)
        body[at] ^= 1
        assert glance(records(hello(((0, bytes(body)),))), LIMIT) is None
    for offers in (b"", b"\x00", b"\x00\x00", b"\x00\x01\x00", b"\x00\x02\x05h", b"\x00\x04\x02h2\x00"):
        assert glance(records(hello(((16, offers),))), LIMIT) is None


def test_a_hello_ends_within_the_limit_l2() -> None:
    raw = records(hello())
    assert glance(raw, len(raw)) is not None
    assert glance(raw, len(raw) - 1) is None


def test_several_records_are_left_to_patience() -> None:
    message = hello()
    assert glance(record(message[:50]) + record(message[50:]), LIMIT) is None


def test_a_flood_of_lists_of_offers_is_not_remembered_for_ever() -> None:
    for number in range(KNOWN_LISTS * 3):
        offer = f"p{number}".encode()
        seen = glance(records(hello((GROUPS, alpn(offer)))), LIMIT)
        assert seen is not None
        assert seen.alpn == (offer,)
    assert len(room._known) <= KNOWN_LISTS


def test_a_flood_of_hellos_is_not_remembered_for_ever() -> None:
    for number in range(KNOWN_HELLOS + 10):
        raw = records(hello((GROUPS, sni(b"n%d.example" % number))))
        assert glance(raw, LIMIT) is glance(raw, LIMIT)
    assert len(room._hellos) <= KNOWN_HELLOS
