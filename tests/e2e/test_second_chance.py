"""Endpoints that take a connection and leave it before they say a byte: whoever may be served by another is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field

from tests.e2e.clients import alert_of, ask, client_hello, connect, flight, page, read_all, read_so_many
from tests.e2e.trouble import black_hole, in_threads, nothing_stays, reset
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, echo, http_hello, ini_text, starship, until
from tests.sniff.making import VERSIONS, hello, records, sni

CLIENTS = 200

DOORS = """
[listener:tunnel]
protocol = http
mode = tunnel
endpoint = tcp:0:interface=127.0.0.1

[listener:raw]
protocol = tcp
endpoint = tcp:0:interface=127.0.0.1
upstream = pool:raw
"""


def leave(connection: socket.socket) -> None:
    """Close in order, at once: whoever stands for a server that is not there does so."""


def listen_and_reset(connection: socket.socket) -> None:
    """Hear the first bytes out, and die."""
    connection.recv(65536)
    reset(connection)


def listen_and_leave(connection: socket.socket) -> None:
    """Hear the first bytes out, and leave in order."""
    connection.recv(65536)


BAD = {"resets": reset, "leaves": leave, "hears-and-resets": listen_and_reset, "hears-and-leaves": listen_and_leave}


@define(eq=False)
class Yard:
    """Endpoints that leave, each beside one that lives; `hole` is a black hole."""

    hole: int
    bad: dict[str, Cluster] = field(factory=lambda: {name: Cluster(how).start() for name, how in BAD.items()})
    web: Cluster = field(factory=lambda: Cluster(http_hello("alive")).start())
    tls: Cluster = field(factory=lambda: Cluster(echo).start())
    judged: Cluster = field(factory=lambda: Cluster(listen_and_leave).start())

    def ini(self, api: Api) -> str:
        bad = {name: cluster.address for name, cluster in self.bad.items()}
        # Passive health is switched off where it is counted how often the bad one is met.
        patient = "eject_failures = 0\nretries = 100"
        pools = {}
        for name, address in bad.items():
            pools[f"web-{name}"] = f"endpoints = {address}, {self.web.address}\n{patient}"
            pools[f"tls-{name}"] = f"endpoints = {address}, {self.tls.address}\n{patient}"
        pools["raw"] = f"endpoints = {bad['resets']}, {bad['leaves']}, {self.tls.address}\n{patient}"
        pools["bad"] = f"endpoints = {bad['hears-and-resets']}, {bad['hears-and-leaves']}\n{patient}"
        pools["alone"] = f"endpoints = {bad['hears-and-resets']}"
        pools["judged"] = f"endpoints = {self.judged.address}, {self.web.address}\neject_failures = 3\neject_time = 90s"
        pools["slow"] = f"endpoints = {bad['hears-and-leaves']}, 127.0.0.1:{self.hole} backup\nconnect_timeout = 5s"
        stingy = "eject_failures = 0\nretries = 0\nmin_retries = 0"
        pools["poor"] = f"endpoints = {bad['hears-and-leaves']}, {self.web.address}\n{stingy}"
        sections = "".join(f"[pool:{name}]\n{text}\n" for name, text in pools.items())
        routes = "".join(f"{name}.com = pool:{name}\n" for name in pools)
        return ini_text(api, extra=f"{sections}[routes]\n{routes}{DOORS}")


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    with black_hole() as hole:
        made = Yard(hole.port)
        yield made
        for cluster in (*made.bad.values(), made.web, made.tls, made.judged):
            cluster.stop()


@pytest.fixture(scope="module")
def ship(api: Api, yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    with starship(tmp_path_factory.mktemp("ship"), yard.ini(api)) as ship:
        yield ship


@pytest.fixture(autouse=True)
def level(ship: Starship, api: Api) -> Iterator[None]:
    with nothing_stays(ship, api):
        yield


def tunnelled(ship: Starship, data: bytes, door: str = "https") -> bytes:
    """What an echo says to these bytes."""
    with connect(ship.port(door)) as connection:
        connection.settimeout(WAIT_S)
        connection.sendall(data)
        return read_so_many(connection, len(data))


def many(count: int, job: Any) -> list[Any]:
    """The job of so many clients, four of them at a time."""

    def some() -> list[Any]:
        return [job() for _ in range(count // 4)]

    return [result for results in in_threads(some, some, some, some) for result in results]


@pytest.mark.parametrize("door", ["http", "tunnel"])
@pytest.mark.parametrize("bad", BAD)
def test_no_client_of_plain_http_is_lost_to_an_endpoint_that_leaves(
    ship: Starship, yard: Yard, bad: str, door: str
) -> None:
    before = yard.bad[bad].visits
    statuses = many(CLIENTS, lambda: page(ship.port(door), f"web-{bad}.com")[0])
    assert statuses == [200] * CLIENTS
    assert yard.bad[bad].visits - before > CLIENTS // 4


@pytest.mark.parametrize("bad", BAD)
def test_no_client_of_tls_is_lost_to_an_endpoint_that_leaves(ship: Starship, yard: Yard, bad: str) -> None:
    before, said = yard.bad[bad].visits, client_hello(f"tls-{bad}.com")
    assert many(CLIENTS, lambda: tunnelled(ship, said)) == [said] * CLIENTS
    assert yard.bad[bad].visits - before > CLIENTS // 4
    ending = ship.ending(name=f"tls-{bad}.com")
    assert (ending["reason"], ending["up"]) == ("ok", yard.tls.address)
    assert (ending["in"], ending["out"]) == (len(said), len(said))


def test_a_raw_client_who_has_said_nothing_yet_is_given_to_another(ship: Starship, yard: Yard) -> None:
    for _ in range(6):
        with connect(ship.port("raw")) as connection:
            connection.settimeout(WAIT_S)
            until(lambda: ship.connections(endpoint=yard.tls.address), "it is joined to the one that lives")
            connection.sendall(b"hello")
            assert read_so_many(connection, 5) == b"hello"
        until(lambda: not ship.connections(), "it has gone")
    # Of two who met the one that leaves first; a reset may come while it is connected to, which is another matter.
    assert ship.metric("starship_pool_retries_total", pool="raw", result="made") >= 2


def test_a_client_who_has_gone_back_is_shown_as_dialling_until_somebody_takes_it(ship: Starship, yard: Yard) -> None:
    before = yard.bad["hears-and-leaves"].visits
    with connect(ship.port("https")) as connection:
        connection.settimeout(WAIT_S)
        connection.sendall(client_hello("slow.com"))
        until(lambda: yard.bad["hears-and-leaves"].visits > before, "the first one was met")
        (row,) = until(lambda: [row for row in ship.connections() if row["state"] == "dialling"], "it dials")
        assert row["endpoint"] is None
        assert alert_of(read_all(connection)) == 80
    assert ship.ending(name="slow.com")["reason"] == "upstream_timeout"


def test_each_client_has_one_line_and_second_chances_are_counted(ship: Starship) -> None:
    name = "web-leaves.com"
    made = ship.metric("starship_pool_retries_total", pool="web-leaves", result="made")
    before = len([line for line in ship.endings() if line["name"] == name])
    for _ in range(10):
        assert page(ship.port("http"), name)[0] == 200
    until(lambda: len([line for line in ship.endings() if line["name"] == name]) == before + 10, "a line for each")
    lines = [line for line in ship.endings() if line["name"] == name][-10:]
    assert {(line["reason"], line["status"]) for line in lines} == {("ok", 200)}
    assert ship.metric("starship_pool_retries_total", pool="web-leaves", result="made") == made + 5


def test_early_data_is_said_once_whatever_becomes_of_it(ship: Starship, yard: Yard) -> None:
    name = "tls-hears-and-resets.com"
    message = hello([VERSIONS, sni(name.encode()), (42, b"")])
    announced, sent = records(message), client_hello(name) + b"\x17\x03\x03\x00\x01x"
    for said in (announced, sent):
        before = yard.bad["hears-and-resets"].visits, yard.tls.visits
        answers = [flight_of(ship, said) for _ in range(20)]
        visits = yard.bad["hears-and-resets"].visits - before[0], yard.tls.visits - before[1]
        assert visits == (10, 10)
        assert sorted(answers) == [b""] * 10 + [said] * 10


def flight_of(ship: Starship, said: bytes) -> bytes:
    """What an echo says; nothing where the connection is cut."""
    try:
        return tunnelled(ship, said)
    except ConnectionResetError:
        return b""


def test_a_post_is_said_once_and_its_client_is_told(ship: Starship, yard: Yard) -> None:
    name = "web-hears-and-resets.com"
    before = yard.bad["hears-and-resets"].visits
    post = f"POST / HTTP/1.1\r\nHost: {name}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    statuses = [ask(ship.port("http"), [post]).split(b" ", 2)[1] for _ in range(20)]
    assert (statuses.count(b"200"), statuses.count(b"502")) == (10, 10)
    assert yard.bad["hears-and-resets"].visits - before == 10
    assert ship.ending(name=name, status=502)["reason"] == "upstream_reset"


def test_an_endpoint_alone_is_as_it_was(ship: Starship) -> None:
    assert flight(ship.port("https"), client_hello("alone.com")) == b""
    assert (ship.ending(name="alone.com")["reason"], ship.ending(name="alone.com")["status"]) == ("upstream_reset", 502)
    assert page(ship.port("http"), "alone.com")[0] == 502


def test_where_all_leave_the_client_is_refused_in_words_and_each_was_asked_once(ship: Starship, yard: Yard) -> None:
    bad = [yard.bad["hears-and-resets"], yard.bad["hears-and-leaves"]]
    before = sum(cluster.visits for cluster in bad)
    status, _, body = page(ship.port("http"), "bad.com")
    assert (status, b"upstream_reset" in body) == (502, True)
    ending = ship.ending(name="bad.com")
    assert (ending["reason"], ending["mood"], ending["up"]) == ("upstream_reset", "severed", None)
    assert "the connection before its first byte" in ending["detail"]
    assert alert_of(flight(ship.port("https"), client_hello("bad.com"))) == 80
    assert page(ship.port("tunnel"), "bad.com")[0] == 502
    assert sum(cluster.visits for cluster in bad) <= before + 6


def test_where_the_budget_is_spent_the_client_is_told(ship: Starship) -> None:
    statuses = [page(ship.port("http"), "poor.com")[0] for _ in range(4)]
    assert sorted(statuses) == [200, 200, 502, 502]
    assert ship.ending(name="poor.com", status=502)["detail"].endswith("; enough of those are being tried again")


def test_an_endpoint_that_leaves_in_order_is_left_out_after_so_many_since_others_answer(
    ship: Starship, yard: Yard
) -> None:
    for _ in range(20):
        assert page(ship.port("http"), "judged.com")[0] == 200
    text = f"{yard.judged.address} is left out for 90 s: {yard.judged.address} ended a connection before its first byte"
    until(lambda: text in ship.log.read_text(), "it is left out")
    assert yard.judged.visits == 3


def test_nothing_of_this_was_an_error(ship: Starship) -> None:
    text = ship.log.read_text()
    assert "Traceback" not in text
    assert "Unhandled" not in text
