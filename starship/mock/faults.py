"""
Ways for a lookup API to fail, on demand: what an integrator or a test wants to see Starship survive.

Part of `mock`, which knows only the ground. Knows how to answer badly over HTTP; not which host is to suffer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request

from starship.mock.streams import Pattern, stream


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HANG = "hang"
    SLOW = "slow"
    DRIP = "drip"
    HUGE = "huge"
    HTML = "html"
    TYPES = "types"
    DEEP = "deep"
    GZIP = "gzip"
    REDIRECT = "redirect"
    CUT = "cut"


AMOUNTS: Final[dict[Kind, float]] = {
    Kind.STATUS: 500,  # HTTP status
    Kind.HANG: 0,
    Kind.SLOW: 2,  # s before an answer that is right
    Kind.DRIP: 0.5,  # s between two bytes of an answer that is right
    Kind.HUGE: 10 * 2**20,  # bytes of JSON
    Kind.HTML: 0,
    Kind.TYPES: 0,
    Kind.DEEP: 100_000,  # brackets
    Kind.GZIP: 0,
    Kind.REDIRECT: 302,  # HTTP status; the location is the same question again
    Kind.CUT: 0,
}
"""What the number after the colon means for each kind, and what it is where nothing is said."""

_WRITTEN = re.compile(r"(?P<kind>[a-z]+)(?::(?P<amount>[0-9]{1,9}(?:\.[0-9]{1,3})?))?")


@frozen
class Fault:
    """One way to fail, and how much of it."""

    kind: Kind
    amount: float

    def __str__(self) -> str:
        return f"{self.kind}:{self.amount:.10g}" if AMOUNTS[self.kind] else str(self.kind)


def fault(text: str) -> Fault:
    """
    Read a fault as people write it: `hang`, `status`, `status:503`, `slow:1.5`.

    Raises: ValueError in our words, naming what is allowed.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None or written["kind"] not in set(Kind):
        raise ValueError(f"{text!r} is no fault; there are {', '.join(Kind)}")
    kind = Kind(written["kind"])
    amount = AMOUNTS[kind] if written["amount"] is None else float(written["amount"])
    if kind in (Kind.STATUS, Kind.REDIRECT) and not 200 <= amount <= 599:
        raise ValueError(f"{text!r}: an HTTP status is between 200 and 599")
    return Fault(kind, amount)


def misbehave(fault: Fault, request: Request, right: bytes, clock: IReactorTime) -> None:
    """
    Answer a request badly; `right` is the JSON that would have been the answer.

    Whatever is still going on ends when the client leaves.
    """
    _ACTS[fault.kind](request, fault.amount, right, clock)


def _status(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.setResponseCode(int(amount))
    _send(request, b'{"error": "the mock API was told to fail"}\n')


def _hang(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.notifyFinish().addErrback(_left)


def _slow(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    call = clock.callLater(amount, _send, request, right)
    request.notifyFinish().addErrback(lambda failure: call.cancel() if call.active() else None)


def _drip(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    gone: list[object] = []
    request.notifyFinish().addErrback(gone.append)
    request.setHeader(b"content-length", b"%d" % len(right))

    def drop(at: int) -> None:
        if gone:
            return
        request.write(right[at : at + 1])
        if at + 1 < len(right):
            clock.callLater(amount, drop, at + 1)
        else:
            request.finish()

    drop(0)


def _huge(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    head, tail = right.rstrip()[:-1] + b', "padding": "', b'"}'
    stream(request, Pattern(int(amount), block=b"x" * 65536, head=head, tail=tail))


def _html(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.setHeader(b"content-type", b"text/html; charset=utf-8")
    _send(request, b"<!doctype html><title>Sign in</title><p>Please sign in to continue.\n")


def _types(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    _send(request, b'{"app": ["not", "text"], "host": 7, "endpoint": 5, "ttl": "soon"}\n')


def _deep(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    depth = int(amount)
    stream(request, Pattern(2 * depth, block=b"[" * depth + b"]" * depth))


def _gzip(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.setHeader(b"content-encoding", b"gzip")
    _send(request, right)


def _redirect(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.setResponseCode(int(amount))
    request.setHeader(b"location", request.uri)
    _send(request, b"{}\n")


def _cut(request: Request, amount: float, right: bytes, clock: IReactorTime) -> None:
    request.notifyFinish().addErrback(_left)
    request.setHeader(b"content-length", b"%d" % len(right))
    request.write(right[: len(right) // 2])
    request.loseConnection()


def _send(request: Request, body: bytes) -> None:
    request.setHeader(b"content-length", b"%d" % len(body))
    request.write(body)
    request.finish()


def _left(failure: object) -> None:
    """The client is gone: what was wanted."""


_ACTS: Final[dict[Kind, Callable[[Request, float, bytes, IReactorTime], None]]] = {
    Kind.STATUS: _status,
    Kind.HANG: _hang,
    Kind.SLOW: _slow,
    Kind.DRIP: _drip,
    Kind.HUGE: _huge,
    Kind.HTML: _html,
    Kind.TYPES: _types,
    Kind.DEEP: _deep,
    Kind.GZIP: _gzip,
    Kind.REDIRECT: _redirect,
    Kind.CUT: _cut,
}
