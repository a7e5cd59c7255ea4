"""
WaitingRoom: where clients wait while every endpoint of a pool has as many connections as it may.

Part of the dial step. First come, first served; bounded, and each has a time. Knows no endpoints: who is called tries
again, and may come back.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Waiter(Protocol):
    """Somebody who waits for room."""

    def room(self) -> bool:
        """There may be some: try. Where there is, leave the room first. Returns whether it was taken."""

    def tired(self) -> None:
        """The time is over."""


@define(eq=False, kw_only=True)
class WaitingRoom:
    """For at most `limit` waiters, each for at most `patience` (s)."""

    clock: IReactorTime
    limit: int
    patience: float
    _waiters: OrderedDict[Waiter, IDelayedCall] = field(init=False, factory=OrderedDict)
    _calling: bool = field(init=False, default=False)
    _again: bool = field(init=False, default=False)

    def __len__(self) -> int:
        return len(self._waiters)

    def join(self, waiter: Waiter) -> bool:
        """Wait; False where there is no place to."""
        if len(self._waiters) >= self.limit:
            return False
        self._waiters[waiter] = self.clock.callLater(self.patience, self._tired, waiter)
        return True

    def leave(self, waiter: Waiter) -> None:
        """Wait no more."""
        deadline = self._waiters.pop(waiter, None)
        if deadline is not None and deadline.active():
            deadline.cancel()

    def call(self) -> None:
        """
        There is room for one more: whoever has waited longest tries, then the next, until one takes it.

        What is freed meanwhile is taken up by the loop that called them, so a crowd of them goes no deeper.
        """
        self._again = True
        if self._calling:
            return
        self._calling = True
        try:
            while self._again and self._waiters:
                self._again = False
                if not next(iter(self._waiters)).room():
                    self._others_try()
        finally:
            self._calling = False

    def call_all(self) -> None:
        """There may be room for more than one: everybody tries, who has waited longest first."""
        for waiter in tuple(self._waiters):
            if waiter in self._waiters:  # one who is served may have let another go
                waiter.room()

    def _others_try(self) -> None:
        """Who is first cannot use what is free: somebody behind may."""
        for waiter in tuple(self._waiters)[1:]:
            if waiter in self._waiters and waiter.room():
                return

    def _tired(self, waiter: Waiter) -> None:
        self._waiters.pop(waiter, None)
        waiter.tired()
