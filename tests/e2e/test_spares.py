"""Spare connections on real sockets: who takes them, and that nobody is lost by them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Event

import pytest

from tests.e2e.clients import connect, page, read_all
from tests.e2e.trouble import in_threads
from tests.e2e.world import Api, Cluster, Starship, http_hello, ini_text, starship, until

EACH = 2
GREETING = b"220 mail.example\r\n"
IMPATIENCE_S = 0.15
"""Longer than a busy machine takes from a connection to its first bytes."""


def _greets(connection: socket.socket) -> None:
    """A server that speaks first, and then says what it hears."""
    connection.sendall(GREETING)
    while data := connection.recv(4096):
        connection.sendall(data)


def _impatient(connection: socket.socket) -> None:
    """A server that closes what says nothing for a moment."""
    connection.settimeout(IMPATIENCE_S)
    http_hello("impatient")(connection)


@pytest.fixture(scope="module")
def far() -> Iterator[Cluster]:
    cluster = Cluster(http_hello("far")).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def impatient() -> Iterator[Cluster]:
    cluster = Cluster(_impatient).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def mail() -> Iterator[Cluster]:
    cluster = Cluster(_greets).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def ship(
    api: Api, far: Cluster, impatient: Cluster, mail: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starship]:
    text = ini_text(
        api,
        upstream=f"preconnect = {EACH}\npreconnect_idle = 5s",
        extra=f"[listener:raw]\nprotocol = tcp\nendpoint = tcp:0:interface=127.0.0.1\nupstream = {mail.address}\n"
        f"[routes]\nfar.com = {far.address}\nimpatient.com = {impatient.address}\n[http]\nupstream_idle = 0\n",
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


def test_an_endpoint_that_closes_its_spares_loses_nobody(ship: Starship) -> None:
    for number in range(24):
        Event().wait(IMPATIENCE_S * (number % 2))  # every other client comes just when the spares are closed
        status, _, body = page(ship.port("http"), "impatient.com")
        assert (status, body.split(b"\n")[0]) == (200, b"impatient")


def test_k1_a_server_that_speaks_first_greets_each_client_itself_and_soon_has_no_spares(
    ship: Starship, mail: Cluster
) -> None:
    for _ in range(10):
        with connect(ship.port("raw")) as client:
            assert client.recv(100) == GREETING
            client.sendall(b"HELO")
            assert client.recv(100) == b"HELO"
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
    assert 10 <= mail.visits <= 10 + 2 * EACH
