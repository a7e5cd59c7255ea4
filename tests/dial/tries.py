"""A connect under way, for whoever tests who dials: the test answers it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define
from zope.interface import implementer

from starship.interfaces import ICancel, ILeg
from starship.words import Address


@implementer(ICancel)
@define(eq=False)
class Try:
    """One connect under way, which the test answers."""

    remote: Address
    bind: tuple[str, ...]
    timeout: float
    connected: Callable[[ILeg], object]
    refused: Callable[[OSError], object]
    cancelled: int = 0

    def cancel(self) -> None:
        self.cancelled += 1
