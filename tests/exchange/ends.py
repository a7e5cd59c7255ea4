"""Two legs in memory, what is said on them, and an exchange between, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.accept.alarm import Alarm
from starship.exchange.exchange import Exchange, Terms
from starship.exchanging import IPatron
from starship.interfaces import ICancel, ILeg, IWayBack
from starship.messages import Request
from starship.reasons import Reason
from starship.sniff.http import HttpSniffer
from starship.wire.stock import StockLeg
from starship.words import Address, Exchanged, Hello, Stop
from tests.fakes import Join, Wire

RESPONSE_S = 30.0
BODY_S = 20.0


@define(eq=False)
class End:
    """One side: its peer speaks with `says`, and has heard `heard`."""

    host: str = "192.0.2.1"
    kind: type[StockLeg] = StockLeg
    wire: Wire = field(init=False)
    leg: StockLeg = field(init=False)

    def __attrs_post_init__(self) -> None:
        make: Callable[[], Wire] = Wire
        self.wire = make()
        self.leg = self.kind(self.wire, Address(self.host, 80))

    def says(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.leg.heard(piece)

    def ends(self) -> None:
        self.leg.heard_end()

    def resets(self) -> None:
        self.leg.lost(Failure(ConnectionLost()))

    def closes(self) -> None:
        self.leg.lost(Failure(ConnectionDone()))

    @property
    def heard(self) -> bytes:
        return self.wire.heard

    def take(self) -> bytes:
        """What it has heard since this was asked last."""
        return self.wire.take()

    def fill(self) -> None:
        """It reads nothing any more."""
        self.leg.pauseProducing()

    def drain(self) -> None:
        """It has read everything."""
        self.leg.resumeProducing()


@implementer(IPatron)
@define(eq=False)
class Patron:
    """
    Remembers how it went, and how often another upstream was asked for. `may`: there is a way back.

    Who goes back cancels the exchange, as the room that accepts does.
    """

    outcomes: list[Exchanged] = field(factory=list)
    agains: int = 0
    may: bool = False
    backs: list[Stop] = field(factory=list)
    stays: int = 0

    def exchanged(self, outcome: Exchanged) -> None:
        self.outcomes.append(outcome)

    def again(self) -> None:
        self.agains += 1

    def may_go_back(self) -> bool:
        return self.may

    def go_back(self, how: Stop) -> None:
        self.backs.append(how)

    def stay(self) -> None:
        self.stays += 1

    @property
    def outcome(self) -> Exchanged:
        """The one outcome."""
        (outcome,) = self.outcomes
        return outcome


def request_of(head: bytes) -> Request:
    """What the sniffer makes of a head."""
    verdict = HttpSniffer(32768, 100, is_kept=True).feed(head)
    assert isinstance(verdict, Hello), verdict
    assert verdict.request is not None
    return verdict.request


GET = b"GET /a HTTP/1.1\r\nHost: a.com\r\n\r\n"


@define(eq=False)
class World:
    """An exchange under way. `reused`: its upstream has answered another request before."""

    head: bytes = GET
    body: bytes = b""  # what has come of it when the exchange begins
    reused: bool = False
    terms: dict[str, Any] = field(factory=dict)
    clock: Clock = field(factory=Clock)
    client: End = field(factory=End)
    upstream: End = field(factory=lambda: End("192.0.2.80"))
    patron: Patron = field(factory=Patron)
    joins: list[Join] = field(factory=list)
    exchange: Exchange = field(init=False)

    def __attrs_post_init__(self) -> None:
        bounds: dict[str, Any] = {"response_timeout": RESPONSE_S, "body_timeout": BODY_S, **self.terms}
        terms = Terms(relay=self._join, **bounds)
        if self.reused:
            self.upstream.leg.received = 100
        if self.body:
            self.client.says(self.body)
        self.exchange = Exchange(self.client.leg, request_of(self.head), terms, Alarm(self.clock), self.patron)
        self.exchange.start(self.upstream.leg)

    def _join(
        self, client: ILeg, upstream: ILeg, done: Callable[[Reason, str], None], back: IWayBack | None = None
    ) -> ICancel:
        self.joins.append(Join(client, upstream, done))
        return self.joins[-1]

    def answers(self, *pieces: bytes) -> bytes:
        """The upstream says this; what the client has heard of it."""
        self.upstream.says(*pieces)
        return self.client.take()

    @property
    def outcome(self) -> Exchanged:
        return self.patron.outcome


def every_cut(data: bytes) -> list[list[bytes]]:
    """Whole, each byte alone, and in two at each place."""
    return [
        [data],
        [data[at : at + 1] for at in range(len(data))],
        *([data[:at], data[at:]] for at in range(1, len(data))),
    ]
