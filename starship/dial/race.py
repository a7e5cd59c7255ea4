"""
Race: the addresses of a name that has both families, tried with a head start for each.

Part of the dial step (RFC 8305, "happy eyeballs"). The first is tried as any address is; a Race begins where it did
not connect at once. It knows when the next rival starts; who that is, and what a victory means, the Attempt knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from starship.dial.pools.seat import Seat
from starship.interfaces import ICancel, ILeg


class Racing(Protocol):
    """Whose race it is."""

    def rival(self, last: Seat) -> Seat | None:
        """The next to try, after `last` had its start; None where there is nobody."""

    def run(self, seat: Seat, connected: Callable[[ILeg], object], refused: Callable[[OSError], object]) -> ICancel:
        """Begin to connect to it."""

    def won(self, seat: Seat, leg: ILeg) -> None:
        """It took the connection."""

    def lost(self, seat: Seat, why: OSError) -> None:
        """It did not."""

    def beaten(self, race: Race) -> None:
        """No rival is left."""


@implementer(ICancel)
class Race:
    """`delay` (s) is the head start of each. `first` is under way."""

    __slots__ = ("_clock", "_delay", "_last", "_racing", "_runners", "_timer")

    def __init__(self, racing: Racing, clock: IReactorTime, delay: float, first: Seat) -> None:
        self._racing = racing
        self._clock = clock
        self._delay = delay
        self._last = first
        self._runners: list[_Runner] = []
        self._timer: IDelayedCall | None = clock.callLater(delay, self._late)

    @property
    def running(self) -> list[Seat]:
        """The rivals that are under way."""
        return [runner.seat for runner in self._runners]

    def go_on(self) -> None:
        """One has failed: the next starts at once."""
        self._start()
        if not self._runners:
            self._racing.beaten(self)

    def cancel(self) -> None:
        self._stop_timer()
        runners, self._runners = self._runners, []
        for runner in runners:
            if runner.connector is not None:
                runner.connector.cancel()
            runner.seat.given_up()

    def won(self, runner: _Runner, leg: ILeg) -> None:
        if runner in self._runners:
            self._runners.remove(runner)
            self._racing.won(runner.seat, leg)
        else:
            leg.abort()

    def lost(self, runner: _Runner, why: OSError) -> None:
        if runner in self._runners:
            self._runners.remove(runner)
            self._racing.lost(runner.seat, why)
            self.go_on()

    def _late(self) -> None:
        self._timer = None
        self._start()

    def _start(self) -> None:
        self._stop_timer()
        seat = self._racing.rival(self._last)
        if seat is None:
            return
        self._last = seat
        self._timer = self._clock.callLater(self._delay, self._late)
        runner = _Runner(self, seat)
        self._runners.append(runner)
        connector = self._racing.run(seat, runner.connected, runner.refused)
        if runner in self._runners:
            runner.connector = connector

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


class _Runner:
    """One rival under way."""

    __slots__ = ("_race", "connector", "seat")

    def __init__(self, race: Race, seat: Seat) -> None:
        self._race = race
        self.seat = seat
        self.connector: ICancel | None = None

    def connected(self, leg: ILeg) -> None:
        self._race.won(self, leg)

    def refused(self, why: OSError) -> None:
        self._race.lost(self, why)


def rivals(last: Seat, seats: Sequence[Seat], tried: Sequence[Seat | None]) -> list[Seat]:
    """Those of the same name that were not tried yet: of the other family while there are any."""
    others = [seat for seat in seats if seat.kin is last.kin and seat not in tried]
    turned = [seat for seat in others if _is_six(seat) != _is_six(last)]
    return turned or others


def _is_six(seat: Seat) -> bool:
    return ":" in seat.member.address.host
