"""The rooms find the seams of a connection among the others, and fakes keep to them."""

from __future__ import annotations

from zope.interface.verify import verifyObject

from starship import interfaces, legs
from starship.legs import ILeg
from tests.fakes import FakeLeg


def test_the_rooms_find_them_among_the_others() -> None:
    assert interfaces.ILeg is legs.ILeg
    assert interfaces.ICancel is legs.ICancel


def test_the_leg_of_the_tests_is_one() -> None:
    assert verifyObject(ILeg, FakeLeg())
