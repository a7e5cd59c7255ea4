"""
Hold: what a connection keeps of bytes that nobody carries, and who is shown them.

The ground underfoot. A Flow that reads for others than a Flow: for its owner (the Twisted protocol that it belongs to),
for whoever asked to hear each piece, for a leg of another kind; or for nobody yet, within a bound.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol

from twisted.python.failure import Failure

from starship.interfaces import ILeg
from starship.wire.flow import FULL, PAUSED, READS_PER_TURN, Flow
from starship.wire.ground import HOLD_READ_BYTES

HOLD_LIMIT_BYTES: Final = 32768
"""What a leg keeps of bytes that nobody carries yet, before it stops reading; one read more may come on top."""


class Owner(Protocol):
    """What a leg tells the Twisted protocol that it belongs to."""

    def dataReceived(self, data: bytes) -> object: ...
    def readConnectionLost(self) -> object: ...
    def writeConnectionLost(self) -> object: ...
    def connectionLost(self, reason: Failure) -> object: ...


class Hold(Flow):
    """`held` counts the bytes that wait here; `owner` is shown them as they come."""

    __slots__ = ("_ear", "_held", "held", "owner")

    owner: Owner | None
    held: int
    _held: list[bytes] | None
    _ear: Callable[[bytes], None] | None  # who reads, where nobody carries

    def heard(self, data: bytes) -> None:
        """Keep bytes that the owner was shown."""
        if self.dead and self.owner is not None:
            return  # see `forget_dead`
        if self._held is None:
            self._held = [data]
        else:
            self._held.append(data)
        self.held += len(data)
        if self.held >= HOLD_LIMIT_BYTES:
            self.paused |= PAUSED

    def take(self) -> bytes:
        """All bytes held so far; they are the caller's from here on."""
        held = self._held
        if held is None:
            return b""
        self._held, self.held = None, 0
        if self.paused & PAUSED:
            self.paused &= ~PAUSED
            self.ground.loop.soon(self.go_on)
        return held[0] if len(held) == 1 else b"".join(held)

    def cannot_write(self, error: OSError) -> bool:
        super().cannot_write(error)
        if self.forget_dead():
            self.ground.loop.soon(self.broken_off)
        return True

    def forget_dead(self) -> bool:
        """
        A client takes nothing more. True where its connection is to be broken off: all that it says is said to be
        answered, or it has said more than is held, and nobody carries or reads that. None of it is kept.

        Otherwise who sends more than is held and leaves is never missed, since its end stands behind what is not read.
        """
        if not self.dialogue and not (
            self.paused & PAUSED and self.owner is not None and self.to is None and self._ear is None
        ):
            return False
        self.dead = True
        self._held, self.held = None, 0
        return True

    def read_unclaimed(self) -> None:
        """Read for whoever listens, or to hold it."""
        ground = self.ground
        reads = 0
        while self.more and not self.paused and self.to is None and self.fd >= 0:
            if reads == READS_PER_TURN:
                self.later()
                return
            reads += 1
            try:
                size = os.readv(self.fd, ground.hold_into)
            except BlockingIOError:
                self.more = False
                return
            except OSError as error:
                self.cannot_read(error)
                return
            if not size:
                self.at_end()
                return
            if size < HOLD_READ_BYTES and not self.hung:
                self.more = False
            self.received += size
            data = bytes(ground.view[:size])
            if self._ear is not None:
                self._ear(data)
            elif self.owner is None:
                self.heard(data)
            else:
                self.owner.dataReceived(data)

    def read_to(self, to: ILeg) -> None:
        """Carry to a leg that is no Flow."""
        reads = 0
        while self.more and not self.paused and self.to is to:
            if reads == READS_PER_TURN:
                self.later()
                return
            reads += 1
            try:
                data = os.read(self.fd, HOLD_READ_BYTES if self.left < 0 else min(self.left, HOLD_READ_BYTES))
            except BlockingIOError:
                self.more = False
                return
            except OSError as error:
                self.cannot_read(error)
                return
            if not data:
                self.at_end()
                return
            self.received += len(data)
            self.hand(data, to)

    def hand(self, data: bytes, to: ILeg) -> None:
        """Send bytes on that are carried and were read here."""
        if self.left > 0:
            self.left -= len(data)
        if not to.send(data):
            self.paused |= FULL
            to.drained(self.room)
        if self.left == 0:
            self.limit_reached()
