"""Nouns show themselves as people write them."""

from __future__ import annotations

from starship.reasons import Mood, Reason
from starship.words import Address, Door, Ending, Seconds
from tests.fakes import arrival


def test_an_ending_has_the_mood_of_its_reason() -> None:
    ending = Ending(arrival=arrival(), reason=Reason.IDLE, status=200, seconds=Seconds(total=1.0))
    assert ending.mood is Mood.SEVERED


def test_an_address_with_colons_is_shown_in_brackets() -> None:
    assert str(Address("::1", 443)) == "[::1]:443"
    assert str(Address("192.0.2.1", 443)) == "192.0.2.1:443"


def test_a_door_is_its_name_and_the_port_that_an_endpoint_means() -> None:
    assert Door("https", 443).port == 443
