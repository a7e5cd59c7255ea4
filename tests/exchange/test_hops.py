"""What ends at each hop."""

from __future__ import annotations

from starship.exchange.hops import OF_REQUESTS, OF_RESPONSES


def test_the_names_are_in_lower_case_and_the_framing_is_never_passed_on() -> None:
    assert all(name == name.lower() for name in OF_REQUESTS | OF_RESPONSES)
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
