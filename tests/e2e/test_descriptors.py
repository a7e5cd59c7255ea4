"""All descriptors used (F12, L17): accepting rests, nothing spins, live tunnels go on, and new clients come back."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.clients import connect, page, read_all, request
from tests.e2e.trouble import GRACE_S, in_threads, nothing_stays
from tests.e2e.world import Api, Starship, in_mode, ini_text, starship, until

DESCRIPTORS = 64
BACK_S = 2.0
"""L17's number: how soon new clients are served once descriptors are free."""


@pytest.fixture(scope="module")
def ship(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    ini = ini_text(api, extra="[limits]\nhello_timeout = 60s\n")
    prefix = ("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}")
    with starship(tmp_path_factory.mktemp("ship"), in_mode("tunnel", ini), prefix=prefix) as ship:
        yield ship


@contextlib.contextmanager
def tunnel(ship: Starship) -> Iterator[socket.socket]:
    with connect(ship.port("http")) as connection:
        connection.sendall(request("echo.com"))
        assert len(connection.recv(65536)) > 0
        yield connection


def echoes(connection: socket.socket, count: int = 1) -> bool:
    for _ in range(count):
        connection.sendall(b"still there?")
        if connection.recv(65536) != b"still there?":
            return False
    return True


@contextlib.contextmanager
def crowd(ship: Starship) -> Iterator[list[socket.socket]]:
    """So many clients who say nothing that no descriptor is left."""
    clients: list[socket.socket] = []
    try:
        clients += [connect(ship.port("http")) for _ in range(DESCRIPTORS + 16)]
        until(lambda: ship.descriptors() == DESCRIPTORS, "all descriptors are used")
        until(lambda: "rests: Too many open files" in ship.log.read_text(), "accepting rests")
        yield clients
    finally:
        for client in clients:
            client.close()


def last_words(client: socket.socket) -> bytes:
    """Read to the end, and leave."""
    with client:
        return read_all(client)


def cpu_share(ship: Starship, seconds: float = 1.0) -> float:
    """The process's share of a core over the next while."""
    used, began = ship.cpu_seconds(), time.monotonic()
    until(lambda: time.monotonic() - began >= seconds)
    return (ship.cpu_seconds() - used) / (time.monotonic() - began)


@pytest.mark.usefixtures("tenants")
def test_without_descriptors_nothing_spins_and_a_live_tunnel_goes_on(ship: Starship, api: Api) -> None:
    """F12, L17."""
    with nothing_stays(ship, api), tunnel(ship) as inside, crowd(ship):
        assert cpu_share(ship) < 0.5
        assert echoes(inside, 200)
    assert ship.process.poll() is None


@pytest.mark.usefixtures("tenants")
def test_new_clients_are_served_within_two_seconds_of_descriptors_coming_free(ship: Starship) -> None:
    """L17: those who waited in the backlog too."""
    with crowd(ship) as clients:
        waiting = connect(ship.port("http"))
        waiting.sendall(request("a.com"))
        freed = time.monotonic()
        ship.signal(signal.SIGSTOP)  # all go at once: who comes in between them may find no descriptor for its tenant
        for client in clients:
            client.close()
        ship.signal(signal.SIGCONT)
        with waiting:
            assert read_all(waiting).startswith(b"HTTP/1.1 200 ")
        assert page(ship.port("http"), "a.com")[0] == 200
        assert time.monotonic() - freed < BACK_S + GRACE_S
    assert "accepts again" in ship.log.read_text()
    assert ship.metric("starship_accept_paused_total") > 0


@pytest.mark.usefixtures("tenants")
def test_an_upstream_that_cannot_be_dialled_for_want_of_descriptors_is_told_as_our_fault(ship: Starship) -> None:
    """F12: each client is let in, but there is none left to reach its tenant with. No traceback, no ERROR."""
    assert page(ship.port("http"), "a.com")[0] == 200
    told = ship.log.read_text().count("our own means are used up")
    with crowd(ship) as clients:
        # Each of those who are inside asks now; while the first are answered, others come in from the backlog.
        for client in clients:
            client.sendall(request("a.com"))
        answers = in_threads(*[lambda client=client: last_words(client) for client in clients])
    statuses = {answer[:12] for answer in answers}
    assert statuses <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    (full, *_) = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
    assert b"\r\nRetry-After: " in full
    ending = ship.ending(reason="over_limit")
    assert (ending["mood"], "EMFILE" in ending["detail"]) == ("refused", True)
    assert ship.log.read_text().count("our own means are used up") == told + 1


@pytest.mark.usefixtures("tenants")
def test_a_lookup_without_a_descriptor_is_a_failed_lookup(ship: Starship, api: Api) -> None:
    """F12, L20: it is not a miss, and the next question is answered."""
    api.hang_up()
    assert ship.metric("starship_lookups_in_flight") == 0  # it answers, and has seen that nobody is there to be asked
    with crowd(ship) as clients:
        for number, client in enumerate(clients):
            client.sendall(request(f"unasked-{number}.com"))
        answers = in_threads(*[lambda client=client: last_words(client) for client in clients])
    assert {answer[:12] for answer in answers} <= {b"HTTP/1.1 404", b"HTTP/1.1 503"}
    assert b"HTTP/1.1 503" in {answer[:12] for answer in answers}
    api.hosts["unasked-0.com"] = api.hosts["a.com"]
    if page(ship.port("http"), "unasked-0.com")[0] == 404:
        assert api.asked["unasked-0.com"] == 1  # it had been asked, and answered


@pytest.mark.usefixtures("tenants")
def test_the_admin_port_answers_again_once_descriptors_are_free(ship: Starship) -> None:
    """F12: a scrape in the worst moment fails or waits, and leaves no mark."""
    with crowd(ship):
        with contextlib.suppress(OSError), connect(ship.admin) as scrape:
            scrape.settimeout(0.5)
            scrape.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            scrape.recv(1)
        assert cpu_share(ship) < 0.5
    until(lambda: page(ship.port("http"), "a.com")[0] == 200)
    assert ship.get("/healthz")[0] == 200
