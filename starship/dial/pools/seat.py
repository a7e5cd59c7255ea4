"""
Seat: a member's place in one pool, with its weight there. Who dials tells it how it went.

Part of the dial step. The same member may sit in many pools; what happens to it there, it alone keeps.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from starship.dial.health.check import Question
from starship.dial.pools.ejection import Ejection
from starship.dial.pools.member import Member, Members
from starship.dial.pools.names import KnownName
from starship.interfaces import ILeg
from starship.words import Stop, Upstream


@define(eq=False)
class Seat:
    """
    `upstream` is the endpoint as it was written; `weight` and `draining` may be an operator's word since.

    `tier` and `kin` as a roster's Spot has them. `question` is what it is asked to find out whether it is well.
    """

    member: Member
    upstream: Upstream
    rules: Ejection
    members: Members = field(repr=False)
    weight: int = field(init=False)
    draining: bool = field(init=False, default=False)
    backup: bool = field(init=False)
    tier: int = field(init=False, default=0)
    kin: KnownName | None = field(init=False, default=None)
    question: Question | None = field(init=False, default=None)
    label: str = field(init=False)
    _told: Callable[[ILeg, Stop], None] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.label = self.member.label
        self.weight, self.backup = self.upstream.weight, self.upstream.backup
        self._told = self._over  # bound once, not for each connection

    @property
    def down(self) -> bool:
        """Whether the pool's check found it down."""
        return self.member.is_down(self.question)

    def begin(self) -> None:
        """A connection is being made."""
        self.member.load += 1

    def connected(self, leg: ILeg) -> None:
        """It is made; when it is over, the leg says so."""
        member = self.member
        member.live += 1
        member.total += 1
        leg.over = self._told
        if member.row or member.spells:
            member.well(self.rules)

    def failed(self, why: str, *, ours: bool) -> None:
        """It could not be made; `ours`: for want of our own means."""
        if not ours:
            self.member.failed(self.rules, why)
        self.given_up()

    def given_up(self) -> None:
        """It is not wanted any more before it was made."""
        self.member.load -= 1
        self._freed()

    def ended_early(self) -> None:
        """It ended a connection before its first byte, where another endpoint answered."""
        self.member.ended_early(self.rules)

    def _over(self, leg: ILeg, how: Stop) -> None:
        member = self.member
        member.load -= 1
        member.live -= 1
        if leg.received:
            member.resets = 0
        elif how is Stop.LOST:
            member.reset_early(self.rules)
        if member.crowded:
            self._freed()
        elif not member.load and not member.watchers:
            self.members.settle(member)

    def _freed(self) -> None:
        member = self.member
        if member.crowded:
            for watcher in tuple(member.watchers):
                watcher.freed()
        self.members.settle(member)
