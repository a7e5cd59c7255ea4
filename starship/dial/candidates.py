"""
Candidates: whom one connection tries, after the first choice of its pool did not serve.

Part of the dial step, beside the Attempt, which makes one where it needs to choose again. It knows a pool and who was
tried; not how anybody is connected to. Where the first choice connects at once there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from starship.dial.pools.names import KnownName
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.race import rivals
from starship.errors import DialFailed, DialRefused, DialReset, DialUnresolved
from starship.interfaces import ILeg
from starship.words import Address, Place, Stop

TRIES_LIMIT: Final = 16
"""Addresses that one connection may try: a name with hundreds of them must not hold a client that long."""


class Candidates:
    """
    Of one pool for one client: `source` is its address, `host` the name that it asked for.

    `full`: somebody was passed by who has no room. `spent`: somebody was, who failed last and whom the pool's budget
    for those did not allow. Whoever asks says how many `tries` there were.
    """

    __slots__ = (
        "_anew",
        "_asked",
        "_host",
        "_leg",
        "_others",
        "_pool",
        "_question",
        "_source",
        "_wordless",
        "full",
        "spent",
        "tried",
    )

    def __init__(self, pool: Pool, source: str, host: str | None) -> None:
        self._pool = pool
        self._source = source
        self._host = host
        self._anew = False  # names have brought somebody before anybody was tried: the policy chooses once more
        self._others: Iterator[Seat] | None = None
        self._asked: list[KnownName] = []
        self._question: Deferred[tuple[Place, ...]] | None = None
        self._wordless: list[Seat] = []  # they took the connection and ended it, and nobody has said a byte yet
        self._leg: ILeg | None = None  # of who has it after them
        self.tried: list[Seat] = []
        self.full = self.spent = False

    def following(self, tries: int) -> Seat | None:
        """Whom to try next; None where nobody is left."""
        if self._anew:
            self._anew = False
            seat = self._pool.pick(self._source, self._host)
            if seat is None or not self._pool.full(seat):
                return seat
        return self._other(tries)

    def with_room(self, tries: int) -> Seat | None:
        """The same, for who has waited until there was room: all are looked at from the first on."""
        self._others, self.full = None, False
        return self._other(tries)

    def rival(self, last: Seat, running: Seat | None, tries: int, is_allowed: Callable[[Address], bool]) -> Seat | None:
        """Who starts after `last` in a race that `running` began, unless it has failed; None where there is nobody."""
        pool = self._pool
        if tries >= TRIES_LIMIT:
            return None
        those = rivals(last, pool.table.seats, (*self.tried, running))
        pool.means.random.shuffle(those)
        for seat in those:
            if pool.full(seat):
                continue
            self.tried.append(seat)
            if is_allowed(seat.member.address) and (not seat.member.row or pool.retries.take(pool.total)):
                return seat
        return None

    def spare(self, rivals: Sequence[Seat]) -> None:
        """They were under way when another won: that is no failure, and each may have the second chance."""
        self.tried = [seat for seat in self.tried if seat not in rivals]

    def ask(self, tries: int, found: Callable[[DialFailed | None], None], *, backups: bool) -> bool:
        """
        Ask for the addresses of a name that may bring somebody to try, each name once; False where there is none.

        found(None): it has brought somebody; else found(why) it has not. Perhaps before this returns.
        """
        pool = self._pool
        name = pool.roster.unknown(self._asked, backups=backups) if tries < TRIES_LIMIT else None
        if name is None:
            return False
        self._asked.append(name)
        # Kept before it is heard: cancelling is for a question whose answer we still wait for.
        self._question = name.find()
        self._question.addCallbacks(self._found, _nobody_waits, callbackArgs=(name, found))
        return True

    def give_up(self) -> None:
        """Whatever is asked, nobody waits for it any more."""
        if self._question is not None:
            self._question.cancel()

    def _found(self, places: tuple[Place, ...], name: KnownName, found: Callable[[DialFailed | None], None]) -> None:
        self._question = None
        if places:
            self._others, self._anew = None, not self.tried  # there are more to choose from
            found(None)
        else:
            found(DialUnresolved(f"{name} has no address{f' ({name.trouble})' if name.trouble else ''}"))

    def stopped(self, seat: Seat, how: Stop) -> DialReset:
        """It took the connection, and stopped before it had said a byte: it is not tried again."""
        self.tried.append(seat)
        self._others = None  # that may be seconds later: who is there by now?
        if how is Stop.ENDED:  # a reset has been counted by the seat
            self._wordless.append(seat)
        did = "ended" if how is Stop.ENDED else "reset"
        return DialReset(f"{seat.label} {did} the connection before its first byte")

    def compare(self, leg: ILeg) -> None:
        """Somebody else has the connection now: say of those who ended it wordlessly whether that was their fault."""
        if not self._wordless:
            return
        self._leg, told = leg, leg.over

        def over(leg: ILeg, how: Stop) -> None:
            self.judge()
            if told is not None:
                told(leg, how)

        leg.over = over

    def judge(self) -> None:
        """Look whether they are put to shame by an answer."""
        if self._leg is not None and self._leg.received:
            wordless, self._wordless = self._wordless, []
            for seat in wordless:
                seat.ended_early()

    def _other(self, tries: int) -> Seat | None:
        """The next one that was not tried yet, has room, and is well or may be tried although it failed last."""
        pool, others = self._pool, self._others
        if others is None:
            others = self._others = pool.others(self._source, self._host)
        refused = False  # once in a look, however many there are: the budget is no larger for the next one
        for seat in others if tries < TRIES_LIMIT else ():
            if seat in self.tried or seat.draining:  # an operator may have said so since the look began
                continue
            if pool.full(seat):
                self.full = True
            elif tries and seat.member.row and (refused or not pool.retries.take(pool.total)):
                refused = self.spent = True
            else:
                return seat
        return None


def verdict(pool: Pool | None, candidates: Candidates | None, why: DialFailed | None) -> DialFailed:
    """What is told of a dial that came to nothing; `why` the last one failed, if any was tried."""
    if why is None:
        if pool is not None and pool.seats:
            return DialRefused(f"every endpoint of the pool {pool.name} is drained")
        return DialUnresolved("the route names no endpoint")
    if candidates is not None and candidates.spent:
        return type(why)(f"{why}; others failed last, and enough of those are being tried")
    return why


def _nobody_waits(failure: Failure) -> None:
    """We gave the question up."""
    failure.trap(CancelledError)
