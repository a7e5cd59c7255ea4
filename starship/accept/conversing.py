"""
Conversation: a client's connection to the plain door, request by request.

Part of accept, where a door routes each request. It reads one head at a time, gives it a Journey of its own, and reads
the next when that one is over: pipelined requests wait in the leg, within its bound, and are answered in order. Between
two requests nothing is owed to anybody, and the connection may be closed.
"""

from __future__ import annotations

from typing import Final, Protocol, assert_never

from attrs import define, field
from twisted.python.failure import Failure

from starship.accept.alarm import Alarm
from starship.accept.courtesy import Courtesy
from starship.accept.turn import Turn, Wording
from starship.exchanging import ExchangeMaker, IIdle
from starship.interfaces import IDialer, ISniffer
from starship.journey import Journey
from starship.reasons import Reason
from starship.wire.parting import Parting
from starship.wire.stock import Leg
from starship.words import Arrival, Hello, NeedMore, Refusal, Request, Stop, Verdict

CRLF: Final = b"\r\n"

ANSWERS_PER_TURN: Final = 16
"""Pipelined requests that can be answered at once: after so many of them others have their turn."""


class Host(Protocol):
    """The connection's protocol, as far as its conversation tells it."""

    journey: Journey
    arrival: Arrival

    def depart(self) -> None:
        """A walk has ended: if nothing is left of the connection either, it is over."""


@define(eq=False)
class Conversation:
    """One connection. `begin` with its first request; `lost` when nothing is left of it."""

    courtesy: Courtesy
    host: Host
    leg: Leg
    closing: bool = field(default=False, init=False)  # the request under way is the last one
    leaving: bool = field(default=False, init=False)  # the next response that begins is the last one
    requests: int = field(default=0, init=False)
    alarm: Alarm = field(init=False)
    wording: Wording = field(init=False)
    exchange: ExchangeMaker = field(init=False)
    idle: IIdle = field(init=False)
    fresh: IDialer = field(init=False)
    _turn: Turn | None = field(default=None, init=False)
    _sniffer: ISniffer | None = field(default=None, init=False)
    _fed: int = field(default=0, init=False)  # bytes of the head that is being read
    _began: float = field(default=0.0, init=False)  # when its first byte came
    _counted_in: int = field(default=0, init=False)
    _counted_out: int = field(default=0, init=False)
    _hears: bool = field(default=False, init=False)  # the leg lets us hear what comes, a request under way or not
    _pending: int = field(default=0, init=False)  # what a full client had yet to take when it was looked at last
    _wanted: bool = field(default=False, init=False)
    _stepping: bool = field(default=False, init=False)
    _parted: bool = field(default=False, init=False)
    _cuts: bool = field(default=False, init=False)
    _gone: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        courtesy = self.courtesy
        self.alarm = Alarm(courtesy.guides.clock)
        self.wording = courtesy.introduce(self.host.arrival)
        self.exchange, self.idle, self.fresh = courtesy.exchange, courtesy.idle, courtesy.fresh

    # What the connection's protocol tells

    def begin(self, hello: Hello) -> None:
        """The first head has been read by somebody else; what is behind it waits in the leg, the head itself too."""
        self.leg.dialogue = True
        rest = self.leg.take()[hello.consumed :]
        if rest:
            self.leg.unread(rest)
        turn = self._turn = Turn(self)
        turn.journey = self.host.journey
        turn.journey.client = turn
        self._walk(turn, hello)

    def lost(self, reason: Reason) -> None:
        """Nothing is left of the connection. `reason` is how a request under way ends."""
        self.closing = self._gone = True
        self.alarm.stop()
        if self._turn is not None:
            self._turn.lost(reason)

    def stop(self, reason: Reason) -> None:
        """End now, whatever is under way."""
        self.closing = True
        if self._turn is not None:
            self._turn.journey.stop(reason)
        elif not self._parted:
            self._part()
        elif self.leg.full:  # what is still with us may end with the process, and would pass for the whole
            self.leg.abort()

    def forewarn(self) -> None:
        """Let responses say from here on that the connection ends with them; who waits may still ask."""
        self.leaving = True
        if self._turn is not None:
            self._turn.announce_end()

    def drain(self) -> None:
        """Let the request under way be the last one; close if there is none."""
        self.closing = True
        if self._turn is not None:
            self._turn.close_after()
        elif not self._parted:
            self._part()

    @property
    def waiting(self) -> bool:
        """Whether it stands between two requests."""
        return self._turn is None and not self._parted

    # Talk: what a turn asks

    @property
    def received(self) -> int:
        return self.leg.received - self.leg.held - self._counted_in

    @property
    def sent(self) -> int:
        return self.leg.sent - self._counted_out

    def may_go_on(self, request: Request) -> bool:
        """Whether another request may follow this one."""
        courtesy = self.courtesy
        if self.closing or self.leaving or request.close or (courtesy.requests and self.requests >= courtesy.requests):
            return False
        return not courtesy.lifetime or self.alarm.clock.seconds() - self.host.arrival.start < courtesy.lifetime

    def say(self, refusal: Refusal, journey: Journey) -> int:
        """Send the page of a refusal. Returns its status."""
        farewell = self.courtesy.refuser(refusal).farewell(refusal, journey.arrival)
        if farewell.data:
            self.leg.send(farewell.data)
        return farewell.status

    def skip(self, length: int) -> bool:
        """Leave out a body that nobody wants, if all of it is here; False: it is not."""
        leg = self.leg
        if leg.held < length:
            return False
        rest = leg.take()[length:]
        if rest:
            leg.unread(rest)
        return True

    def cut(self) -> None:
        """End with a reset: an end in order would say that the response is whole."""
        self._cuts = self.closing = True

    def turned(self, *, keep: bool) -> None:
        """A turn has its Ending."""
        self._counted_in, self._counted_out = self.leg.received - self.leg.held, self.leg.sent
        self._turn = self._sniffer = None
        if keep and not self.closing:
            self._next()
        else:
            self._part()
        self.host.depart()

    # Between two requests

    def _next(self) -> None:
        """Read the next head; the loop that is at it already does, so a thousand of them go no deeper."""
        if self._parted:
            return
        if self._stepping:
            self._wanted = True
            return
        self._stepping = True
        try:
            for _ in range(ANSWERS_PER_TURN):
                self._wanted = False
                self._listen()
                if not self._wanted:
                    return
            self.courtesy.next_turn(self._go_on)
        finally:
            self._stepping = False

    def _go_on(self) -> None:
        """Others have had their turn; meanwhile the connection may have been ended."""
        if self._turn is None and not self._gone:
            self._next()

    def _listen(self) -> None:
        leg = self.leg
        if leg.full:  # or answers would pile up for who asks and never reads
            self._hears = False
            leg.unread(b"")
            self._pending = leg.pending()
            self.alarm.set(self.courtesy.patience, self._too_full)
            leg.drained(self._next)
            return
        self.alarm.set(self.courtesy.keepalive_timeout, self._too_idle)
        if not self._hears:
            self._hears = True
            leg.read(self._heard, self._ended)

    def _too_idle(self) -> None:
        if self._turn is None:
            self._part()

    def _too_full(self) -> None:
        pending = self.leg.pending()
        if pending != self._pending:  # it is slow: a kernel's buffer may take it minutes
            self._pending = pending
            self.alarm.set(self.courtesy.patience, self._too_full)
            return
        self.closing = True
        self.leg.abort()

    # A head

    def _heard(self, data: bytes) -> None:
        """
        What the client says. While a request is under way, that waits in the leg.

        Most requests are over before the client says more: so the leg goes on reading for us meanwhile, where the
        exchange does not read from it itself.
        """
        sniffer, turn = self._sniffer, self._turn
        if turn is None:
            self._began = self.courtesy.guides.clock.seconds()
            if sniffer is None:
                self._fed = 0
        elif sniffer is None:
            self._hold(data)
            return
        self._fed += len(data)
        try:
            verdict = self._first_look(data) if sniffer is None else sniffer.feed(data)
        except Exception:
            self._meet().journey.broke(Failure())
            return
        match verdict:
            case Hello():
                self._greeted(verdict, data)
            case NeedMore():
                if turn is None and data.strip(CRLF):  # old clients send an empty line behind a body
                    self._meet()
                    self.alarm.set(self.courtesy.head_timeout, self._too_slow)
            case Refusal():
                self._hold(b"")
                self._meet().journey.refused(verdict)
            case _:
                assert_never(verdict)

    def _first_look(self, data: bytes) -> Verdict:
        """At the first bytes of a head: a sniffer is made only where they do not say all."""
        verdict = self.courtesy.glance(data)
        if verdict is not None:
            return verdict
        self._sniffer = sniffer = self.courtesy.scheme.sniffer()
        return sniffer.feed(data)

    def _greeted(self, hello: Hello, data: bytes) -> None:
        behind = self._fed - hello.consumed
        request = hello.request
        if behind or request is None or request.length or request.chunked or request.upgrade is not None:
            self._hold(data[-behind:] if behind else b"")
        self._walk(self._meet(), hello)

    def _hold(self, data: bytes) -> None:
        self._hears = False
        self.leg.unread(data)

    def _meet(self) -> Turn:
        """The turn whose head is being read."""
        turn = self._turn
        if turn is None:
            first = self.host.arrival
            arrival = Arrival(
                first.number,
                f"{first.id}.{self.requests + 1}",
                first.door,
                first.client,
                first.local,
                self._began,
                first.via,
                first.tlvs,
            )
            turn = self._turn = Turn(self)
            turn.journey = self.host.journey = Journey(arrival, turn, self.courtesy.guides)
        return turn

    def _walk(self, turn: Turn, hello: Hello) -> None:
        """The head is whole."""
        self._sniffer = None
        self.requests += 1
        turn.hello = hello
        request, most = hello.request, self.courtesy.body_size
        if most and request is not None and (request.length or 0) > most:
            detail = f"a body of {request.length} octets is announced"
            turn.journey.refused(Refusal(reason=Reason.BODY_TOO_BIG, detail=detail), hello)
        else:
            turn.journey.hello(hello)

    def _ended(self, how: Stop) -> None:
        """The client's stream is over: between two requests, inside a head, or it has nothing more to ask for."""
        self._hears = False
        if self._sniffer is not None and self._turn is not None:
            self._turn.journey.gone(Reason.CLIENT_GONE)
        elif self._turn is None and how is Stop.ENDED:
            self._part()

    def _too_slow(self) -> None:
        if self._turn is not None and self._sniffer is not None:
            self._turn.journey.refused(Refusal(reason=Reason.HELLO_TIMEOUT))

    # The end

    def _part(self) -> None:
        """Nothing follows. The client has as long as it takes to read its last answer."""
        self._parted = self.closing = True
        if self._gone:
            return
        self.alarm.stop()
        if self._cuts:
            self.leg.abort()
            return
        Parting(self.leg, self.courtesy.guides.clock, self.courtesy.patience).start()
