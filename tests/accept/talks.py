"""A door that talks request by request, among fakes: visits in memory, exchanges that the test ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from zope.interface import implementer

from starship.accept.conversing import Conversation, Host
from starship.accept.courtesy import Courtesy
from starship.accept.turn import Wording
from starship.exchanging import ExchangeMaker, IAlarm, IExchange, IIdle, IPatron
from starship.guides import Guides
from starship.interfaces import ILeg, IRefuser, Scheme
from starship.messages import Request
from starship.reasons import Reason
from starship.sniff.http import HttpSniffer
from starship.wire.stock import Leg
from starship.words import Arrival, Exchanged, Farewell, Hello, Refusal, Route
from tests import fakes
from tests.accept.doors import ROUTE, House, Visit

KEEPALIVE_S = 60.0
HEAD_S = 10.0
PATIENCE_S = 20.0
WELL = Exchanged(Reason.OK, "", 200, keep_client=True, keep_upstream=True)


@implementer(IRefuser)
class Pages:
    """Says the reason, and whether the connection goes on."""

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        if refusal.reason is Reason.CLIENT_GONE:
            return Farewell(b"", 499)
        said = f"[{refusal.reason} {arrival.id}{' keep' if refusal.manner.keep else ''}]"
        return Farewell(said.encode(), refusal.reason.row.status)


@implementer(IExchange)
@define(eq=False)
class Talk:
    """An exchange that the test brings to its end. `hasty`: it is well at once."""

    client: ILeg
    request: Request
    alarm: IAlarm
    patron: IPatron
    hasty: bool = False
    keep: bool = True
    back: bool = False
    tunnel: bool = False
    begun: bool = False  # the head of the response has gone out
    status: int = 0
    upstreams: list[ILeg] = field(factory=list)
    cancelled: int = 0

    def start(self, upstream: ILeg) -> None:
        self.upstreams.append(upstream)
        if self.hasty:
            self.answers()

    def cancel(self) -> None:
        self.cancelled += 1

    def fail(self, reason: Reason, detail: str) -> None:
        self.patron.exchanged(Exchanged(reason, detail, 0, keep_client=False, keep_upstream=False))

    def announce_end(self) -> None:
        self.keep = self.keep and self.begun

    def answers(self, text: bytes = b"(ok)", *, keep_upstream: bool = True) -> None:
        """The response comes, whole."""
        self.client.send(text if self.keep else text + b"(close)")
        self.patron.exchanged(WELL._replace(keep_client=self.keep, keep_upstream=keep_upstream))


@implementer(IIdle)
@define(eq=False)
class Shelf:
    """Remembers what is to be kept, and what is not."""

    kept: list[tuple[ILeg, Route]] = field(factory=list)
    parted: list[ILeg] = field(factory=list)

    def keep(self, leg: ILeg, route: Route, arrival: Arrival, hello: Hello) -> None:
        self.kept.append((leg, route))

    def part(self, leg: ILeg) -> None:
        self.parted.append(leg)


def introduce(arrival: Arrival) -> Wording:
    """`id method target` for an upstream."""

    def wording(request: Request, route: Route, request_id: str) -> bytes:
        return b"%b %b %b" % (request_id.encode(), request.method, request.target)

    return wording


def sniffer() -> HttpSniffer:
    return HttpSniffer(4096, 20, is_kept=True)


@define(eq=False)
class Salon:
    """A house whose door talks. Further words are the Courtesy's."""

    words: dict[str, Any] = field(factory=dict)
    hasty: bool = False
    house: House = field(init=False)
    talks: list[Talk] = field(factory=list)
    shelf: Shelf = field(factory=Shelf)
    fresh: fakes.FakeDialer = field(factory=fakes.FakeDialer)
    next_turns: list[Callable[[], None]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.house = House(sniffer=sniffer, refuser=Pages(), converse=self.converse)
        self.house.resolver.known = ROUTE

    @property
    def clock(self) -> Clock:
        clock: Clock = self.house.clock
        return clock

    @property
    def courtesy(self) -> Courtesy:
        return Courtesy(
            scheme=Scheme("http", sniffer, Pages()),
            glance=sniffer().glance,
            refusers={"http": Pages()},
            guides=self.guides,
            exchange=self.exchange,
            idle=self.shelf,
            fresh=self.fresh,
            introduce=introduce,
            next_turn=self.next_turns.append,
            head_timeout=HEAD_S,
            keepalive_timeout=KEEPALIVE_S,
            patience=PATIENCE_S,
            **self.words,
        )

    def converse(self, host: Host, leg: Leg) -> Conversation:
        return Conversation(self.courtesy, host, leg)

    @property
    def guides(self) -> Guides:
        guides: Guides = self.house.factory.manners.guides
        return guides

    @property
    def exchange(self) -> ExchangeMaker:
        def made(client: ILeg, request: Request, alarm: IAlarm, patron: IPatron) -> IExchange:
            self.talks.append(Talk(client, request, alarm, patron, hasty=self.hasty))
            return self.talks[-1]

        return made

    def turns(self, count: int) -> None:
        """The loop turns so often."""
        for _ in range(count):
            calls, self.next_turns[:] = list(self.next_turns), []
            for call in calls:
                call()

    def visit(self, *said: bytes) -> Visit:
        """Somebody comes, and says this."""
        visit = self.house.visit()
        for piece in said:
            visit.says(piece)
        return visit

    @property
    def endings(self) -> list[tuple[str, str, int]]:
        """Id, reason and status of each."""
        return [(ending.arrival.id, ending.reason.value, ending.status) for ending in self.house.ledger.endings]

    def departed(self) -> bool:
        """Whether nobody is inside, and nothing is left of who was."""
        return (
            not self.house.factory.live
            and self.house.gate.inside == 0
            and len(self.house.ledger.departures) == len(self.house.ledger.arrivals)
            and not self.clock.getDelayedCalls()
        )


def get(target: str = "/", *fields: str, host: str = "a.com") -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode()


def post(body: bytes, target: str = "/") -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: a.com\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


Event = Callable[[Salon, Visit], None]
