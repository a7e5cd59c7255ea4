"""Legs for spares in tests: what an endpoint says on them, the test says."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from starship.interfaces import ILeg
from starship.words import Stop
from tests.fakes import FakeLeg


@define(eq=False)
class SpareLeg(FakeLeg):
    """Tells whoever reads it."""

    ear: Callable[[bytes], None] | None = None
    told: Callable[[Stop], None] | None = None
    unreads: bytes = b""

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        self.ear, self.told = heard, ended

    def unread(self, data: bytes) -> None:
        self.ear = self.told = None
        self.unreads += data

    def says(self, data: bytes) -> None:
        assert self.ear is not None
        self.received += len(data)
        self.ear(data)

    def dies(self, how: Stop = Stop.ENDED) -> None:
        assert self.told is not None
        self.told(how)

    def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        """Has nothing to carry."""
