"""A body is read so far and no further (L20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from starship.errors import LookupInvalid
from starship.route.body import drop_body, read_body
from tests.fakes import failure_of, success_of


class Body:
    """A response whose body the test sends."""

    def __init__(self) -> None:
        self.transport = StringTransport()
        self.reader: Any = None

    def deliverBody(self, protocol: Protocol) -> None:
        self.reader = protocol
        protocol.makeConnection(self.transport)

    def lost(self, error: Exception) -> None:
        self.reader.connectionLost(Failure(error))


@pytest.fixture
def body() -> Body:
    return Body()


def response(body: Body) -> IResponse:
    return cast("IResponse", body)


@pytest.mark.parametrize("end", [ResponseDone, PotentialDataLoss])
def test_a_body_is_read_to_its_end_in_any_pieces(body: Body, end: Callable[[], Exception]) -> None:
    reading = read_body(response(body), 4)
    for byte in b"abcd":
        body.reader.dataReceived(bytes([byte]))
    body.lost(end())
    assert success_of(reading) == b"abcd"
    assert not body.transport.disconnecting


def test_one_byte_too_many_drops_the_connection_at_once_L20(body: Body) -> None:
    reading = read_body(response(body), 4)
    body.reader.dataReceived(b"abcde")
    assert isinstance(failure_of(reading), LookupInvalid)
    assert body.transport.disconnecting
    body.reader.dataReceived(b"more")
    body.lost(ResponseFailed([]))


def test_a_torn_body_says_how_it_tore(body: Body) -> None:
    reading = read_body(response(body), 4)
    body.lost(ResponseFailed([]))
    assert isinstance(failure_of(reading), ResponseFailed)


def test_who_stops_waiting_drops_the_connection(body: Body) -> None:
    reading = read_body(response(body), 4)
    reading.cancel()
    assert isinstance(failure_of(reading), CancelledError)
    assert body.transport.disconnecting
    body.lost(ResponseFailed([]))


def test_a_body_that_nobody_wants_is_not_read(body: Body) -> None:
    drop_body(response(body))
    assert body.transport.disconnecting
