"""
The Twisted edge: holds a connection while its first bytes are read, hands it over, or says goodbye in order.

The first step of the walk. A SniffingProtocol moves bytes to a sniffer and to a leg, and does what its Journey asks;
it decides nothing that depends on content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, assert_never

from attrs import define, field, frozen
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IAddress, IDelayedCall, ITransport
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.accept.conversing import Conversation, Host
from starship.accept.identity import Identities
from starship.accept.porch import Balancers
from starship.guides import Guides
from starship.inside import Step
from starship.interfaces import ICancel, IClient, IGate, ILeg, IRefuser, ISniffer, IWayBack, Relay, Scheme
from starship.journey import Journey
from starship.reasons import Reason
from starship.wire.parting import Parting
from starship.wire.stock import HOLD_LIMIT_BYTES, Leg, LegProtocol, leg_on
from starship.words import Door, Hello, NeedMore, Refusal, Route, Stop

FAREWELL_PATIENCE_S: Final = 10.0
FAREWELL_S: Final = 30.0
"""How long a refused client may take nothing of its answer, and how long in all: no gate counts it."""


@frozen(kw_only=True)
class Manners:
    """How a door treats who comes in: what it speaks, what is allowed, and whom it tells."""

    door: Door
    scheme: Scheme
    refusers: Mapping[str, IRefuser]  # by the name of a scheme, for who speaks another one than the door
    gate: IGate
    guides: Guides
    relay: Relay
    identities: Identities
    hello_timeout: float
    converse: Callable[[Host, Leg], Conversation] | None = None  # request by request; None: as the first one goes
    balancers: Balancers | None = None  # where clients come through some that say who they are


@implementer(IClient, IWayBack)
class SniffingProtocol(LegProtocol):
    """
    One connection that came in.

    Sniffing first; then held (looking up, dialling) until it is joined; refused at any time before that.
    """

    def __init__(self, manners: Manners, live: set[SniffingProtocol]) -> None:
        self._manners = manners
        self._live = live
        self._sniffer: ISniffer | None = None
        self._deadline: IDelayedCall | None = None
        self._relay: ICancel | None = None
        self._upstream: ILeg | None = None  # the last one from which there was a way back
        self._opened = b""
        self._talk: Conversation | None = None
        self._leaving = False
        self._draining = False
        self._refused = False
        self._admitted = False
        self._lost = False
        self._begun = False

    # Twisted's side

    def makeConnection(self, transport: ITransport) -> None:
        self.transport = transport
        manners = self._manners
        guides = manners.guides
        leg = self.leg = leg_on(transport)
        arrival = self.arrival = manners.identities.arrival(
            manners.door, leg.remote, leg.local(), guides.clock.seconds()
        )
        self.journey = Journey(arrival, self, guides)
        self._live.add(self)
        guides.ledger.arrived(arrival)
        try:
            self._come_in()
        except Exception:
            self.journey.broke(Failure())
        leg.begin()
        self._begun = True
        if self._sniffer is not None and self._deadline is None:  # a hello that was there needs none
            self._set_deadline()

    def dataReceived(self, data: bytes) -> None:
        self.leg.heard(data)
        if self._relay is None and self._talk is None:
            if self._sniffer is not None:
                self._sniff(self._sniffer, data)
            else:
                self._read(data)

    def readConnectionLost(self) -> None:
        self.leg.heard_end()
        if self._sniffer is not None:
            self._fall_silent(Reason.CLIENT_GONE)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_sniffing()
        try:
            self._let_go(reason)
        except Exception:
            self.journey.broke(Failure())
        self._lost = True  # not before: a walk that ends within would take away what is still asked for there
        self.depart()

    def stop(self, reason: Reason) -> None:
        """End the walk now."""
        if self._talk is not None:
            self._talk.stop(reason)
        else:
            self.journey.stop(reason)
        self.depart()

    def forewarn(self) -> None:
        """The doors close soon: who asks request by request is told with the next response that it is the last."""
        self._leaving = True
        if self._talk is not None:
            self._talk.forewarn()

    def drain(self) -> None:
        """We are about to stop: who asks request by request asks no more here."""
        self._draining = True
        if self._talk is not None:
            self._talk.drain()

    @property
    def step(self) -> Step:
        """How far it is, for who looks at it."""
        if self._talk is not None and self._talk.waiting:
            return Step.WAITING
        return Step.REFUSED if self._refused else self.journey.step

    # IClient: what the Journey asks

    @property
    def received(self) -> int:
        return self.leg.received

    @property
    def sent(self) -> int:
        return self.leg.sent

    def hold(self) -> None:
        """Nothing to do: a leg that nobody carries holds what comes, within its bound."""

    def opening(self, route: Route) -> bytes:
        self._opened += self.leg.take()
        if self.leg.received >= HOLD_LIMIT_BYTES:  # what was taken is still ours until it is dialled
            self.leg.pause()
        return self._opened

    def join(self, leg: ILeg, back: bool = False) -> None:
        if not back:
            self._opened = b""
            self._relay = self._manners.relay(self.leg, leg, self._carried)
            return
        self._upstream = leg
        relay = self._manners.relay(self.leg, leg, self._carried, self)
        if self._upstream is leg:  # else it has stopped already, and the walk has gone back
            self._relay = relay

    # IWayBack: what the relay tells

    def may_go_back(self) -> bool:
        return self.journey.may_go_back()

    def go_back(self, how: Stop) -> None:
        self._relay = self._upstream = None
        self.journey.go_back(how)

    def stay(self) -> None:
        self._opened = b""
        self.journey.stay()

    # IClient again: the ends

    def refuse(self, refusal: Refusal) -> int:
        self._stop_sniffing()
        self._refused = True
        self.leg.take()
        refuser = self._manners.refusers.get(refusal.scheme or "", self._manners.scheme.refuser)
        farewell = refuser.farewell(refusal, self.arrival)
        if farewell.data:
            self.leg.send(farewell.data)
            Parting(self.leg, self._manners.guides.clock, FAREWELL_PATIENCE_S, FAREWELL_S).start()
        else:
            self.leg.close()
        return farewell.status

    def sever(self) -> int | None:
        if self._relay is not None:
            self._relay.cancel()
        else:
            self.leg.abort()
        return None

    def over(self) -> None:
        self._opened = b""

    # Inside

    def _come_in(self) -> None:
        manners = self._manners
        refusal = manners.gate.admit(self.arrival)
        if refusal is not None:
            self.journey.refused(refusal)
            return
        self._admitted = True
        self._sniffer = manners.scheme.sniffer()
        if self._begun:
            self._set_deadline()

    def _set_deadline(self) -> None:
        manners = self._manners
        self._deadline = manners.guides.clock.callLater(manners.hello_timeout, self._too_slow)

    def _read(self, data: bytes) -> None:
        """Bytes of a client that is not joined."""
        if self._sniffer is not None:
            self._sniff(self._sniffer, data)
        elif not self._refused:
            self._hold_back()

    def _sniff(self, sniffer: ISniffer, data: bytes) -> None:
        try:
            verdict = sniffer.feed(data)
        except Exception:
            self.journey.broke(Failure())
            return
        match verdict:
            case Hello():
                self._stop_sniffing()
                self._greet(verdict)
            case NeedMore():
                self.leg.resume()  # a hello may be longer than what a leg holds: its sniffer bounds it
            case Refusal():
                self.journey.refused(verdict)
            case _:
                assert_never(verdict)

    def _greet(self, hello: Hello) -> None:
        converse = self._manners.converse
        if converse is None or hello.request is None:
            self.journey.hello(hello)
        else:
            self._talk = converse(self, self.leg)
            self._talk.leaving = self._leaving
            self._talk.closing = self._draining
            self._talk.begin(hello)

    def _hold_back(self) -> None:
        if self.leg.received >= HOLD_LIMIT_BYTES:
            self.leg.pause()

    def _let_go(self, reason: Failure) -> None:
        is_ours = not issubclass(
            reason.type or Exception, ConnectionClosed
        )  # an exception of ours, which Twisted has logged
        if is_ours and self._talk is None:
            self.sever()
            self.journey.gone(Reason.INTERNAL)
        self.leg.lost(reason)
        if self._talk is not None:
            self._talk.lost(Reason.INTERNAL if is_ours else Reason.CLIENT_GONE)
        elif self._relay is None:
            self.journey.gone(Reason.CLIENT_GONE)

    def _carried(self, reason: Reason, detail: str) -> None:
        self.journey.carried(reason, detail)
        self.depart()

    def depart(self) -> None:
        """Once; when the connection is lost and the walk has ended (an upstream may still be taking its last bytes)."""
        if self._lost and self in self._live and self.journey.ended:
            self._live.remove(self)
            if self._admitted:
                self._manners.gate.leave(self.arrival)
            self._manners.guides.ledger.departed(self.arrival)
            # What holds each other would stay until the collector came by.
            self._relay = self._talk = None
            del self.journey

    def _too_slow(self) -> None:
        if self.leg.received:
            self.journey.refused(Refusal(reason=Reason.HELLO_TIMEOUT))
        else:
            self._fall_silent(Reason.HELLO_TIMEOUT)  # a browser's spare connection: it did not ask for anything

    def _fall_silent(self, reason: Reason) -> None:
        self._stop_sniffing()
        self.journey.gone(reason)
        self.leg.close()

    def _stop_sniffing(self) -> None:
        self._sniffer = None
        if self._deadline is not None:
            deadline, self._deadline = self._deadline, None
            if deadline.active():
                deadline.cancel()


@define(eq=False)
class SniffingFactory(Factory):
    """Makes the protocols of one door, and knows those that live."""

    _log = Logger()

    noisy = False
    begins = True  # the protocols ask their transport who comes, and begin to read by themselves
    manners: Manners
    live: set[SniffingProtocol] = field(factory=set)
    kind: type[SniffingProtocol] = SniffingProtocol  # of connection, as the door has it
    leaving: bool = field(default=False, init=False)

    def logPrefix(self) -> str:
        """Twisted's name for us in its log."""
        return f"listener {self.manners.door.name}"

    def buildProtocol(self, addr: IAddress | None) -> SniffingProtocol:
        protocol = self.kind(self.manners, self.live)
        if self.leaving:
            protocol.forewarn()
        return protocol

    def forewarn(self) -> None:
        """The doors close soon: nobody is cut, and whoever gets a response is told that it is the last one here."""
        self.leaving = True
        for protocol in list(self.live):
            protocol.forewarn()

    def drain(self) -> None:
        """Nobody comes in any more: let those go who stand between two requests, and the others after theirs."""
        for protocol in list(self.live):
            protocol.drain()

    def stop(self, reason: Reason) -> None:
        """End every walk under way."""
        for protocol in list(self.live):
            try:
                protocol.stop(reason)
            except Exception:  # the others are to be told all the same
                self._log.failure("a journey could not be stopped: {id}", id=protocol.arrival.id)
