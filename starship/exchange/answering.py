"""
Answering: the response on its way back, and what it says of the connections.

Part of `exchange`, floor 4: an upstream's leg, and the client's that it answers to. Heads are read strictly and written
anew; a body of known length, or one until close, is carried by the legs themselves (spliced, where it is large).
"""

from __future__ import annotations

from typing import Final, Protocol

from attrs import define, field

from starship.exchange.body import Body, Passed
from starship.exchange.response import SWITCHING, BadResponse, ResponseReader
from starship.exchange.written import goes_until_close, is_chunked, response_head
from starship.interfaces import ILeg
from starship.reasons import Reason
from starship.words import NeedMore, Request, Response, Stop

FINAL: Final = 200


class Bounds(Protocol):
    """The bounds of a response's head: octets where it ends, and fields."""

    @property
    def head_size(self) -> int: ...
    @property
    def fields(self) -> int: ...


class Whole(Protocol):
    """The exchange that this is a side of."""

    keep: bool

    @property
    def over(self) -> bool: ...
    @property
    def terms(self) -> Bounds: ...
    @property
    def asked(self) -> bool: ...
    def early(self, status: int) -> None: ...
    def moves(self) -> None: ...
    def unanswered(self, how: Stop) -> None: ...
    def answered(self, status: int, keep_upstream: bool) -> None: ...
    def switched(self, upstream: ILeg) -> None: ...
    def fail(self, reason: Reason, detail: str) -> None: ...


@define(eq=False)
class Answering:
    """Reads the response from `start` on, and tells the whole. `status` is 0 until a final head goes to the client."""

    client: ILeg
    upstream: ILeg
    request: Request
    whole: Whole
    status: int = field(default=0, init=False)
    begun: bool = field(default=False, init=False)  # a byte of an answer has come
    until_close: bool = field(default=False, init=False)  # the end of the connection is that of the body
    _reader: ResponseReader = field(init=False)
    _body: Body | None = field(default=None, init=False)  # in chunks
    _keep_upstream: bool = field(default=False, init=False)

    def start(self) -> None:
        """Begin to read."""
        bounds, request = self.whole.terms, self.request
        self._reader = ResponseReader(request.method, bounds.head_size, bounds.fields, request.upgrade is not None)
        self.upstream.read(self._heard, self._ended)

    # Until the head is whole

    def _heard(self, data: bytes) -> None:
        self.begun = True
        verdict = self._reader.feed(data)
        while isinstance(verdict, Response) and verdict.status < FINAL and verdict.status != SWITCHING:
            if self.request.minor:  # RFC 9110 section 15.2: HTTP/1.0 knows none
                self.client.send(response_head(verdict, self.request.minor, close=False))
            verdict = self._reader.feed(b"")
        if isinstance(verdict, NeedMore):
            return
        if isinstance(verdict, BadResponse):
            self.whole.fail(Reason.UPSTREAM_BAD_RESPONSE, verdict.detail)
        elif verdict.status == SWITCHING:
            self._switch(verdict)
        else:
            self._final(verdict)

    def _ended(self, how: Stop) -> None:
        if not self.status and not self.whole.over:
            self.whole.unanswered(how)

    def _switch(self, response: Response) -> None:
        if not self.whole.asked:
            self.whole.fail(Reason.UPSTREAM_BAD_RESPONSE, "it switches protocols before the end of the request")
            return
        self.status = response.status
        self.upstream.unread(b"")
        self.client.send(response_head(response, self.request.minor, close=False) + self._reader.rest)
        self.whole.switched(self.upstream)

    def _final(self, response: Response) -> None:
        whole, rest, minor = self.whole, self._reader.rest, self.request.minor
        self.status = response.status
        if not whole.asked:
            whole.early(response.status)
        if goes_until_close(response, minor):
            whole.keep = False
        self._keep_upstream = not response.close
        head = response_head(response, minor, close=not whole.keep)
        if response.bodyless or response.length is not None:
            self._measured(head, rest, 0 if response.bodyless else response.length or 0)
        elif response.chunked:
            self._in_chunks(head, rest, framed=is_chunked(response, minor))
        else:
            self.until_close = True
            self.client.send(head + rest)
            whole.moves()
            self.upstream.carry(self.client, None, self._carried)

    # The body

    def _measured(self, head: bytes, rest: bytes, length: int) -> None:
        left = length - len(rest)
        if left > 0:
            self.client.send(head + rest)
            self.whole.moves()
            self.upstream.carry(self.client, left, self._carried)
            return
        if left:  # what comes behind a response belongs to none: this upstream cannot be trusted with another request
            self._keep_upstream = False
            rest = rest[:length]
        self.upstream.unread(b"")
        self.client.send(head + rest)
        self.whole.answered(self.status, self._keep_upstream)

    def _in_chunks(self, head: bytes, rest: bytes, *, framed: bool) -> None:
        self.upstream.unread(rest)
        self.until_close = not framed
        self.whole.moves()
        self._body = body = Body(self.upstream, self.client, self._passed, framed=framed)
        body.start(head)

    def _carried(self, how: Stop) -> None:
        if self.whole.over:
            return  # a loss after the end
        if how is Stop.LIMIT or (how is Stop.ENDED and self.until_close):
            self.whole.answered(self.status, self._keep_upstream)
        else:
            self._cut_short(how)

    def _passed(self, how: Passed, detail: str) -> None:
        if self.whole.over:
            return
        if how is not Passed.WHOLE and self._body is not None and not self._body.begun:
            self.status = 0  # the head waits for the body's first octets, and goes nowhere now: there can be a page
        if how is Passed.WHOLE:
            self.whole.answered(self.status, self._keep_upstream and not self.upstream.held)
        elif how is Passed.BAD:
            self.whole.fail(Reason.UPSTREAM_BAD_RESPONSE, detail)
        else:
            self._cut_short(Stop.LOST if how is Passed.LOST else Stop.ENDED)

    def _cut_short(self, how: Stop) -> None:
        self.whole.fail(Reason.UPSTREAM_RESET, f"the site {'broke' if how is Stop.LOST else 'ended'} inside its answer")
