"""What ends at each hop, and what nobody may claim."""

from __future__ import annotations

from starship.hops import OF_REQUESTS, OF_RESPONSES, REQUEST_ID, SPOOFED


def test_the_names_are_in_lower_case_and_the_framing_is_never_passed_on() -> None:
    assert all(name == name.lower() for name in OF_REQUESTS | OF_RESPONSES | SPOOFED | {REQUEST_ID})
    assert {
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"keep-alive",
        b"upgrade",
    } <= OF_REQUESTS & OF_RESPONSES


def test_the_proxy_field_ends_here() -> None:
    """K6: httpoxy."""
    assert b"proxy" in OF_REQUESTS


def test_what_nobody_may_claim_is_for_more_than_one_hop() -> None:
    """A trusted proxy's word passes on."""
    assert not SPOOFED & (OF_REQUESTS | OF_RESPONSES)
