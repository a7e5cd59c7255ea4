"""Responses of all framings, clear and not, through the real service; h11 reads them for the client (L12)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import NamedTuple

import h11
import pytest

from tests.e2e.clients import connect
from tests.e2e.sites import Stream, read_message
from tests.e2e.world import Cluster, Starship, starship
from tests.exchange.test_chunks import BAD as BAD_CHUNKS
from tests.exchange.test_response import BAD as BAD_HEADS
from tests.sniff.making import split

INI = """
[listener:http]
protocol = http
endpoint = tcp:0:interface=127.0.0.1
[routes]
a.com = {address}
"""
CLEAR_COUNT = 400
STATUSES = (200, 200, 200, 201, 204, 206, 304, 404, 426, 500, 999)
FIELDS = ("Server: x/1", "set-cookie: a=b", "Set-Cookie: c=d", "X: ", "X-Forwarded-For: 1", "Keep-Alive: timeout=5",
          "Proxy-Connection: close", "Trailer: X-Sum", "X-Odd:\t\"\xff\" ", "Connection: X-Odd")  # fmt: skip


class Said(NamedTuple):
    """What a site says to one request, in which pieces, and what a client is to get of it."""

    method: str
    pieces: tuple[bytes, ...]
    ends: bool
    status: int
    body: bytes


def said(number: int) -> Said:
    """The same for the same number, always."""
    random = Random(number)
    method = random.choice(("GET", "GET", "GET", "HEAD", "POST"))
    status, minor = random.choice(STATUSES), random.choice((1, 1, 1, 0))
    bodyless = method == "HEAD" or status in (204, 304)
    body = b"" if bodyless else random.randbytes(random.choice((0, 1, 5, 100, 3000, 200_000)))
    lines = random.sample(FIELDS, random.randint(0, len(FIELDS)))
    framing = random.choice(("length", "length", "chunks", "close") if minor else ("length", "close"))
    coded = body
    if framing == "length" and status != 204:
        lines.append(f"Content-Length: {len(body) if not bodyless else 77}")
    elif framing == "chunks" and status != 204:
        lines.append("Transfer-Encoding: Chunked")
        coded = b"" if bodyless else _chunked(random, body)
    ends = (framing == "close" and not bodyless) or not minor
    random.shuffle(lines)
    head = "\r\n".join([f"HTTP/1.{minor} {status} {random.choice(('OK', '', 'so so'))}", *lines, "", ""])
    raw = head.encode("latin-1") + coded
    if minor:
        raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * random.choice((0, 0, 1, 3)) + raw
    cuts = [random.randrange(len(raw)) for _ in range(random.choice((0, 0, 1, 5, 20)))]
    return Said(method, tuple(split(raw, cuts)), ends, status, body)


def _chunked(random: Random, body: bytes) -> bytes:
    raw = b""
    for piece in split(body, [random.randrange(len(body)) for _ in range(random.randint(0, 4))]) if body else ():
        raw += b"%x%b\r\n%b\r\n" % (len(piece), random.choice((b"", b";a", b';a="b;c"')), piece)
    return raw + b"0\r\n" + random.choice((b"", b"X-Sum: 1\r\n", b"Content-Length: 9\r\n")) + b"\r\n"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
CLEAR = [said(number) for number in range(CLEAR_COUNT)]
SCRIPTS = (
    CLEAR
    + [Said("GET", (raw,), True, 502, b"") for _, raw in BAD_HEADS]
    + [Said("GET", (CHUNKED + raw,), True, 200, b"") for _, raw in BAD_CHUNKS]
)
FIRST_HEAD, FIRST_CHUNKS = len(CLEAR), len(CLEAR) + len(BAD_HEADS)


def site(connection: socket.socket) -> None:
    """Says what the number in the target asks for; `/forged` gets two answers, and any other path one."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = Stream(connection)
    while True:
        try:
            target = read_message(stream).first.split(b" ")[1]
        except EOFError:
            return
        if not target[1:].isdigit():
            honest = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)
            connection.sendall(honest + (SECOND if target == b"/forged" else b""))
            continue
        script = SCRIPTS[int(target[1:])]
        for piece in script.pieces:
            connection.sendall(piece)
        if script.ends:
            return


@pytest.fixture(scope="module")
def ship(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    cluster = Cluster(site).start()
    with starship(tmp_path_factory.mktemp("responses"), INI.format(address=cluster.address)) as ship:
        yield ship
    cluster.stop()


class Client:
    """Asks on one connection for as long as it is kept; h11 reads."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sock: socket.socket | None = None
        self.reader = h11.Connection(h11.CLIENT)

    def ask(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """The final status and the body; h11.RemoteProtocolError where it is not whole."""
        if self.sock is None:
            self.sock, self.reader = connect(self.port), h11.Connection(h11.CLIENT)
        request = h11.Request(method=method, target=path, headers=[("Host", "a.com")])
        self.sock.sendall((self.reader.send(request) or b"") + (self.reader.send(h11.EndOfMessage()) or b""))
        status, body = 0, b""
        while not isinstance(event := self.reader.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self.reader.receive_data(self.sock.recv(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        if self.reader.their_state is h11.DONE and self.reader.our_state is h11.DONE:
            self.reader.start_next_cycle()
        else:
            self.close()
        return status, body

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
            self.sock = None


@pytest.fixture
def client(ship: Starship) -> Iterator[Client]:
    made = Client(ship.port("http"))
    yield made
    made.close()


def test_l12_responses_of_all_framings_arrive_as_they_were_meant(client: Client) -> None:
    """One after the other, mostly on one connection; what one of them says never gets into the next."""
    for number, script in enumerate(CLEAR):
        assert client.ask(f"/{number}", script.method) == (script.status, script.body), script
        assert client.ask("/honest") == (200, b"/honest")


def test_l12_a_head_that_is_not_clear_becomes_a_502_and_nothing_of_it_arrives(client: Client) -> None:
    for number, (name, _) in enumerate(BAD_HEADS, FIRST_HEAD):
        status, body = client.ask(f"/{number}")
        assert status == 502, name
        assert b"<!doctype html>" in body.lower()
        client.close()
        assert client.ask("/honest") == (200, b"/honest")


def test_l12_a_body_whose_chunks_are_not_clear_is_cut_off_or_a_502_where_nothing_of_it_has_gone_out(
    client: Client,
) -> None:
    for number, (name, _) in enumerate(BAD_CHUNKS, FIRST_CHUNKS):
        with suppress(h11.RemoteProtocolError, ConnectionError):
            assert client.ask(f"/{number}")[0] == 502, name
        client.close()
        assert client.ask("/honest") == (200, b"/honest")


def test_l12_a_second_answer_reaches_nobody(client: Client) -> None:
    for _ in range(50):
        assert client.ask("/forged") == (200, b"/forged")
        assert client.ask("/honest") == (200, b"/honest")
