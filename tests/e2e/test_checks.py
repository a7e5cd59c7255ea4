"""Checks on real sockets: who is found down, who is used meanwhile, and what becomes of those who were connected."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import define, field

from tests.e2e.clients import connect, page, read_all
from tests.e2e.trouble import black_hole, closed_port, in_threads, rude
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, echo, http_hello, ini_text, starship, until

CHECKS = "check_interval = 200ms\ncheck_timeout = 2s\ncheck_rise = 2\ncheck_fall = 2\neject_failures = 0\n"
RAW = "[listener:{0}]\nprotocol = tcp\nendpoint = tcp:0:interface=127.0.0.1\nupstream = pool:{0}\n"

Handler = Callable[[socket.socket], None]


def saying(answer: bytes, *, again: bytes = b"") -> Handler:
    """Answers whatever it is asked with the same bytes, and then with others for as long as somebody listens."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        while again:
            connection.sendall(again * 100)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)  # closing over what is unread would be a reset, which drops what was said

    return handle


def mute(connection: socket.socket) -> None:
    """Accepts, and says nothing."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


BAD: dict[str, Handler] = {
    "mute": mute,
    "rude": rude,
    "failing": saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
    "babbling": saying(bytes(range(256)) * 4),
    "endless": saying(b"HTTP/1.1 200 OK\r\n", again=b"X-And-So: on\r\n"),
    "alerting": saying(b"\x15\x03\x03\x00\x02\x02\x28"),
    "hasty": lambda connection: None,
}
"""Endpoints that take connections and are not well."""


@define(eq=False)
class Yard:
    """All endpoints. `switched` may be stopped, and started again at its port."""

    refusing: int
    hole: int
    good: Cluster = field(factory=lambda: Cluster(http_hello("good")).start())
    bad: dict[str, Cluster] = field(factory=lambda: {name: Cluster(handler).start() for name, handler in BAD.items()})
    switched: Cluster = field(factory=lambda: Cluster(echo).start())
    steady: Cluster = field(factory=lambda: Cluster(echo).start())
    flapping: Cluster = field(factory=lambda: Cluster(http_hello("flapping")).start())

    def ini(self, api: Api) -> str:
        good = self.good.address
        switched = f"endpoints = {self.switched.address}, {self.steady.address}\ncheck = tcp\n"
        pools = {name: f"endpoints = {cluster.address}, {good}\ncheck = http" for name, cluster in self.bad.items()}
        pools["alerting"] = f"endpoints = {self.bad['alerting'].address}\ncheck = tls\ncheck_host = a.com"
        pools["refusing"] = f"endpoints = 127.0.0.1:{self.refusing}, {good}\ncheck = tcp"
        pools["hole"] = f"endpoints = 127.0.0.1:{self.hole}, {good}\ncheck = tcp"
        pools["flapping"] = f"endpoints = {self.flapping.address}, {good}\ncheck = http"
        pools["gone"] = f"endpoints = {self.bad['failing'].address} weight=2, {self.bad['rude'].address}\ncheck = http"
        pools["closing"] = f"{switched}on_down = close"
        pools["keeping"] = switched
        sections = "".join(f"[pool:{name}]\n{text}\n" for name, text in pools.items())
        routes = "".join(f"{name}.com = pool:{name}\n" for name in pools)
        doors = RAW.format("closing") + RAW.format("keeping")
        return ini_text(api, upstream=CHECKS, extra=f"{sections}[routes]\n{routes}{doors}")


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    with closed_port() as refusing, black_hole() as hole:
        made = Yard(refusing, hole.port)
        yield made
        for cluster in (made.good, made.switched, made.steady, made.flapping, *made.bad.values()):
            cluster.stop()


@pytest.fixture(scope="module")
def ship(api: Api, yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    with starship(tmp_path_factory.mktemp("ship"), yard.ini(api)) as ship:
        yield ship


def told(ship: Starship, address: str, how: str) -> int:
    """How often the log says of an endpoint that it is down, or up."""
    return ship.log.read_text().count(f"{address} is {how}")


def _told_so_often(ship: Starship, address: str, how: str, times: int) -> bool:
    return told(ship, address, how) == times


def served(ship: Starship, name: str) -> str:
    status, _, body = page(ship.port("http"), name)
    assert status == 200, body
    return body.split(b"\n")[0].decode()


WHYS = {
    "mute": "it did not answer in time",
    "rude": "the connection ended before the answer",
    "failing": "the status is 500",
    "babbling": "the answer is not HTTP/1",
    "endless": "does not end within 16384 bytes",
    "alerting": "the handshake failed: ",
    "hasty": "the connection ended before the answer",
}


@pytest.mark.parametrize("name", BAD)
def test_who_takes_connections_and_is_not_well_is_found_down_and_told_once(
    ship: Starship, yard: Yard, name: str
) -> None:
    address = yard.bad[name].address
    until(lambda: told(ship, address, "down"), "it is found down")
    (line,) = {
        line.partition(f"{address} ")[2] for line in ship.log.read_text().splitlines() if f"{address} is" in line
    }
    assert WHYS[name] in line
    if name != "alerting":
        assert {served(ship, f"{name}.com") for _ in range(12)} == {"good"}
    assert told(ship, address, "down") == 1


@pytest.mark.parametrize("name", ["refusing", "hole"])
def test_who_takes_no_connection_is_found_down(ship: Starship, yard: Yard, name: str) -> None:
    address = f"127.0.0.1:{yard.refusing if name == 'refusing' else yard.hole}"
    until(lambda: told(ship, address, "down"), "it is found down")
    assert {served(ship, f"{name}.com") for _ in range(12)} == {"good"}


def test_all_down_is_all_tried(ship: Starship, yard: Yard) -> None:
    """The endpoint with the 500 gives it to whoever asks, also to whom the other one resets: better than nothing."""
    for name in ("failing", "rude"):
        until(partial(told, ship, yard.bad[name].address, "down"), f"{name} is down")
    statuses = Counter(page(ship.port("http"), "gone.com")[0] for _ in range(12))
    assert statuses == {500: 12}


def test_one_that_flaps_every_second_costs_no_client_its_answer(ship: Starship, yard: Yard) -> None:
    over, answers = threading.Event(), Counter[str]()
    address = yard.flapping.address

    def ask() -> None:
        try:
            while not over.is_set():
                answers[served(ship, "flapping.com")] += 1
        finally:
            over.set()

    def more(who: str, than: int) -> bool:
        return over.is_set() or answers[who] > than

    def flap() -> None:
        try:
            for number in range(1, 4):
                until(partial(more, "flapping", answers["flapping"]), "it is used")
                with closed_port(yard.flapping.port):
                    yard.flapping.stop()
                    until(partial(_told_so_often, ship, address, "down", number), "it is down")
                    until(partial(more, "good", answers["good"]), "the other one is used")
                    yard.flapping.start()
                until(partial(_told_so_often, ship, address, "up", number), "it is up")
        finally:
            over.set()

    in_threads(ask, flap)
    assert set(answers) == {"good", "flapping"}


def _joined(ship: Starship, door: str, count: int) -> list[socket.socket]:
    clients = [connect(ship.port(door)) for _ in range(count)]
    for client in clients:
        client.settimeout(WAIT_S)
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    return clients


def test_a_pool_that_wants_it_loses_its_connections_to_who_went_down_and_no_other_does(
    ship: Starship, yard: Yard
) -> None:
    address = yard.switched.address
    until(lambda: ship.metric("starship_checks_total", check="tcp", result="passed") > 10, "the checks")
    closing, keeping = _joined(ship, "closing", 10), _joined(ship, "keeping", 10)
    with closed_port(yard.switched.port):
        yard.switched.stop()
        until(lambda: told(ship, address, "down") == 1, "it is down")
        until(lambda: ship.metric("starship_endings_total", reason="upstream_down") == 5, "five are closed")
        lost = 0
        for client in (*closing, *keeping):
            try:
                client.sendall(b"again")
                lost += client.recv(100) != b"again"
            except OSError:
                lost += 1
            client.close()
        assert lost == 5
        ending = ship.ending(reason="upstream_down")
        assert (ending["up"], ending["mood"], ending["status"]) == (address, "severed", 502)
        assert f"5 connections of closing to {address} were closed" in ship.log.read_text()
        yard.switched.start()
    until(lambda: told(ship, address, "up") == 1, "it is up")
    for client in _joined(ship, "closing", 4):
        client.close()


def test_checks_are_counted(ship: Starship) -> None:
    until(lambda: ship.metric("starship_checks_total", check="http", result="failed") > 5, "checks by HTTP")
    until(lambda: ship.metric("starship_checks_total", check="tls", result="failed") > 1, "checks by TLS")
    until(lambda: ship.metric("starship_check_endpoints", state="down") >= len(BAD) + 2, "all are down")
    assert ship.metric("starship_check_changes_total", to="down") >= len(BAD) + 2
    assert ship.metric("starship_checks_total", result="unmade") == 0
    until(lambda: ship.metric("starship_checks_waiting") == 0, "none waits")


def test_endpoints_that_a_lookup_lists_are_checked_where_that_is_wanted(api: Api, yard: Yard, tmp_path: Path) -> None:
    """The one that answers 500 to every check gets nobody, although connecting to it has never failed."""
    failing, good = yard.bad["failing"].address, yard.good.address
    api.hosts["listed.com"] = {"app": "A", "endpoints": [{"address": failing}, {"address": good}]}
    text = ini_text(api, upstream=f"{CHECKS}check = http\ncheck_listed = 10\n")
    with starship(tmp_path, text) as ship:
        page(ship.port("http"), "listed.com")
        until(lambda: told(ship, failing, "down"), "it is found down")
        assert {served(ship, "listed.com") for _ in range(12)} == {"good"}
