"""
Attempt: one connection's tries, from the first choice to a leg or a reason.

Part of the dial step. Whom to try, its Pool says, or its Candidates where that did not serve; it knows how often it
has tried, what went wrong last and how long it may go on. For endpoints that are addresses it makes no Deferred; what
connects at once costs no deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from twisted.internet.interfaces import IDelayedCall
from zope.interface import classImplements

from starship.dial.candidates import Candidates, verdict
from starship.dial.fault import explained
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.queued import Queued
from starship.dial.race import Race
from starship.dial.trial import Supply
from starship.dial.twice import twice
from starship.errors import DialBroken, DialBusy, DialFailed, DialForbidden, DialReset, DialShort, DialTimeout
from starship.interfaces import ICancel, IChance, IDialOutcome, ILeg
from starship.words import Address, Hello, Stop

if TYPE_CHECKING:
    from starship.dial.dialer import Dialer

NOWHERE: Final = Address("", 0)


class Attempt:
    """
    `pool` None: one address alone, which `start` is given. `trusted`: the guard is not asked. `said` is what of the
    opening is the client's own.

    In a pool it is its own second chance: whom it has tried, and how often, counts for all of its rounds.
    """

    __slots__ = (
        "_address",
        "_candidates",
        "_chosen",
        "_connector",
        "_deadline",
        "_dialer",
        "_eased",
        "_hello",
        "_more",
        "_outcome",
        "_over",
        "_pool",
        "_queued",
        "_race",
        "_seat",
        "_served",
        "_source",
        "_tries",
        "_trusted",
        "_turning",
        "_why",
        "opening",
        "said",
        "supply",
    )

    def __init__(
        self,
        dialer: Dialer,
        outcome: IDialOutcome,
        opening: bytes,
        pool: Pool | None,
        trusted: bool,
        source: str,
        hello: Hello,
    ) -> None:
        self._dialer = dialer
        self._outcome = outcome
        self.opening = self.said = opening
        self.supply: Supply | None = None  # of spare connections, for the first try
        self._pool = pool
        self._trusted = trusted
        self._source = source
        self._hello = hello
        self._over = False
        self._tries = 0
        self._address = NOWHERE
        self._seat: Seat | None = None  # which is being tried
        self._served: Seat | None = None  # which took the connection, where there are others
        self._chosen: Seat | None = None  # which is tried next
        self._candidates: Candidates | None = None  # who is tried after that
        self._queued: Queued | None = None
        self._why: DialFailed | None = None
        self._deadline: IDelayedCall | None = None
        self._connector: ICancel | None = None
        self._race: Race | None = None
        self._more = self._turning = self._eased = False

    def start(self, at_once: Address | None, chosen: Seat | None) -> None:
        """Begin: with an address, that of the seat which was `chosen` if one was; or by asking or waiting for one."""
        pool = self._pool
        if at_once is None:
            self._chosen = chosen
            self._next()
        else:
            self._seat = chosen
            self._turning = True
            self._try(at_once, self._dialer.connect_timeout if pool is None else pool.terms.connect_timeout)
            self._turning = False
            if self._more:
                self._next()
        if not self._over and self._deadline is None:
            self._deadline = self._dialer.clock.callLater(self._dialer.dial_timeout, self._too_late)

    def cancel(self) -> None:
        if self._over:
            return
        self._finish()
        if self._candidates is not None:
            self._candidates.give_up()
        if self._connector is not None:
            self._connector.cancel()
        seat, self._seat = self._seat, None
        if seat is not None:
            seat.given_up()

    # Who connects

    def connected(self, leg: ILeg) -> None:
        """The address that was tried took the connection."""
        if not self._over:
            leg.send(self.opening)
        self.opened(leg)

    def opened(self, leg: ILeg) -> None:
        """It did, and has the opening bytes."""
        self._connector = None
        if self._over:
            leg.abort()
            return
        self._finish()
        seat, pool = self._seat, self._pool
        if seat is None or pool is None:
            self._outcome.dialled(leg)
            return
        self._seat = None
        seat.connected(leg)
        if len(pool.seats) == 1:
            self._outcome.dialled(leg)
            return
        self._served = seat
        if self._candidates is not None:
            self._candidates.compare(leg)
        self._outcome.dialled(leg, self)

    def spoiled(self) -> None:
        """A spare connection was dead, as Trying, or there was no room: connect to the same address."""
        self._connector = None
        self._tries -= 1
        seat, self._seat = self._seat, None
        if seat is None:
            self._try(self._address, self._dialer.connect_timeout)
        else:
            seat.given_up()
            self._chosen = seat
            self._next()

    def refused(self, why: OSError) -> None:
        """It did not."""
        self._connector = None
        if self._over:
            return
        self._why = explained(self._address, why)
        if isinstance(self._why, DialShort) and self._is_eased(self._why):
            return
        seat = self._seat
        if seat is not None:
            self._gave_nothing(seat)
            seat.failed(str(self._why), ours=isinstance(self._why, DialBroken))
        if self._race is not None:
            self._race.go_on()
        else:
            self._next()

    def _is_eased(self, why: DialShort) -> bool:
        """Whether it is tried once more, in the next turn, since others have made room."""
        relief, before = self._dialer.relief, self._eased
        self._eased = True
        return relief is not None and relief.find(why, None if before else self._once_more)

    def _once_more(self) -> None:
        race, self._race = self._race, None
        if race is not None:
            race.cancel()
        if not self._over:
            self.spoiled()

    # The second chance, as IChance

    def is_left(self) -> bool:
        return twice(self._hello, self.said)

    def take(self, outcome: IDialOutcome, how: Stop, seconds: float) -> ICancel:
        pool, seat = self._pool, self._served
        if pool is None or seat is None:
            raise RuntimeError("an address alone has no second chance")
        why = self._those(pool).stopped(seat, how)
        self._outcome, self._over, self._served, self._why = outcome, False, None, why
        self._deadline = self._dialer.clock.callLater(seconds, self._too_late)
        if pool.retries.take(pool.total):
            self._next()
        else:
            self._fail(DialReset(f"{why}; enough of those are being tried again"))
        return self

    def forget(self) -> None:
        if self._candidates is not None:
            self._candidates.judge()

    # Who races, as Racing

    def rival(self, last: Seat) -> Seat | None:
        pool = self._pool
        return None if pool is None else self._those(pool).rival(last, self._seat, self._tries, self._is_allowed)

    def run(self, seat: Seat, connected: Callable[[ILeg], object], refused: Callable[[OSError], object]) -> ICancel:
        dialer, address = self._dialer, seat.member.address
        timeout = dialer.connect_timeout if self._pool is None else self._pool.terms.connect_timeout
        self._tries += 1
        seat.begin()
        return dialer.connect(address, dialer.bind_to(address), timeout, connected, refused)

    def won(self, seat: Seat, leg: ILeg) -> None:
        slow, self._seat = self._seat, seat
        if slow is not None and self._connector is not None:
            self._connector.cancel()
            slow.failed(f"{slow.label} was slower than {seat.label}, which began later", ours=False)
        self.connected(leg)

    def lost(self, seat: Seat, why: OSError) -> None:
        self._why = explained(seat.member.address, why)
        seat.failed(str(self._why), ours=isinstance(self._why, DialBroken))

    def beaten(self, race: Race) -> None:
        if self._race is race and self._connector is None:
            self._race = None
            self._next()

    # Who waits for room

    def called(self, seat: Seat) -> None:
        """There is room at an endpoint, as Waiting."""
        self._queued = None
        self._chosen = seat
        self._next()

    def tired(self, why: DialBusy) -> None:
        """There was none in time, as Waiting."""
        self._queued = None
        self._fail(why)

    # The steps

    def _next(self) -> None:
        """
        Try the next endpoint, or give up.

        An outcome that comes at once is taken up by the loop that caused it, so a thousand of them go no deeper.
        """
        self._more = True
        if self._turning:
            return
        self._turning = True
        while self._more and not self._over:
            self._more = False
            self._step()
        self._turning = False

    def _step(self) -> None:
        pool = self._pool
        if pool is None:
            self._fail(self._why)
            return
        seat, self._chosen = self._chosen, None
        if seat is None or pool.full(seat):
            seat = self._choose(pool)
        if seat is None:
            if not (self._ask(pool, backups=False) or self._ask(pool, backups=True) or self._wait(pool)):
                self._fail(self._why)
            return
        if seat.backup and pool.named:
            self._chosen = seat  # who is kept for the case that no member comes of the names
            if self._ask(pool, backups=False):
                return
            self._chosen = None
        self._seat = seat
        self._try(seat.member.address, pool.terms.connect_timeout)

    def _choose(self, pool: Pool) -> Seat | None:
        if self._candidates is None:
            seat = pool.pick(self._source, self._hello.name)
            if seat is None or not pool.full(seat):
                return seat
        return self._those(pool).following(self._tries)

    def _those(self, pool: Pool) -> Candidates:
        candidates = self._candidates
        if candidates is None:
            candidates = self._candidates = Candidates(pool, self._source, self._hello.name)
        return candidates

    def _is_allowed(self, address: Address) -> bool:
        return self._trusted or self._dialer.guard.objection(address) is None

    def _try(self, address: Address, timeout: float) -> None:
        """Begin to connect, unless the guard objects."""
        dialer, seat = self._dialer, self._seat
        objection = None if self._trusted else dialer.guard.objection(address)
        if objection is not None:
            self._why = DialForbidden(objection)
            if seat is not None:
                self._gave_nothing(seat)
            self._next()
            return
        self._tries += 1
        self._address = address
        if seat is not None:
            seat.begin()
        supply, self.supply = self.supply, None
        trial = None if supply is None else supply.find(self, address)
        connector = trial or dialer.connect(address, dialer.bind_to(address), timeout, self.connected, self.refused)
        if not self._over and not self._more:  # else it is decided already
            self._connector = connector
            if seat is not None and seat.kin is not None and dialer.attempt_delay and trial is None:
                self._race = Race(self, dialer.clock, dialer.attempt_delay, seat)

    def _gave_nothing(self, seat: Seat) -> None:
        """It is not tried again."""
        self._seat = None
        if self._pool is not None:
            self._those(self._pool).tried.append(seat)

    def _ask(self, pool: Pool, *, backups: bool) -> bool:
        """Wait for the addresses of a name that may bring somebody to try; False where there is none."""
        return pool.named and self._those(pool).ask(self._tries, self._found, backups=backups)

    def _found(self, why: DialFailed | None) -> None:
        if why is None:
            self._chosen = None  # there are more to choose from
        else:
            self._why = why
        self._next()

    def _wait(self, pool: Pool) -> bool:
        """Wait for room where all who could be tried are full; False where there is no room for that either."""
        room, candidates = pool.room, self._candidates
        if room is None or candidates is None or not candidates.full:
            return False
        if self._tries:  # that took its time: who has room by now has called nobody
            self._chosen = candidates.with_room(self._tries)
            if self._chosen is not None:
                self._next()
                return True
            if not candidates.full:
                return False
        queued = Queued(self, pool, room, candidates, self._tries)
        why = queued.join()
        self._queued, self._why = (queued, self._why) if why is None else (None, why)
        return why is None

    # The ends

    def _fail(self, why: DialFailed | None) -> None:
        self._finish()
        self._outcome.failed(verdict(self._pool, self._candidates, why))

    def _too_late(self) -> None:
        before = f"; before that: {self._why}" if self._tries > 1 else ""
        self.cancel()
        self._outcome.failed(DialTimeout(f"not connected within {self._dialer.dial_timeout:g} s{before}"))

    def _finish(self) -> None:
        self._over = True
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        race, self._race = self._race, None
        if race is not None:
            if self._candidates is not None:
                self._candidates.spare(race.running)
            race.cancel()
        queued, self._queued = self._queued, None
        if queued is not None:
            queued.leave()


classImplements(Attempt, ICancel, IChance)  # not by a decorator: setup.py compiles this module
