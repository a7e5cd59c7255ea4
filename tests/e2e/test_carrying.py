"""All bytes pass, both ways, for as long as it takes; and what the cluster is told of the client."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from random import Random

import pytest
from attrs import define, field

from tests.e2e.clients import connect, hello_for, read_all, read_so_many, read_until, request
from tests.e2e.trouble import in_threads, nothing_stays
from tests.e2e.world import Api, Cluster, Starship, until

Clusters = dict[str, Cluster]

SIZE = 20_000_000
CROWD = 200
FLOOD_S = 120.0
BLOCK = Random(20).randbytes(1_000_003)


@pytest.fixture(scope="module")
def mode() -> str:
    """Connections as a whole are looked at here."""
    return "tunnel"


def flood(connection: socket.socket, seed: bytes) -> str:
    """Send SIZE bytes in pieces of all sizes, then the end of the stream; their SHA-256."""
    random, digest, left = Random(seed), hashlib.sha256(), SIZE
    while left:
        start = random.randrange(len(BLOCK) - 1)
        piece = BLOCK[start : start + min(left, random.choice((1, 100, 8192, 65536, 500_000)))]
        connection.sendall(piece)
        digest.update(piece)
        left -= len(piece)
    connection.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def drink(connection: socket.socket) -> tuple[int, str]:
    """Read to the end: how many bytes, and their SHA-256."""
    digest, count = hashlib.sha256(), 0
    while data := connection.recv(1 << 18):
        digest.update(data)
        count += len(data)
    return count, digest.hexdigest()


@define(eq=False)
class Exchange:
    """A cluster's handler: reads the head, then floods and drinks at once; keeps both sums."""

    head: int
    sent: str = ""
    got: tuple[int, str] = (0, "")
    done: threading.Event = field(factory=threading.Event)

    def __call__(self, connection: socket.socket) -> None:
        connection.settimeout(FLOOD_S)
        read_so_many(connection, self.head)
        self.sent, self.got = in_threads(lambda: flood(connection, b"upstream"), lambda: drink(connection))
        self.done.set()


@pytest.mark.parametrize("door", ["https", "http"])
def test_s13_twenty_megabytes_each_way_at_once_are_the_same_to_the_byte(ship: Starship, api: Api, door: str) -> None:
    first = hello_for("flood.com") if door == "https" else request("flood.com")
    exchange = Exchange(len(first))
    cluster = Cluster(exchange).start()
    api.hosts["flood.com"] = {"app": "flood", "endpoint": cluster.address, "ttl": 0}
    with nothing_stays(ship, api), connect(ship.port(door)) as client:
        client.settimeout(FLOOD_S)
        client.sendall(first)
        sent, got = in_threads(lambda: flood(client, b"client"), lambda: drink(client))
        assert exchange.done.wait(FLOOD_S)
        assert got == (SIZE, exchange.sent)
        assert exchange.got == (SIZE, sent)
    ending = ship.ending(name="flood.com", door=door)
    assert (ending["reason"], ending["in"], ending["out"]) == ("ok", len(first) + SIZE, SIZE)
    cluster.stop()


def test_s13_a_client_that_has_finished_still_gets_its_answer(ship: Starship, api: Api) -> None:
    """Half-close, as of `curl -T` behind a plain TCP client."""

    def late(connection: socket.socket) -> None:
        got = read_all(connection)  # until the client's end
        connection.sendall(b"after the end: %d" % len(got))

    cluster = Cluster(late).start()
    api.hosts["half.com"] = {"app": "half", "endpoint": cluster.address}
    with connect(ship.port("http")) as client:
        client.sendall(request("half.com") + b"body")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"after the end: %d" % len(request("half.com") + b"body")
    assert ship.ending(name="half.com")["reason"] == "ok"
    cluster.stop()


def test_s13_an_upstream_that_has_finished_still_hears_its_client(ship: Starship, api: Api) -> None:
    heard: list[bytes] = []

    def early(connection: socket.socket) -> None:
        connection.sendall(b"no more of me")
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_all(connection))

    cluster = Cluster(early).start()
    api.hosts["early.com"] = {"app": "early", "endpoint": cluster.address}
    with connect(ship.port("http")) as client:
        client.sendall(request("early.com"))
        assert read_all(client) == b"no more of me"
        client.sendall(b"but more of me")
    assert ship.ending(name="early.com")["reason"] == "ok"
    assert until(lambda: heard, "what the upstream heard") == [request("early.com") + b"but more of me"]
    cluster.stop()


def test_s13_a_websocket_talks_both_ways_turn_by_turn(ship: Starship, api: Api) -> None:
    """An upgrade, then frames small and large, begun by either side."""

    def websocket(connection: socket.socket) -> None:
        assert b"Upgrade: websocket" in read_until(connection, b"\r\n\r\n")
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"
        )
        while data := connection.recv(65536):
            connection.sendall(data)

    cluster = Cluster(websocket).start()
    api.hosts["socket.com"] = {"app": "socket", "endpoint": cluster.address}
    with connect(ship.port("http")) as client:
        client.sendall(request("socket.com", "/chat", "Connection: Upgrade", "Upgrade: websocket"))
        read_until(client, b"hello")
        for turn in range(500):
            frame = struct.pack(">BBH", 0x82, 126, turn) + BLOCK[: turn * 10]
            client.sendall(frame)
            assert read_so_many(client, len(frame)) == frame
    assert ship.ending(name="socket.com")["reason"] == "ok"
    cluster.stop()


def test_two_hundred_clients_at_once_leave_nothing_behind(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["crowd.com"] = {"app": "crowd", "endpoint": clusters["echo"].address}
    with nothing_stays(ship, api):
        clients = [connect(ship.port("any")) for _ in range(CROWD)]
        sayings = [request("crowd.com", f"/{at}") + BLOCK[at : at + 20_000] for at in range(CROWD)]
        for client, saying in zip(clients, sayings, strict=True):
            client.sendall(saying)
        for client, saying in zip(clients, sayings, strict=True):
            assert read_so_many(client, len(saying)) == saying
        assert ship.metric("starship_connections_active", door="any") == CROWD
        until(lambda: ship.metric("starship_gate_connections") == CROWD, "nobody else counts")
        for client in clients:
            client.close()
    until(lambda: clusters["echo"].open == 0, "nobody is at the cluster")
    ship.settled()
    endings = [ending for ending in ship.endings() if ending["name"] == "crowd.com"]
    assert [ending["reason"] for ending in endings] == ["ok"] * CROWD
    assert len({ending["id"] for ending in endings}) == CROWD


@pytest.fixture
def witness() -> Iterator[tuple[Cluster, list[bytes]]]:
    """A cluster that keeps what it hears, and says so."""
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        got = read_until(connection, (b"\r\n\r\n", b"over"))
        heard.append(got)
        connection.sendall(b"heard")

    cluster = Cluster(listen).start()
    yield cluster, heard
    cluster.stop()


def test_proxy_protocol_v1_tells_the_cluster_who_the_client_is(
    ship: Starship, api: Api, witness: tuple[Cluster, list[bytes]]
) -> None:
    cluster, heard = witness
    api.hosts["v1.com"] = {"app": "v1", "endpoint": cluster.address, "proxy_protocol": "v1"}
    with connect(ship.port("http")) as client:
        client.sendall(request("v1.com"))
        assert read_all(client) == b"heard"
        ours, door = client.getsockname()[1], ship.port("http")
    assert heard == [f"PROXY TCP4 127.0.0.1 127.0.0.1 {ours} {door}\r\n".encode() + request("v1.com")]
    ending = ship.ending(name="v1.com")
    assert (ending["client"], ending["in"]) == (f"127.0.0.1:{ours}", len(request("v1.com")))


def test_l10_proxy_protocol_v2_says_the_name_and_its_length_is_that_of_its_bytes(
    ship: Starship, api: Api, witness: tuple[Cluster, list[bytes]]
) -> None:
    cluster, heard = witness
    api.hosts["v2.com"] = {"app": "v2", "endpoint": cluster.address, "proxy_protocol": "v2"}
    flight = hello_for("V2.com")
    with connect(ship.port("https")) as client:
        client.sendall(flight + b"over")
        assert read_all(client) == b"heard"
        ours, door = client.getsockname()[1], ship.port("https")
    (got,) = heard
    assert got[:14] == b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
    length = int.from_bytes(got[14:16], "big")
    assert got[16 + length :] == flight + b"over"
    assert got[16:28] == socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", ours, door)
    tlvs, rest = {}, got[28 : 16 + length]
    while rest:
        size = int.from_bytes(rest[1:3], "big")
        tlvs[rest[0]], rest = rest[3 : 3 + size], rest[3 + size :]
    assert tlvs == {0x02: b"v2.com", 0x05: ship.ending(name="v2.com")["id"].encode()}
