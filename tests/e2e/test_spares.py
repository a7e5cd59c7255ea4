"""Spare connections on real sockets: who takes them, and that nobody is lost by them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest
from attrs import define, field

from tests.e2e.clients import connect, page, read_all, read_so_many
from tests.e2e.trouble import in_threads
from tests.e2e.world import Api, Cluster, Starship, http_hello, ini_text, starship, until

EACH = 2
GREETING = b"220 mail.example\r\n"


def _greets(connection: socket.socket) -> None:
    """A server that speaks first, and then says what it hears."""
    connection.sendall(GREETING)
    while data := connection.recv(4096):
        connection.sendall(data)


@define(eq=False)
class Impatient:
    """A server that closes what it has, when it is told to: never a connection that was made since."""

    answer: Callable[[socket.socket], None] = field(factory=lambda: http_hello("impatient"))
    inside: set[socket.socket] = field(factory=set)

    def __call__(self, connection: socket.socket) -> None:
        self.inside.add(connection)
        try:
            self.answer(connection)
        finally:
            self.inside.discard(connection)

    def close(self) -> None:
        those, self.inside = self.inside, set()
        for connection in those:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def far() -> Iterator[Cluster]:
    cluster = Cluster(http_hello("far")).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def impatient() -> Impatient:
    return Impatient()


@pytest.fixture(scope="module")
def hurried(impatient: Impatient) -> Iterator[Cluster]:
    cluster = Cluster(impatient).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def mail() -> Iterator[Cluster]:
    cluster = Cluster(_greets).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def ship(
    api: Api, far: Cluster, hurried: Cluster, mail: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starship]:
    text = ini_text(
        api,
        upstream=f"preconnect = {EACH}\npreconnect_idle = 300s",
        extra=f"[listener:raw]\nprotocol = tcp\nendpoint = tcp:0:interface=127.0.0.1\nupstream = {mail.address}\n"
        f"[routes]\nfar.com = {far.address}\nimpatient.com = {hurried.address}\n[http]\nupstream_idle = 0\n",
    )
    with starship(tmp_path_factory.mktemp("ship"), text) as ship:
        yield ship


def test_after_the_first_client_an_endpoint_has_its_spares_and_the_next_takes_one(ship: Starship, far: Cluster) -> None:
    assert page(ship.port("http"), "far.com")[0] == 200
    until(lambda: far.visits == 1 + EACH, "the spares")
    assert page(ship.port("http"), "far.com")[0] == 200
    until(lambda: far.visits == 2 + EACH, "one more in its place")
    until(lambda: far.open == EACH, "the clients' own to be over")


def test_many_clients_at_once_are_all_served(ship: Starship) -> None:
    found = in_threads(*[lambda: page(ship.port("http"), "far.com")[0]] * 60)
    assert set(found) == {200}


def test_an_endpoint_that_closes_its_spares_loses_nobody(ship: Starship, impatient: Impatient) -> None:
    """The next client comes before we may have heard of it."""

    def served() -> bytes:
        status, _, body = page(ship.port("http"), "impatient.com")
        assert status == 200
        return body.split(b"\n")[0]

    for _ in range(3):
        assert served() == b"impatient"
        until(lambda: len(impatient.inside) == EACH, "the spares")
        assert served() == b"impatient"  # by a spare: from then on it is believed again that they live
        until(lambda: len(impatient.inside) == EACH, "the spares")
        impatient.close()
        assert {served(), served()} == {b"impatient"}


def test_k1_a_server_that_speaks_first_greets_each_client_itself_and_soon_has_no_spares(
    ship: Starship, mail: Cluster
) -> None:
    for _ in range(10):
        with connect(ship.port("raw")) as client:
            assert read_so_many(client, len(GREETING)) == GREETING
            client.sendall(b"HELO")
            assert read_so_many(client, 4) == b"HELO"
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
    assert 10 <= mail.visits <= 10 + 2 * EACH
