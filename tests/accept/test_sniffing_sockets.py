"""The edge on real sockets: half-closes, resets and unread bytes, which no transport in memory has."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import ClientFactory
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread

from starship.accept.listening import listen
from starship.addresses import address_of
from starship.interfaces import ICancel, IDialOutcome, ILeg
from starship.reasons import Reason
from starship.relay.splice import Splice, SpliceLimits
from starship.sniff.http import HttpSniffer
from starship.wire.connect import connect_on
from starship.wire.ground import Ground
from starship.wire.nest import Nest
from starship.wire.port import Listening
from starship.wire.stock import HOLD_LIMIT_BYTES, LegProtocol, StockLeg
from starship.wire.wheel import Wheel
from starship.words import Address, Arrival, Ending, Farewell, Hello, Miss, Origin, Refusal, Route
from tests import fakes
from tests.accept.doors import ROUTE, House, WordRefuser
from tests.fakes import turning

LOOP: Any = reactor
PAGE = b"HTTP/1.1 404 Not Found\r\n\r\n" + b"<p>App not found</p>" * 2500
BODY_BYTES = 300_000
RESET = struct.pack("ii", 1, 0)
PATIENCE_S = 30
ROOM_BYTES = 1 << 18
"""What a client's kernel is to take while nobody reads it."""


@define(eq=False)
class Page(WordRefuser):
    """Says a page that fills more than one segment."""

    word: str = ""

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        return Farewell(PAGE, 404)


@define(eq=False)
class Books(fakes.FakeLedger):
    """A ledger that a test can wait for."""

    over: Deferred[Ending] = field(factory=Deferred)

    def departed(self, arrival: Arrival) -> None:
        super().departed(arrival)
        self.over.callback(self.endings[0])


class UpstreamProtocol(LegProtocol):
    """Tells who waits for it once connected."""

    def __init__(self, tell: Callable[[ILeg], object]) -> None:
        self.tell = tell

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.leg = StockLeg(transport, Address("127.0.0.1", 0))
        self.tell(self.leg)


@define(eq=False)
class Calls(ClientFactory):
    """One connection to an upstream."""

    noisy = False
    tell: Callable[[ILeg], object]

    def buildProtocol(self, addr: IAddress | None) -> UpstreamProtocol:
        return UpstreamProtocol(self.tell)


class StockKind:
    """Stock endpoints."""

    def listen(self, factory: IProtocolFactory) -> Any:
        return LOOP.listenTCP(0, factory, interface="127.0.0.1")

    def connect(self, port: int, connected: Callable[[ILeg], object]) -> None:
        LOOP.connectTCP("127.0.0.1", port, Calls(connected))

    def close(self) -> None:
        """Nothing is left."""


class WireKind:
    """The wire, nested in the reactor of the tests."""

    def __init__(self) -> None:
        self.nest = Nest(LOOP)
        self.ground = Ground(self.nest.loop)

    def listen(self, factory: IProtocolFactory) -> Any:
        return listen(LOOP, self.ground, "tcp:0:interface=127.0.0.1", factory, Listening())

    def connect(self, port: int, connected: Callable[[ILeg], object]) -> None:
        connect_on(self.ground, LOOP)(Address("127.0.0.1", port), (), PATIENCE_S, connected, raises)

    def close(self) -> None:
        """Nobody watches any more."""
        self.nest.close()


Kind = StockKind | WireKind


def raises(error: OSError) -> None:
    raise error


@pytest.fixture(params=[StockKind, WireKind], ids=["stock", "wire"])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    """What the door stands on."""
    made: Kind = request.param()
    yield made
    made.close()


@define(eq=False)
class LoopDialer:
    """Dials one port of this machine."""

    kind: Kind
    port: int

    def dial(self, route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> Any:
        def connected(leg: ILeg) -> None:
            leg.send(opening)
            outcome.dialled(leg)

        self.kind.connect(self.port, connected)
        return fakes.FakeDial(route, opening, outcome)


def splice(client: ILeg, upstream: ILeg, done: Callable[[Reason, str], None]) -> ICancel:
    """The relay of the house, without limits."""
    made = Splice(client, upstream, SpliceLimits(idle=0, half_close=0, lifetime=0), Wheel(Clock()), done)
    made.start()
    return made


@asynccontextmanager
async def opened(kind: Kind, house: House) -> AsyncIterator[socket.socket]:
    """The door listens, and a client has come."""
    port = kind.listen(house.factory)
    there = "127.0.0.1", address_of(port.getHost()).port
    client = await deferToThread(socket.create_connection, there, PATIENCE_S)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_BYTES)
    try:
        yield client
    finally:
        client.close()
        await port.stopListening()


def a_house(books: Books, **parts: Any) -> House:
    """Nobody is late in it, however busy the machine: its clock stands."""
    return House(ledger=books, relay=splice, **parts)


def all_of(peer: socket.socket) -> bytes:
    """What comes until the end of the stream."""
    return b"".join(iter(lambda: peer.recv(65536), b""))


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()


@turning
async def test_unread_bytes_of_a_client_never_turn_its_page_into_a_reset(kind: Kind) -> None:
    books = Books()
    house = a_house(
        books,
        sniffer=lambda: HttpSniffer(32768),
        refuser=Page(),
        resolver=fakes.FakeResolver(known=Miss(origin=Origin.FRESH)),
    )
    head = b"POST / HTTP/1.1\r\nHost: a.com\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES

    def ask(client: socket.socket) -> bytes:
        client.sendall(head + b"x" * BODY_BYTES)
        return all_of(client)

    async with opened(kind, house) as client:
        assert await deferToThread(ask, client) == PAGE
        client.close()
        ending = await books.over
    assert (ending.reason, ending.status, ending.sent) == (Reason.UNKNOWN_NAME, 404, len(PAGE))
    assert house.gate.inside == 0


@turning
async def test_an_early_end_of_stream_reaches_the_upstream_and_its_answer_the_client(kind: Kind) -> None:
    books, asked = Books(), Deferred[None]()

    @define(eq=False)
    class Asked(fakes.FakeResolver):
        def resolve(self, ask: Any) -> Any:
            LOOP.callLater(0, asked.callback, None)
            return super().resolve(ask)

    def serve(listener: socket.socket) -> bytes:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE_S)
            heard = all_of(peer)
            peer.sendall(b"answer to " + heard)
        return heard

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        served = deferToThread(serve, listener)
        resolver = Asked()
        house = a_house(books, resolver=resolver, dialer=LoopDialer(kind, listener.getsockname()[1]))
        async with opened(kind, house) as client:
            client.sendall(b"a.com\nquestion")
            client.shutdown(socket.SHUT_WR)
            await asked
            assert not books.endings
            resolver.questions[0].callback(ROUTE)
            assert await served == b"a.com\nquestion"
            assert await deferToThread(all_of, client) == b"answer to a.com\nquestion"
            ending = await books.over
    assert (ending.reason, ending.received, ending.sent) == (Reason.OK, 14, 24)


@turning
async def test_a_client_that_resets_while_its_name_is_looked_up_is_gone(kind: Kind) -> None:
    books = Books()
    house = a_house(books, resolver=fakes.FakeResolver())
    async with opened(kind, house) as client:
        client.sendall(b"a.com\n")
        reset(client)
        ending = await books.over
    assert ending.reason is Reason.CLIENT_GONE


@turning
async def test_a_client_that_resets_after_its_end_takes_its_upstream_along_f11(kind: Kind) -> None:
    books = Books()

    def serve(listener: socket.socket, client: socket.socket) -> str:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE_S)
            all_of(peer)
            client.close()  # nobody reads any more, and what comes now is answered with a reset
            try:
                while True:
                    peer.sendall(b"x" * 65536)
            except OSError as error:
                return type(error).__name__

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        house = a_house(books, dialer=LoopDialer(kind, listener.getsockname()[1]))
        async with opened(kind, house) as client:
            served = deferToThread(serve, listener, client)
            client.sendall(b"a.com\n")
            client.shutdown(socket.SHUT_WR)
            assert await served in {"ConnectionResetError", "BrokenPipeError"}
            ending = await books.over
    assert (ending.reason, ending.detail) == (Reason.OK, "client reset after its end")


@turning
async def test_an_upstream_that_reads_slowly_gets_all_of_a_client_that_left_in_order(kind: Kind) -> None:
    books, upload = Books(), b"a.com\n" + b"u" * 150_000

    def serve(listener: socket.socket, client: socket.socket) -> bytes:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE_S)
            peer.shutdown(socket.SHUT_WR)  # it has nothing to say
            assert all_of(client) == b""
            client.close()
            return all_of(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        house = a_house(books, dialer=LoopDialer(kind, listener.getsockname()[1]))
        async with opened(kind, house) as client:
            client.sendall(upload)  # there is room for it
            assert await deferToThread(serve, listener, client) == upload
            ending = await books.over
    assert ending.reason is Reason.OK


@turning
async def test_a_head_longer_than_a_leg_holds_reaches_its_upstream_with_all_that_follows(kind: Kind) -> None:
    books, upload = Books(), b"a.com\n" + b"u" * 300_000

    def serve(listener: socket.socket) -> bytes:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE_S)
            heard = all_of(peer)
            peer.sendall(b"thanks")
        return heard

    def ask(client: socket.socket) -> bytes:
        client.sendall(upload)
        client.shutdown(socket.SHUT_WR)
        return all_of(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        resolver = fakes.FakeResolver()
        house = a_house(books, resolver=resolver, dialer=LoopDialer(kind, listener.getsockname()[1]))
        async with opened(kind, house) as client:
            served, asked = deferToThread(serve, listener), deferToThread(ask, client)
            while not resolver.questions or house.ledger.arrivals == [] or not _held(house):
                await deferLater(LOOP, 0.001)
            resolver.questions[0].callback(ROUTE)
            assert await served == upload
            assert await asked == b"thanks"
            ending = await books.over
    assert (ending.reason, ending.received, ending.sent) == (Reason.OK, len(upload), 6)


def _held(house: House) -> bool:
    """Whether all that a leg holds has come."""
    (protocol,) = house.factory.live
    return protocol.received >= HOLD_LIMIT_BYTES
