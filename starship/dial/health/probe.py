"""
Probe: one check of one endpoint, from connecting to its finding and the end of the connection.

Part of the dial step. It connects as the Dialer does, with the same address of ours at the other end, for that is the
way that clients will go: an endpoint that can be reached otherwise is of no use to them. Knows no schedule.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from starship.dial.fault import OUR_MEANS
from starship.dial.health.check import Finding, Ill, Outcome, Question, Unmade
from starship.dial.health.dialogue import Dialogue, dialogue
from starship.interfaces import Connect, ICancel, ILeg
from starship.words import Address, Stop

PART_S: Final = 2.0
"""How long an endpoint has to end its side of a connection that we have ended."""

REST_LIMIT_BYTES: Final = 65_536
"""What it may say meanwhile."""


@frozen(kw_only=True)
class Line:
    """How endpoints are reached to be checked. `bind_to` tells our own ends of a connection to an address."""

    connect: Connect
    clock: IReactorTime
    bind_to: Callable[[Address], tuple[str, ...]]
    context: ssl.SSLContext


@implementer(ICancel)
@define(eq=False)
class Probe:
    """
    `done(outcome)` is called once, at most `timeout` seconds after `start` and perhaps within it.

    Cancelling, before or after that, leaves nothing of it.
    """

    line: Line
    address: Address
    question: Question
    timeout: float
    done: Callable[[Outcome], object]
    _dialogue: Dialogue = field(init=False)
    _deadline: IDelayedCall | None = field(init=False, default=None)
    _connector: ICancel | None = field(init=False, default=None)
    _leg: ILeg | None = field(init=False, default=None)
    _over: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._dialogue = dialogue(self.question, self.line.context, str(self.address))

    def start(self) -> None:
        """Begin."""
        line, address = self.line, self.address
        self._deadline = line.clock.callLater(self.timeout, self._too_late)
        connector = line.connect(address, line.bind_to(address), self.timeout, self._connected, self._refused)
        if self._leg is None and not self._over:
            self._connector = connector

    def cancel(self) -> None:
        self._over = True
        self._stop_clock()
        connector, self._connector = self._connector, None
        if connector is not None:
            connector.cancel()
        self._abort()

    # Who connects

    def _connected(self, leg: ILeg) -> None:
        self._connector = None
        if self._over:
            leg.abort()
            return
        self._leg = leg
        leg.over = self._gone
        opening = self.question.preface + self._dialogue.begin()
        if opening:
            leg.send(opening)
        finding = self._dialogue.finding
        if finding is None:
            leg.read(self._heard, self._ended)
        else:
            self._settle(leg, finding)

    def _refused(self, why: OSError) -> None:
        self._connector = None
        if isinstance(why, TimeoutError):
            self._finish(Ill("it did not answer in time"))
        elif why.errno in OUR_MEANS:
            self._finish(Unmade())
        else:
            self._finish(Ill(f"it could not be connected to: {errno.errorcode.get(why.errno or 0, 'no reason given')}"))

    # What the endpoint says

    def _heard(self, data: bytes) -> None:
        leg = self._leg
        if leg is None or self._over:
            return
        answer = self._dialogue.hear(data)
        if answer:
            leg.send(answer)
        finding = self._dialogue.finding
        if finding is not None:
            self._settle(leg, finding)

    def _ended(self, how: Stop) -> None:
        leg = self._leg
        if leg is not None and not self._over:
            self._settle(leg, self._dialogue.end())

    def _settle(self, leg: ILeg, finding: Finding) -> None:
        """Take leave: in order where all is well."""
        if self._over:
            return
        if isinstance(finding, Ill):
            self._finish(finding)
            self._abort()
            return
        self._stop_clock()
        self._deadline = self.line.clock.callLater(PART_S, self._abort)
        self._over = True
        leg.end(_nobody_waits)
        if self._leg is leg:
            leg.read(self._rest, _nobody_waits)
        self.done(finding)

    def _rest(self, data: bytes) -> None:
        leg = self._leg
        if leg is not None and leg.received > REST_LIMIT_BYTES:
            self._abort()

    # The ends

    def _too_late(self) -> None:
        connector, self._connector = self._connector, None
        if connector is not None:
            connector.cancel()
        self._finish(Ill("it did not answer in time"))
        self._abort()

    def _finish(self, outcome: Outcome) -> None:
        if self._over:
            return
        self._over = True
        self._stop_clock()
        self.done(outcome)

    def _gone(self, leg: ILeg, how: Stop) -> None:
        """Nothing is left of the connection."""
        self._leg = None
        if self._over:
            self._stop_clock()
        else:
            self._finish(self._dialogue.end())

    def _abort(self) -> None:
        leg = self._leg
        if leg is not None:
            leg.abort()

    def _stop_clock(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()


def _nobody_waits(how: Stop) -> None:
    """The connection closes itself."""
