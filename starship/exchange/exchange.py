"""
Exchange: one request and its response, from the moment its head was written to an upstream until both are over.

Part of `exchange`, floor 4, the sibling of relay: HTTP is carried message by message. It knows two legs and one alarm;
not journeys, routes or pages. The request's side is asking.py, the response's answering.py; here is what concerns both:
deadlines, who may go on, and one word for how it went.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field, frozen
from zope.interface import implementer

from starship.exchange.answering import Answering
from starship.exchange.asking import Asking
from starship.exchange.body import Passed
from starship.exchange.plain import GLANCE, glance
from starship.exchange.stall import Stall
from starship.exchange.written import response_head
from starship.exchanging import IAlarm, IExchange, IPatron
from starship.interfaces import ICancel, ILeg, Relay
from starship.reasons import Reason
from starship.words import Exchanged, Request, Stop

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""Methods that may be sent twice (RFC 9110 section 9.2.2)."""

REFUSES: Final = 400
"""An early response from here on says that the rest of the request is not wanted."""


@frozen(kw_only=True)
class Terms:
    """
    What holds for every exchange. Seconds, 0: none: `response_timeout` until the head of the response, from the end of
    the request on; `body_timeout` without a byte while a body is under way.

    `head_size` and `fields` bound a response's head; `body_size` (octets, 0: none) a request's body; `replays` says how
    often a request may be sent again, `replay_size` how much of its body is kept for that. `relay` joins the legs after
    an Upgrade.
    """

    relay: Relay
    response_timeout: float = 60.0
    body_timeout: float = 60.0
    head_size: int = 32768
    fields: int = 100
    body_size: int = 0
    replays: int = 1
    replay_size: int = 16384


@implementer(IExchange)
@define(eq=False)
class Exchange:
    """
    See IExchange. `keep` is taken as it is when the response's head is written.

    Where nothing of a response has gone to the client and all of its request was read, its connection can go on after a
    page of ours.

    An early response is passed on while the body still comes. One that refuses ends the reading of the body; when any
    is over before the body, the client's connection cannot go on (RFC 9112 section 9.6), nor can the upstream's.
    """

    client: ILeg
    request: Request
    terms: Terms
    alarm: IAlarm
    patron: IPatron
    keep: bool = True
    back: bool = False
    tunnel: bool = field(default=False, init=False)
    over: bool = field(default=False, init=False)
    _asking: Asking | None = field(default=None, init=False)  # a body is, or was, to be carried
    _answering: Answering | None = field(default=None, init=False)
    _upstream: ILeg | None = field(default=None, init=False)
    _reused: bool = field(default=False, init=False)
    _tries: int = field(default=0, init=False)
    _stall: Stall | None = field(default=None, init=False)
    _relay: ICancel | None = field(default=None, init=False)

    def start(self, upstream: ILeg) -> None:
        self._upstream = upstream
        self._reused = upstream.received > 0  # it has answered before
        request, asking = self.request, self._asking
        if asking is None and (request.chunked or request.length):
            self._asking = asking = Asking(self.client, request, self.terms.body_size, self._asked)
        if asking is None:
            self._wait_for_answer()
            upstream.read(self._heard, self._ended)
            return
        self._wait()
        self._answer(upstream)
        if not self.over:
            asking.start(upstream, self.terms.replay_size if self._may_begin_again() else 0)

    def cancel(self) -> None:
        if self.over:
            return
        self._finish()
        if self._relay is not None:
            self._relay.cancel()
        elif self._upstream is not None:
            self._upstream.abort()

    @property
    def status(self) -> int:
        return 0 if self._answering is None else self._answering.status

    def announce_end(self) -> None:
        answering = self._answering
        if answering is None or not answering.status:
            self.keep = False

    # The request's side

    @property
    def asked(self) -> bool:
        """Whether all of the request has gone to the upstream."""
        return self._asking is None or self._asking.whole

    def _asked(self, how: Passed, detail: str) -> None:
        if self.over:
            return
        match how:
            case Passed.WHOLE:
                self._wait()
            case Passed.BAD:
                self.fail(Reason.BAD_HEAD, detail)
            case Passed.TOO_BIG:
                self.fail(Reason.BODY_TOO_BIG, detail)
            case Passed.ENDED | Passed.LOST:
                self.fail(Reason.CLIENT_GONE, "the client left inside its request")

    def early(self, status: int) -> None:
        """A final response has come before the end of the request."""
        self.keep = False
        if status >= REFUSES and self._asking is not None:
            self._asking.stop()

    # The response's side

    def _heard(self, data: bytes) -> None:
        """The first octets of an answer to a request without a body: most often they are all of it."""
        upstream, request, terms = self._upstream, self.request, self.terms
        if upstream is None or self.over:
            return
        found = GLANCE.match(data, 0, terms.head_size)
        if found is not None and found[0].count(b"\n") - 2 <= terms.fields:
            response = glance(found, request.method)
            if response is not None:
                at = response.consumed
                if (0 if response.bodyless else response.length) == len(data) - at:
                    self.client.send(response_head(response, request.minor, close=not self.keep) + data[at:])
                    if self.client.dead:
                        self.answered(response.status, not response.close)
                        return
                    self.over = True
                    self.patron.exchanged(Exchanged(Reason.OK, "", response.status, self.keep, not response.close))
                    return
        upstream.unread(data)  # read again before anything that comes behind it
        self._answer(upstream)

    def _ended(self, how: Stop) -> None:
        if not self.over:
            self.unanswered(how)

    def _answer(self, upstream: ILeg) -> None:
        """Read the answer piece by piece."""
        self._answering = answering = Answering(self.client, upstream, self.request, self)
        answering.start()

    def unanswered(self, how: Stop) -> None:
        """The upstream has ended, or was lost, before any of a final response."""
        answering, asking = self._answering, self._asking
        if answering is None or not answering.begun:
            if self._may_begin_again() and (asking is None or asking.can_begin_again):
                self._begin_again()
                return
            if self._may_go_back():
                self.patron.go_back(how)
                return
        said = "ended" if how is Stop.ENDED else "broke"
        self.fail(Reason.UPSTREAM_RESET, f"the site {said} the connection before it answered")

    def answered(self, status: int, keep_upstream: bool) -> None:
        """The response is over. Its leg is held: it stands behind the response."""
        whole, upstream = self.asked, self._upstream
        self._finish()
        if not whole and upstream is not None:
            upstream.abort()  # it still waits for the rest of the request
        if self.client.dead:
            self.patron.exchanged(Exchanged(Reason.CLIENT_GONE, "", 0, False, keep_upstream and whole))
            return
        self.patron.exchanged(Exchanged(Reason.OK, "", status, self.keep and whole, keep_upstream and whole))

    def switched(self, upstream: ILeg) -> None:
        """Both sides speak another protocol from here on."""
        self.tunnel = True
        self.client.dialogue = False
        self._stay()
        self.alarm.clear()
        self._relay = self.terms.relay(self.client, upstream, self._relayed)

    def fail(self, reason: Reason, detail: str) -> None:
        if self.over:
            return
        answering, status = self._answering, self.status
        keep = self.keep and self.asked and not status
        cut = bool(status) and answering is not None and answering.until_close
        self.cancel()
        self.patron.exchanged(Exchanged(reason, detail, status, keep_client=keep, keep_upstream=False, cut=cut))

    def moves(self) -> None:
        """The head of the response has come, its body is under way."""
        self._stay()
        self._watch_body()

    # Inside

    def _relayed(self, reason: Reason, detail: str) -> None:
        if not self.over:
            self.over = True
            self.patron.exchanged(Exchanged(reason, detail, 101, keep_client=False, keep_upstream=False))

    def _may_begin_again(self) -> bool:
        return self._reused and self._tries < self.terms.replays and self.request.method in IDEMPOTENT

    def _may_go_back(self) -> bool:
        """Whether another endpoint may be asked the same: nothing of a body was asked for, and the patron allows it."""
        return self.back and self._asking is None and self.patron.may_go_back()

    def _stay(self) -> None:
        if self.back:
            self.back = False
            self.patron.stay()

    def _begin_again(self) -> None:
        self._tries += 1
        upstream, self._upstream = self._upstream, None
        self._answering = None
        self.alarm.clear()
        if self._asking is not None:
            self._asking.hold()
        if upstream is not None:
            upstream.abort()
        self.patron.again()

    def _finish(self) -> None:
        self.over = True
        self.alarm.clear()
        self._asking = self._answering = self._stall = (
            None  # what holds each other would stay until the collector came by
        )

    def _wait(self) -> None:
        """Set the alarm for what is waited for now: the rest of the request, or the head of the response."""
        if not self.asked:
            self._watch_body()
        elif self._answering is None or not self._answering.status:
            self._wait_for_answer()

    def _wait_for_answer(self) -> None:
        if self.terms.response_timeout:
            self.alarm.set(self.terms.response_timeout, self._no_answer)
        else:
            self.alarm.clear()

    def _no_answer(self) -> None:
        self.fail(Reason.UPSTREAM_TIMEOUT, f"no answer within {self.terms.response_timeout:g} s")

    def _watch_body(self) -> None:
        if not self.terms.body_timeout:
            self.alarm.clear()
            return
        if self._stall is None:
            self._stall = Stall(self.terms.body_timeout, self.alarm, self._moved, self._stalled)
        self._stall.watch()

    def _moved(self) -> int:
        return _moved(self.client) + (0 if self._upstream is None else _moved(self._upstream))

    def _stalled(self) -> None:
        upstream = self._upstream
        waited = f"for {self.terms.body_timeout:g} s"
        if self._answering is not None and self._answering.status:
            if self.client.full:
                self.fail(Reason.IDLE, f"the client took nothing of the answer {waited}")
                self.client.abort()  # it has had its time
            else:
                self.fail(Reason.UPSTREAM_TIMEOUT, f"nothing came of the rest of the answer {waited}")
        elif upstream is not None and upstream.full:
            self.fail(Reason.UPSTREAM_TIMEOUT, f"the site took nothing of the request {waited}")
        else:
            self.fail(Reason.BODY_TIMEOUT, f"nothing came of the rest of the request {waited}")


def _moved(leg: ILeg) -> int:
    """Bytes that have come from a peer, or to it: what the kernel keeps for a slow reader has not."""
    return leg.received + leg.sent - leg.pending()
