"""
Turn: one request of a conversation, as its Journey sees it.

Part of accept: the IClient of a request. It words the request for the upstream, gives the exchange its legs, and tells
the Journey how it went; whose turn is next is the conversation's matter.
"""

from __future__ import annotations

from typing import Protocol

from attrs import define, evolve, field
from zope.interface import implementer

from starship.errors import DialFailed
from starship.exchanging import ExchangeMaker, IAlarm, IExchange, IIdle, IPatron
from starship.interfaces import ICancel, IChance, IClient, IDialer, IDialOutcome, ILeg
from starship.journey import Journey
from starship.reasons import Reason
from starship.words import Exchanged, Hello, Refusal, Request, Route, Stop


class Wording(Protocol):
    """A client's requests as an upstream is told them: the head, for a route, under the id of its own arrival."""

    def __call__(self, request: Request, route: Route, request_id: str) -> bytes: ...


class Talk(Protocol):
    """What a turn may ask of the conversation that it belongs to."""

    @property
    def leg(self) -> ILeg: ...
    @property
    def alarm(self) -> IAlarm: ...
    @property
    def wording(self) -> Wording: ...
    @property
    def exchange(self) -> ExchangeMaker: ...
    @property
    def idle(self) -> IIdle: ...
    @property
    def fresh(self) -> IDialer: ...
    @property
    def received(self) -> int: ...
    @property
    def sent(self) -> int: ...
    def may_go_on(self, request: Request) -> bool: ...
    def skip(self, length: int) -> bool: ...
    def say(self, refusal: Refusal, journey: Journey) -> int: ...
    def cut(self) -> None: ...
    def turned(self, *, keep: bool) -> None: ...


@implementer(IClient, IPatron, IDialOutcome)
@define(eq=False)
class Turn:
    """`received` and `sent` are this request's share: of all turns together, every byte of the connection once."""

    talk: Talk
    hello: Hello | None = None  # None while the head has not come
    journey: Journey = field(init=False)
    exchange: IExchange | None = field(default=None, init=False)
    _route: Route | None = field(default=None, init=False)
    _upstream: ILeg | None = field(default=None, init=False)
    _dial: ICancel | None = field(default=None, init=False)
    _keep: bool = field(default=False, init=False)

    # IClient: what the Journey asks

    @property
    def received(self) -> int:
        return self.talk.received

    @property
    def sent(self) -> int:
        return self.talk.sent

    def hold(self) -> None:
        """Nothing to do: a leg that nobody carries holds what comes, within its bound."""

    def opening(self, route: Route) -> bytes:
        self._route = route
        return self.talk.wording(self._request(), route, self.journey.arrival.id)

    def join(self, leg: ILeg, back: bool = False) -> None:
        talk, request = self.talk, self._request()
        self._upstream = leg
        self.exchange = exchange = talk.exchange(talk.leg, request, talk.alarm, self)
        exchange.keep = talk.may_go_on(request)
        exchange.back = back
        exchange.start(leg)

    def refuse(self, refusal: Refusal) -> int:
        request = None if self.hello is None else self.hello.request
        return self._say(refusal, keep=request is not None and self._is_past(request))

    def sever(self) -> int | None:
        status = 0 if self.exchange is None else self.exchange.status
        self._drop()
        self.talk.leg.abort()
        return status

    def over(self) -> None:
        self.exchange = self._upstream = None
        del self.journey  # or what holds each other would stay until the collector came by
        self.talk.turned(keep=self._keep)

    # IPatron: what the exchange tells

    def exchanged(self, outcome: Exchanged) -> None:
        upstream, route, hello = self._upstream, self._route, self.hello
        status, self._keep = outcome.status, outcome.keep_client
        if outcome.cut:
            self.talk.cut()
        if upstream is not None and route is not None and hello is not None:
            if outcome.keep_upstream:
                self.talk.idle.keep(upstream, route, self.journey.arrival, hello)
            else:
                self.talk.idle.part(upstream)
        if not status:
            status = self._tell(outcome)
        self.journey.carried(outcome.reason, outcome.detail, status)

    def again(self) -> None:
        route, hello = self._route, self.hello
        if route is None or hello is None:
            raise RuntimeError("a turn without a request has nothing to say again")
        self._upstream = None
        journey = self.journey
        opening = self.talk.wording(self._request(), route, journey.arrival.id)
        dial = self.talk.fresh.dial(route, journey.arrival, hello, opening, self)
        if self.exchange is not None and self._upstream is None:
            self._dial = dial

    def may_go_back(self) -> bool:
        return self.journey.may_go_back()

    def go_back(self, how: Stop) -> None:
        self._drop()
        self._upstream = None
        self.journey.go_back(how)

    def stay(self) -> None:
        self.journey.stay()

    # IDialOutcome: the second try

    def dialled(self, leg: ILeg, chance: IChance | None = None) -> None:
        self._dial = None
        if self.exchange is None:
            leg.abort()
            return
        self._upstream = leg
        self.journey.moved(leg, chance)
        self.exchange.back = chance is not None
        self.exchange.start(leg)

    def failed(self, why: DialFailed) -> None:
        self._dial = None
        if self.exchange is not None:
            self.exchange.fail(Reason(why.word), str(why))

    # What the conversation tells

    def lost(self, reason: Reason) -> None:
        """The client's connection is gone."""
        if self.exchange is not None and self.exchange.tunnel:
            return  # the relay knows, and brings it to its end
        journey = self.journey
        self._drop()
        journey.gone(reason)

    def announce_end(self) -> None:
        """The response is to say that nothing follows it, unless it is on its way already."""
        if self.exchange is not None:
            self.exchange.announce_end()

    def close_after(self) -> None:
        """Nothing is to follow this request."""
        self._keep = False
        if self.exchange is not None:
            self.exchange.keep = False

    # Inside

    def _request(self) -> Request:
        request = None if self.hello is None else self.hello.request
        if request is None:
            raise RuntimeError("a turn has no request to carry")
        return request

    def _tell(self, outcome: Exchanged) -> int:
        """Nothing of a response has gone to the client: it gets a page, where it is still there."""
        if outcome.reason is Reason.CLIENT_GONE or self.hello is None:
            return outcome.reason.row.logged
        refusal = Refusal(reason=outcome.reason, name=self.hello.name, scheme="http", manner=self.hello.manner)
        return self._say(refusal, keep=outcome.keep_client)

    def _say(self, refusal: Refusal, *, keep: bool) -> int:
        """Send a page. `keep`: the next request begins right behind this one, which HTTP/1.0 is not told of."""
        request = None if self.hello is None else self.hello.request
        self._keep = keep and request is not None and bool(request.minor) and self.talk.may_go_on(request)
        if self._keep:
            refusal = evolve(refusal, manner=evolve(refusal.manner, keep=True))
        return self.talk.say(refusal, self.journey)

    def _is_past(self, request: Request) -> bool:
        """Whether nothing of a request that went nowhere is still to come: none of a body, or all of it is here."""
        if request.chunked or request.expects:
            return False
        return not request.length or self.talk.skip(request.length)

    def _drop(self) -> None:
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.cancel()
