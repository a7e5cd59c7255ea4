"""A door among fakes, and who comes to it, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from attrs import define, field
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.accept.gate import Gate, Guestlist
from starship.accept.identity import Identities
from starship.accept.porch import Balancers, Porch
from starship.accept.sniffing import Manners, SniffingFactory, SniffingProtocol
from starship.errors import DialTimeout, LookupTimeout
from starship.guides import Guides
from starship.interfaces import ICancel, ILeg, IRefuser, ISniffer, IWayBack, Scheme
from starship.names import Hostname
from starship.reasons import Reason
from starship.sniff.proxy import PrefaceReader
from starship.words import NEED_MORE, Arrival, Door, Ending, Farewell, Hello, Origin, Refusal, Route, Upstream, Verdict
from tests import fakes
from tests.fakes import Join, Wire

HELLO_TIMEOUT_S = 10.0
PROXY_TIMEOUT_S = 3.0
ROUTE = Route(app="a", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)


@implementer(ISniffer)
@define(eq=False)
class LineSniffer:
    """Waits for a line: `boom` breaks, `bad` and `door` are refused, anything else is a name."""

    seen: bytes = b""

    def feed(self, data: bytes) -> Verdict:
        self.seen += data
        line, end, _ = self.seen.partition(b"\n")
        match line if end else None:
            case None:
                return NEED_MORE
            case b"boom":
                raise RuntimeError("boom")
            case b"bad":
                return Refusal(reason=Reason.BAD_HELLO)
            case b"door":
                return Refusal(reason=Reason.WRONG_DOOR, scheme="other")
            case name:
                return Hello(name=Hostname(name.decode()), scheme="line", consumed=len(line) + 1)


@implementer(IRefuser)
@define(eq=False)
class WordRefuser:
    """Says `word: reason`; nothing where there is no word. Breaks where the word is `boom`."""

    word: str

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        if self.word == "boom":
            raise RuntimeError("boom")
        said = f"{self.word}: {refusal.reason}".encode() if self.word else b""
        return Farewell(said, 400 if said else refusal.reason.row.logged)


@define(eq=False)
class Visit:
    """One client."""

    protocol: SniffingProtocol
    wire: Wire = field(factory=Wire)

    def __attrs_post_init__(self) -> None:
        protocol: Any = self.protocol
        protocol.makeConnection(self.wire)

    def says(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def ends(self) -> None:
        """Its stream is over; it still reads."""
        self.protocol.readConnectionLost()

    def hears_the_end(self) -> None:
        """All of ours went to the kernel, our end of stream too."""
        self.protocol.writeConnectionLost()

    def closes(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def resets(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionLost()))

    @property
    def heard(self) -> bytes:
        return self.wire.heard


@define(eq=False, kw_only=True)
class House:
    """A door, and all behind it."""

    refuser: IRefuser = field(factory=lambda: WordRefuser("no"))
    sniffer: Callable[[], ISniffer] = LineSniffer
    gate: Gate = field(factory=lambda: Gate(connections=100, per_source=0, guests={}))
    resolver: fakes.FakeResolver = field(factory=lambda: fakes.FakeResolver(known=ROUTE))
    dialer: Any = field(factory=lambda: fakes.FakeDialer(leg=fakes.FakeLeg()))
    ledger: fakes.FakeLedger = field(factory=fakes.FakeLedger)
    tenants: fakes.FakeTenants = field(factory=fakes.FakeTenants)
    clock: Any = field(factory=Clock)
    relay: Any = None
    converse: Any = None  # where the door talks request by request
    hello_timeout: float = HELLO_TIMEOUT_S
    kind: type[SniffingProtocol] = SniffingProtocol
    porch: Porch | None = None
    joins: list[Join] = field(init=False, factory=list)
    factory: SniffingFactory = field(init=False)

    def __attrs_post_init__(self) -> None:
        manners = Manners(
            door=Door("https", 443),
            scheme=Scheme("line", self.sniffer, self.refuser),
            refusers={"line": self.refuser, "other": WordRefuser("other")},
            gate=self.gate,
            guides=Guides(
                resolver=self.resolver,
                tenants=self.tenants,
                dialer=self.dialer,
                ledger=self.ledger,
                clock=self.clock,
            ),
            relay=self.relay or self.join,
            converse=self.converse,
            identities=Identities("test"),
            hello_timeout=self.hello_timeout,
            balancers=None
            if self.porch is None
            else Balancers(porch=self.porch, reader=PrefaceReader, timeout=PROXY_TIMEOUT_S),
        )
        self.factory = SniffingFactory(manners, kind=self.kind)

    def join(
        self, client: ILeg, upstream: ILeg, done: Callable[[Reason, str], None], back: IWayBack | None = None
    ) -> ICancel:
        self.joins.append(Join(client, upstream, done, back))
        return self.joins[-1]

    def visit(self) -> Visit:
        """Somebody comes."""
        return Visit(self.factory.buildProtocol(None))

    @property
    def ending(self) -> Ending:
        """The one Ending."""
        (ending,) = self.ledger.endings
        return ending

    def is_empty(self) -> bool:
        """Whether nobody is inside, all who came have departed, and no clock runs for them."""
        came = len(self.ledger.arrivals)
        return (
            not self.factory.live
            and self.gate.inside == 0
            and (self.porch is None or self.porch.waiting == 0)
            and sorted(arrival.number for arrival in self.ledger.departures) == list(range(1, came + 1))
            and len(self.ledger.endings) == came
            and not (isinstance(self.clock, Clock) and self.clock.getDelayedCalls())
        )


def closed() -> Gate:
    """A gate that lets nobody in whose address StringTransport has."""
    return Gate(connections=0, per_source=0, guests={"https": Guestlist(deny=(ip_network("192.168.0.0/16"),))})


@define(eq=False)
class Fate:
    """Lets things happen to a visit that can happen to a real one, in any order."""

    house: House
    visit: Visit
    ended: bool = False

    def happen(self, event: str) -> None:
        """One of `ends`, `shut`, `late`, `answer`, `fail`, `dialled`, `done`; anything else is bytes of the client."""
        match event:
            case "ends" | "shut":
                self._stream(event)
            case "answer" | "fail" | "dialled" | "done":
                self._beyond(event)
            case "late":
                self.house.clock.advance(HELLO_TIMEOUT_S)
            case text:
                if not (self.ended or self.visit.wire.disconnecting or self.visit.wire.paused):
                    self.visit.says(text.encode())

    def _stream(self, event: str) -> None:
        if event == "ends" and not self.ended:
            self.ended = True
            self.visit.ends()
        elif event == "shut" and self.visit.wire.shut:
            self.visit.hears_the_end()

    def _beyond(self, event: str) -> None:
        open_questions = [question for question in self.house.resolver.questions if not question.called]
        open_dials = [dial for dial in self.house.dialer.dials if not dial.cancelled and not self.house.joins]
        if open_questions and event == "answer":
            open_questions[0].callback(ROUTE)
        elif open_questions and event == "fail":
            open_questions[0].errback(LookupTimeout("late"))
        elif open_dials and event == "fail":
            open_dials[0].outcome.failed(DialTimeout("late"))
        elif open_dials and event == "dialled":
            open_dials[0].outcome.dialled(fakes.FakeLeg())
        elif event == "done":
            for join in self.house.joins:
                join.done(Reason.OK, "")
