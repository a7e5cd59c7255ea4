"""
Reading the body of an API's answer, bounded.

Part of `route`: `remote.py` uses it. Knows bytes and their number, not what they mean.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from starship.errors import LookupInvalid


def read_body(response: IResponse, limit: int) -> Deferred[bytes]:
    """
    Read at most `limit` bytes; one more, and the connection is dropped, as it is when the Deferred is cancelled.

    Errors: LookupInvalid over the limit; what the client says of a body that broke off.
    """
    reader = _Reader(limit)
    response.deliverBody(reader)
    return reader.done


def drop_body(response: IResponse) -> None:
    """Read nothing: drop the connection, unless the whole body has arrived already."""
    response.deliverBody(_Dropper())


class _Reader(Protocol):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._chunks: list[bytes] = []
        self.done: Deferred[bytes] = Deferred(self._give_up)

    def dataReceived(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room >= 0:
            self._chunks.append(data)
        elif not self.done.called:
            self._chunks.clear()
            _drop(self.transport)
            self.done.errback(LookupInvalid(f"the answer is longer than {self._limit} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):  # without a length its end is a close; JSON tells if it tore
            self.done.callback(b"".join(self._chunks))
        else:
            self.done.errback(reason)

    def _give_up(self, done: Deferred[bytes]) -> None:
        done.errback(CancelledError())
        _drop(self.transport)


class _Dropper(Protocol):
    def connectionMade(self) -> None:
        _drop(self.transport)


def _drop(transport: ITransport | None) -> None:
    if transport is not None:
        transport.loseConnection()
