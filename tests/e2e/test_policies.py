"""Who may come in: what an answer says of its own name, and what the ini file says of a door and of the whole."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.e2e.clients import alert_of, ask, client_hello, connect, flight, page, read_all, read_so_many, request
from tests.e2e.world import Api, Cluster, Starship, ini_text, starship, until

Clusters = dict[str, Cluster]

BEGINNINGS = {"https": b"\x16", "http": b"G", "any": b"G"}


def test_maintenance_is_a_503_and_an_alert_but_certificates_renew(ship: Starship, api: Api, clusters: Clusters) -> None:
    visits = clusters["echo"].visits
    api.hosts["down.com"] = {"app": "down", "endpoint": clusters["echo"].address, "maintenance": True}
    status, head, body = page(ship.port("http"), "down.com")
    assert (status, b"Retry-After: 10\r\n" in head, b"Down for maintenance" in body) == (503, True, True)
    assert alert_of(ask(ship.port("https"), [client_hello("down.com")])) == 80
    assert alert_of(ask(ship.port("https"), [client_hello("down.com", alpn=("acme-tls/1", "h2"))])) == 80
    assert ship.ending(name="down.com", door="http")["status"] == 503
    assert ship.ending(name="down.com", door="https")["status"] == 495
    until(lambda: ship.metric("starship_endings_total", reason="maintenance", mood="refused") == 3, "three are counted")
    assert clusters["echo"].visits == visits
    renewal = client_hello("down.com", alpn=("acme-tls/1",))
    with connect(ship.port("https")) as client:
        client.sendall(renewal)
        assert read_so_many(client, len(renewal)) == renewal
    assert ship.ending(name="down.com", reason="ok")["alpn"] == ["acme-tls/1"]


def test_an_answer_says_who_may_come_to_its_name(ship: Starship, api: Api, clusters: Clusters) -> None:
    home = {"app": "club", "endpoint": clusters["a"].address}
    api.hosts["members.com"] = {**home, "allow": ["10.0.0.0/8"]}
    api.hosts["nobody.com"] = {**home, "allow": []}
    api.hosts["banned.com"] = {**home, "allow": ["127.0.0.0/8"], "deny": ["127.0.0.1"]}
    api.hosts["open.com"] = {**home, "allow": ["127.0.0.0/8"], "deny": ["10.0.0.0/8"]}
    for name in ("members.com", "nobody.com", "banned.com"):
        assert page(ship.port("http"), name)[0] == 403, name
        assert alert_of(ask(ship.port("https"), [client_hello(name)])) == 49
        assert ship.ending(name=name, door="http")["reason"] == "denied"
        assert ship.ending(name=name, door="https")["status"] == 495
    assert page(ship.port("http"), "open.com")[0] == 200


def test_an_answer_says_how_many_may_be_with_its_name_at_once(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["small.com"] = {"app": "small", "endpoint": clusters["echo"].address, "max_connections": 2}
    api.hosts["other.com"] = {"app": "other", "endpoint": clusters["echo"].address, "max_connections": 2}
    hello = client_hello("small.com")
    held = [connect(ship.port("https")) for _ in range(2)]
    for client in held:
        client.sendall(hello)
        assert read_so_many(client, len(hello)) == hello
    assert alert_of(ask(ship.port("https"), [hello])) == 80
    assert page(ship.port("http"), "small.com")[0] == 503
    for door, status in (("https", 495), ("http", 503)):
        ending = ship.ending(name="small.com", door=door, reason="over_limit")
        assert (ending["status"], ending["detail"]) == (status, "2 connections are open to this name")
    assert _echoes(ship, "other.com")
    held.pop().close()
    until(lambda: _echoes(ship, "small.com"), "there is room again")
    held.pop().close()


def _begun(ship: Starship, door: str, source: str | None = None) -> socket.socket:
    """A client that has said a byte, so that it is let in at once and waited for."""
    client = connect(ship.port(door), source=source)
    client.sendall(BEGINNINGS[door])
    return client


def _echoes(ship: Starship, name: str) -> bool:
    hello = client_hello(name)
    with connect(ship.port("https")) as client:
        client.sendall(hello)
        return read_so_many(client, len(hello)) == hello


def test_each_door_has_its_own_list(api: Api, clusters: Clusters, tmp_path: Path) -> None:
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    doors = {"open": "", "shut": "deny = 127.0.0.0/8", "far": "allow = 10.0.0.0/8", "near": "allow = 127.0.0.0/8"}
    extra = "".join(
        f"[listener:{name}-{protocol}]\nprotocol = {protocol}\nendpoint = tcp:0:interface=127.0.0.1\n{line}\n"
        for name, line in doors.items()
        for protocol in ("http", "tls")
    )
    with starship(tmp_path, ini_text(api, extra=extra)) as ship:
        for name, status in {"open": 200, "shut": 403, "far": 403, "near": 200}.items():
            assert page(ship.port(f"{name}-http"), "a.com")[0] == status, name
        for name in ("shut", "far"):
            assert alert_of(flight(ship.port(f"{name}-tls"), b"")) == 49
            ending = ship.ending(door=f"{name}-tls")
            assert (ending["reason"], ending["status"], ending["in"]) == ("denied", 495, 0)
        until(lambda: ship.metric("starship_endings_total", reason="denied") == 4, "four are counted")
        until(lambda: ship.metric("starship_gate_connections") == 0, "nobody is inside")


def test_connections_and_connections_per_source_are_limited_over_all_doors(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    limits = "[limits]\nconnections = 5\nconnections_per_source = 3\nhello_timeout = 120s\n"
    with starship(tmp_path, ini_text(api, extra=limits)) as ship:
        first = [_begun(ship, door) for door in BEGINNINGS]
        until(lambda: ship.metric("starship_gate_connections") == 3, "three are inside")
        refused = flight(ship.port("http"), request("a.com"))
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in refused
        assert "3 connections are open from 127.0.0.1" in ship.ending(reason="over_limit", door="http")["detail"]

        others = [_begun(ship, door, "127.0.0.2") for door in ("https", "http")]
        until(lambda: ship.metric("starship_gate_connections") == 5, "five are inside")
        assert ship.metric("starship_gate_sources") == 2
        assert alert_of(flight(ship.port("https"), b"", source="127.0.0.3")) == 80
        assert ship.ending(reason="over_limit", door="https")["detail"] == "5 connections are open"
        until(lambda: ship.metric("starship_connections_active") == 5, "who was refused has left")

        for client in (*first, *others):
            client.close()
        until(lambda: ship.metric("starship_gate_connections") == 0, "all have left")
        with connect(ship.port("http")) as client:
            client.sendall(request("a.com", "/", "Connection: close"))
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
