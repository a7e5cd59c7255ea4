"""Connections of a running service: seen while they carry, counted before they end, closed by hand."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from starship.cli import main
from tests.e2e.clients import connect, hello_for, read_all
from tests.e2e.world import START_S, WAIT_S, Api, Cluster, Starship, answers, echo, ini_text, starship, until

CHUNK = b"x" * 65536


@define(eq=False)
class Source:
    """A cluster that sends for ever, as fast as it is taken, once it has heard a word; `flow` lets it go on."""

    flow: threading.Event = field(factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        connection.recv(8192)
        while self.flow.wait(WAIT_S):
            connection.sendall(CHUNK)


@pytest.fixture
def source() -> Iterator[Cluster]:
    made = Source()
    made.flow.set()
    cluster = Cluster(made.serve).start()
    yield cluster
    made.flow.clear()
    cluster.stop()


def download(ship: Starship, name: str, amount: int) -> socket.socket:
    """A client that has read so much of an endless answer, and now rests."""
    client = connect(ship.port("https"))
    client.sendall(hello_for(name))
    read(client, amount)
    return client


def read(client: socket.socket, amount: int) -> None:
    while amount > 0:
        data = client.recv(min(amount, 1 << 20))
        assert data
        amount -= len(data)


def is_cut(client: socket.socket) -> bool:
    """Whether the connection ends in a reset, once what was under way is read. It is closed."""
    try:
        with client:
            read_all(client)
    except ConnectionResetError:
        return True
    return False


def echoed(client: socket.socket, data: bytes) -> bool:
    client.sendall(data)
    return client.recv(8192) == data


def tunnel(ship: Starship, name: str) -> socket.socket:
    """A client that is joined to the echo."""
    client = connect(ship.port("https"))
    assert echoed(client, hello_for(name))
    return client


def row_of(ship: Starship, **query: str) -> dict[str, Any]:
    """The one connection that is meant."""
    (row,) = ship.connections(**query)
    return row


def test_a_transfer_is_listed_and_counted_while_it_runs_and_closed_by_its_host(
    ship: Starship, api: Api, clusters: dict[str, Cluster], source: Cluster
) -> None:
    api.hosts["big.com"] = {"app": "Big", "endpoint": source.address}
    api.hosts["other.com"] = {"app": "Other", "endpoint": clusters["echo"].address}
    ship.settled()
    before = ship.metric("starship_bytes_total", direction="out")
    closed = ship.metric("starship_endings_total", reason="closed", mood="severed")
    with download(ship, "big.com", 8 << 20) as client, tunnel(ship, "other.com") as bystander:
        row = row_of(ship, host="big.com")
        assert {key: row[key] for key in ("state", "door", "source", "app", "endpoint", "in")} == {
            "state": "carrying",
            "door": "https",
            "source": "127.0.0.1",
            "app": "Big",
            "endpoint": source.address,
            "in": len(hello_for("big.com")),
        }
        assert row["port"] == client.getsockname()[1]
        assert row["out"] >= 8 << 20
        moved = ship.metric("starship_bytes_total", direction="out")
        assert moved - before >= row["out"]

        def goes_on() -> bool:
            """What the kernels hold between the two is for them to say: the more is read, the more must follow."""
            read(client, 1 << 20)
            more = ship.metric("starship_bytes_total", direction="out") - moved
            return more >= 1 << 20 and row_of(ship, host="big.com")["out"] >= row["out"] + (1 << 20)

        until(goes_on, "a megabyte more")
        assert [one["host"] for one in ship.connections(sort="bytes", limit="1")] == ["big.com"]
        assert ship.close_connections(host="big.com") == 1
        assert is_cut(client)
        assert echoed(bystander, b"still here")
        assert [one["host"] for one in ship.connections()] == ["other.com"]
    ending = ship.ending(name="big.com")
    assert (ending["reason"], ending["mood"], ending["status"]) == ("closed", "severed", 200)
    assert ending["id"] == row["id"]
    until(lambda: not source.open, "the cluster is told")
    assert ship.metric("starship_endings_total", reason="closed", mood="severed") == closed + 1


def test_the_counters_never_go_back_and_end_as_the_sum_of_the_log(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    api.hosts["sum.com"] = {"app": "Sum", "endpoint": clusters["echo"].address}
    seen = [(0.0, 0.0)]

    def look() -> None:
        now = ship.metric("starship_bytes_total", direction="in"), ship.metric("starship_bytes_total", direction="out")
        assert now[0] >= seen[-1][0]
        assert now[1] >= seen[-1][1]
        seen.append(now)

    clients = [tunnel(ship, "sum.com") for _ in range(5)]
    for client in clients:
        look()
        echoed(client, b"x" * 1000)
        look()
        client.close()
        look()
    ship.settled()
    look()
    endings = ship.endings()
    assert seen[-1] == (sum(ending["in"] for ending in endings), sum(ending["out"] for ending in endings))


def test_connections_are_closed_by_id_app_endpoint_or_source_and_all_others_go_on(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    usual = clusters["echo"].address
    names = [f"{which}.close.com" for which in ("id", "app", "endpoint", "source", "none")]
    other = Cluster(echo).start()
    for name in names:
        api.hosts[name] = {"app": name, "endpoint": other.address if name.startswith("endpoint") else usual}
    clients = {name: tunnel(ship, name) for name in names if not name.startswith("source")}
    elsewhere = connect(ship.port("https"), source="127.0.0.77")
    assert echoed(elsewhere, hello_for(names[3]))
    clients[names[3]] = elsewhere
    assert len(ship.connections(host="*.close.com")) == 5
    id_ = row_of(ship, host=names[0])["id"]
    assert json.loads(ship.ask("GET", f"/connections/{id_}")[1])["host"] == names[0]
    assert ship.ask("DELETE", f"/connections/{id_}")[0] == 200
    assert ship.ask("DELETE", f"/connections/{id_}")[0] == 404
    assert ship.close_connections(app=names[1]) == 1
    assert ship.close_connections(endpoint=other.address) == 1
    assert ship.close_connections(source="127.0.0.64/26", host="*.close.com") == 1
    for name in names[:4]:
        assert is_cut(clients[name]), name
        assert ship.ending(name=name)["reason"] == "closed"
    assert echoed(clients[names[4]], b"still here")
    clients[names[4]].close()
    other.stop()


def test_who_is_not_joined_yet_is_refused_in_order(ship: Starship, api: Api) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(handler: Any) -> None:
        asked.set()
        go_on.wait(WAIT_S)
        handler.say(404, {})

    api.hosts["slow.com"] = slow
    with connect(ship.port("https")) as routing, connect(ship.port("http")) as sniffing:
        routing.sendall(hello_for("slow.com"))
        sniffing.sendall(b"GET / HTTP/1.1\r\n")
        assert asked.wait(WAIT_S)
        rows = until(lambda: len(found := ship.connections()) == 2 and found, "both are inside")
        assert {(row["state"], row["host"]) for row in rows} == {("routing", "slow.com"), ("sniffing", None)}
        assert ship.close_connections(source="127.0.0.1") == 2
        assert read_all(routing)[-2:] == b"\x02\x50"
        assert read_all(sniffing).startswith(b"HTTP/1.1 503 ")
    go_on.set()
    assert ship.ending(name="slow.com")["reason"] == "closed"
    assert ship.ending(name="slow.com")["status"] == 495
    assert ship.ending(reason="closed", scheme=None)["status"] == 503


def test_the_command_line_lists_and_closes_behind_a_token(
    api: Api, clusters: dict[str, Cluster], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.com", "two.com"):
        api.hosts[name] = {"app": "Cli", "endpoint": clusters["echo"].address}
    token = tmp_path / "admin-token"
    token.write_text("s3cret\n")
    admin = f"[admin]\nendpoint = unix:{tmp_path}/admin.sock\ntoken_file = {token}\n"
    with starship(tmp_path, ini_text(api, extra=admin), wait=False) as ship:
        until(lambda: answers(tmp_path / "admin.sock"), "the socket", START_S)
        config = ("--config", str(tmp_path / "starship.ini"))
        clients = [tunnel(ship, name) for name in ("one.com", "two.com", "two.com")]
        assert main(["connections", *config]) == 0
        assert [line.split()[7] for line in capsys.readouterr().out.splitlines()[1:]] == [
            "one.com",
            "two.com",
            "two.com",
        ]
        assert main(["connections", "close", "--host", "two.com", *config]) == 0
        assert capsys.readouterr().out == "2 closed\n"
        assert main(["connections", "--host", "two.com", *config]) == 1
        assert main(["connections", "--admin", f"unix:{tmp_path}/admin.sock"]) == 2
        assert "needs the token" in capsys.readouterr().err
        assert [is_cut(client) for client in clients[1:]] == [True, True]
        assert echoed(clients[0], b"still here")
        clients[0].close()
