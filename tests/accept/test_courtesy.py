"""What all conversations of a door have in common."""

from __future__ import annotations

from attrs import evolve

from starship.reasons import Reason
from starship.words import Refusal
from tests.accept.talks import Pages, Salon


def test_who_speaks_the_doors_language_is_refused_in_it() -> None:
    courtesy = Salon().courtesy
    assert courtesy.refuser(Refusal(reason=Reason.UNKNOWN_NAME)) is courtesy.scheme.refuser


def test_who_speaks_another_language_is_refused_in_that_one_if_we_know_it() -> None:
    other = Pages()
    courtesy = evolve(Salon().courtesy, refusers={"tls": other})
    assert courtesy.refuser(Refusal(reason=Reason.WRONG_DOOR, scheme="tls")) is other
    assert courtesy.refuser(Refusal(reason=Reason.WRONG_DOOR, scheme="smtp")) is courtesy.scheme.refuser
