"""
Member: one endpoint's address, and all that is known of it, whoever names it.

Part of the dial step. Pools share members: what one of them learns, all know. Knows no weights and no policies, for
those are a pool's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import inf
from typing import Protocol

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from starship.dial.health.check import Question
from starship.dial.pools.ejection import Ejection
from starship.words import Address


class State(StrEnum):
    """How a member stands: `slow` is up, and back only since a short time."""

    UP = "up"
    SLOW = "slow"
    EJECTED = "ejected"
    DOWN = "down"


@frozen
class Standing:
    """What checks say of a member: `down` since the moment `since`, and `why`; else `since` is when it came back."""

    down: bool
    since: float
    why: str = ""


class Watcher(Protocol):
    """A pool that has a member."""

    def changed(self) -> None:
        """A member may be used that might not before, or the other way round."""

    def freed(self) -> None:
        """A connection to a member is over."""


@define(eq=False)
class Member:
    """
    Moments in monotonic seconds. `load` counts connections that are open (`live`) or being made.

    `row` counts connects that failed since the last one that did not, `resets` connections that the endpoint reset (or
    ended, where another answered) before it said a byte, in a row too. `spells` are the ejections in a row, `ejections`
    all of them; it is left out until `out_until`. `since` is when that began or ended, `back_at` when it was last found
    well after it had been left out; `why` says what went wrong last. `checked` is what checks say, by what they ask;
    empty while none has found it down. `crowded` counts the watchers who want to hear of each connection that is over.
    """

    _log = Logger()

    address: Address
    clock: IReactorTime
    label: str = field(init=False)
    load: int = 0
    live: int = 0
    total: int = 0
    failures: int = 0
    row: int = 0
    resets: int = 0
    spells: int = 0
    ejections: int = 0
    out_until: float = 0.0
    checked: dict[Question | None, Standing] = field(factory=dict)
    since: float = 0.0
    back_at: float = -inf
    why: str = ""
    crowded: int = 0
    watchers: set[Watcher] = field(factory=set, repr=False)

    def __attrs_post_init__(self) -> None:
        self.label = str(self.address)
        self.since = self.clock.seconds()

    def failed(self, rules: Ejection, why: str) -> None:
        """A connect failed, by the endpoint's own fault."""
        self.failures += 1
        self.row += 1
        self.why = why
        if rules.due(self.row):
            self._eject(rules)

    def reset_early(self, rules: Ejection) -> None:
        """It took a connection, and reset it before it had said a byte."""
        self.failures += 1
        self.resets += 1
        self.why = f"{self.label} reset a connection before its first byte"
        if rules.due(self.resets):
            self._eject(rules)

    def ended_early(self, rules: Ejection) -> None:
        """
        It took a connection, and ended it in order before it had said a byte, where another answered the same bytes.

        By itself such an end is no failure: it may be the answer to nonsense, and whoever sends that could have every
        endpoint left out. That another had something to say to the same bytes shows whose fault it was.
        """
        self.failures += 1
        self.resets += 1
        self.why = f"{self.label} ended a connection before its first byte, where another answered"
        if rules.due(self.resets):
            self._eject(rules)

    def well(self, rules: Ejection) -> None:
        """A connect succeeded after others had failed: it is not left out any longer, unless it is for its resets."""
        now = self.clock.seconds()
        self.row = 0
        if self.out_until > now and not self.resets:
            self.out_until = now
            self._back(now)
        elif now >= self.out_until + rules.spell(self.spells):  # it has been well for as long as it was left out
            self.spells = 0

    def goes_down(self, why: str, question: Question | None = None) -> None:
        """A check says that it is down, to all who ask the same of it; `question` None: to those who ask nothing."""
        if not self.is_down(question):
            self.checked[question] = Standing(True, self.clock.seconds(), why)
            self._log.info("{label} is down: {why}", label=self.label, why=why)
            self._tell()

    def comes_up(self, question: Question | None = None) -> None:
        """A check says that it is up: what was held against it is forgotten."""
        now = self.clock.seconds()
        self.row = self.resets = self.spells = 0
        if self.is_down(question):
            self.checked[question] = Standing(False, now)
            self.out_until = min(self.out_until, now)
            by = "" if question is None else f": its {question} passed"
            self._log.info("{label} is up{by}", label=self.label, by=by)
            self._tell()
        elif self.out_until > now:
            self.out_until = 0.0
            self._back(now)

    def forget(self, question: Question) -> None:
        """Nobody asks that any more."""
        standing = self.checked.pop(question, None)
        if standing is not None and standing.down:
            self._tell()

    def is_down(self, question: Question | None) -> bool:
        """Whether it is, to those who ask this of it."""
        standing = self.checked.get(question)
        return standing is not None and standing.down

    def back(self, question: Question | None) -> float:
        """When it was back last, after it had been left out or down; -inf: it never was."""
        back = max(self.back_at, self.out_until or -inf)
        standing = self.checked.get(question)
        return back if standing is None or standing.down else max(back, standing.since)

    def state(self, slow_start: float = 0.0, question: Question | None = None) -> State:
        """How it stands now to those who ask this of it, where a slow start takes so many seconds."""
        now = self.clock.seconds()
        if self.is_down(question):
            return State.DOWN
        if self.out_until > now:
            return State.EJECTED
        return State.SLOW if now - self.back(question) < slow_start else State.UP

    def _eject(self, rules: Ejection) -> None:
        now = self.clock.seconds()
        if self.out_until > now:
            return
        self.spells += 1
        self.ejections += 1
        self.out_until = now + rules.spell(self.spells)
        self.since = now
        seconds = self.out_until - now
        self._log.info("{label} is left out for {seconds:g} s: {why}", label=self.label, seconds=seconds, why=self.why)
        self._tell()

    def _back(self, now: float) -> None:
        self.since = self.back_at = now
        self._log.info("{label} is back", label=self.label)
        self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self.watchers):
            watcher.changed()


@define(eq=False)
class Members:
    """All members, by their addresses. Whom no pool has and nobody is connected to is forgotten."""

    clock: IReactorTime
    _members: dict[Address, Member] = field(init=False, factory=dict, repr=False)

    def watch(self, address: Address, watcher: Watcher, *, crowded: bool) -> Member:
        """The member of an address, which tells the watcher of its changes from here on."""
        member = self._members.get(address)
        if member is None:
            member = self._members[address] = Member(address, self.clock)
        member.watchers.add(watcher)
        member.crowded += crowded
        return member

    def leave(self, member: Member, watcher: Watcher, *, crowded: bool) -> None:
        """The watcher does not have it any more."""
        member.watchers.discard(watcher)
        member.crowded -= crowded
        self.settle(member)

    def settle(self, member: Member) -> None:
        """Forget it, where nobody is left."""
        if not member.watchers and not member.load and self._members.get(member.address) is member:
            del self._members[member.address]

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members.values()))

    def __len__(self) -> int:
        return len(self._members)
