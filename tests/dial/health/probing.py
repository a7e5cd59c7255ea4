"""Endpoints for checks, without a network: the test says what each does."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock

from starship.dial.health.dialogue import unverified
from starship.dial.health.probe import Line
from starship.interfaces import ICancel, ILeg
from starship.words import Address, Stop
from tests.dial import tries
from tests.fakes import FakeLeg

OUR_END = ("192.0.2.99",)
CONTEXT = unverified()


@define(eq=False, repr=False)
class Spoken(FakeLeg):
    """A leg whose endpoint says what the test has it say."""

    ear: Callable[[bytes], None] | None = None
    told: Callable[[Stop], None] | None = None

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        self.ear, self.told = heard, ended

    def says(self, data: bytes) -> None:
        self.received += len(data)
        if self.ear is not None and not self.aborted:
            self.ear(data)

    def ends(self, how: Stop) -> None:
        """The endpoint ends its stream, or the connection breaks."""
        if self.told is not None and not self.aborted:
            self.told(how)
        if how is Stop.LOST or self.ended:
            self.vanish(how)


@define(eq=False, repr=False)
class Try(tries.Try):
    """One connect under way, to somebody who may be spoken to."""

    leg: Spoken = field(factory=Spoken)

    def succeeds(self) -> Spoken:
        self.connected(self.leg)
        return self.leg

    def fails(self, code: int = errno.ECONNREFUSED) -> None:
        self.refused(OSError(code, "x"))


@define(eq=False, repr=False)
class Field:
    """
    Where endpoints stand. Those of `conduct` do at once what it says when they are connected to: it gets the try.

    All others wait for the test.
    """

    clock: Any = field(factory=Clock)
    tries: list[Try] = field(factory=list)
    conduct: dict[str, Callable[[Try], object]] = field(factory=dict)

    @property
    def line(self) -> Line:
        return Line(connect=self.connect, clock=self.clock, bind_to=lambda address: OUR_END, context=CONTEXT)

    @property
    def open(self) -> int:
        """Connections, and connects, that nobody has ended."""
        return sum(1 for one in self.tries if not (one.cancelled or one.leg.aborted or one.leg.ended))

    def connect(
        self,
        remote: Address,
        bind: tuple[str, ...],
        timeout: float,
        connected: Callable[[ILeg], object],
        refused: Callable[[OSError], object],
    ) -> ICancel:
        one = Try(remote, bind, timeout, connected, refused)
        self.tries.append(one)
        conduct = self.conduct.get(remote.host)
        if conduct is not None:
            conduct(one)
        return one


def takes(one: Try) -> None:
    """It takes the connection, and says nothing."""
    one.succeeds()


def refuses(one: Try) -> None:
    """Nobody listens."""
    one.fails()


def hangs(one: Try) -> None:
    """A black hole."""
