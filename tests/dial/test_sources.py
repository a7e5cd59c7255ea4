"""Sources: our own addresses in turn, of the endpoint's family."""

from __future__ import annotations

from collections import Counter

from starship.dial.sources import Sources
from starship.words import Address

FOUR, SIX = Address("192.0.2.80", 443), Address("2001:db8::80", 443)


def test_each_family_takes_its_own_in_turn_and_the_others_follow() -> None:
    sources = Sources(("192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"))
    assert [sources.of(FOUR) for _ in range(4)] == [
        ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
        ("192.0.2.2", "192.0.2.3", "192.0.2.1"),
        ("192.0.2.3", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    ]
    assert {sources.of(SIX) for _ in range(3)} == {("2001:db8::1",)}


def test_without_an_address_of_the_family_the_kernel_chooses() -> None:
    assert Sources(("192.0.2.1",)).of(SIX) == ()
    assert Sources().of(FOUR) == ()


def test_all_have_the_same_share() -> None:
    sources = Sources(tuple(f"192.0.2.{number}" for number in range(1, 8)))
    assert set(Counter(sources.of(FOUR)[0] for _ in range(700)).values()) == {100}
